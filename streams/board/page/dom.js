// Small tools on the document. Everything is text, never HTML: names come from outside.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Only what changed is written, so that screen readers and the layout stay calm.
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function attribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// Make the children of a parent match keys, in order; reuses nodes, so that focus and selection survive.
export function reconcile(parent, keys, make) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  keys.forEach((key, index) => {
    let node = known.get(key);
    known.delete(key);
    if (!node) {
      node = make(key);
      node.dataset.key = key;
    }
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  for (const node of known.values()) node.remove();
}

// Bands in words and icons: colour is never the only signal.
export const BANDS = {
  high: { icon: "✓", words: "on target" },
  moderate: { icon: "!", words: "watch" },
  low: { icon: "✕", words: "off target" },
};

// Kinds of alert, likewise.
export const KINDS = {
  spike: { icon: "▲", words: "Spike" },
  dip: { icon: "▼", words: "Dip" },
  outage: { icon: "✕", words: "Outage" },
  threshold: { icon: "◆", words: "Threshold" },
  shortage: { icon: "◔", words: "Short of staff ahead" },
  rise: { icon: "▲", words: "Rise" },
  fall: { icon: "▼", words: "Fall" },
  mix: { icon: "⇄", words: "Mix" },
};
