"use strict";
// The page holds its images as text. Only rows near the visible part of the page have image elements, so a page of ten
// thousand rows needs as much memory as a page of thirty.
const list = document.getElementById("rows");
const blocks = Array.from(list.children);
const ROWS_PER_BLOCK = Number(list.dataset.perBlock);
const LEAST_STRENGTH = 0.25; // of the map of a score of 0 or less
const rows = Array.from(list.querySelectorAll(".row"));
const figures = Array.from(document.querySelectorAll("template.figures")); // one per group of columns
const control = (id) => document.getElementById(id);
const facts = new Map(rows.map((row, i) => [row, {
  file: i,
  name: row.querySelector("h2").textContent,
  scores: JSON.parse(row.dataset.scores),
  agreement: JSON.parse(row.dataset.agreement), // group of columns -> [plain, smoothed]
  metrics: JSON.parse(row.dataset.metrics ?? "[]"), // group of columns -> method -> metric -> [plain, smoothed]
  ...JSON.parse(row.dataset.classes),
}]));
const highest = figures.map((_, group) => rows.reduce((most, row) => Math.max(most, facts.get(row).scores[group] ?? 0), 0));
const maps = new Map(); // row with images -> column -> [plain, smoothed]
let order = rows;
let current = null;

const smoothed = () => Boolean(control("smoothed")?.checked);
const uri = (text) => `data:image/${list.dataset.format};base64,${text}`;

// Returns how opaque a map is drawn: its score as a share of that of the image's prediction. A channel that is not a class is
// compared with the highest score of the same group of columns. A difference is not dimmed: it is near 0 where the network
// hesitates between two classes that both have high scores, and its map then matters most.
function strength({ scores, score: predicted }, group) {
  if ("difference" in figures[group].dataset) return 1;
  const [score, reference] = [scores[group], "class" in figures[group].dataset ? predicted : highest[group]];
  if (score >= reference) return 1;
  return Math.max(LEAST_STRENGTH, score > 0 ? score / reference : 0);
}

function addImages(row) {
  const data = row.querySelector("script");
  if (!data || maps.has(row)) return;
  const images = JSON.parse(data.textContent);
  const picture = new Image();
  picture.alt = `the stimulus ${facts.get(row).name}`;
  picture.src = uri(images.picture);
  row.querySelector(".stimulus").append(picture);
  row.querySelectorAll(".maps").forEach((cell, group) => {
    cell.append(figures[group].content.cloneNode(true));
    cell.style.setProperty("--strength", strength(facts.get(row), group));
  });
  for (const under of row.querySelectorAll("img.under")) under.src = picture.src;
  maps.set(row, images.maps);
  drawMaps(row);
}

function drawMaps(row) {
  const version = smoothed() ? 1 : 0;
  row.querySelectorAll("figure").forEach((figure, column) => {
    const text = maps.get(row)[column][version];
    const map = figure.querySelector(".map");
    figure.dataset.label ??= map.alt;
    figure.classList.toggle("missing", text === null);
    map.hidden = text === null;
    map.alt = `${version ? "smoothed " : ""}${figure.dataset.label} of ${facts.get(row).name}`;
    if (text !== null) map.src = uri(text);
  });
}

function removeImages(row) {
  if (!maps.delete(row)) return;
  for (const cell of row.querySelectorAll(".stimulus, .maps")) cell.replaceChildren();
}

// Returns the indices of the first and the last row that are fully visible. They are computed from the height of the list,
// because measuring each row is slow.
function visibleRows() {
  const { top, height } = list.getBoundingClientRect();
  const rowHeight = height / Math.max(order.length, 1);
  return [Math.ceil((control("top").offsetHeight - top) / rowHeight), Math.floor((window.innerHeight - top) / rowHeight) - 1];
}

function updateImages() {
  const [first, last] = visibleRows();
  const screen = Math.max(last - first, 0) + 2;
  const near = new Set(order.slice(Math.max(first - screen, 0), Math.max(last + screen, 0)));
  for (const row of maps.keys()) if (!near.has(row)) removeImages(row);
  for (const row of near) addImages(row);
}

function isShown(row) {
  const { name, label, prediction, wrong, failed } = facts.get(row);
  const wanted = control("search").value.trim().toLowerCase();
  const texts = [name, label, prediction].filter((text) => text !== null);
  if (wanted && !texts.some((text) => text.toLowerCase().includes(wanted))) return false;
  const shown = { wrong: wrong === true, right: wrong === false, failed };
  return shown[control("show")?.value] ?? true;
}

