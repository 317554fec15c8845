// Tables: sorted and searched as data; of a long one only a page of rows is drawn, and none before it is opened.

const ROWS = 50;
const collator = new Intl.Collator();

// A cell as distillens/report/rows.py writes it: its text, or [text, value, note, style, hint, unit, link].
function cellOf(data, tag) {
  const [text, value, note, style, hint, unit, link] = [data].flat();
  const cell = make(tag, style ?? "");
  if (tag === "th") cell.scope = "row";
  if (hint) cell.title = hint;
  let content = text;
  if (typeof value === "number") {
    content = make("data", "", text);
    content.value = value;
  }
  if (link) {
    const anchor = make("a");
    anchor.href = link;
    anchor.append(content);
    content = anchor;
  }
  cell.append(content);
  if (unit) cell.append(" ", make("span", "unit", unit));
  if (note) cell.append(make("small", "", note));
  return cell;
}

function drawnRow(cells, labels) {
  const row = make("tr", cells.some((cell) => Array.isArray(cell) && cell[3] === "verdict gated") ? "gated" : "");
  row.append(...cells.map((cell, place) => cellOf(cell, place < labels ? "th" : "td")));
  return row;
}

function sourceOf(table) {
  return document.getElementById(table.id.replace("table-", "cells-"));
}

const tableRows = new WeakMap();

// Rows that stand on the page already, or are data until they are shown; each is made once, whoever asks.
function rowsOf(table) {
  if (!tableRows.has(table)) tableRows.set(table, readRows(table));
  return tableRows.get(table);
}

function readRows(table) {
  const source = sourceOf(table);
  if (source) {
    const { labels, rows } = JSON.parse(source.textContent);
    return rows.map((cells) => {
      let made;
      return {
        keys: cells.map((cell) => (Array.isArray(cell) && typeof cell[1] === "number" ? cell[1] : [cell].flat()[0])),
        text: () => cells.map((cell) => [cell].flat()[0]).join(" "),
        element: () => (made ??= drawnRow(cells, labels)),
      };
    });
  }
  return [...table.tBodies[0].rows].map((row) => ({
    get keys() {
      return [...row.cells].map((cell) => {
        const exact = cell.querySelector("data");
        return exact ? Number(exact.value) : cell.textContent;
      });
    },
    text: () => row.textContent,
    element: () => row,
  }));
}

// What is missing or in words comes behind the numbers, either way round.
function comparison(column, way) {
  return (a, b) => {
    const [left, right] = [a.keys[column], b.keys[column]];
    const numbers = [left, right].map((key) => typeof key === "number");
    if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
    return way * (numbers[0] ? left - right : collator.compare(left, right));
  };
}

function table(element) {
  const body = element.tBodies[0];
  const source = sourceOf(element);
  const folded = element.closest("details");
  let rows, shown, first, pages;

  function draw(whole) {
    const part = whole ? shown : shown.slice(first, first + ROWS);
    body.replaceChildren(...part.map((row) => row.element()));
    if (!pages) return;
    const last = Math.min(first + ROWS, shown.length);
    pages.where.textContent = shown.length ? `rows ${first + 1} to ${last} of ${shown.length}` : "no such row";
    pages.before.disabled = first === 0;
    pages.after.disabled = last >= shown.length;
  }

  function choose() {
    const head = element.querySelector("[aria-sort]");
    const wanted = pages ? plain(pages.find.value).trim().split(/\s+/).filter(Boolean) : [];
    const has = (row) => {
      row.plain ??= plain(row.text());
      return wanted.every((term) => row.plain.includes(term));
    };
    shown = wanted.length ? rows.filter(has) : [...rows];
    const way = { ascending: 1, descending: -1 }[head?.getAttribute("aria-sort")];
    if (way) shown.sort(comparison(head.cellIndex, way));
    first = 0;
    draw();
  }

  function turn(step) {
    first += step * ROWS;
    draw();
  }

  function addPages() {
    const bar = make("div", "pages");
    const label = make("label", "", "Find rows ");
    pages = { find: make("input"), before: make("button", "", "Previous"), after: make("button", "", "Next"),
      where: make("span") };
    pages.find.type = "search";
    pages.before.type = pages.after.type = "button";
    pages.where.setAttribute("role", "status");
    pages.find.addEventListener("input", choose);
    pages.before.addEventListener("click", () => turn(-1));
    pages.after.addEventListener("click", () => turn(1));
    label.append(pages.find);
    bar.append(label, pages.before, pages.where, pages.after);
    element.closest(".scroll").before(bar);
  }

  function start() {
    if (rows) return;
    rows = rowsOf(element);
    if (rows.length > ROWS) addPages();
    choose();
  }

  [...element.tHead.rows[0].cells].forEach((head) => {
    if (!head.textContent || (source ? Number(source.dataset.rows) : body.rows.length) < 2) return;
    const button = make("button", "", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      start();
      const next = { null: "ascending", ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      element.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next);
      choose();
    });
  });
  if (!source) return;
  if (folded && !folded.open) folded.addEventListener("toggle", start, { once: true });
  else start();
  // On paper there are no pages to turn.
  window.addEventListener("beforeprint", () => rows && draw(true));
  window.addEventListener("afterprint", () => rows && draw());
}
