// The orders: those that work or all that are kept, of a strategy or a symbol; one or all of them are cancelled.

import { AskButton } from "/shared/ask.js";
import { page, post, remove } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { said } from "/shared/said.js";
import { t, wordOf } from "/shared/texts.js";
import { choices, field, stateColumn, tablePanel } from "../../frame/parts.js";
import { plain } from "../../frame/units.js";
import { sideColumn } from "./columns.js";

const DONE = ["filled", "cancelled", "rejected", "expired", "failed"];
const MOST = 1000;

export class OrdersPart {
  constructor(section) {
    this.section = section;
    this.rows = [];
    this.total = 0;
    const { terms, desk } = section;
    const columns = [
      { key: "time_ns", head: "time", text: (row) => desk.zone.time(row.time_ns) },
      { key: "symbol", head: "symbol", title: true, text: (row) => row.symbol, hint: (row) => `${row.symbol}@${row.venue}` },
      sideColumn,
      { key: "type", head: "kind", text: (row) => wordOf("type", row.type) },
      { key: "quantity", head: "quantity", number: true, text: (row) => plain(row.quantity) },
      { key: "filled_quantity", head: "filled", number: true, text: (row) => plain(row.filled_quantity) },
      { key: "price", head: "price", number: true, text: (row) => prices(row, terms) },
      { key: "average_price", head: "average", number: true, text: (row) => terms.average(row, row.average_price) },
      stateColumn("status", (row) => said(row.reason)),
      { key: "strategy", head: "strategy", text: (row) => row.strategy || "–" },
      { key: "account", head: "account", text: (row) => row.account },
      { key: "gateway", head: "tr_gateway", text: (row) => row.gateway },
      { key: "client_id", head: "client_id", text: (row) => row.client_id, sign: () => "muted" },
      { key: "act", head: "", act: true, node: (row) => this.#cancel(row), mark: (row) => String(DONE.includes(row.status)) },
    ];
    const part = tablePanel("orders", { columns, key: (row) => row.client_id || row.venue_order_id, empty: () => this.#empty(), sort: { by: "time_ns", down: true } });
    Object.assign(this, { node: part.node, table: part.table });
    this.which = choices(t("tr_which"), [["true", t("tr_open")], ["false", t("tr_all")]], "true", () => this.#anew());
    this.strategy = field(t("strategy"), "search", { placeholder: t("tr_any") });
    this.symbol = field(t("symbol"), "search", { placeholder: t("tr_symbol_hint"), "data-find": "" });
    this.account = field(t("account"), "search", { placeholder: t("tr_any") });
    for (const one of [this.strategy, this.symbol, this.account]) one.input.addEventListener("input", () => this.#anew());
    this.all = new AskButton({ text: () => t("tr_cancel_all"), question: () => this.#question(), danger: true, run: () => this.#cancelAll() });
    part.tools.append(this.which.node, this.strategy.node, this.symbol.node, this.account.node, this.all.node);
    this.source = section.source(
      (signal) => page("/orders", { signal, query: { open: this.which.value, ...this.#filter(), limit: MOST, offset: Math.max(this.total - MOST, 0) } }),
      (answer) => this.#show(answer),
      (...why) => this.table.fail(...why),
    );
  }

  // The newest are the last of the list.
  #show({ rows, total }) {
    this.total = total;
    this.rows = rows;
    this.table.show(rows);
    if (!this.all.busy) this.all.node.hidden = !rows.some((row) => !DONE.includes(row.status));
  }

  #filter() {
    return { strategy: this.strategy.input.value.trim(), symbol: this.symbol.input.value.trim(), account: this.account.input.value.trim() };
  }

  #anew() {
    this.total = 0;
    this.section.again(this.source);
  }

  #empty() {
    const { strategy, symbol, account } = this.#filter();
    return strategy || symbol || account ? t("tr_none_of_these") : t(this.which.value === "true" ? "tr_no_open" : "no_orders");
  }

  #cancel(row) {
    if (DONE.includes(row.status)) return "";
    const what = `${t(row.side)} ${format.quantity(row.quantity - row.filled_quantity, 6)} ${row.symbol}`;
    const path = `/orders/${row.client_id.split("/").map(encodeURIComponent).join("/")}`;
    const run = () => remove(path).then(() => this.#anew());
    return new AskButton({ text: () => t("tr_cancel"), label: () => `${t("tr_cancel")} ${row.client_id}`, question: () => t("tr_ask_cancel", what), run }).node;
  }

  #question() {
    const where = Object.values(this.#filter()).filter(Boolean).join(", ");
    const open = this.rows.filter((row) => !DONE.includes(row.status)).length;
    return where ? t("tr_ask_cancel_of", open, where) : t("tr_ask_cancel_all", open);
  }

  async #cancelAll() {
    const answers = await post("/orders/cancel", this.#filter());
    const refused = answers.filter((one) => !["cancelled", "cancelling"].includes(one.status));
    this.#anew();
    if (refused.length) throw new Error(t("tr_not_cancelled", refused.length, refused[0].detail));
  }
}

// A stop order's price is its stop; a stop-limit order has both.
function prices(row, terms) {
  const known = [row.stop_price, row.price].filter((one) => one !== null && one !== undefined);
  return known.map((one) => terms.price(row, one)).join(" → ") || "–";
}
