// Firing alerts, newest first: what, where, since when, how much, what to do. A new one is announced once to screen readers.

import { drawAck, makeAck } from "./ack.js";
import { $, KINDS, attribute, element, reconcile, text } from "./dom.js";
import { age, count, duration, minute, percent, points } from "./format.js";
import { alertKey, cutOf, firing, model, nameOf, resolved } from "./model.js";

const RESOLVED_SHOWN = 5;
const ENDS = { resolved: "✓ resolved", expired: "· no longer followed" };
const MEANS = {
  aht: { words: "handle time", show: duration },
  abandonment: { words: "abandonment", show: percent },
  asa: { words: "wait of answered contacts", show: duration },
  sentiment: { words: "sentiment", show: points },
  share: { words: "share of contacts", show: percent },
};
let announced = null; // what was firing at the last drawing; null before the first

const where = (alert) => (alert.cut === "total" ? "all contacts" : `${cutOf(alertKey(alert))} ${nameOf(alertKey(alert))}`);

const zone = () => model.health?.time_zone ?? "UTC";

function amount(alert) {
  if (alert.kind === "threshold") return `${alert.rule}: ${alert.metric} ${alert.value} (limit ${alert.limit}, n ${count(alert.observed)})`;
  if (alert.foreseen) {
    const { start_ms: start, end_ms: end, people, people_needed: needed } = alert.foreseen;
    return `${minute(start, zone())}–${minute(end, zone())}: ${count(alert.excess)} of ${count(alert.expected)} contacts too many; ${people.toFixed(1)} people, ${needed.toFixed(1)} needed`;
  }
  const mean = MEANS[alert.metric];
  if (mean && alert.kind !== "threshold") return `${mean.words} ${mean.show(alert.value)} instead of ${mean.show(alert.usual)} (${count(alert.contacts)} contacts)`;
  const ratio = alert.ratio === null ? "" : `${alert.ratio.toFixed(1)}× expected: `;
  const excess = `${alert.excess >= 0 ? "+" : "−"}${count(Math.abs(alert.excess))}`;
  return `${ratio}${count(alert.observed)} contacts instead of ${count(alert.expected)} (${excess})`;
}

// The parts of the excess, most telling first; a share like the usual one says that it is spread evenly.
function parts(alert) {
  if (alert.kind === "mix") return alert.contribution.length ? `The other way: ${alert.contribution.map((part) => `${Object.values(part.series).join(" · ")} (usually ${percent(part.usual_share, 0)})`).join(", ")}` : "";
  const shown = alert.contribution.map((part) => `${Object.values(part.series).join(" · ")} ${percent(part.share, 0)} (usually ${percent(part.usual_share, 0)})`);
  return shown.length ? `Parts of it: ${shown.join(", ")}` : "";
}

function since(alert) {
  const until = alert.resolved_ms ?? model.health?.watermark_ms ?? alert.updated_ms;
  const lasted = Math.max(0, until - alert.onset_ms) / 1000;
  if (alert.state !== "firing") return `${minute(alert.onset_ms, zone())}–${minute(alert.resolved_ms, zone())}`;
  return `${alert.foreseen ? "foreseen " : ""}since ${minute(alert.onset_ms, zone())} (${age(Math.max(lasted, 60))})`;
}

// An alert for which nobody is called stands here with its reason; it isn't announced.
function heldBack(alert) {
  const held = alert.held_back;
  return held ? `Held back by ${held.name ? `${held.by} ${held.name}` : held.by} until ${minute(held.until_ms, zone())}` : "";
}

function makeAlert(choose) {
  return (id) => {
    const title = element("h3", {}, element("button", { type: "button", class: "what" }), element("span", { class: "severity" }));
    title.firstChild.addEventListener("click", () => choose(alertKey(model.alerts.get(id))));
    const link = element("a", { class: "runbook", rel: "noreferrer", target: "_blank", hidden: "" }, "Runbook");
    return element("li", { class: "alert" }, title, element("p", { class: "since" }), element("p", { class: "amount" }), element("p", { class: "parts" }), element("p", { class: "seen" }), element("p", { class: "held-back" }), element("p", { class: "advice" }), link, makeAck(id));
  };
}

function drawAlert(node, alert) {
  attribute(node, "data-severity", alert.severity);
  attribute(node, "data-state", alert.state);
  text(node.querySelector(".what"), `${KINDS[alert.kind]?.icon ?? "!"} ${KINDS[alert.kind]?.words ?? alert.kind} – ${where(alert)}`);
  const seen = alert.acknowledged;
  attribute(node, "data-acknowledged", seen ? "yes" : "no");
  attribute(node, "data-held-back", alert.held_back ? "yes" : "no");
  const mark = alert.held_back ? "held back · " : seen ? "✓ seen · " : "";
  text(node.querySelector(".severity"), ENDS[alert.state] ?? `${mark}${alert.severity}`);
  text(node.querySelector(".held-back"), heldBack(alert));
  text(node.querySelector(".seen"), seen ? `Acknowledged by ${seen.by}${seen.comment ? `: ${seen.comment}` : ""}` : "");
  text(node.querySelector(".since"), since(alert));
  text(node.querySelector(".amount"), amount(alert));
  text(node.querySelector(".parts"), alert.state === "firing" ? parts(alert) : "");
  text(node.querySelector(".advice"), alert.state === "firing" ? alert.recommendation : "");
  drawAck(node.querySelector(".ack"), alert);
  const link = node.querySelector(".runbook");
  link.hidden = !/^https?:\/\//.test(alert.runbook);
  if (!link.hidden) attribute(link, "href", alert.runbook);
}

export function drawAlerts(choose) {
  const [now, past] = [firing(), resolved().slice(0, RESOLVED_SHOWN)];
  for (const [parent, list] of [[$("alerts"), now], [$("resolved"), past]]) {
    reconcile(parent, list.map((alert) => alert.alert_id), makeAlert(choose));
    list.forEach((alert, index) => drawAlert(parent.children[index], alert));
  }
  $("no-alerts").hidden = now.length > 0;
  $("resolved-title").hidden = !past.length;
  const calling = now.filter((alert) => !alert.held_back);
  const rest = now.length - calling.length;
  text($("alerts-count"), `${calling.length || "none"} firing${rest ? `, ${rest} held back` : ""}`);
  attribute($("alerts-panel"), "data-firing", calling.length ? "yes" : "no");
  announce(calling);
}

function announce(now) {
  const ids = new Set(now.map((alert) => alert.alert_id));
  if (announced !== null) {
    const fresh = now.filter((alert) => !announced.has(alert.alert_id));
    if (fresh.length) text($("announcer"), fresh.map((alert) => `New ${alert.severity} alert: ${alert.kind}, ${where(alert)}`).join(". "));
  }
  announced = ids;
}
