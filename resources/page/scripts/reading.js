// One word in every row of its card, by pointer or by keys. A card is one stop of the Tab key.

function reading(list, readout) {
  function quiet() {
    list.querySelectorAll(".active").forEach((word) => word.classList.remove("active"));
    readout.hidden = true;
  }

  function point(box, position) {
    quiet();
    const said = [];
    let about = "";
    box.querySelectorAll(".line").forEach((row) => {
      const word = row.querySelector(`[data-word="${position}"]`);
      if (!word) return;
      word.classList.add("active");
      about = about || `“${word.textContent}”`;
      const { name, strong, rest } = readings.get(row)(position);
      const item = make("span", row.classList.contains("difference") ? "apart" : "", `${name} `);
      item.append(make("b", "", strong), rest);
      said.push(item);
    });
    readout.replaceChildren(make("span", "", about), ...said);
    readout.hidden = false;
  }

  function toWord(row, step) {
    const all = [...row.querySelectorAll(".w")];
    const now = all.findIndex((word) => word.classList.contains("active"));
    const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length;
    if (all.length) point(row.closest(".card"), Number(all[next].dataset.word));
  }

  const stopsOf = (box) => [box.querySelector("header a"), ...box.querySelectorAll(".line")];

  list.addEventListener("mouseover", (event) => {
    const word = event.target.closest(".w");
    if (word) point(word.closest(".card"), Number(word.dataset.word));
  });
  list.addEventListener("mouseleave", quiet);
  list.addEventListener("focusout", quiet);
  list.addEventListener("focusin", (event) => {
    const box = event.target.closest(".card");
    if (!box || event.target === box) return;
    for (const stop of stopsOf(box)) stop.tabIndex = stop === event.target ? 0 : -1;
  });
  list.addEventListener("keydown", (event) => {
    const box = event.target.closest(".card");
    const row = event.target.closest(".line");
    const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") quiet();
    if (!box || event.altKey || event.ctrlKey || event.metaKey) return;
    if (across && row) {
      event.preventDefault();
      toWord(row, across);
    } else if (down) {
      const stops = stopsOf(box);
      const next = stops[stops.indexOf(event.target) + down];
      if (!next) return;
      event.preventDefault();
      next.focus();
    }
  });
  return quiet;
}
