// What the page knows: trends, alerts, the minutes of the chosen series, health. No drawing here.

const SEPARATOR = "\u001f";
export const TOTAL = "total";
const MINUTE_MS = 60_000;
const MINUTES_MAX = 180; // three hours on the chart

export const cutOf = (key) => key.split(SEPARATOR, 1)[0];
// "channel+age_band" is "Channel and age band".
export const cutName = (cut) => cut[0].toUpperCase() + cut.slice(1).replaceAll("+", " and ").replaceAll("_", " ");
export const valuesOf = (key) => key.split(SEPARATOR).slice(1);
export const nameOf = (key) => (key === TOTAL ? "Total" : valuesOf(key).join(" · "));

// The series as it stands in addresses: 'channel+queue/voice/billing'.
export const pathOf = (key) => {
  const [cut, ...values] = key.split(SEPARATOR);
  return [cut, ...values.map(encodeURIComponent)].join("/");
};
export const keyOf = (path) => {
  const [cut, ...values] = path.split("/");
  return [cut, ...values.map(decodeURIComponent)].join(SEPARATOR);
};
export const alertKey = (alert) => [alert.cut, ...Object.values(alert.series)].join(SEPARATOR);

export const model = {
  trends: new Map(), // key + kind → trend
  alerts: new Map(),
  minutes: new Map(), // start → minute, of the chosen series
  outlook: null, // the forecast of the first day that isn't over, of the chosen series
  advice: null, // what to do, of the whole centre
  series: TOTAL,
  health: null,
  healthAt: 0, // performance.now() of the last health: the page's own clock may be wrong, its stopwatch isn't
};

const place = (key, kind) => `${key}\u0000${kind}`;

export function applySnapshot(picture) {
  model.trends.clear();
  model.alerts.clear();
  applyChanges(picture);
}

export function applyChanges(changes) {
  for (const trend of changes.trends) model.trends.set(place(trend.key, trend.kind), trend);
  for (const alert of changes.alerts) model.alerts.set(alert.alert_id, alert);
  for (const minute of changes.minutes) if (minute.key === model.series) model.minutes.set(minute.start_ms, minute);
}

export function applyHealth(health) {
  model.health = health;
  model.healthAt = performance.now();
}

export function chooseSeries(key) {
  model.series = key;
  model.minutes.clear();
  model.outlook = null;
}

export const trend = (key, kind) => model.trends.get(place(key, kind));
export const figure = (key, kind, kpi) => trend(key, kind)?.kpis[kpi] ?? { value: null, n: 0 };

export function cuts() {
  return [...new Set([...model.trends.values()].map((one) => cutOf(one.key)))];
}

export function seriesOf(cut) {
  const keys = new Set();
  for (const one of model.trends.values()) if (cutOf(one.key) === cut) keys.add(one.key);
  return [...keys].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
}

export const firing = () => [...model.alerts.values()].filter((one) => one.state === "firing").sort((a, b) => b.onset_ms - a.onset_ms);

// What fired and is over; evidence that faded before it fired has ended, too, and interests nobody.
export const resolved = () =>
  [...model.alerts.values()].filter((one) => one.resolved_ms !== null && one.fired_ms !== null).sort((a, b) => b.resolved_ms - a.resolved_ms);

// The last minutes of the chosen series, in order, at most MINUTES_MAX.
export function minutes() {
  const sorted = [...model.minutes.values()].sort((a, b) => a.start_ms - b.start_ms);
  const from = sorted.length ? sorted.at(-1).start_ms - MINUTES_MAX * MINUTE_MS : 0;
  const kept = sorted.filter((one) => one.start_ms > from);
  if (kept.length < sorted.length) model.minutes = new Map(kept.map((one) => [one.start_ms, one]));
  return kept;
}

// Contacts of the last 30 closed minutes against the 30 before, as a ratio − 1; null unless all sixty are known.
// Closed minutes on both sides: a provisional window is never compared with a final one.
export function change() {
  const known = minutes();
  if (!known.length) return null;
  const end = known.at(-1).start_ms;
  const sum = (from, to) => {
    const part = known.filter((one) => one.start_ms > end - from * MINUTE_MS && one.start_ms <= end - to * MINUTE_MS);
    return part.length === 30 ? part.reduce((total, one) => total + one.actual, 0) : null;
  };
  const [before, now] = [sum(60, 30), sum(30, 0)];
  return before && now !== null ? now / before - 1 : null;
}
