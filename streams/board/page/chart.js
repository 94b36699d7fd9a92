// Actual against expected per minute, with the expected band, by plotly from this server. Plotly is large: it loads after the first paint.

import { $, text } from "./dom.js";
import { count, minute, zoneOffset } from "./format.js";
import { minutes, model, nameOf } from "./model.js";

let ready = null;
let drawn = "";

export function load() {
  ready ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly did not load"));
    document.head.append(script);
  });
  return ready;
}

// Plotly follows the window's size only; the panel also changes when a banner comes or goes, and narrow ones have room for few times.
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries)
    if (globalThis.Plotly && target.classList.contains("js-plotly-plot") && target.clientHeight) globalThis.Plotly.relayout(target, { autosize: true, "xaxis.nticks": timesIn(target) });
});
for (const id of ["chart", "outlook-chart"]) watcher.observe($(id));

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function redrawChart() {
  drawn = "";
  return drawChart();
}

export async function drawChart() {
  const known = minutes();
  describe(known);
  const state = `${model.series}|${known.length}|${known.at(-1)?.start_ms}|${known.at(-1)?.actual}`;
  if (state === drawn || !known.length) return;
  drawn = state;
  const plotly = await load();
  await plotly.react($("chart"), traces(known), layout(known), { displayModeBar: false, scrollZoom: false });
}

function describe(known) {
  const zone = model.health?.time_zone ?? "UTC";
  const last = known.at(-1);
  const cut = nameOf(model.series);
  text($("chart-title"), `Contacts per minute – ${cut}`);
  $("chart").hidden = !known.length;
  $("chart-empty").hidden = Boolean(known.length);
  text($("chart-empty"), `No closed minute is known for ${cut}. Expectations are kept for the cuts that are watched.`);
  text($("chart-now"), last ? sentence(last, zone) : "");
}

function sentence(last, zone) {
  const range = `${last.low.toFixed(0)}–${last.high.toFixed(0)}`;
  const verdict = last.actual > last.high ? " ▲ above" : last.actual < last.low ? " ▼ below" : "";
  return `${minute(last.start_ms, zone)}: ${count(last.actual)} contacts, expected ${last.expected.toFixed(1)} (${range})${verdict}`;
}

// Plotly knows no time zones: it gets local times. One offset for the whole chart keeps the axis steady when clocks change.
export function localTimes(starts) {
  const offset = zoneOffset(starts.at(-1), model.health?.time_zone ?? "UTC");
  return starts.map((start) => new Date(start + offset).toISOString().slice(0, 19));
}

function traces(known) {
  const x = localTimes(known.map((one) => one.start_ms));
  const line = (name, values, more) => ({ x, y: values, name, type: "scatter", mode: "lines", hoverinfo: "skip", ...more });
  const outside = known.map((one) => (one.actual > one.high || one.actual < one.low ? one.actual : null));
  const shapes = known.map((one) => (one.actual > one.high ? "triangle-up" : "triangle-down"));
  const hover = known.map((one) => [one.expected.toFixed(1), one.low.toFixed(0), one.high.toFixed(0)]);
  return [
    line("low", known.map((one) => one.low), { line: { width: 0 } }),
    line("band", known.map((one) => one.high), { line: { width: 0 }, fill: "tonexty", fillcolor: css("--chart-band") }),
    line("expected", known.map((one) => one.expected), { line: { color: css("--chart-expected"), width: 2, dash: "dot" } }),
    line("actual", known.map((one) => one.actual), {
      line: { color: css("--chart-actual"), width: 2.5 },
      hoverinfo: "all",
      customdata: hover,
      hovertemplate: "%{x|%H:%M}  <b>%{y}</b> contacts, expected %{customdata[0]} (%{customdata[1]}–%{customdata[2]})<extra></extra>",
    }),
    line("outside", outside, { mode: "markers", cliponaxis: false, marker: { color: css("--low"), size: 10, symbol: shapes, line: { color: css("--panel"), width: 1 } } }),
  ];
}

function layout(known) {
  const x = localTimes(known.map((one) => one.start_ms));
  return plain($("chart"), [x[0], x.at(-1)], 1.08 * Math.max(4, ...known.map((one) => Math.max(one.actual, one.high))));
}

const letterSize = () => 0.9 * Number.parseFloat(getComputedStyle(document.body).fontSize);
const timesIn = (box) => Math.max(4, Math.round(box.clientWidth / (6 * letterSize())));

// The layout of a chart in a box: times from and to, counts from 0 to a highest.
export function plain(box, range, highest) {
  const { fontFamily } = getComputedStyle(document.body);
  const size = letterSize();
  const axis = { gridcolor: css("--line"), zeroline: false, color: css("--muted"), fixedrange: true, ticklabelstandoff: 0.3 * size };
  return {
    margin: { l: 2.4 * size, r: 1.5 * size, t: 0.5 * size, b: 1.9 * size },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: fontFamily, size, color: css("--muted") },
    showlegend: false,
    hovermode: "x",
    hoverlabel: { bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--ink"), size } },
    xaxis: { ...axis, type: "date", range, tickformat: "%H:%M", showgrid: false, nticks: timesIn(box) },
    yaxis: { ...axis, rangemode: "tozero", nticks: 5, range: [0, highest] },
    uirevision: model.series,
  };
}
