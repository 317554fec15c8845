// Shows the verdicts of another tolerance; they were all made with the page, so nothing is judged here.

function tolerance(judged) {
  const form = document.getElementById("tolerance");
  const rows = rowsOf(document.getElementById("table-verdict")).map((row) => row.element());
  const lines = new Map([...document.querySelectorAll(".decision")]
    .map((line) => [line.querySelector(".said b").textContent, line]));

  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  const say = (element, word, said = word) => {
    (element.querySelector("a") ?? element).textContent = said;
    element.className = `verdict ${judged.styles[word]}`;
  };

  const show = (place) => {
    let changed = 0;
    for (const [name, { words, parts }] of Object.entries(judged.students)) {
      const line = lines.get(name);
      const moved = words[place] !== words[judged.now];
      say(line.querySelector(".verdict"), words[place], capital(words[place]));
      line.querySelector(".parts").textContent = parts[place];
      // What stands below is about the study's own verdict.
      line.classList.toggle("moved", moved);
      changed += moved;
    }
    judged.rows.forEach(({ words, cells }, index) => {
      say(rows[index].querySelector("td.verdict"), words[place]);
      rows[index].querySelectorAll("td.judged").forEach((cell, column) => {
        const word = cells[column][place] ?? "";
        cell.className = `judged ${judged.styles[words[place] === "gated" ? "gated" : word] ?? "undecided"}`;
        const unit = cell.querySelector(".unit");
        if (unit) unit.textContent = word;  // a cell that nothing judges has none
      });
    });
    const share = `${Number((100 * judged.tolerances[place]).toFixed(1))}\u00a0% of C − Z is as good as none`;
    const of = Object.keys(judged.students).length;
    form.querySelector("output").textContent = place === judged.now
      ? `${share}: the study’s own`
      : `${share}: ${changed} of ${of} verdicts ${changed === 1 ? "changes" : "change"}`;
    form.elements.share.setAttribute("aria-valuetext", share);
  };

  form.addEventListener("input", () => show(Number(form.elements.share.value)));
  form.addEventListener("reset", () => show(judged.now));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A browser may keep where the slider was.
  form.elements.share.value = judged.now;
  show(judged.now);
  form.hidden = false;
}
