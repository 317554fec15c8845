// All files of this folder are one script; it starts when all of them are there.

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("table.sortable").forEach(table);
  const data = document.getElementById("data");
  if (data) viewer(data);
  folds();
  const tolerances = document.getElementById("tolerances");
  if (tolerances) tolerance(JSON.parse(tolerances.textContent));
});
