// Which texts are shown, in which order.

// Curly and straight quotes, and both ways to write an accent, are alike.
function plain(text) {
  return text.normalize("NFC").replace(/[\u2018\u2019\u201a\u201b\u2032\u00b4`]/g, "'")
    .replace(/[\u201c\u201d\u201e\u201f\u2033]/g, '"').toLowerCase();
}

const textsInPlain = new WeakMap();

function plainOf(example) {
  if (!textsInPlain.has(example)) {
    textsInPlain.set(example, plain(example.pieces.map((part) => part.join("")).join(" ")));
  }
  return textsInPlain.get(example);
}

// Every term somewhere in the text, or the whole query its id.
function matches(example, query) {
  const wanted = plain(query).trim();
  if (!wanted || plain(example.id) === wanted) return true;
  return wanted.split(/\s+/).every((term) => plainOf(example).includes(term));
}

function answersAre(show, own, teacher) {
  if (show === "all") return true;
  if (!own || !teacher) return false;
  const right = { teacher: [true, false], student: [false, true], right: [true, true], wrong: [false, false] }[show];
  return right ? teacher.ok === right[0] && own.ok === right[1] : own.p !== teacher.p;
}

// What texts are sorted by, the smallest first; what has none comes last, either way round.
function keyOf(sort, view, student) {
  const { beyond, shared } = view.students[student.model] ?? { beyond: [], shared: [] };
  const known = beyond.some((value) => value !== null);
  // Of a teacher with one run nobody knows the noise: then what is shared decides alone.
  const apart = (index) => known ? beyond[index] ?? null : shared[index] == null ? null : 1 - shared[index];
  const turned = (value) => (value === null ? null : -value);
  return {
    beyond: (index) => turned(apart(index)),
    alike: apart,
    ranks: (index) => view.rows[index][view.runs.indexOf(student)]?.r ?? null,
    given: (index) => index,
  }[sort];
}

function chosen(task, view, state, student) {
  const own = view.runs.indexOf(student);
  const order = [...task.examples.keys()].filter((index) => {
    const cells = view.rows[index];
    return cells.some(Boolean)
      && (!state.label || task.examples[index].gold === state.label)
      && answersAre(state.show, cells[own], cells[own] && cells[student.teacher])
      && matches(task.examples[index], state.q);
  });
  const key = keyOf(state.sort, view, student);
  const keys = new Map(order.map((index) => [index, key(index)]));
  return order.sort((a, b) => (keys.get(a) === null) - (keys.get(b) === null) || keys.get(a) - keys.get(b) || a - b);
}
