// The collectors: where prices come from, how many, and of which symbols; a symbol is subscribed or left.

import { AskButton } from "/shared/ask.js";
import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { get, post } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { field, stateColumn, tablePanel } from "../../frame/parts.js";
import { count, ms, rate } from "../../frame/units.js";

export class CollectorsPart {
  constructor(section) {
    this.section = section;
    const columns = [
      { key: "collector", head: "da_collector", text: (row) => row.collector },
      { key: "venue", head: "da_venue", text: (row) => row.venue },
      stateColumn("state", (row) => row.detail ?? ""),
      { key: "connection", head: "da_connection", text: (row) => (row.connection ? t(`da_line_${row.connection}`) : "–"), hint: connection, sign: (row) => (row.detail ? "warned" : "") },
      { key: "events_per_s", head: "da_rate", number: true, text: (row) => rate(row.events_per_s) },
      { key: "counts", head: "da_events", number: true, value: total, text: (row) => count(total(row)), hint: counts },
      { key: "last_event_ns", head: "da_silent", number: true, text: (row) => (row.last_event_ns ? format.age(Date.now() - ms(row.last_event_ns)) : "–") },
      { key: "gaps", head: "da_gap_count", number: true, value: gaps, text: (row) => count(gaps(row)), sign: (row) => (gaps(row) ? "warned" : "") },
      { key: "symbols", head: "symbols", wide: true, value: (row) => row.symbols.length, node: (row) => this.#symbols(row), mark: (row) => row.symbols.join() },
    ];
    const part = tablePanel("da_collectors", { columns, key: (row) => row.collector, empty: () => t("da_no_collectors") });
    Object.assign(this, { node: part.node, table: part.table });
    this.symbol = field(t("symbol"), "text", { placeholder: "BTC/USDT" });
    this.venue = field(t("da_venue"), "text", { placeholder: t("da_any_venue") });
    this.says = el("span", { class: "refused", role: "alert" });
    const go = el("button", { type: "submit", text: t("da_subscribe") });
    part.tools.replaceWith(el("form", { class: "tools", on: { submit: (event) => this.#add(event) } }, this.symbol.node, this.venue.node, go, this.says));
    this.source = section.source(
      (signal) => get("/collectors", { signal }),
      (rows) => this.table.show(rows),
      (...why) => this.table.fail(...why),
    );
  }

  #symbols(row) {
    const buttons = row.symbols.map((symbol) => {
      const run = () => this.#change(symbol, row.venue, false);
      const ask = new AskButton({ text: () => `${symbol} ✕`, label: () => t("da_leave_one", symbol), question: () => t("da_ask_leave", symbol, row.collector), run, kind: "quiet" });
      return ask.node;
    });
    return el("span", { class: "symbols" }, ...buttons);
  }

  async #add(event) {
    event.preventDefault();
    this.says.textContent = "";
    try {
      if (!this.symbol.input.value.trim()) throw new Error(t("da_symbol_needed"));
      await this.#change(this.symbol.input.value.trim(), this.venue.input.value.trim(), true);
      this.symbol.input.value = "";
    } catch (error) {
      this.says.textContent = error.message;
    }
  }

  async #change(symbol, venue, subscribe) {
    await post("/collectors/subscribe", { symbol, venue, subscribe });
    this.section.again(this.source);
  }
}

const total = (row) => (typeof row.counts === "object" && row.counts ? Object.values(row.counts).reduce((sum, one) => sum + one, 0) : (row.counts ?? null));
const counts = (row) => (typeof row.counts === "object" && row.counts ? Object.entries(row.counts).map(([kind, number]) => `${kind} ${count(number)}`).join(" · ") : "");
const faults = (row) => Object.entries(row.faults ?? {}).map(([kind, number]) => `${kind} ${count(number)}`).join(" · ");
const connection = (row) => [row.detail, faults(row)].filter(Boolean).join(" · ");
const gaps = (row) => (Array.isArray(row.gaps) ? row.gaps.length : (row.gaps ?? 0));
