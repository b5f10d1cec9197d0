// The positions of each strategy, or their sums by instrument; each can be closed.

import { AskButton } from "/shared/ask.js";
import { get, post } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { stateWord, t } from "/shared/texts.js";
import { choices, tablePanel } from "../../frame/parts.js";
import { plain } from "../../frame/units.js";
import { amount, gain, size } from "./columns.js";

export class PositionsPart {
  constructor(section) {
    this.section = section;
    const { terms } = section;
    this.columns = [
      { key: "symbol", head: "symbol", text: (row) => `${row.symbol}${row.side === "net" ? "" : ` ${stateWord(row.side)}`}`, hint: (row) => `${row.symbol}@${row.venue}` },
      { key: "strategy", head: "strategy", text: (row) => row.strategy ?? t("tr_strategies", row.strategies) },
      { key: "account", head: "account", text: (row) => row.account },
      { key: "quantity", head: "quantity", number: true, text: (row) => (row.quantity > 0 ? `+${plain(row.quantity)}` : plain(row.quantity)), sign: (row) => format.sign(row.quantity) },
      size("frozen", "frozen"),
      { key: "average_price", head: "average", number: true, text: (row) => terms.average(row, row.average_price) },
      { key: "last_price", head: "last", number: true, text: (row) => terms.price(row, row.last_price) },
      gain("unrealised_pnl", "open_profit"),
      gain("realised_pnl", "realised"),
      amount("fees", "fees"),
      amount("margin", "margin"),
      { key: "currency", head: "currency", text: (row) => row.currency },
      { key: "act", head: "", act: true, node: (row) => this.#close(row), mark: (row) => String(Math.sign(row.quantity)) },
    ];
    const part = tablePanel("positions", { columns: this.columns, key: keyOf, empty: () => t("no_positions") });
    Object.assign(this, { node: part.node, table: part.table });
    this.by = choices(t("tr_by"), [["strategy", t("tr_by_strategy")], ["instrument", t("tr_by_instrument")]], "strategy", () => this.section.again(this.source));
    part.tools.append(this.by.node);
    this.source = section.source(
      (signal) => get("/positions", { signal, query: { by: this.by.value, limit: 1000 } }),
      (rows) => this.table.show(rows),
      (...why) => this.table.fail(...why),
    );
  }

  // A sum over strategies is not one position: each of them is closed by itself.
  #close(row) {
    if (row.strategy === undefined || !row.quantity) return "";
    const { account, strategy, symbol, venue } = row;
    const what = () => {
      const { quantity } = this.table.rows.find((one) => keyOf(one) === keyOf(row)) ?? row; // it may have changed since the button was made
      return `${quantity > 0 ? t("sell") : t("buy")} ${plain(Math.abs(quantity))} ${symbol}`;
    };
    const run = () => post("/positions/close", { account, strategy, symbol, venue }).then((answer) => this.#closed(answer));
    return new AskButton({ text: () => t("tr_close"), label: () => `${t("tr_close")} ${symbol} ${strategy}`, question: () => t("tr_ask_close", what(), strategy || "–"), run }).node;
  }

  #closed(answer) {
    this.section.again();
    const refused = [answer].flat().find((one) => ["rejected", "refused", "failed"].includes(one?.status));
    if (refused) throw new Error(refused.detail ?? refused.reason);
  }
}

const keyOf = (row) => [row.account, row.strategy, row.symbol, row.venue, row.side].join("|");
