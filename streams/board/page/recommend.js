// What to do: recommendations as the server ranks them, each with its impact and its reasons, and what isn't known.

import { $, element, reconcile, text } from "./dom.js";
import { count, minute, percent } from "./format.js";
import { model } from "./model.js";

const LEVERS = { move: "⇄", call_in: "+", callback: "↺", announce: "◉" };

export async function readAdvice() {
  if (model.health?.status === "down") return;
  try {
    const answer = await fetch("/api/v1/recommendations");
    if (answer.ok) model.advice = await answer.json();
  } catch {
    // The server is gone: freshness says so.
  }
  drawAdvice();
}

function make() {
  const why = element("details", {}, element("summary", {}, "Why"), element("p", { class: "why" }), element("p", { class: "computed" }));
  return element("li", { class: "todo" }, element("p", { class: "what" }), element("p", { class: "impact" }), why);
}

function draw(node, one) {
  text(node.querySelector(".what"), `${LEVERS[one.lever] ?? "·"} ${one.what}`);
  const sure = one.confidence === null ? "" : ` · short with ${percent(one.confidence, 0)}`;
  text(node.querySelector(".impact"), `${count(one.contacts_saved)} of ${count(one.contacts_at_risk)} contacts at risk${sure}`);
  text(node.querySelector(".why"), one.why);
  text(node.querySelector(".computed"), `Computed as ${one.computed}.`);
}

export function drawAdvice() {
  const advice = model.advice;
  $("todo-title").hidden = !advice;
  if (!advice) return;
  const found = advice.recommendations;
  reconcile($("todo"), found.map((one) => `${one.lever} ${one.queue} ${one.from_queue} ${one.alert_id}`), make);
  found.forEach((one, index) => draw($("todo").children[index], one));
  const calm = advice.queues.length && !found.length;
  text($("todo-none"), calm ? `✓ No queue will be short until ${minute(advice.until_ms, advice.time_zone)}` : "");
  text($("todo-missing"), advice.missing.length ? `Not known: ${advice.missing.join("; ")}` : "");
}
