// What is still to come of the day: contacts of the chosen series by slot with their 80 % band, and all of them in a sentence.

import { css, load, localTimes, plain } from "./chart.js";
import { $, text } from "./dom.js";
import { count, day, minute } from "./format.js";
import { model } from "./model.js";

let drawn = "";

export function redrawOutlook() {
  drawn = "";
  return drawOutlook();
}

export async function drawOutlook() {
  const coming = model.outlook;
  $("outlook").hidden = !coming;
  if (!coming) return;
  text($("outlook-now"), sentence(coming, model.health?.time_zone ?? "UTC"));
  const state = `${model.series}|${coming.origin_ms}|${coming.day}`;
  if (state === drawn || !$("outlook-chart").clientHeight) return;
  drawn = state;
  const plotly = await load();
  const highest = 1.08 * Math.max(4, ...coming.high_80);
  const x = localTimes(coming.starts_ms);
  await plotly.react($("outlook-chart"), traces(coming, x), plain($("outlook-chart"), [x[0], x.at(-1)], highest), { displayModeBar: false });
}

function sentence(coming, zone) {
  const { outcome } = coming;
  const peak = `busiest at ${minute(coming.starts_ms[outcome.peak_slot], zone)}`;
  const total = `${count(coming.total)} to come (80 %: ${count(outcome.total_low_80)}–${count(outcome.total_high_80)})`;
  return `${day(coming.starts_ms[0], zone)}: ${total}, ${peak} with ${count(outcome.peak_quantiles[9])} in ${coming.slot_minutes} min`;
}

function traces(coming, x) {
  const line = (values, more) => ({ x, y: values, type: "scatter", mode: "lines", hoverinfo: "skip", ...more });
  return [
    line(coming.low_80, { line: { width: 0 } }),
    line(coming.high_80, { line: { width: 0 }, fill: "tonexty", fillcolor: css("--chart-band") }),
    line(coming.mean, {
      line: { color: css("--chart-expected"), width: 2, dash: "dot" },
      hoverinfo: "all",
      customdata: coming.low_80.map((low, place) => [low, coming.high_80[place]]),
      hovertemplate: "%{x|%H:%M}  <b>%{y:.0f}</b> contacts to come (%{customdata[0]}–%{customdata[1]})<extra></extra>",
    }),
  ];
}
