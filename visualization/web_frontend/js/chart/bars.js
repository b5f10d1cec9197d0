// Where a time stands among bars, which are sorted by time. A bar is [time (s, UTC), open, high, low, close, volume].

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

/** The index of the bar whose interval holds `seconds`, or -1 if that is before the first. */
export function barOf(bars, seconds) {
  const at = indexOf(bars, seconds);
  return bars[at]?.[0] === seconds ? at : at - 1;
}

/** The time at an index, fractions and places beyond both ends included; `length` is that of a bar in seconds. */
export function timeAt(bars, index, length) {
  const last = bars.length - 1;
  if (index <= 0) return bars[0][0] + index * length;
  if (index >= last) return bars[last][0] + (index - last) * length;
  const at = Math.floor(index);
  return bars[at][0] + (index - at) * (bars[at + 1][0] - bars[at][0]);
}

/** The index of a time: what `timeAt` undoes. */
export function placeOf(bars, time, length) {
  const last = bars.length - 1;
  if (time <= bars[0][0]) return (time - bars[0][0]) / length;
  if (time >= bars[last][0]) return last + (time - bars[last][0]) / length;
  const at = barOf(bars, time);
  return at + (time - bars[at][0]) / (bars[at + 1][0] - bars[at][0]);
}
