// Acknowledge an alert on its card, or take that back. The board hands it to detect; the card shows it once detect has it.

import { attribute, element, text } from "./dom.js";
import { model } from "./model.js";

const NAME = "acknowledges"; // where the browser keeps who did it last
const TEXT_MAX = { by: 200, comment: 500 };
let secret = ""; // [board] ack_secret, as long as the page is open and nowhere else

const field = (name, label, type = "text") =>
  element("label", { class: name }, label, " ", element("input", { name, type, maxlength: TEXT_MAX[name] ?? null, autocomplete: "off" }));

export function makeAck(id) {
  const opener = element("button", { type: "button", class: "ack-open" });
  const cancel = element("button", { type: "button" }, "Cancel");
  const form = element("form", { hidden: "" }, field("by", "Who"), field("comment", "Why"), field("secret", "Secret of this board", "password"), element("button", { class: "ack-send" }), cancel);
  const box = element("div", { class: "ack" }, opener, form, element("p", { class: "ack-told", role: "status" }));
  form.elements.secret.parentElement.hidden = true;
  const show = (open) => {
    [form.hidden, opener.hidden] = [!open, open];
    if (!open) opener.focus();
  };
  opener.addEventListener("click", () => {
    show(true);
    form.elements.by.value ||= remembered();
    (model.alerts.get(id).acknowledged ? form.querySelector(".ack-send") : form.elements[form.elements.by.value ? "comment" : "by"]).focus();
  });
  cancel.addEventListener("click", () => show(false));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await send(box, id, form)) show(false);
  });
  return box;
}

export function drawAck(box, alert) {
  const seen = alert.acknowledged !== null;
  const [form, opener] = [box.querySelector("form"), box.querySelector(".ack-open")];
  box.hidden = alert.state !== "firing";
  text(opener, seen ? "Take back" : "Acknowledge");
  text(form.querySelector(".ack-send"), opener.textContent);
  for (const name of ["by", "comment"]) form.elements[name].parentElement.hidden = seen;
  form.elements.by.required = !seen;
  if (box.dataset.awaits === String(seen)) told(box, "");
}

function told(box, words, awaits = null) {
  attribute(box, "data-awaits", awaits);
  text(box.querySelector(".ack-told"), words);
}

// Whether the board took it; if not, the card says why, and asks for the secret where it is wanted.
async function send(box, id, form) {
  const seen = model.alerts.get(id).acknowledged !== null;
  const [by, comment] = [form.elements.by.value.trim(), form.elements.comment.value.trim()];
  secret = form.elements.secret.value || secret;
  const asked = { method: seen ? "DELETE" : "POST", headers: secret ? { Authorization: `Bearer ${secret}` } : {} };
  if (!seen) {
    asked.headers["Content-Type"] = "application/json";
    asked.body = JSON.stringify({ by, comment });
    remember(by);
  }
  told(box, "Sending …");
  const problem = await problemOf(`/api/v1/alerts/${encodeURIComponent(id)}/ack`, asked);
  if (problem === null) told(box, "Sent: it shows here once detect has read it", String(!seen));
  else told(box, problem.detail);
  if (problem?.status === 401) {
    form.elements.secret.parentElement.hidden = false;
    form.elements.secret.focus();
  }
  return problem === null;
}

async function problemOf(address, asked) {
  try {
    const answer = await fetch(address, asked);
    return answer.ok ? null : { status: answer.status, detail: (await answer.json()).detail };
  } catch {
    return { status: 0, detail: "The board doesn't answer: try again" };
  }
}

function remembered() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

function remember(by) {
  try {
    localStorage.setItem(NAME, by);
  } catch {
    // Storage may be forbidden: it is asked again.
  }
}
