// A card for each text: its teacher's run, the student's, and the difference of the two.

// What the words of a line are worth, for the readout.
const readings = new WeakMap();

function prediction(cell) {
  const right = cell.ok === true ? "\u00a0✓" : cell.ok === false ? "\u00a0✗" : "";
  const sure = cell.c === undefined ? "" : `, ${share(cell.c)}`;
  const unit = document.documentElement.dataset.unit ?? "word";
  const cut = cell.unseen ? `; ${cell.unseen} ${unit}${cell.unseen === 1 ? "" : "s"} cut off` : "";
  return `says ${cell.p}${sure}${right}${cut}`;
}

function line(kind, name, about, block) {
  const row = make("div", "line " + kind);
  row.tabIndex = -1;
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", `${name} ${about}`);
  const who = make("div", "who");
  who.append(make("b", "", name), make("span", "", about));
  row.append(who, block);
  return row;
}

function runLine(run, cell, pieces, values) {
  const row = line(run.role, run.label, prediction(cell),
    coloured(cell.pieces ?? pieces, values, largestOf(values), "attribution", signed));
  readings.set(row, (position) => {
    const size = Math.abs(values[position] ?? 0);
    const place = 1 + values.filter((value) => Math.abs(value ?? 0) > size).length;
    return { name: run.label, strong: `no.\u00a0${place}`, rest: ` of ${values.length} (${signed(values[position])})` };
  });
  return row;
}

// In shares of the text's attribution, as texts are sorted: half of all differences is what is not shared.
function differenceLine(run, cell, pieces, teacher, own) {
  const [before, after] = [sharesOf(teacher), sharesOf(own)];
  const moved = after.map((value, place) => value === null || before[place] === null ? null : value - before[place]);
  const row = line("difference", "difference", `${run.label} minus its teacher`,
    // On the scale of the strongest word of either, so that a small difference looks small.
    coloured(cell.pieces ?? pieces, moved, largestOf([...before, ...after]), "difference", pointsOf));
  readings.set(row, (position) => ({
    name: "difference",
    strong: pointsOf(moved[position]),
    rest: moved[position] === null ? ""
      : ` of the text’s attribution: ${pointsOf(after[position])} after ${pointsOf(before[position])}`,
  }));
  return row;
}

function classPlace(task, name) {
  const place = task.classes ? task.classes.indexOf(name) : 0;
  return place < 0 ? Number(name) : place;
}

function headOf(task, view, state, student, index) {
  const example = task.examples[index];
  const head = make("header");
  const link = make("a", "", example.id);
  link.href = addressOf({ ...state, example: example.id });
  link.title = "Link to this text in this view";
  link.tabIndex = -1;
  head.append(link);
  const about = (name, value) => {
    const item = make("span", "", name + " ");
    item.append(make("b", "", value));
    head.append(item);
  };
  const cells = view.rows[index];
  if (example.gold !== null) about("gold:", example.gold);
  const own = cells[view.runs.indexOf(student)];
  // That of its own teacher: others may explain another.
  const target = (own ?? cells[student.teacher])?.t;
  if (target !== undefined) about("explained class:", state.class || target);
  const found = view.students[student.model];
  if (own && found) {
    about("beyond noise:", hundredth(found.beyond[index]));
    about(`${student.model} shares`, hundredth(found.shared[index]));
    about("the teacher’s runs share", hundredth(found.ceiling[index]));
    if (own.r !== undefined) about("Spearman:", hundredth(own.r));
  }
  return head;
}

function card(task, view, state, student, index) {
  const example = task.examples[index];
  const cells = view.rows[index];
  const box = make("article", "card" + (example.id === state.example ? " linked" : ""));
  box.tabIndex = -1;
  box.dataset.id = example.id;
  box.append(headOf(task, view, state, student, index));
  const values = view.runs.map((_, i) => {
    if (!cells[i]) return null;
    const explained = classPlace(task, cells[i].t);
    return valuesOf(cells[i], state.class ? classPlace(task, state.class) : explained, explained);
  });
  const ranked = ["teacher", "seed", "student"];
  const shown = (run, i) => run === student || i === student.teacher
    || (run.family === student.family && (run.role === "student" ? state.others : state.seeds));
  view.runs.map((run, i) => [run, i])
    .filter(([run, i]) => cells[i] && shown(run, i))
    .sort(([a, i], [b, j]) => ranked.indexOf(a.role) - ranked.indexOf(b.role) || i - j)
    .forEach(([run, i]) => box.append(runLine(run, cells[i], example.pieces, values[i])));
  const own = view.runs.indexOf(student);
  const teacher = values[student.teacher];
  if (cells[own] && teacher && teacher.length === values[own].length) {
    box.append(differenceLine(student, cells[own], example.pieces, teacher, values[own]));
  }
  box.querySelector(".line").tabIndex = 0;
  return box;
}
