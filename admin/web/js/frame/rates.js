// How fast a count grows, and what a figure was during the last minute.

const SMOOTH = 0.5; // how much the newest second counts
const KEPT = 60;

export class RateOf {
  constructor() {
    this.value = null; // a second; null before there are two counts
  }

  /** Take the count as it is now. */
  put(count, now = performance.now()) {
    if (this.count !== undefined && now > this.at) {
      const fresh = count < this.count ? null : ((count - this.count) * 1000) / (now - this.at); // a count that fell began anew
      this.value = this.value === null || fresh === null ? fresh : this.value + (fresh - this.value) * SMOOTH;
    }
    this.count = count;
    this.at = now;
  }
}

/** The newest values of figures by name. */
export class Recent {
  constructor() {
    this.series = new Map();
  }

  /** Add a value, and return all that are kept. */
  add(name, value) {
    const values = this.series.get(name) ?? [];
    values.push(value ?? 0);
    if (values.length > KEPT) values.shift();
    this.series.set(name, values);
    return values;
  }
}
