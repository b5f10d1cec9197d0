// What the page knows, and who wants to hear of a change. Every module reads the store; only messages.js and the
// page's own controls change it.

import { merged } from "./merge_patch.js";
import { ConfigSender, firstConfig, newPane } from "./page_config.js";

export const KEPT = 500; // rows of a table
const MOST_DECIMALS = 8; // of an instrument whose tick size nobody knows
const GUESSED_FROM = 200; // bars

export class Store {
  /** `send(message)` sends a message to the server and returns whether there was a connection. */
  constructor(send = () => false) {
    this.config = firstConfig(); // the whole document; changeConfig changes it
    this.client = 0; // the number of this page at the server
    this.sender = new ConfigSender(send);
    this.settings = {}; // [chart] of the server's settings
    this.instruments = new Map(); // "BTC/USDT@SIM" -> terms
    this.quotes = new Map(); // name -> the latest quote
    this.sparks = new Map(); // name -> recent closes
    this.books = new Map(); // name -> depth
    this.tapes = new Map(); // name -> recent trades, the newest first
    this.tables = { strategies: new Map(), orders: new Map(), positions: new Map(), fills: new Map(), log: new Map(), accounts: new Map() };
    this.kill = { on: null, since_ms: 0, origin: "" }; // the kill switch; null as long as nobody has told
    this.attention = { alerts: 0, critical: false, newest: "", halted: [] }; // what a person should look at
    this.requests = 0; // commands sent so far
    this.status = { events_per_s: 0, lag: 0 };
    this.connection = { state: "connecting", latency: null, since: Date.now(), retryAt: 0 };
    this.clockAhead = 0; // the server's clock (see `now`) minus ours, ms
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

  /** The pane that the watch list, the search and the depth belong to: 0 to 3. */
  get activePane() {
    return Math.min(this.config.layout.active, this.config.layout.panes.length - 1);
  }

  /** The configuration of the active pane. */
  get pane() {
    return this.config.layout.panes[this.activePane];
  }

  /** The instrument and the period of the active pane. */
  get name() {
    return this.pane.name;
  }

  get period() {
    return this.pane.period;
  }

  /** Make another pane the active one. */
  activate(pane) {
    if (pane !== this.activePane) this.changeConfig({ layout: { active: pane } });
  }

  /** Show another instrument in the active pane. */
  select(name) {
    if (name === this.name || !(this.instruments.has(name) || this.config.watch?.includes(name))) return;
    this.changePane({ name });
  }

  /** Show an instrument that nobody chose: the server does not keep it. */
  begin(name) {
    const panes = this.config.layout.panes.map((one, at) => (at === this.activePane ? { ...one, name } : one));
    this.#configure(merged(this.config, { layout: { panes } }), { layout: { panes } });
  }

  /** Show another period in the active pane. */
  choosePeriod(period) {
    if (period !== this.period) this.changePane({ period });
  }

  /** Change a pane; the active one if no other is named. */
  changePane(patch, pane = this.activePane) {
    const panes = this.config.layout.panes.map((one, at) => (at === pane ? merged(one, patch) : one));
    this.changeConfig({ layout: { panes } });
  }

  /** Merge a patch into the configuration, tell of it, and let the server keep it. */
  changeConfig(patch) {
    this.sender.put(patch);
    this.#configure(merged(this.config, patch), patch);
  }

  /** The server's configuration (the whole of it), or a patch by another page; which chart is active there is not ours once we show one. */
  takeConfig(config) {
    this.#configure(this.#keepActive(this.sender.over(merged(firstConfig(), config))), config);
  }

  takePatch(patch) {
    this.#configure(this.#keepActive(this.sender.over(merged(this.config, patch))), patch);
  }

  #keepActive(config) {
    return this.ready ? merged(config, { layout: { active: this.config.layout.active } }) : config;
  }

  // Tells "config" with the patch, then "active", "selected" and "period" as far as they changed.
  #configure(config, patch) {
    const before = { pane: this.activePane, name: this.name, period: this.period };
    const defaults = firstConfig();
    for (const key of Object.keys(defaults)) config[key] ??= defaults[key]; // a key that was taken away is as it was at first
    if (!config.layout.panes?.length) config.layout = { ...defaults.layout, ...config.layout, panes: [newPane()] };
    const panes = config.layout.panes.map((pane, at) => (pane.name ? pane : { ...pane, name: this.config.layout.panes[at]?.name ?? "" }));
    this.config = { ...config, layout: { ...config.layout, panes } };
    this.tell("config", patch);
    if (!this.ready) return; // "ready" tells all of it
    if (before.pane !== this.activePane) this.tell("active", this.activePane);
    if (before.name !== this.name) this.tell("selected", this.name);
    if (before.period !== this.period) this.tell("period", this.period);
  }

  /** The terms of an instrument; an unknown one has two decimals. */
  terms(name) {
    const [symbol, venue = ""] = splitName(name);
    return this.instruments.get(name) ?? { name, symbol, venue, decimals: 2, quantity_decimals: 4, timezone: "UTC", tick_size: 0 };
  }

  /**
   * Give an instrument that has bars in the store and no terms (no tick size, no price since the start) as many decimals as its newest bars
   * need, two at least; its first live price tells the server better.
   */
  guessDecimals(name, bars) {
    const terms = this.instruments.get(name);
    if (!terms || terms.tick_size || terms.decimals < MOST_DECIMALS || !bars.length) return;
    const needed = bars.slice(-GUESSED_FROM).map((bar) => bar[4].toFixed(MOST_DECIMALS).replace(/0+$/, "").split(".")[1].length);
    this.instruments.set(name, { ...terms, decimals: Math.max(2, ...needed) });
  }

  /** The server's time now, in a replay that of its newest data, ms: what the age of a price is counted to. */
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