function sortKey(row) {
  const [name, ...path] = control("sort").value.split(" ");
  const value = path.reduce((part, i) => part?.[i], facts.get(row)[name]);
  return (Array.isArray(value) ? value[smoothed() ? 1 : 0] : value) ?? null;
}

// Shows the rows that are searched and selected, in order. Numbers are sorted from high to low, unless the order is reversed.
// Rows without a value, such as failed stimuli, always come last.
function arrange() {
  const reversed = control("reverse").getAttribute("aria-pressed") === "true";
  const numeric = ["score", "scores", "agreement", "metrics"].includes(control("sort").value.split(" ")[0]);
  const sign = reversed === numeric ? 1 : -1;
  const keys = new Map(rows.map((row) => [row, sortKey(row)]));
  const { compare: alphabetic } = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => (typeof a === "string" ? alphabetic(a, b) : a - b);
  order = rows.filter(isShown).sort((first, second) => {
    const [a, b] = [keys.get(first), keys.get(second)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * compare(a, b);
  });
  blocks.forEach((block, i) => {
    const held = order.slice(ROWS_PER_BLOCK * i, ROWS_PER_BLOCK * (i + 1));
    block.replaceChildren(...held);
    block.style.setProperty("--rows", held.length);
  });
  control("nothing").hidden = order.length > 0;
  select(order[0] ?? null);
  window.scrollTo({ top: 0 });
  updateImages();
}

function select(row) {
  current?.removeAttribute("aria-current");
  if (current) current.tabIndex = -1;
  current = row;
  row?.setAttribute("aria-current", "true");
  if (row) row.tabIndex = 0;
  const of = order.length < rows.length ? `${order.length} (${rows.length} in all)` : rows.length;
  control("place").value = row ? `row ${order.indexOf(row) + 1} of ${of}` : `0 of ${rows.length} rows`;
}

// Moves from the current row, or to the first visible row if the current one has been scrolled away.
function move(step) {
  if (!order.length) return;
  const [first, last] = visibleRows();
  const at = order.indexOf(current);
  const next = at < first - 1 || at > last + 1 ? first : at + step;
  const row = order[Math.min(Math.max(next, 0), order.length - 1)];
  select(row);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function setOpacity(percent) {
  control("opacity").value = percent;
  control("percent").value = `${control("opacity").value}%`;
  document.documentElement.style.setProperty("--opacity", control("opacity").value / 100);
}

function updateSmoothing() {
  document.body.classList.toggle("show-smoothed", smoothed());
  for (const row of maps.keys()) drawMaps(row);
  if (["agreement", "metrics"].includes(control("sort").value.split(" ")[0])) arrange();
}

function reverse() {
  const pressed = control("reverse").getAttribute("aria-pressed") !== "true";
  control("reverse").setAttribute("aria-pressed", pressed);
  arrange();
}

function updateDimming() {
  document.body.classList.toggle("dim", control("dim").checked);
}

const ARROWS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  ArrowRight: () => setOpacity(Number(control("opacity").value) + 5),
  ArrowLeft: () => setOpacity(Number(control("opacity").value) - 5),
};
const LETTERS = {
  j: () => move(1),
  k: () => move(-1),
  s: () => control("smoothed")?.click(),
  d: () => control("dim").click(),
  r: reverse,
  "/": () => control("search").focus(),
};

document.addEventListener("keydown", (event) => {
  if (!control("keys").checked || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const focused = event.target.closest("select, input, summary"); // these use arrow keys; a select also uses letters
  const action = (focused ? null : ARROWS[event.key]) ?? (focused?.matches("select, [type=search]") ? null : LETTERS[event.key]);
  if (!action) return;
  event.preventDefault();
  action();
});
control("opacity").addEventListener("input", (event) => setOpacity(event.target.value));
control("size").addEventListener("input", (event) => {
  document.documentElement.style.setProperty("--size", `${event.target.value}px`);
  updateImages();
});
control("smoothed")?.addEventListener("change", updateSmoothing);
control("dim").addEventListener("change", updateDimming);
control("search").addEventListener("input", arrange);
control("show")?.addEventListener("change", arrange);
control("sort").addEventListener("change", arrange);
control("reverse").addEventListener("click", reverse);
control("controls").addEventListener("submit", (event) => event.preventDefault());
list.addEventListener("focusin", (event) => select(event.target.closest(".row")));
for (const name of ["scroll", "resize"]) window.addEventListener(name, () => requestAnimationFrame(updateImages), { passive: true });
updateDimming();
arrange();
