// Where the rows of strategies come from: the chart page's store, which hears of every change, or else the REST interface once a second.

import { get } from "/shared/rest.js";
import { Polling } from "./polling.js";

const EVERY_MS = 1000;

export class StrategyRows {
  /** `show(rows)` is called with all rows whenever one may have changed; `fail(sentence)` if they cannot be had. */
  constructor(store, { show, fail }) {
    Object.assign(this, { store, show, active: false });
    if (store) for (const topic of ["strategies", "ready", "instruments"]) store.on(topic, () => this.#tell());
    else this.polling = new Polling(async (signal) => this.show((await get("/strategies", { query: { limit: 1000 }, signal })).map(row)), fail, EVERY_MS);
  }

  start() {
    this.active = true;
    if (this.polling) this.polling.start();
    else this.#tell();
  }

  stop() {
    this.active = false;
    this.polling?.stop();
  }

  /** Ask again at once. */
  refresh() {
    if (this.polling) this.polling.now();
    else this.#tell();
  }

  #tell() {
    if (this.active && this.store.ready) this.show([...this.store.tables.strategies.values()]);
  }
}

// A row of the REST interface as the store has it.
function row(one) {
  return { ...one, key: one.strategy, open: one.open_pnl, realised: one.realised_pnl };
}
