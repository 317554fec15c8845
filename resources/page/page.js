// Draws the explained sentences and sorts tables.
// Text of the data reaches the page through textContent only.
"use strict";

const STEP = 20;
const ANCHOR = "#sentences?";
const DEFAULTS = { sort: "drift", show: "all", label: "", q: "", seeds: "" };
const ANY = "any";

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function signed(value) {
  return value === null ? "undefined" : (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value);
}

function share(value) {
  return Math.round(100 * value) + "\u00a0%";
}

/* ---- explained sentences ---- */

function sentences(tasks) {
  const form = document.getElementById("controls");
  const list = document.getElementById("list");
  const more = document.getElementById("more");
  const readout = document.getElementById("readout");
  let state, view, shown, order;

  const task = () => tasks.find((t) => t.name === state.task);
  const text = (example) => example.pieces.map((part) => part.join("")).join(" ").toLowerCase();

  // The address says what is shown: unknown or missing parts fall back to the first choice.
  function readAddress() {
    const asked = location.hash.startsWith(ANCHOR);
    const query = asked ? location.hash.slice(ANCHOR.length) : "";
    state = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(query)) };
    return asked;
  }

  function address(changes) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...state, ...changes })) {
      if (value && value !== DEFAULTS[key]) query.set(key, value);
    }
    return ANCHOR + query;
  }

  function choices(name, values) {
    const select = form.elements[name];
    select.replaceChildren(...values.map((value) => new Option(value, value)));
    if (!values.includes(state[name])) state[name] = values[0];
    select.value = state[name];
    select.disabled = values.length < 2;
  }

  function settle() {
    choices("task", tasks.map((t) => t.name));
    choices("explainer", task().explainers.map((e) => e.name));
    view = task().explainers.find((e) => e.name === state.explainer);
    choices("student", view.runs.filter((run) => run.role === "student").map((run) => run.label));
    for (const name of ["sort", "show"]) {
      form.elements[name].value = state[name];
      if (form.elements[name].selectedIndex < 0) form.elements[name].value = state[name] = DEFAULTS[name];
    }
    const labels = task().classes ? [...new Set(task().examples.map((example) => example.gold))].sort() : [];
    form.elements.label.replaceChildren(new Option(ANY, ""), ...labels.map((label) => new Option(label, label)));
    if (!labels.includes(state.label)) state.label = "";
    form.elements.label.value = state.label;
    form.elements.label.disabled = !labels.length;
    // A regression has no right and wrong answers to choose by.
    form.elements.show.disabled = !task().classes;
    if (!task().classes) form.elements.show.value = state.show = DEFAULTS.show;
    document.getElementById("against").textContent = task().classes ? "against" : "lowers";
    document.getElementById("for").textContent = task().classes ? "for the teacher’s prediction" : "raises the score";
    form.elements.q.value = state.q;
    form.elements.seeds.checked = Boolean(state.seeds);
  }

  function passes(cells, student, example) {
    const own = cells[student];
    const teacher = own && cells[view.runs[student].teacher];
    if (state.label && example.gold !== state.label) return false;
    if (state.show === "differ" && !(teacher && own.p !== teacher.p)) return false;
    if (state.show === "teacher" && !(teacher && teacher.ok === true && own.ok === false)) return false;
    if (state.show === "student" && !(teacher && teacher.ok === false && own.ok === true)) return false;
    if (state.show === "right" && !(teacher && teacher.ok === true && own.ok === true)) return false;
    if (state.show === "wrong" && !(teacher && teacher.ok === false && own.ok === false)) return false;
    const wanted = state.q.trim().toLowerCase();
    return !wanted || example.id.toLowerCase() === wanted || text(example).includes(wanted);
  }

  function select() {
    const student = view.runs.findIndex((run) => run.role === "student" && run.label === state.student);
    const rank = (index) => view.rows[index][student]?.r ?? null;
    order = [...task().examples.keys()].filter(
      (index) => view.rows[index].some(Boolean) && passes(view.rows[index], student, task().examples[index]));
    if (state.sort !== "given") {
      const way = state.sort === "alike" ? -1 : 1;
      // What has no value comes last, either way round.
      order.sort((a, b) => (rank(a) === null) - (rank(b) === null) || way * (rank(a) - rank(b)) || a - b);
    }
  }

  function words(cell, pieces, strongest = Math.max(...cell.v.map((value) => Math.abs(value ?? 0)), 1e-12)) {
    const block = make("div", "words");
    let position = 0;
    for (const part of cell.pieces ?? pieces) {
      const line = make("p");
      line.dir = "auto";
      part.forEach((piece, index) => {
        if (index % 2 === 0) return line.append(piece);
        const value = cell.v[position] ?? null;
        const level = Math.min(9, Math.round((9 * Math.abs(value ?? 0)) / strongest));
        const word = make("span", "w" + (level ? ` ${value > 0 ? "pos" : "neg"} l${level}` : ""), piece);
        word.title = signed(value);
        word.dataset.word = position++;
        line.append(word);
      });
      block.append(line);
    }
    return block;
  }

  function prediction(cell) {
    const right = cell.ok === true ? "\u00a0✓" : cell.ok === false ? "\u00a0✗" : "";
    const sure = cell.c === undefined ? "" : `, ${share(cell.c)}`;
    const cut = cell.unseen ? `; ${cell.unseen} word${cell.unseen === 1 ? "" : "s"} cut off` : "";
    return `says ${cell.p}${sure}${right}${cut}`;
  }

  function row(run, cell, pieces) {
    const line = make("div", "line " + run.role);
    line.tabIndex = 0;
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", `${run.label} ${prediction(cell)}`);
    const who = make("div", "who");
    who.append(make("b", "", run.label), make("span", "", prediction(cell)));
    line.append(who, words(cell, pieces));
    return line;
  }

  // Each on the scale of its own strongest word, as the rows above are coloured.
  function difference(teacher, own, pieces) {
    const scaled = ({ v }) => {
      const strongest = Math.max(...v.map((value) => Math.abs(value ?? 0)), 1e-12);
      return v.map((value) => (value === null ? null : value / strongest));
    };
    const before = scaled(teacher);
    const moved = scaled(own).map((value, i) =>
      value === null || before[i] === null ? null : Number((value - before[i]).toFixed(3)));
    const line = make("div", "line difference");
    line.tabIndex = 0;
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", `${state.student} minus its teacher`);
    const who = make("div", "who");
    who.append(make("b", "", "difference"), make("span", "", `${state.student} minus its teacher`));
    // Coloured on the scale of the rows above, so that a small difference looks small.
    line.append(who, words({ v: moved, pieces: own.pieces }, pieces, 1));
    return line;
  }

  function card(index) {
    const example = task().examples[index];
    const cells = view.rows[index];
    const student = view.runs.findIndex((run) => run.role === "student" && run.label === state.student);
    const box = make("article", "card" + (example.id === state.example ? " linked" : ""));
    box.dataset.index = index;
    box.tabIndex = -1;
    const head = make("header");
    const link = make("a", "", example.id);
    link.href = address({ example: example.id });
    link.title = "Link to this text in this view";
    head.append(link);
    const about = (name, value) => {
      const item = make("span", "", name + " ");
      item.append(make("b", "", value));
      head.append(item);
    };
    if (example.gold !== null) about("gold:", example.gold);
    const target = cells.find((cell) => cell?.t !== undefined);
    if (target) about("explained class:", target.t);
    if (cells[student]) {
      const alike = cells[student].r;
      const value = alike === null ? "undefined" : alike.toFixed(2).replace("-", "−");
      about(`agreement of ${state.student} with its teacher:`, value);
    }
    box.append(head);
    const teacher = cells[student] && cells[view.runs[student].teacher];
    const ranked = ["teacher", "seed", "student"];
    [...view.runs.keys()]
      // A student is shown beside the teacher's run that it belongs to, whichever that is.
      .filter((i) => cells[i] && (view.runs[i].role !== "seed" || state.seeds || i === view.runs[student]?.teacher))
      .sort((a, b) => view.runs[a].family - view.runs[b].family
        || ranked.indexOf(view.runs[a].role) - ranked.indexOf(view.runs[b].role) || a - b)
      .forEach((i) => {
        const line = row(view.runs[i], cells[i], example.pieces);
        line.dataset.run = i;
        box.append(line);
      });
    if (teacher && teacher.v.length === cells[student].v.length) {
      box.append(difference(teacher, cells[student], example.pieces));
    }
    return box;
  }

  function extend(count) {
    list.append(...order.slice(shown, shown + count).map(card));
    shown = Math.min(shown + count, order.length);
    more.hidden = shown >= order.length;
    more.textContent = `Show ${Math.min(STEP, order.length - shown)} more`;
  }

  function draw() {
    settle();
    select();
    quiet();
    const total = task().examples.length;
    document.getElementById("count").textContent =
      order.length === total ? `${total} texts` : `${order.length} of ${total} texts`;
    list.replaceChildren();
    shown = 0;
    const linked = order.findIndex((index) => task().examples[index].id === state.example);
    extend(Math.max(STEP, linked + 1));
    return linked < 0 ? null : list.children[linked];
  }

  function change() {
    const given = new FormData(form);
    for (const name of ["task", "explainer", "student"]) state[name] = given.get(name) ?? state[name];
    for (const name of ["sort", "show", "label", "q", "seeds"]) state[name] = given.get(name) ?? "";
    delete state.example;
    draw();
    history.replaceState(null, "", address({}));
  }

  function open() {
    const asked = readAddress();
    const linked = draw();
    if (linked) {
      linked.scrollIntoView({ block: "center", behavior: "instant" });
      linked.focus({ preventScroll: true });
    } else if (asked) {
      document.getElementById("sentences").scrollIntoView({ behavior: "instant" });
    }
  }

  /* One word, in every row of its card: by pointer or by arrow keys. */
  function quiet() {
    list.querySelectorAll(".active").forEach((word) => word.classList.remove("active"));
    readout.hidden = true;
  }

  function point(box, position) {
    quiet();
    const cells = view.rows[box.dataset.index];
    const said = [];
    let about = "";
    box.querySelectorAll(".line").forEach((line) => {
      const word = line.querySelector(`[data-word="${position}"]`);
      const cell = cells[line.dataset.run];
      if (!word) return;
      word.classList.add("active");
      if (!cell) return;
      about = about || `“${word.textContent}”, rank among ${cell.v.length} words:`;
      const size = Math.abs(cell.v[position] ?? 0);
      const place = 1 + cell.v.filter((value) => Math.abs(value ?? 0) > size).length;
      const item = make("span", "", `${view.runs[line.dataset.run].label} `);
      item.append(make("b", "", `no.\u00a0${place}`), ` (${signed(cell.v[position])})`);
      said.push(item);
    });
    readout.replaceChildren(make("span", "", about), ...said);
    readout.hidden = false;
  }

  list.addEventListener("mouseover", (event) => {
    const word = event.target.closest(".w");
    if (word) point(word.closest(".card"), Number(word.dataset.word));
  });
  list.addEventListener("mouseleave", quiet);
  list.addEventListener("focusout", quiet);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const line = event.target.closest(".line");
    if (event.key === "Escape") quiet();
    if (!step || !line) return;
    event.preventDefault();
    const all = [...line.querySelectorAll(".w")];
    const now = all.findIndex((word) => word.classList.contains("active"));
    const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length;
    if (all.length) point(line.closest(".card"), Number(all[next].dataset.word));
  });

  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => extend(STEP));
  window.addEventListener("hashchange", () => {
    if (location.hash.startsWith(ANCHOR)) open();
  });
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && !more.hidden) extend(STEP);
  }, { rootMargin: "600px" }).observe(more);
  form.hidden = false;
  document.getElementById("legend").hidden = false;
  open();
}

/* ---- tables ---- */

function sortable(table) {
  const body = table.tBodies[0];
  const given = [...body.rows];
  if (given.length < 2) return;
  const value = (row, column) => {
    const cell = row.cells[column];
    const exact = cell.querySelector("data");
    return exact ? Number(exact.value) : cell.textContent;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
      : typeof a !== typeof b ? (typeof a === "number" ? -1 : 1) : a.localeCompare(b);
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { null: "ascending", ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next);
      const rows = next ? [...given].sort((a, b) => compare(value(a, column), value(b, column))) : given;
      body.append(...(next === "descending" ? rows.reverse() : rows));
    });
  });
}

document.querySelectorAll("table.sortable").forEach(sortable);

const data = document.getElementById("data");
if (data) sentences(JSON.parse(data.textContent).tasks);
