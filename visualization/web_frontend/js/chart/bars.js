// The bars of one series, kept sorted by time. A bar is [time (s, UTC), open, high, low, close, volume].

/** The index of the first bar at or after `time`. */
export function indexOf(bars, time) {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Put `fresh` bars in: a known time is replaced, a new one takes its place. Return the least index that changed. */
export function merge(bars, fresh) {
  let first = bars.length;
  for (const bar of fresh) {
    const at = indexOf(bars, bar[0]);
    bars.splice(at, bars[at]?.[0] === bar[0] ? 1 : 0, bar);
    first = Math.min(first, at);
  }
  return first;
}

/** Put older bars in front; times that are known already are left as they are. Return how many were new. */
export function prepend(bars, older) {
  const fresh = bars.length ? older.filter((bar) => bar[0] < bars[0][0]) : older;
  bars.unshift(...fresh);
  return fresh.length;
}

/** The index of the bar whose interval holds `seconds`, or -1 if that is before the first. */
export function barOf(bars, seconds) {
  const at = indexOf(bars, seconds);
  return bars[at]?.[0] === seconds ? at : at - 1;
}
