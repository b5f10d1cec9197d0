// The limits in force for all orders, with what is used of each as a bar; each is changed in its row.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import { patch } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { plain } from "../../frame/units.js";
import { limitHelp, limitName, limitText } from "./names.js";
import { ValueEditor } from "../../frame/value_editor.js";

const NEAR = 0.8; // of a limit: from here on its bar warns

export class LimitsPart {
  constructor(section) {
    this.section = section;
    const columns = [
      { key: "limit", head: "rk_limit", text: (row) => limitName(row.limit), hint: (row) => `${row.limit}: ${limitHelp(row.limit)}` },
      { key: "value", head: "rk_value", number: true, text: (row) => limitText(row.value), sign: (row) => (row.value === null || row.value === false ? "muted" : "") },
      { key: "used", head: "rk_used", number: true, text: (row) => (row.used === null ? "–" : used(row)) },
      { key: "share", head: "rk_share", value: share, node: (row) => bar(share(row)), mark: (row) => `${share(row)?.toFixed(3)}` },
      { key: "where", head: "rk_where", text: (row) => row.where || "–" },
      { key: "act", head: "", act: true, wide: true, node: (row) => this.#edit(row), mark: (row) => String(typeof row.value === "boolean" ? row.value : "number") },
    ];
    const part = tablePanel("rk_limits", { columns, key: (row) => row.limit, empty: () => t("rk_no_limits") });
    Object.assign(this, { node: part.node, table: part.table });
    this.hint = el("span", { class: "muted" });
    part.tools.append(this.hint);
  }

  show({ limits, currency }) {
    this.hint.textContent = t("rk_currency", currency);
    this.table.show(limits);
  }

  #edit(row) {
    if (typeof row.value === "boolean") {
      const key = row.value ? "rk_rule_off" : "rk_rule_on";
      return new AskButton({
        text: () => t(key),
        label: () => `${t(key)}: ${limitName(row.limit)}`,
        question: () => t(row.value ? "rk_ask_off" : "rk_ask_on", limitName(row.limit)),
        run: () => this.#set(row.limit, row.value ? "off" : "on"),
      }).node;
    }
    return new ValueEditor({
      label: () => t("rk_change_one", limitName(row.limit)),
      now: () => this.table.rows.find((one) => one.limit === row.limit)?.value ?? "",
      extra: [{ text: () => t("rk_off"), value: "off" }],
      read: (text) => limitValue(text),
      save: (value) => this.#set(row.limit, value),
    }).node;
  }

  async #set(limit, value) {
    await patch("/risk", { limits: { [limit]: value } });
    this.section.again();
  }
}

/** What is written into a limit's field: a number, "off" or "default". */
export function limitValue(text) {
  const word = text.trim().toLowerCase();
  if (word === "off" || word === "default") return word;
  const value = Number(word.replaceAll(",", ""));
  if (word === "" || Number.isNaN(value)) throw new Error(t("rk_number_needed"));
  return value;
}

function share(row) {
  return typeof row.value === "number" && row.value > 0 && row.used !== null ? row.used / row.value : null;
}

function used(row) {
  return Math.abs(row.used) >= 1000 ? format.price(row.used, 2) : plain(Number(row.used.toPrecision(4)));
}

function bar(part) {
  if (part === null) return "";
  const width = Math.min(Math.max(part, 0), 1) * 100;
  const kind = part >= 1 ? "full" : part >= NEAR ? "near" : "";
  const filled = el("i");
  filled.style.width = `${width.toFixed(1)}%`;
  const track = el("span", { class: "track", "aria-hidden": "true" }, filled);
  return el("span", { class: `used ${kind}` }, track, el("span", { text: `${format.price(part * 100, part < 0.1 ? 1 : 0)} %` }));
}
