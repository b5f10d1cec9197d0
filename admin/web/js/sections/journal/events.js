// The newest events with filters; a row unfolds to the whole event, and leads to its chain.

import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { field, tablePanel } from "../../frame/parts.js";
import { eventFields, eventPath, summary } from "./event_text.js";

const LINES = 100;

export class EventsPart {
  constructor(section) {
    this.section = section;
    const { zone } = section.desk;
    const columns = [
      { key: "time_ns", head: "time", text: (row) => zone.time(row.time_ns) },
      { key: "seq", head: "event", node: (row) => place(row.lane, row.seq), mark: (row) => eventPath(row.lane, row.seq) },
      { key: "event", head: "jo_type", text: (row) => row.event },
      { key: "source", head: "jo_source", text: (row) => row.source },
      { key: "symbol", head: "symbol", text: (row) => row.symbol ?? "–" },
      { key: "cause_seq", head: "cause", node: (row) => (row.cause_seq ? place(row.cause_lane, row.cause_seq) : "–"), mark: (row) => `${row.cause_lane}${row.cause_seq}` },
      { key: "summary", head: "text", line: true, value: summary, text: summary, sign: () => "muted" },
    ];
    const key = (row) => eventPath(row.lane, row.seq);
    const part = tablePanel("jo_newest_events", { columns, key, empty: () => t("jo_no_events"), detail: (row, node) => node ?? el("pre", { text: JSON.stringify(eventFields(row), null, 1) }) });
    Object.assign(this, { node: part.node, table: part.table });
    this.type = field(t("jo_type"), "search", { placeholder: "OrderEvent", "data-find": "" });
    this.symbol = field(t("symbol"), "search", { placeholder: "BTC/USDT" });
    this.origin = field(t("jo_source"), "search", { placeholder: "strategies" });
    for (const { input } of [this.type, this.symbol, this.origin]) input.addEventListener("change", () => section.again(this.source));
    this.pause = el("button", { type: "button", "aria-pressed": "false", text: t("jo_pause"), on: { click: () => this.#pause() } });
    part.tools.append(this.type.node, this.symbol.node, this.origin.node, this.pause);
    this.source = section.source(
      (signal) => (this.paused ? null : get("/journal/tail", { signal, query: this.#query() })),
      (rows) => rows && !this.paused && this.table.show(rows.toReversed()),
      (...why) => this.table.fail(...why),
    );
  }

  #query() {
    return { lines: LINES, type: this.type.input.value.trim(), symbol: this.symbol.input.value.trim(), source: this.origin.input.value.trim() };
  }

  #pause() {
    this.paused = !this.paused;
    this.pause.setAttribute("aria-pressed", String(this.paused));
    this.pause.textContent = t(this.paused ? "jo_go_on" : "jo_pause");
    if (!this.paused) this.section.again(this.source);
  }
}

/** A link to the chain of an event. */
export function place(lane, seq) {
  return el("a", { href: `#journal/${eventPath(lane, seq)}`, text: `${lane} #${seq}` });
}
