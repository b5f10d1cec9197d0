// Numbers and times as texts: the instrument's decimals, a true minus sign, thousands separated, times in a named zone.

const MINUS = "−";
const MONTH = { month: "short", year: "numeric" };
const DAY = { day: "numeric", month: "short" };
const numbers = new Map();
const times = new Map();

function number(low, high) {
  const key = low * 32 + high;
  if (!numbers.has(key)) numbers.set(key, new Intl.NumberFormat("en-US", { minimumFractionDigits: low, maximumFractionDigits: high }));
  return numbers.get(key);
}

function write(value, low, high = low) {
  return number(low, high).format(value).replace("-", MINUS);
}

const absent = (value) => value === null || value === undefined || Number.isNaN(value);

/** A price with exactly `decimals` decimals; "–" for an absent one. */
export function price(value, decimals) {
  return absent(value) ? "–" : write(value, decimals);
}

/** An amount of money with two decimals and, unless it is 0, its sign. */
export function money(value) {
  return absent(value) ? "–" : signed(value, 2);
}

/** A number with a leading + or − (nothing for what is shown as 0). */
export function signed(value, decimals) {
  if (absent(value)) return "–";
  const text = write(Math.abs(value), decimals);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? MINUS : "+") + text;
}

/** A fraction as a signed percentage. */
export function percent(fraction) {
  return absent(fraction) ? "–" : `${signed(fraction * 100, 2)} %`;
}

/** A quantity for a column: always the same decimals at about the same size, so that the points stand below each other. */
export function size(value, decimals, largest = value) {
  if (absent(value)) return "–";
  if (largest >= 1e5) return quantity(value, decimals);
  return write(value, Math.min(decimals, largest >= 1000 ? 0 : largest >= 100 ? 1 : largest >= 10 ? 2 : 4));
}

/** A quantity, with as many decimals as it needs up to `decimals`; large ones with k, M or G. */
export function quantity(value, decimals = 4) {
  if (absent(value)) return "–";
  const size = Math.abs(value);
  for (const [unit, scale] of [["G", 1e9], ["M", 1e6], ["k", 1e5]]) {
    if (size >= scale) return `${write(value / (unit === "k" ? 1e3 : scale), 0, unit === "k" ? 1 : 2)}${unit}`;
  }
  return write(value, 0, Math.min(decimals, size >= 1000 ? 1 : size >= 10 ? 2 : 4));
}

/** "up", "down" or "" for the sign of a number as it is shown with so many decimals, as a class. */
export function sign(value, decimals = 8) {
  const shown = Number((value ?? 0).toFixed(decimals));
  return shown > 0 ? "up" : shown < 0 ? "down" : "";
}

const chinese = () => document.documentElement.lang === "zh";

function clock(zone, options, locale = "en-GB") {
  const key = locale + zone + JSON.stringify(options);
  if (!times.has(key)) times.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: "h23", ...options }));
  return times.get(key);
}

/** The time of day of `ms` since 1970 in a zone: 14:02:11. */
export function timeOfDay(ms, zone) {
  return clock(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}

/** The time of day with milliseconds. */
export function exactTime(ms, zone) {
  return `${timeOfDay(ms, zone)}.${String(Math.floor(ms % 1000)).padStart(3, "0")}`;
}

/** Hours and minutes: 14:02. */
export function hourMinute(ms, zone) {
  return clock(zone, { hour: "2-digit", minute: "2-digit" }).format(ms);
}

/** A date: 21 Nov 2026, or as the Chinese write it. */
export function date(ms, zone, parts = { day: "numeric", month: "short", year: "numeric" }) {
  return clock(zone, parts, chinese() ? "zh-CN" : "en-GB").format(ms);
}

/** The text of a mark on the time axis; `kind` is 0 year, 1 month, 2 day, 3 time, 4 time with seconds. */
export function axisMark(ms, kind, zone) {
  const time = hourMinute(ms, zone);
  if (kind === 4) return timeOfDay(ms, zone);
  if (kind === 3) return time;
  const text = kind === 0 ? date(ms, zone, { year: "numeric" }) : date(ms, zone, kind === 1 ? MONTH : DAY);
  return time === "00:00" ? text : `${date(ms, zone, DAY)} ${time}`; // a day that begins elsewhere begins at another hour here
}

/** A zone's name as people write it: "UTC", "UTC+8", "UTC+5:30". */
export function zoneName(zone, ms = Date.now()) {
  const part = clock(zone, { timeZoneName: "shortOffset" }).formatToParts(ms).find((one) => one.type === "timeZoneName");
  return (part?.value ?? zone).replace("GMT", "UTC").replace(/[+-]0$/, "").replace("-", MINUS);
}

/** How long ago: "3 s", "4 min", "2 h", "5 d". */
export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return span(seconds, "s");
  if (seconds < 3600) return span(Math.floor(seconds / 60), "min");
  return seconds < 172_800 ? span(Math.floor(seconds / 3600), "h") : span(Math.floor(seconds / 86_400), "d");
}

/** A number of seconds, minutes, hours or days (`unit` is s, min, h or d) with its unit. */
export function span(number, unit) {
  return `${number} ${chinese() ? { s: "秒", min: "分钟", h: "小时", d: "天" }[unit] : unit}`;
}
