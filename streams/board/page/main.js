// Order of things: paint what the server put into the page, then listen, then draw at most once per frame.

import { drawAlerts } from "./alerts.js";
import { drawChart, redrawChart } from "./chart.js";
import { $, attribute, element, reconcile, text } from "./dom.js";
import { drawFreshness } from "./freshness.js";
import { TOTAL, applyChanges, applyHealth, applySnapshot, chooseSeries, cutName, cutOf, cuts, keyOf, model, nameOf, pathOf, seriesOf } from "./model.js";
import { drawOutlook, redrawOutlook } from "./outlook.js";
import { readAdvice } from "./recommend.js";
import { drawRows, makeRows } from "./rows.js";
import { drawTiles, explainTiles, makeTiles } from "./tiles.js";

const CUT_ORDER = ["total", "channel", "queue", "issue", "channel+queue"]; // others follow by name
const placeOf = (cut) => CUT_ORDER.indexOf(cut) + 1 || CUT_ORDER.length + 1;
const CHART_MINUTES = 180;
const OUTLOOK_MS = 60_000; // it changes with each slot
const ADVICE_MS = 15_000; // agents come and go within it
const THEMES = ["", "dark", "light"];
const THEME_NAMES = { "": ["◐", "as the system"], dark: ["☾", "dark"], light: ["☀", "light"] };

let due = false;
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    drawChoosers();
    drawTiles();
    drawRows();
    drawAlerts(choose);
    drawFreshness();
    drawChart().catch((error) => text($("chart-now"), error.message));
    drawOutlook().catch((error) => text($("outlook-now"), error.message));
  });
}

// --- choice: kept in the address, so that a wall can be pinned to a queue -----------------------------------------------

function choose(key) {
  if (key === model.series && model.minutes.size) return;
  chooseSeries(key);
  history.replaceState(null, "", key === TOTAL ? location.pathname : `#${pathOf(key)}`);
  draw();
  readMinutes();
}

let minutesDue = false; // they could not be read: read them when the live view is back

async function readMinutes() {
  const key = model.series;
  minutesDue = true;
  if (model.health?.status === "down") return;
  try {
    const answer = await fetch(`/api/v1/expectations?series=${encodeURIComponent(pathOf(key))}&minutes=${CHART_MINUTES}`);
    if (key !== model.series) return;
    minutesDue = answer.status >= 500;
    if (!answer.ok) return;
    const found = await answer.json();
    applyChanges({ trends: [], alerts: [], minutes: found.map((one) => ({ key, ...one })) });
    draw();
    readOutlook();
  } catch {
    // The server is gone: freshness says so.
  }
}

const notForecast = new Set(); // cuts of which there is none: asked once

async function readOutlook() {
  const key = model.series;
  if (!model.minutes.size || notForecast.has(cutOf(key)) || model.health?.status === "down") return; // what isn't watched isn't forecast
  try {
    const answer = await fetch(`/api/v1/forecast?series=${encodeURIComponent(pathOf(key))}`);
    if (key !== model.series || answer.status >= 500) return;
    if (!answer.ok) notForecast.add(cutOf(key));
    const days = answer.ok ? await answer.json() : [];
    model.outlook = days.find((one) => one.starts_ms.length && one.starts_ms.at(-1) >= one.origin_ms) ?? null;
    draw();
  } catch {
    // The server is gone: freshness says so.
  }
}

function drawChoosers() {
  const cut = cutOf(model.series);
  const known = [...new Set([...cuts(), TOTAL, cut])].sort((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b));
  reconcile($("cut"), known, (key) => element("option", { value: key }, cutName(key)));
  const keys = seriesOf(cut);
  if (!keys.includes(model.series)) keys.unshift(model.series);
  reconcile($("series"), keys, (key) => element("option", { value: key }, nameOf(key)));
  if ($("cut").value !== cut) $("cut").value = cut;
  if ($("series").value !== model.series) $("series").value = model.series;
  $("series-label").hidden = cut === TOTAL;
  text($("scope-name"), nameOf(model.series));
}

function listenToChoosers() {
  $("choosers").addEventListener("submit", (event) => event.preventDefault());
  $("cut").addEventListener("change", () => choose(seriesOf($("cut").value)[0] ?? TOTAL));
  $("series").addEventListener("change", () => choose($("series").value));
  addEventListener("hashchange", () => choose(fromAddress()));
}

function fromAddress() {
  try {
    return location.hash.length > 1 ? keyOf(location.hash.slice(1)) : TOTAL;
  } catch {
    return TOTAL; // an address that can't be decoded
  }
}

// --- theme ----------------------------------------------------------------------------------------------------------------

function drawTheme() {
  const theme = document.documentElement.dataset.theme ?? "";
  const [icon, name] = THEME_NAMES[theme];
  text($("theme"), icon);
  attribute($("theme"), "aria-label", `Colours: ${name}`);
  attribute($("theme"), "title", `Colours: ${name}`);
}

function redraw() {
  redrawChart();
  redrawOutlook();
}

function listenToTheme() {
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Storage may be forbidden: the choice lasts as long as the page.
    }
    drawTheme();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  drawTheme();
}

// --- stream ---------------------------------------------------------------------------------------------------------------

function listen() {
  const source = new EventSource("/stream");
  source.addEventListener("snapshot", (event) => {
    applySnapshot(JSON.parse(event.data));
    draw();
    readMinutes(); // minutes may have closed while the page was away
  });
  source.addEventListener("changes", (event) => {
    const changes = JSON.parse(event.data);
    applyChanges(changes);
    draw();
    if (changes.alerts.length) readAdvice();
  });
  source.addEventListener("status", (event) => {
    applyHealth(JSON.parse(event.data));
    drawFreshness();
    if (minutesDue && model.health.status === "ok") readMinutes();
  });
  // A refused stream (full house, proxy error) closes for good: start anew.
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 2000);
  });
}

function start() {
  makeTiles();
  makeRows(choose);
  const given = JSON.parse($("start").textContent);
  applyHealth(given.health);
  applySnapshot(given.picture);
  chooseSeries(fromAddress());
  listenToChoosers();
  listenToTheme();
  draw();
  listen();
  setInterval(drawFreshness, 200);
  setInterval(readOutlook, OUTLOOK_MS);
  readAdvice();
  setInterval(readAdvice, ADVICE_MS);
  explainTiles().catch(() => {}); // the board is gone: the stream says so
}

start();
