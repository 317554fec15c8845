// What is folded is filled when it is opened: by hand, by a link to something inside, or to be printed.

const PAPER = 688; // CSS pixels between the margins of A4

function folds() {
  const fill = (details) => {
    const template = details.querySelector(":scope > template");
    if (!template) return;
    template.replaceWith(template.content);
    details.querySelectorAll("table.sortable").forEach(table);
  };

  const open = (details) => {
    details.open = true;
    fill(details);
  };

  // The details whose template, or one inside of it, holds an id.
  const holder = (root, id) => [...root.querySelectorAll("details > template")].find(
    ({ content }) => content.getElementById(id) || holder(content, id))?.parentElement;

  const reveal = (id) => {
    for (let next; !document.getElementById(id) && (next = holder(document, id));) open(next);
    const found = document.getElementById(id);
    const own = found?.matches(".fold") && found.querySelector(":scope > details");
    if (own) open(own);
    for (let one = found?.closest("details"); one; one = one.parentElement.closest("details")) open(one);
    return found;
  };

  const follow = () => {
    const [id, view] = location.hash.slice(1).split("?");
    const found = id && reveal(id);
    if (found && view === undefined) found.scrollIntoView();
  };

  // All of it is printed, and what does not fit between the margins is made smaller.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    const shut = [...document.querySelectorAll("details:not([open])")];
    shut.forEach(open);
    opened.push(...shut);
    // What was inside has parts of its own, and tables that have to be told.
    if (shut.length) return window.dispatchEvent(new Event("beforeprint"));
    const wide = [...document.querySelectorAll(".scroll > table")];
    wide.forEach((one) => { one.style.width = "min-content"; });
    const least = wide.map((one) => one.offsetWidth);
    wide.forEach((one, place) => {
      one.style.width = "";
      one.style.zoom = Math.min(1, PAPER / least[place]);
    });
  });
  window.addEventListener("afterprint", () => {
    opened.splice(0).forEach((details) => { details.open = false; });
    document.querySelectorAll(".scroll > table").forEach((wide) => { wide.style.zoom = ""; });
  });

  document.addEventListener("toggle", (event) => { if (event.target.open) fill(event.target); }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", follow);
  follow();
}
