// The ten figures of the chosen series. Big is the trailing half hour, which can still be acted upon; below it the day.

import { $, BANDS, attribute, element, text } from "./dom.js";
import { DASH, count, duration, percent } from "./format.js";
import { change, figure, model } from "./model.js";

const points = (difference) => `${Math.abs(100 * difference).toFixed(1)}`;
const seconds = (difference) => `${Math.abs(difference).toFixed(Math.abs(difference) < 10 ? 1 : 0)} s`;

// now: a state, not a window; unit: how a difference to the day is said; n: the sample is shown; rate: a ratio shown beside the count.
const TILES = [
  { kpi: "contacts_in_queue", title: "In queue", show: count, now: "contacts waiting" },
  { kpi: "oldest_in_queue", title: "Oldest waiting", show: duration, now: "still in queue" },
  { kpi: "longest_wait", title: "Longest wait", show: duration, n: true },
  { kpi: "asa", title: "ASA", show: duration, unit: seconds, n: true },
  { kpi: "service_level", title: "Service level", show: percent, unit: points, n: true },
  { kpi: "offered", title: "Offered", show: count, change: true },
  { kpi: "answered", title: "Answered", show: count },
  { kpi: "abandoned", title: "Abandoned", show: count, rate: "abandonment" },
  { kpi: "aht", title: "AHT", show: duration, unit: seconds, n: true },
  { kpi: "csat", title: "CSAT", show: percent, unit: points, n: true },
];

export function makeTiles() {
  for (const tile of TILES) {
    $("tiles").append(
      element(
        "li",
        { class: "tile", id: `tile-${tile.kpi}` },
        element("h3", {}, tile.title),
        element("span", { class: "window" }, tile.now ? "now" : "30 min"),
        element("p", { class: "value" }, DASH),
        element("p", { class: "detail" }, element("span", { class: "verdict" }), element("span", { class: "sample" })),
        element("p", { class: "day" }),
      ),
    );
  }
}

// What each figure means, in the words of the one table of KPIs.
const definitions = {};

export async function explainTiles() {
  const answer = await fetch("/api/v1/kpis");
  if (!answer.ok) return; // the figures stand without it
  for (const kpi of await answer.json()) definitions[kpi.name] = `${kpi.title}: ${kpi.formula}; counts ${kpi.attribution}`;
  drawTiles();
}

export function drawTiles() {
  for (const tile of TILES) drawTile($(`tile-${tile.kpi}`), tile);
}

function drawTile(node, tile) {
  const now = figure(model.series, "30m", tile.kpi);
  const today = figure(model.series, "today", tile.kpi);
  const rate = tile.rate ? figure(model.series, "30m", tile.rate) : null;
  const band = BANDS[(rate ?? now).band] ? (rate ?? now).band : null;
  attribute(node, "data-band", band);
  text(node.querySelector(".value"), tile.show(now.value));
  text(node.querySelector(".verdict"), band ? `${BANDS[band].icon} ${BANDS[band].words}` : "");
  text(node.querySelector(".sample"), tile.now ?? sample(tile, now, rate));
  text(node.querySelector(".day"), tile.now ? "" : `today ${day(tile, now, today)}`);
  const meaning = definitions[tile.kpi] ?? tile.title;
  attribute(node.querySelector("h3"), "title", now.variant ? `${meaning} (${now.variant})` : meaning);
}

// How sure the figure is: rate, change of volume, number of contacts, 95 % interval.
function sample(tile, now, rate) {
  if (tile.change) return changed(change());
  if (rate) return rate.value === null ? "" : `${percent(rate.value)} of ${count(rate.n)}`;
  if (!tile.n || now.value === null) return "";
  const interval = now.low === undefined ? "" : ` · ${(100 * now.low).toFixed(0)}–${percent(now.high, 0)}`;
  return `n ${count(now.n)}${interval}`;
}

function changed(ratio) {
  if (ratio === null) return "";
  return `${ratio >= 0 ? "▲" : "▼"} ${percent(Math.abs(ratio), 0)} on 30 min before`;
}

// The day, and how the half hour differs from it.
function day(tile, now, today) {
  const shown = tile.show(today.value);
  if (tile.rate) return `${shown} · ${percent(figure(model.series, "today", tile.rate).value)}`;
  if (!tile.unit || now.value === null || today.value === null) return shown;
  const said = tile.unit(now.value - today.value);
  return Number.parseFloat(said) === 0 ? shown : `${shown} (now ${now.value > today.value ? "▲" : "▼"} ${said})`;
}
