// The accounts by currency, and those that are halted: a person accepts how they differ from their venue.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { get, post } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { plain } from "../../frame/units.js";
import { amount, gain } from "./columns.js";

export class AccountsPart {
  constructor(section) {
    this.section = section;
    const columns = [
      { key: "account", head: "account", text: (row) => row.account },
      { key: "currency", head: "currency", text: (row) => row.currency },
      amount("cash", "cash"),
      amount("equity", "equity"),
      amount("margin", "margin"),
      amount("available", "available"),
      gain("profit_today", "today"),
      gain("realised_pnl", "realised"),
      gain("unrealised_pnl", "open_profit"),
      amount("fees", "fees"),
    ];
    const part = tablePanel("accounts", { columns, key: (row) => `${row.account}|${row.currency}`, empty: () => t("no_accounts") });
    this.halts = el("div", { class: "halts", hidden: "" });
    part.heading.after(this.halts);
    this.node = part.node;
    section.source(
      (signal) => get("/accounts", { signal, query: { limit: 1000 } }),
      (rows) => part.table.show(rows),
      (...why) => part.table.fail(...why),
    );
    section.source(
      (signal) => get("/accounts/halts", { signal }),
      (rows) => this.#halted(rows),
      () => {},
      2,
    );
  }

  #halted(rows) {
    const mark = JSON.stringify(rows) + document.documentElement.lang;
    if (this.mark === mark || this.asking?.busy) return;
    this.mark = mark;
    this.halts.hidden = !rows.length;
    this.halts.replaceChildren(...rows.map((row) => this.#halt(row)));
  }

  #halt(row) {
    const differences = Object.entries(row.differences).map(([name, value]) => `${name} ${value > 0 ? "+" : ""}${plain(value)}`).join(", ");
    this.asking = new AskButton({
      text: () => t("tr_resume"),
      label: () => `${t("tr_resume")} ${row.account}`,
      question: () => t("tr_ask_resume", row.account, differences),
      run: () => post(`/accounts/${encodeURIComponent(row.account)}/resume`, { differences: row.differences }).then(() => this.section.again()),
    });
    return el("p", {}, el("span", { class: "bad", text: t("tr_halted", row.account, differences) }), " ", this.asking.node);
  }
}
