// The explained texts: what the form asks for, in the address and on the screen.

const STEP = 20;
const SELECTED = ["task", "explainer", "student", "class", "sort", "show", "label"];
const TICKED = ["seeds", "others"];

function viewer(data) {
  const form = document.getElementById("controls");
  const list = document.getElementById("list");
  const more = document.getElementById("more");
  const absent = document.getElementById("absent");
  const fold = list.closest("details");
  const quiet = reading(list, document.getElementById("readout"));
  const rowsRead = new Map();
  let tasks, state, task, view, student, order, drawn;

  // Of all explainers only the rows of the one that is looked at are read.
  function read(explainer) {
    if (!rowsRead.has(explainer.rows)) {
      const found = JSON.parse(document.getElementById(explainer.rows).textContent);
      rowsRead.set(explainer.rows, { ...explainer, ...found });
    }
    return rowsRead.get(explainer.rows);
  }

  // Fills a select; an unknown choice becomes the first. Options are [value, text] or one word for both.
  function choices(name, options) {
    const both = options.map((option) => [option].flat());
    form.elements[name].replaceChildren(...both.map(([value, text]) => new Option(text ?? value, value)));
    if (!both.some(([value]) => value === state[name])) state[name] = both.length ? both[0][0] : "";
    form.elements[name].value = state[name];
    form.elements[name].disabled = options.length < 2;
  }

  function fixed(name, enabled) {
    const select = form.elements[name];
    if (![...select.options].some((option) => option.value === state[name]) || !enabled) state[name] = DEFAULTS[name];
    select.value = state[name];
    select.disabled = !enabled;
  }

  function settle() {
    tasks ??= JSON.parse(data.textContent);
    choices("task", tasks.map((one) => one.name));
    task = tasks.find((one) => one.name === state.task);
    choices("explainer", task.explainers.map((one) => one.name));
    view = read(task.explainers.find((one) => one.name === state.explainer));
    const students = view.runs.filter((run) => run.role === "student");
    // A link may name a student without saying which of its runs.
    const first = students.find((run) => run.model === state.student);
    if (first && !students.some((run) => run.label === state.student)) state.student = first.label;
    choices("student", students.map((run) => run.label));
    student = students.find((run) => run.label === state.student) ?? view.runs[0];
    const classes = task.classes ?? [];
    choices("class", [["", "teacher’s prediction"], ...classes]);
    choices("label", [["", "any"], ...task.labels]);
    fixed("sort", true);
    // A regression has no right and wrong answers to choose by.
    fixed("show", Boolean(task.classes));
    form.elements.q.value = state.q;
    for (const name of TICKED) form.elements[name].checked = Boolean(state[name]);
    document.getElementById("against").textContent = task.classes ? "against" : "lowers";
    document.getElementById("for").textContent =
      !task.classes ? "raises the score" : state.class ? `for ${state.class}` : "for the teacher’s prediction";
  }

  function extend(count) {
    list.append(...order.slice(drawn, drawn + count).map((index) => card(task, view, state, student, index)));
    drawn = Math.min(drawn + count, order.length);
    more.hidden = drawn >= order.length;
    more.textContent = `Show ${Math.min(STEP, order.length - drawn)} more`;
  }

  // What a link asks for and is not shown is said, with the way to it.
  function sayAbsent(place) {
    absent.hidden = !state.example || place >= 0;
    if (absent.hidden) return;
    const index = task.examples.findIndex((example) => example.id === state.example);
    const there = index >= 0 && view.rows[index].some(Boolean);
    const said = index < 0 ? `There is no text ${state.example} in ${task.name}.`
      : !there ? `${state.example} was not explained by ${view.name}.`
        : `${state.example} is not among these texts: the search or a filter leaves it out.`;
    absent.replaceChildren(make("span", "", said + " "));
    if (!there) return;
    const button = make("button", "", `Show ${state.example}`);
    button.type = "button";
    button.addEventListener("click", () => go({ ...state, q: "", label: "", show: DEFAULTS.show }, true));
    absent.append(button);
  }

  function draw() {
    settle();
    order = chosen(task, view, state, student);
    quiet();
    const total = task.examples.length;
    const noise = view.students[student.model]?.beyond.some((value) => value !== null);
    document.getElementById("count").textContent =
      (order.length === total ? `${total} texts` : `${order.length} of ${total} texts`)
      + (noise || ["given", "ranks"].includes(state.sort) ? ""
        : "; the noise of the teacher’s runs is not known, so texts are sorted by what is shared");
    list.replaceChildren();
    drawn = 0;
    const place = state.example ? order.findIndex((index) => task.examples[index].id === state.example) : -1;
    extend(Math.max(STEP, place + 1));
    sayAbsent(place);
    return place < 0 ? null : list.children[place];
  }

  function show(element, focused) {
    unfold(element);
    element.scrollIntoView({ block: element.matches(".card") ? "center" : "start", behavior: "instant" });
    focused.focus({ preventScroll: true });
  }

  function open() {
    if (fold) fold.open = true;
    const linked = draw();
    if (linked) show(linked, linked);
    else show(document.getElementById("sentences"), document.getElementById("sentences-title"));
  }

  // A new entry of the history for each choice; typing changes the last one.
  function go(next, look, typed) {
    state = next;
    const linked = draw();
    if (look && linked) show(linked, linked);
    const address = addressOf(state);
    history[typed ? "replaceState" : "pushState"]({ viewer: address }, "", address);
  }

  form.addEventListener("input", (event) => {
    const next = { ...state };
    for (const name of [...SELECTED, "q"]) next[name] = form.elements[name].value;
    for (const name of TICKED) next[name] = form.elements[name].checked ? "1" : "";
    delete next.example;
    go(next, false, event.target.name === "q");
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("reset").addEventListener("click", () => {
    go({ ...DEFAULTS, task: state.task, explainer: state.explainer, student: state.student });
  });
  document.getElementById("save").addEventListener("click", () => {
    save(`${task.name}-${view.name}-${student.model}.csv`, csvOf(task, view, state, student, order));
  });
  more.addEventListener("click", () => extend(STEP));
  // An entry of the history that leads elsewhere on the page keeps what the viewer shows.
  window.addEventListener("hashchange", () => {
    if (location.hash.startsWith(ANCHOR)) {
      state = stateOf(location.hash);
      open();
    } else if (history.state?.viewer) {
      state = stateOf(history.state.viewer);
      if (tasks) draw();
    }
    history.replaceState({ viewer: addressOf(state) }, "");
  });
  window.addEventListener("beforeprint", () => {
    if (!tasks) draw();
    extend(order.length);
  });
  window.addEventListener("afterprint", draw);
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && !more.hidden) extend(STEP);
  }, { rootMargin: "600px" }).observe(more);

  form.hidden = false;
  document.getElementById("legend").hidden = false;
  const asked = location.hash.startsWith(ANCHOR);
  state = stateOf(asked ? location.hash : history.state?.viewer ?? "");
  if (asked) open();
  // Folded, nothing is read and drawn before somebody looks.
  else if (!fold || fold.open) draw();
  else fold.addEventListener("toggle", () => tasks || draw());
  history.replaceState({ viewer: addressOf(state) }, "");
}
