// How long periods are, and which one is drawn when the view would hold more bars than the screen has room for.

import * as format from "/shared/format.js";

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, M: 2_629_800 };
const CROWDED = 0.75; // bars a pixel: more are drawn as a longer period
const ROOMY = 0.3; // and when the shorter period has fewer than this again, it comes back

/** The seconds of a period such as "5m"; of a month those of a mean one. */
export function seconds(period) {
  return Number(period.slice(0, -1)) * UNITS[period.at(-1)];
}

/** Whether bars of a period stand at dates, not at times. */
export function isDaily(period) {
  return seconds(period) >= UNITS.d;
}

/** How much of the time has bars: 1 round the clock, less for markets that close. */
export function density(bars, period) {
  const span = bars.length > 1 ? bars.at(-1)[0] - bars[0][0] : 0;
  return span ? Math.min(1, ((bars.length - 1) * seconds(period)) / span) : 1;
}

/** The period to draw `base` as, so that `span` seconds fit into `width` pixels; `drawn` is the present one, which stays as long as it fits. */
export function fitting(periods, base, drawn, span, width, dense) {
  const longer = periods.filter((period) => seconds(period) >= seconds(base)).sort((a, b) => seconds(a) - seconds(b));
  if (!longer.includes(base)) longer.unshift(base);
  const bars = (period) => (span / seconds(period)) * (isDaily(period) ? Math.max(dense, 0.6) : dense);
  const fits = longer.find((period) => bars(period) <= width * CROWDED) ?? longer.at(-1);
  if (seconds(fits) >= seconds(drawn)) return fits;
  return longer.find((period) => bars(period) <= width * ROOMY && seconds(period) < seconds(drawn)) ?? drawn;
}

/** How prices and times of an instrument are written in bars of a period; days and longer have dates only. */
export function formats({ decimals, tick_size: tick }, period, zone) {
  const daily = isDaily(period);
  const place = daily ? "UTC" : zone;
  const day = (at) => format.date(at * 1000, place, { day: "numeric", month: "short" });
  return {
    price: (value) => format.price(value, decimals),
    minMove: tick || 10 ** -decimals,
    seconds: period.endsWith("s"),
    time: (at) => (daily ? format.date(at * 1000, place) : `${day(at)} ${format.timeOfDay(at * 1000, place)} ${format.zoneName(place, at * 1000)}`),
    tick: (at, kind) => format.axisMark(at * 1000, kind, place),
  };
}
