// How long periods are, and which one is drawn when the view would hold more bars than the screen has room for.

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
