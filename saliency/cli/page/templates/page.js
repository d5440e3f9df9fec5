"use strict";
// The rows stand in the page with their pictures as text. A row near the screen gets its images, one far from it
// loses them: ten thousand rows cost a browser what thirty do.
const list = document.getElementById("rows");
const blocks = Array.from(list.children);
const EACH = blocks[0].children.length; // rows in a block, but for the last one
const rows = Array.from(list.querySelectorAll(".row"));
const figures = Array.from(document.querySelectorAll("template.figures")); // one a channel
const control = (id) => document.getElementById(id);
const facts = new Map(rows.map((row, i) => [row, {
  file: i,
  name: row.querySelector("h2").textContent,
  scores: JSON.parse(row.dataset.scores),
  agreement: JSON.parse(row.dataset.agreement), // channel -> [plain, smoothed]
}]));
const maps = new Map(); // row that has its images -> column -> [plain, smoothed]
let order = rows;
let current = null;

const smoothed = () => Boolean(control("smoothed")?.checked);
const uri = (text) => `data:image/${list.dataset.kind};base64,${text}`;

function fill(row) {
  const data = row.querySelector("script");
  if (!data || maps.has(row)) return;
  const found = JSON.parse(data.textContent);
  const picture = new Image();
  picture.alt = `the stimulus ${facts.get(row).name}`;
  picture.src = uri(found.picture);
  row.querySelector(".stimulus").append(picture);
  row.querySelectorAll(".maps").forEach((place, channel) => place.append(figures[channel].content.cloneNode(true)));
  for (const under of row.querySelectorAll("img.under")) under.src = picture.src;
  maps.set(row, found.maps);
  draw(row);
}

function draw(row) {
  const which = smoothed() ? 1 : 0;
  row.querySelectorAll("figure").forEach((figure, column) => {
    const text = maps.get(row)[column][which];
    const map = figure.querySelector(".map");
    figure.dataset.of ??= map.alt;
    figure.classList.toggle("missing", text === null);
    map.hidden = text === null;
    map.alt = `${which ? "smoothed " : ""}${figure.dataset.of} of ${facts.get(row).name}`;
    if (text !== null) map.src = uri(text);
  });
}

function empty(row) {
  if (!maps.delete(row)) return;
  for (const place of row.querySelectorAll(".stimulus, .maps")) place.replaceChildren();
}

// Returns the numbers of the first and the last row that are wholly seen; no row is asked where it is, for that takes time.
function seen() {
  const { top, height } = list.getBoundingClientRect();
  const each = height / rows.length;
  return [Math.ceil((control("top").offsetHeight - top) / each), Math.floor((window.innerHeight - top) / each) - 1];
}

function fillNear() {
  const [first, last] = seen();
  const screen = Math.max(last - first, 0) + 2;
  const wanted = new Set(order.slice(Math.max(first - screen, 0), Math.max(last + screen, 0)));
  for (const row of maps.keys()) if (!wanted.has(row)) empty(row);
  for (const row of wanted) fill(row);
}

function key(row) {
  const [what, channel] = control("sort").value.split(" ");
  const value = facts.get(row)[what];
  if (channel === undefined) return value;
  const found = value[channel];
  return (what === "agreement" ? found?.[smoothed() ? 1 : 0] : found) ?? null;
}

// Numbers go from high to low, unless reversed; rows that have none, such as those of broken pictures, come last either way.
function sort() {
  const reversed = control("reverse").getAttribute("aria-pressed") === "true";
  const measured = control("sort").value.includes(" ");
  const way = reversed === measured ? 1 : -1;
  const keys = new Map(rows.map((row) => [row, key(row)]));
  const { compare: alphabetic } = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => (typeof a === "string" ? alphabetic(a, b) : a - b);
  order = [...rows].sort((first, second) => {
    const [a, b] = [keys.get(first), keys.get(second)];
    if (a === null || b === null) return (a === null) - (b === null);
    return way * compare(a, b);
  });
  blocks.forEach((block, i) => block.append(...order.slice(EACH * i, EACH * (i + 1))));
  choose(order[0]);
  window.scrollTo({ top: 0 });
  fillNear();
}

function choose(row) {
  current?.removeAttribute("aria-current");
  if (current) current.tabIndex = -1;
  current = row;
  row.setAttribute("aria-current", "true");
  row.tabIndex = 0;
  control("place").value = `row ${order.indexOf(row) + 1} of ${rows.length}`;
}

// From the row that was left, or to the first one that is seen, if that one has been scrolled away.
function go(step) {
  const [first, last] = seen();
  const at = order.indexOf(current);
  const next = at < first - 1 || at > last + 1 ? first : at + step;
  const row = order[Math.min(Math.max(next, 0), order.length - 1)];
  choose(row);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function mix(percent) {
  control("opacity").value = percent;
  control("percent").value = `${control("opacity").value}%`;
  document.documentElement.style.setProperty("--opacity", control("opacity").value / 100);
}

function smooth() {
  document.body.classList.toggle("show-smoothed", smoothed());
  for (const row of maps.keys()) draw(row);
  if (control("sort").value.startsWith("agreement")) sort();
}

function reverse() {
  const pressed = control("reverse").getAttribute("aria-pressed") !== "true";
  control("reverse").setAttribute("aria-pressed", pressed);
  sort();
}

const ARROWS = {
  ArrowDown: () => go(1),
  ArrowUp: () => go(-1),
  ArrowRight: () => mix(Number(control("opacity").value) + 5),
  ArrowLeft: () => mix(Number(control("opacity").value) - 5),
};
const LETTERS = { j: () => go(1), k: () => go(-1), s: () => control("smoothed")?.click(), r: reverse };

document.addEventListener("keydown", (event) => {
  if (!control("keys").checked || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const busy = event.target.closest("select, input, summary"); // it has arrows of its own, and a list of choices letters
  const action = (busy ? null : ARROWS[event.key]) ?? (busy?.matches("select") ? null : LETTERS[event.key]);
  if (!action) return;
  event.preventDefault();
  action();
});
control("opacity").addEventListener("input", (event) => mix(event.target.value));
control("size").addEventListener("input", (event) => {
  document.documentElement.style.setProperty("--size", `${event.target.value}px`);
  fillNear();
});
control("smoothed")?.addEventListener("change", smooth);
control("sort").addEventListener("change", sort);
control("reverse").addEventListener("click", reverse);
control("controls").addEventListener("submit", (event) => event.preventDefault());
list.addEventListener("focusin", (event) => choose(event.target.closest(".row")));
for (const when of ["scroll", "resize"]) window.addEventListener(when, () => requestAnimationFrame(fillNear), { passive: true });
blocks.at(-1).style.setProperty("--rows", blocks.at(-1).children.length);
choose(order[0]);
fillNear();
