// The texts of the present filter as a CSV file.

// As the CSV files beside the page: text that a spreadsheet would run as a formula begins with an apostrophe.
function csvCell(value) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (typeof value === "string" && /^[=+\-@\t\r\n]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const CSV_COLUMNS = ["task", "explainer", "student", "example_id", "label", "text_a", "text_b", "explained_class",
  "teacher_run", "teacher_prediction", "student_run", "student_prediction", "spearman", "shared", "ceiling",
  "beyond_noise"];

function csvOf(task, view, state, student, order) {
  const own = view.runs.indexOf(student);
  const found = view.students[student.model];
  const texts = order.map((index) => {
    const example = task.examples[index];
    const cell = view.rows[index][own];
    const teacher = cell && view.rows[index][student.teacher];
    const [first, second] = example.pieces.map((part) => part.join(""));
    return [task.name, view.name, student.model, example.id, example.gold, first, second, cell?.t,
      view.runs[student.teacher]?.label, teacher?.p, student.label, cell?.p, cell?.r,
      found?.shared[index], found?.ceiling[index], found?.beyond[index]];
  });
  return [CSV_COLUMNS, ...texts].map((row) => row.map(csvCell).join(",")).join("\n") + "\n";
}

function save(name, text) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
