// Limits of their own for a strategy, a symbol or both: those in force, and a line to set another.

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
      { key: "strategy", head: "strategy", text: (row) => row.strategy || t("rk_every") },
      { key: "symbol", head: "symbol", text: (row) => row.symbol || t("rk_every") },
      { key: "limit", head: "rk_limit", text: (row) => limitName(row.limit), hint: (row) => row.limit },
      { key: "value", head: "rk_value", number: true, text: (row) => limitText(row.value) },
      { key: "act", head: "", act: true, wide: true, node: (row) => this.#back(row), mark: () => "" },
    ];
    const part = tablePanel("rk_overrides", { columns, key: (row) => [row.strategy, row.symbol, row.limit].join("|"), empty: () => t("rk_no_overrides") });
    Object.assign(this, { node: part.node, table: part.table });
    this.limit = field(t("rk_limit"), []);
    this.value = field(t("rk_value"), "text", { placeholder: "off" });
    this.strategy = field(t("strategy"), "text", { placeholder: t("rk_every") });
    this.symbol = field(t("symbol"), "text", { placeholder: t("rk_every") });
    this.says = el("span", { class: "refused", role: "alert" });
    const set = el("button", { type: "submit", text: t("rk_set") });
    const form = el("form", { class: "tools", on: { submit: (event) => this.#set(event) } }, this.limit.node, this.value.node, this.strategy.node, this.symbol.node, set, this.says);
    part.tools.replaceWith(form);
  }

  show({ overrides, limits }) {
    if (this.limit.input.options.length !== limits.length) {
      this.limit.input.replaceChildren(...limits.map(({ limit }) => el("option", { value: limit, text: limitName(limit) })));
    }
    const rows = overrides.flatMap(({ strategy = "", symbol = "", ...values }) => Object.entries(values).map(([limit, value]) => ({ strategy, symbol, limit, value })));
    this.table.show(rows);
  }

  async #set(event) {
    event.preventDefault();
    const [strategy, symbol] = [this.strategy.input.value.trim(), this.symbol.input.value.trim()];
    this.says.textContent = "";
    try {
      if (!strategy && !symbol) throw new Error(t("rk_scope_needed"));
      await this.#change(this.limit.input.value, ruleValue(this.value.input.value), strategy, symbol);
      this.value.input.value = "";
    } catch (error) {
      this.says.textContent = error.message;
    }
  }

  async #change(limit, value, strategy, symbol) {
    await patch("/risk", { limits: { [limit]: value }, strategy, symbol });
    this.section.again();
  }

  #back({ limit, strategy, symbol }) {
    return new AskButton({
      text: () => t("rk_default"),
      label: () => `${t("rk_default")}: ${limitName(limit)} ${strategy} ${symbol}`,
      question: () => t("rk_ask_default", limitName(limit), [strategy, symbol].filter(Boolean).join(", ")),
      run: () => this.#change(limit, "default", strategy, symbol),
    }).node;
  }
}

const ruleValue = (text) => (text.trim().toLowerCase() === "on" ? true : limitValue(text));
