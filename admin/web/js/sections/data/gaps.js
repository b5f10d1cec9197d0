// The gaps of a stored series.

import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { Table } from "/shared/table.js";
import { t } from "/shared/texts.js";
import { count, duration } from "../../frame/units.js";

export class Gaps {
  /** `close()` is called when the reader closes it. */
  constructor(zone, close) {
    this.title = el("h3");
    const cross = el("button", { type: "button", class: "quiet", text: "✕", "aria-label": t("close"), on: { click: close } });
    const place = el("div");
    this.node = el("div", { class: "part inner", hidden: "" }, el("div", { class: "heading" }, this.title, cross), place);
    const columns = [
      { key: "start_ns", head: "da_from", text: (row) => zone.moment(row.start_ns) },
      { key: "end_ns", head: "da_to", text: (row) => zone.moment(row.end_ns) },
      { key: "open_ns", head: "da_length", number: true, text: (row) => duration(row.open_ns / 1e9) },
      { key: "missing", head: "da_missing", number: true, text: (row) => count(row.missing) },
      { key: "reason", head: "reason", text: (row) => row.reason },
      { key: "text", head: "text", wide: true, text: (row) => row.text || row.detail, sign: () => "muted" },
    ];
    this.table = new Table(place, { label: () => this.title.textContent, columns, key: (row) => `${row.start_ns}|${row.end_ns}|${row.reason}`, empty: () => t("da_no_gaps") });
  }

  /** Show the gaps of a series, or nothing for null. */
  async of(row) {
    this.asked = row;
    this.node.hidden = !row;
    if (!row) return;
    this.title.textContent = t("da_gaps", `${row.symbol}@${row.venue} ${row.period || row.kind}`);
    this.table.loading();
    try {
      const gaps = await get("/data/gaps", { query: { symbol: row.symbol, venue: row.venue, period: row.period || row.kind, limit: 1000 } });
      if (this.asked === row) this.table.show(gaps);
    } catch (error) {
      if (this.asked === row) this.table.fail(error.message, () => this.of(row));
    }
  }
}
