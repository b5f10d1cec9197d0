// How long a period is.

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, M: 2_592_000 };

/** "15m" in seconds; a month counts 30 days. */
export function periodSeconds(period) {
  return Number.parseInt(period, 10) * (SECONDS[period.at(-1)] ?? 1);
}
