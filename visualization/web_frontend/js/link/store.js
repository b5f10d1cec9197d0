// What the page knows, and who wants to hear of a change. Every module reads the store; only messages.js and the
// page's own controls change it.

export const KEPT = 500; // rows of a table

export class Store {
  constructor() {
    this.settings = {}; // [chart] of the server's settings
    this.instruments = new Map(); // "BTC/USDT@SIM" -> terms
    this.quotes = new Map(); // name -> the latest quote
    this.sparks = new Map(); // name -> recent closes
    this.books = new Map(); // name -> depth
    this.tapes = new Map(); // name -> recent trades, the newest first
    this.tables = { strategies: new Map(), orders: new Map(), positions: new Map(), fills: new Map(), log: new Map(), accounts: new Map() };
    this.kill = { on: null, since_ms: 0, origin: "" }; // the kill switch; null as long as nobody has told
    this.requests = 0; // commands sent so far
    this.status = { events_per_s: 0, lag: 0 };
    this.connection = { state: "connecting", latency: null, since: Date.now(), retryAt: 0 };
    this.clockAhead = 0; // the server's clock minus ours, ms
    this.name = ""; // the selected instrument
    this.period = "1m";
    this.ready = false; // the first `hello` has come
    this.listeners = new Map();
  }

  /** Call `listener(value)` whenever `topic` is told of. */
  on(topic, listener) {
    const known = this.listeners.get(topic) ?? [];
    this.listeners.set(topic, [...known, listener]);
  }

  /** Tell all listeners of `topic`. */
  tell(topic, value) {
    for (const listener of this.listeners.get(topic) ?? []) listener(value);
  }

  /** A number for a command, which its answer names. */
  nextRequest() {
    this.requests += 1;
    return this.requests;
  }

  /** Show another instrument. */
  select(name) {
    if (!this.instruments.has(name) || name === this.name) return;
    this.name = name;
    this.tell("selected", name);
  }

  /** Show another period. */
  choosePeriod(period) {
    if (period === this.period) return;
    this.period = period;
    this.tell("period", period);
  }

  /** The terms of an instrument; an unknown one has two decimals. */
  terms(name) {
    const [symbol, venue = ""] = splitName(name);
    return this.instruments.get(name) ?? { name, symbol, venue, decimals: 2, quantity_decimals: 4, timezone: "UTC", tick_size: 0 };
  }

  /** The server's time now, ms. */
  now() {
    return Date.now() + this.clockAhead;
  }

  /** Put rows of a table in, by their key; the oldest of more than KEPT leave. */
  putRows(table, rows) {
    const known = this.tables[table];
    for (const row of rows) {
      const fresh = !known.has(row.key);
      known.set(row.key, row);
      if (fresh && known.size > KEPT) known.delete(known.keys().next().value);
    }
    this.tell(table, rows);
  }
}

/** Split "BTC/USDT@SIM" into symbol and venue; only the last "@" counts. */
export function splitName(name) {
  const at = name.lastIndexOf("@");
  return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)];
}
