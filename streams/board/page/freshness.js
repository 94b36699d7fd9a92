// How old is what you see? Pill, banner, feed and clock. The server says how old the pulse is; between its messages the page counts on.

import { $, attribute, text } from "./dom.js";
import { age, clock, date, day, zoneName } from "./format.js";
import { model } from "./model.js";

const SILENT_SERVER_SECONDS = 3; // the server says its health each second; three missed ones are a dead server or network
const DAY_SECONDS = 86_400;

function judge() {
  const health = model.health;
  if (!health) return { state: "starting", icon: "◌", words: "connecting", age: "" };
  const since = (performance.now() - model.healthAt) / 1000;
  const pulse = health.pulse_age_seconds === null ? null : health.pulse_age_seconds + since;
  if (since > SILENT_SERVER_SECONDS) {
    return { state: "gone", icon: "✕", words: "STALE", age: age(since), why: "The board's server does not answer" };
  }
  if (health.status === "down") return { state: "down", icon: "✕", words: "STALE", age: age(pulse), why: health.message };
  // The server judges; the page counts on until its next word, so that a stop shows without waiting for it.
  if (health.status === "stale" || pulse > health.stale_seconds) {
    return { state: "stale", icon: "✕", words: "STALE", age: age(pulse), why: health.status === "stale" ? health.message : "The pipeline's pulse has stopped" };
  }
  return { state: "ok", icon: "●", words: "live", age: age(pulse) };
}

function feedWords(health) {
  const zone = health.time_zone;
  const late = (health.now_ms - health.event_ms) / 1000;
  const when = late > DAY_SECONDS ? `${date(health.event_ms, zone)}, ${clock(health.event_ms, zone)}` : clock(health.event_ms, zone);
  if (health.feed === "none") return "◔ No event yet";
  if (health.feed === "silent") return `◔ Feed silent for ${age(health.feed_age_seconds)} – last event ${when}`;
  return `▶ ${late > DAY_SECONDS ? "Replay" : "Catching up"}: showing ${when}`;
}

export function drawFreshness() {
  const verdict = judge();
  const health = model.health;
  const pill = $("freshness");
  attribute(document.body, "data-state", verdict.state);
  attribute(pill, "data-state", verdict.state);
  text(pill.querySelector(".icon"), verdict.icon);
  text(pill.querySelector(".words"), verdict.words);
  text(pill.querySelector(".age"), verdict.age ? `· ${verdict.age}` : "");
  const stale = Boolean(verdict.why);
  $("banner").hidden = !stale;
  const seen = health?.closed_ms ?? health?.event_ms ?? null;
  const asOf = seen === null ? "" : ` Figures below are as of ${clock(seen, health.time_zone)}.`;
  text($("banner"), stale ? `✕ STALE – ${verdict.why}.${asOf}` : "");
  const quiet = Boolean(health) && verdict.state === "ok" && health.feed !== "live";
  $("feed").hidden = !quiet;
  $("feed").dataset.feed = health?.feed ?? "none";
  text($("feed"), quiet ? feedWords(health) : "");
  drawClock(health);
}

function drawClock(health) {
  if (!health) return;
  const now = health.now_ms + (performance.now() - model.healthAt);
  const zone = health.time_zone;
  text($("time"), clock(now, zone));
  text($("zone"), `${day(now, zone)} · ${zone}${zone === "UTC" ? "" : ` (${zoneName(now, zone)})`}`);
}
