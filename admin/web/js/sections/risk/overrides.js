// Limits of their own for an account, a strategy, a symbol or several of these: those in force, and a line to set another.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { patch } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { field, tablePanel } from "../../frame/parts.js";
import { limitValue } from "./limits.js";
import { limitName, limitText } from "./names.js";

export class OverridesPart {
  constructor(section) {
    this.section = section;
    const columns = [
      { key: "account", head: "account", text: (row) => row.account || t("rk_every") },
      { key: "strategy", head: "strategy", text: (row) => row.strategy || t("rk_every") },
      { key: "symbol", head: "symbol", text: (row) => row.symbol || t("rk_every") },
      { key: "limit", head: "rk_limit", text: (row) => limitName(row.limit), hint: (row) => row.limit },
      { key: "value", head: "rk_value", number: true, text: (row) => limitText(row.value) },
      { key: "act", head: "", act: true, wide: true, node: (row) => this.#back(row), mark: () => "" },
    ];
    const part = tablePanel("rk_overrides", { columns, key: (row) => [row.account, row.strategy, row.symbol, row.limit].join("|"), empty: () => t("rk_no_overrides") });
    Object.assign(this, { node: part.node, table: part.table });
    this.limit = field(t("rk_limit"), []);
    this.value = field(t("rk_value"), "text", { placeholder: "off" });
    this.account = field(t("account"), "text", { placeholder: t("rk_every") });
    this.strategy = field(t("strategy"), "text", { placeholder: t("rk_every") });
    this.symbol = field(t("symbol"), "text", { placeholder: t("rk_every") });
    this.says = el("span", { class: "refused", role: "alert" });
    const set = el("button", { type: "submit", text: t("rk_set") });
    const fields = [this.limit, this.value, this.account, this.strategy, this.symbol].map((one) => one.node);
    const form = el("form", { class: "tools", on: { submit: (event) => this.#set(event) } }, ...fields, set, this.says);
    part.tools.replaceWith(form);
  }

  show({ overrides, limits }) {
    if (this.limit.input.options.length !== limits.length) {
      this.limit.input.replaceChildren(...limits.map(({ limit }) => el("option", { value: limit, text: limitName(limit) })));
    }
    const rows = overrides.flatMap(({ account = "", strategy = "", symbol = "", ...values }) =>
      Object.entries(values).map(([limit, value]) => ({ account, strategy, symbol, limit, value })),
    );
    this.table.show(rows);
  }

  async #set(event) {
    event.preventDefault();
    const [account, strategy, symbol] = [this.account, this.strategy, this.symbol].map((one) => one.input.value.trim());
    this.says.textContent = "";
    try {
      if (!account && !strategy && !symbol) throw new Error(t("rk_scope_needed"));
      await this.#change(this.limit.input.value, ruleValue(this.value.input.value), { account, strategy, symbol });
      this.value.input.value = "";
    } catch (error) {
      this.says.textContent = error.message;
    }
  }

  async #change(limit, value, scope) {
    await patch("/risk", { limits: { [limit]: value }, ...scope });
    this.section.again();
  }

  #back({ limit, account, strategy, symbol }) {
    const names = [account, strategy, symbol].filter(Boolean);
    return new AskButton({
      text: () => t("rk_default"),
      label: () => `${t("rk_default")}: ${[limitName(limit), ...names].join(" ")}`,
      question: () => t("rk_ask_default", limitName(limit), names.join(", ")),
      run: () => this.#change(limit, "default", { account, strategy, symbol }),
    }).node;
  }
}

const ruleValue = (text) => (text.trim().toLowerCase() === "on" ? true : limitValue(text));
