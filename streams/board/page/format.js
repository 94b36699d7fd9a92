// Numbers, durations and times as text. null is always '–': nothing known is not zero.

export const DASH = "–";
const COUNT = new Intl.NumberFormat("en");

export const count = (n) => (n === null || n === undefined ? DASH : COUNT.format(Math.round(n)));

export const percent = (ratio, digits = 1) => (ratio === null || ratio === undefined ? DASH : `${(100 * ratio).toFixed(digits)} %`);

// A score from -1 to 1: 0.15, −0.42
export const points = (score) => (score === null || score === undefined ? DASH : score.toFixed(2).replace("-", "−"));

// 72 → 1:12, 3672 → 1:01:12
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  const whole = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// An age in words of one unit: 4 s, 12 min, 3 h, 5 days
export function age(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${count(Math.floor(seconds / 86400))} days`;
}

const formats = new Map();
function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const MINUTE = { hour: "2-digit", minute: "2-digit" };
const DAY = { weekday: "short", day: "numeric", month: "short" };
const DAY_AND_YEAR = { day: "numeric", month: "short", year: "numeric" };

const show = (options) => (ms, zone) => (ms === null || ms === undefined ? DASH : format(zone, options).format(ms));
export const clock = show(TIME);
export const minute = show(MINUTE);
export const day = show(DAY);
export const date = show(DAY_AND_YEAR);

// How far the zone's clocks are ahead of UTC at a moment, in ms.
export function zoneOffset(ms, zone) {
  const options = { year: "numeric", month: "numeric", day: "numeric", ...TIME };
  const parts = Object.fromEntries(format(zone, options).formatToParts(ms).map((part) => [part.type, Number(part.value)]));
  const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return local - Math.floor(ms / 1000) * 1000;
}

// 'UTC+2', 'UTC+5:30', 'UTC'
export function zoneName(ms, zone) {
  const minutes = Math.round(zoneOffset(ms, zone) / 60000);
  if (!minutes) return "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}
