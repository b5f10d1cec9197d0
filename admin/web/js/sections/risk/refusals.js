// The newest refusals, each with all of its reasons.

import { said } from "/shared/said.js";
import { t, wordOf } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";

export class RefusalsPart {
  constructor(section) {
    const columns = [
      { key: "time_ns", head: "time", text: (row) => section.desk.zone.time(row.time_ns) },
      { key: "strategy", head: "strategy", text: (row) => row.strategy || "–" },
      { key: "symbol", head: "symbol", title: true, text: (row) => row.symbol, hint: (row) => `${row.symbol}@${row.venue}` },
      { key: "account", head: "account", text: (row) => row.account },
      { key: "reasons", head: "rk_reasons", text: (row) => row.reasons.map((one) => wordOf("refusal", one)).join(", "), sign: () => "warned" },
      { key: "message", head: "text", wide: true, text: (row) => row.message.split("; ").map(said).join("; ") },
    ];
    const part = tablePanel("rk_refusals", { columns, key: (row) => `${row.time_ns}|${row.client_id}`, empty: () => t("rk_no_refusals"), sort: { by: "time_ns", down: true } });
    Object.assign(this, { node: part.node, table: part.table });
  }

  show({ refusals }) {
    this.table.show(refusals);
  }
}
