// Where trading days begin among the bars in view: at the instrument's hour of the day in its exchange's zone.

const HOUR = 3600;
const DAY = 86_400;
const APART = 4; // bars: where days are shorter than this, their beginnings are no help
const offsets = new Map(); // "zone|hour since 1970" -> seconds ahead of UTC

/** How far a zone's clock is ahead of UTC; the same within an hour. */
export function ahead(zone, seconds) {
  const hour = Math.floor(seconds / HOUR);
  const key = `${zone}|${hour}`;
  if (!offsets.has(key)) {
    if (offsets.size > 50_000) offsets.clear();
    const at = new Date(hour * HOUR * 1000);
    const parts = Object.fromEntries(clock(zone).formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    offsets.set(key, Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) / 1000 - hour * HOUR);
  }
  return offsets.get(key);
}

const clocks = new Map();

function clock(zone) {
  if (!clocks.has(zone)) {
    const digits = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
    clocks.set(zone, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...digits }));
  }
  return clocks.get(zone);
}

/** The number of the trading day that a time (seconds) belongs to; `day_start` is the minute of the day at which one begins. */
export function dayOf(seconds, { timezone = "UTC", day_start: start = 0 }) {
  return Math.floor((seconds + ahead(timezone, seconds) - start * 60) / DAY);
}

/** The times of the bars within `range` (indexes) with which a trading day begins; none where there would be more lines than days are of use. */
export function dayBreaks(bars, range, terms) {
  if (!range) return [];
  const from = Math.max(1, Math.floor(range.from));
  const to = Math.min(bars.length - 1, Math.ceil(range.to));
  const times = [];
  let before = from <= to ? dayOf(bars[from - 1][0], terms) : 0;
  for (let at = from; at <= to; at += 1) {
    const day = dayOf(bars[at][0], terms);
    if (day !== before) times.push(bars[at][0]);
    before = day;
  }
  return times.length * APART > to - from ? [] : times;
}
