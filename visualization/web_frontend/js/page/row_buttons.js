// The buttons of the drawer's rows: cancel an order, close a position. Each asks once, in place, naming what it will do.

import { AskButton } from "/shared/ask.js";
import * as format from "/shared/format.js";
import { post, remove } from "/shared/rest.js";
import { splitName } from "../link/store.js";
import { t } from "/shared/texts.js";

const KEPT = 200; // buttons

/** Whether an order may still be filled. */
export const works = (order) => !["filled", "cancelled", "rejected", "expired", "failed"].includes(order.status);

export class RowButtons {
  constructor(store) {
    this.store = store;
    this.known = new Map(); // key of a row -> its button
    store.on("appearance", () => this.known.forEach((button) => button.translate()));
  }

  /** The columns' `act` of orders and of positions. */
  get act() {
    const shown = (due, make) => ({
      node: (row) => (due(row) ? this.#button(row, make).node : ""),
      mark: (row) => (due(row) ? row.key : ""),
    });
    return {
      orders: shown((row) => works(row) && row.client_id, (row) => this.#cancel(row)),
      positions: shown((row) => row.quantity, (row) => this.#close(row)),
    };
  }

  #button(row, make) {
    if (!this.known.has(row.key)) this.known.set(row.key, make(row));
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    return this.known.get(row.key);
  }

  #cancel(first) {
    const order = () => this.store.tables.orders.get(first.key) ?? first;
    const words = () => {
      const { side, quantity, filled, name, price, stop } = order();
      const terms = this.store.terms(name);
      const at = price ?? stop;
      return [t(side), format.quantity(quantity - (filled ?? 0), terms.quantity_decimals), splitName(name)[0], at === null ? "" : ` @ ${format.price(at, terms.decimals)}`];
    };
    return new AskButton({
      text: () => t("cancel_it"),
      label: () => t("cancel_order", ...words()),
      question: () => t("ask_cancel", ...words()),
      yes: () => t("yes_cancel"),
      run: () => remove(`/orders/${encodeURIComponent(first.client_id)}`),
    });
  }

  #close(first) {
    const position = () => this.store.tables.positions.get(first.key) ?? first;
    const words = () => {
      const { quantity, name } = position();
      return [t(quantity > 0 ? "sell" : "buy"), format.quantity(Math.abs(quantity), this.store.terms(name).quantity_decimals), splitName(name)[0]];
    };
    return new AskButton({
      text: () => t("close_position"),
      label: () => `${t("close_position")} ${position().name}`,
      question: () => t("ask_close", ...words()),
      yes: () => t("yes_close"),
      danger: true,
      run: () => this.#closed(position()),
    });
  }

  async #closed({ account, strategy, name }) {
    const { symbol, venue } = this.store.terms(name);
    await post("/positions/close", { account, strategy, symbol, venue });
  }
}
