// The table of series of the chosen cut (of queues, where the total is shown), worst first. A row's name is a button that chooses it.

import { $, BANDS, KINDS, attribute, element, reconcile, text } from "./dom.js";
import { count, duration, percent } from "./format.js";
import { TOTAL, alertKey, cutName, cutOf, figure, firing, model, nameOf, seriesOf } from "./model.js";

const now = (kpi) => (key) => figure(key, "30m", kpi);

// show: cell text; bar: value as a share of the largest in the column, or, for ratios, of 1 (or of `full`, where 1 would be absurd).
const COLUMNS = [
  { id: "name", title: "Name", value: (key) => nameOf(key) },
  { id: "trouble", title: "State", value: (key) => trouble(key).rank },
  { id: "contacts_in_queue", title: "In queue", show: count, bar: "largest" },
  { id: "oldest_in_queue", title: "Oldest", show: duration },
  { id: "service_level", title: "Service level", show: percent, bar: "ratio" },
  { id: "abandonment", title: "Abandoned", show: percent, bar: "ratio", full: 0.2 },
  { id: "asa", title: "ASA", show: duration },
  { id: "agents_available", title: "Free agents", show: count },
  { id: "occupancy", title: "Occupancy", show: percent, bar: "ratio" },
  { id: "offered", title: "Offered", show: count, bar: "largest" },
];

let sorting = { id: "trouble", down: true };
let choose = () => {};

const SEVERITY = { critical: 400, warning: 300, info: 200 };
const WEIGHT = { service_level: 40, abandonment: 30, longest_wait: 20, asa: 20, csat: 10 };
const NAMES = { service_level: "service level", abandonment: "abandonment", longest_wait: "longest wait", asa: "speed of answer", csat: "CSAT" };

// Trouble: firing alerts first (by severity), then what is off target, then what is to be watched, then who waits.
function trouble(key) {
  const alert = firing().find((one) => alertKey(one) === key);
  let rank = alert ? SEVERITY[alert.severity] : 0;
  const bad = { low: [], moderate: [] };
  for (const [kpi, weight] of Object.entries(WEIGHT)) {
    const band = now(kpi)(key).band;
    if (!bad[band]) continue;
    bad[band].push(NAMES[kpi]);
    rank += band === "low" ? weight : weight / 10;
  }
  rank += Math.min(1, (now("contacts_in_queue")(key).value ?? 0) / 100);
  if (alert) return { rank, band: "low", words: `${KINDS[alert.kind]?.icon ?? "!"} ${alert.kind}, ${alert.severity}` };
  for (const band of ["low", "moderate"]) {
    if (bad[band].length) return { rank, band, words: `${BANDS[band].icon} ${bad[band][0]}${bad[band].length > 1 ? ` +${bad[band].length - 1}` : ""}` };
  }
  const judged = Object.keys(WEIGHT).some((kpi) => now(kpi)(key).band);
  return { rank, band: judged ? "high" : null, words: judged ? "✓ on target" : "–" };
}

const value = (column, key) => (column.value ? column.value(key) : now(column.id)(key).value);

export function makeRows(onChoose) {
  choose = onChoose;
  const row = element("tr");
  for (const column of COLUMNS) {
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      sorting = { id: column.id, down: sorting.id === column.id ? !sorting.down : column.id !== "name" };
      drawRows();
    });
    row.append(element("th", { scope: "col", "data-column": column.id }, button));
  }
  $("rows").tHead.append(row);
}

const PLURAL = { queue: "Queues", channel: "Channels", issue: "Issues", "channel+queue": "Channels and queues" };

export function drawRows() {
  const cut = cutOf(model.series) === TOTAL ? "queue" : cutOf(model.series);
  const title = PLURAL[cut] ?? cutName(cut);
  const column = COLUMNS.find((one) => one.id === sorting.id);
  const keys = seriesOf(cut).filter(speaks);
  const order = new Map(keys.map((key) => [key, value(column, key)]));
  keys.sort((a, b) => compare(order.get(a), order.get(b), sorting.down) || nameOf(a).localeCompare(nameOf(b)));
  text($("rows-title"), title);
  text($("rows-note"), `last 30 min · ${keys.length} ${title.toLowerCase()}${sorting.id === "trouble" && sorting.down ? " · worst first" : ""}`);
  for (const head of $("rows").tHead.rows[0].cells) {
    attribute(head, "aria-sort", head.dataset.column === sorting.id ? (sorting.down ? "descending" : "ascending") : null);
  }
  reconcile($("rows").tBodies[0], keys, makeRow);
  const largest = Object.fromEntries(COLUMNS.map((one) => [one.id, Math.max(1, ...keys.map((key) => Number(value(one, key)) || 0))]));
  for (const row of $("rows").tBodies[0].rows) drawRow(row, row.dataset.key, largest);
}

// Contacts whose queue isn't told yet pass through 'unknown': where nobody is there today, the row says nothing.
const speaks = (key) => nameOf(key) !== "unknown" || [["30m", "offered"], ["30m", "contacts_in_queue"], ["today", "offered"]].some(([kind, kpi]) => figure(key, kind, kpi).value);

// Unknown values go last, whichever way the column is sorted.
function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}

function makeRow(key) {
  const button = element("button", { type: "button" }, nameOf(key));
  button.addEventListener("click", () => choose(model.series === key ? TOTAL : key));
  const row = element("tr", {}, element("th", { scope: "row" }, button), element("td", { class: "state" }));
  for (const column of COLUMNS.slice(2)) {
    const cell = element("td", { "data-bar": column.bar ?? null }, element("span", { class: "number" }));
    if (column.bar) cell.append(element("meter", { min: 0, max: 1, value: 0, "aria-hidden": "true" }));
    row.append(cell);
  }
  return row;
}

function drawRow(row, key, largest) {
  const state = trouble(key);
  attribute(row.cells[1], "data-band", state.band);
  text(row.cells[1], state.words);
  attribute(row.cells[0].firstChild, "aria-pressed", model.series === key);
  COLUMNS.slice(2).forEach((column, index) => {
    const cell = row.cells[index + 2];
    const one = now(column.id)(key);
    attribute(cell, "data-band", one.band ?? null);
    text(cell.firstChild, column.show(one.value) + (one.band === "low" ? " ✕" : one.band === "moderate" ? " !" : ""));
    if (column.bar) attribute(cell.lastChild, "value", (one.value ?? 0) / (column.bar === "ratio" ? (column.full ?? 1) : largest[column.id]));
  });
}
