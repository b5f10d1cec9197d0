// Sizes, rates and durations as texts.

import * as format from "/shared/format.js";

/** Bytes as "812 MB". */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let size = value;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at += 1;
  }
  return `${format.price(size, at && size < 100 ? 1 : 0)} ${units[at]}`;
}

/** Seconds as "4 d 3 h", "2 h 12 min", "3 min 4 s", "12 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  const parts = days ? [[days, "d"], [hours, "h"]] : hours ? [[hours, "h"], [minutes, "min"]] : minutes ? [[minutes, "min"], [whole % 60, "s"]] : [[whole, "s"]];
  return parts.map(([number, unit]) => format.span(number, unit)).join(" ");
}

/** Microseconds as "3.2 µs", "1.4 ms", "2.1 s". */
export function micros(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1000) return `${format.price(value, value < 10 ? 1 : 0)} µs`;
  return value < 1e6 ? `${format.price(value / 1000, 1)} ms` : `${format.price(value / 1e6, 1)} s`;
}

/** A count with thousands separated. */
export const count = (value) => format.price(value, 0);

/** A rate, with decimals only while it is small. */
export const rate = (value) => format.price(value, value > 0 && value < 10 ? 1 : 0);

/** Nanoseconds since 1970 as milliseconds. */
export const ms = (ns) => ns / 1e6;

/** A number as short as it can be without losing digits that matter: 0.01, 63,965.48. */
export function plain(value) {
  if (value === null || value === undefined) return "–";
  const places = `${Math.abs(value)}`.includes("e") ? 8 : (`${value}`.split(".")[1] ?? "").length;
  return format.price(value, Math.min(places, 8));
}
