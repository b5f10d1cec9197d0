// The newest fills.

import { get } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { sideColumn, size } from "./columns.js";

export class FillsPart {
  constructor(section) {
    const { terms, desk } = section;
    const columns = [
      { key: "time_ns", head: "time", text: (row) => desk.zone.time(row.time_ns) },
      { key: "symbol", head: "symbol", title: true, text: (row) => row.symbol, hint: (row) => `${row.symbol}@${row.venue}` },
      sideColumn,
      size("quantity", "quantity"),
      { key: "price", head: "price", number: true, text: (row) => terms.price(row, row.price) },
      { key: "fee", head: "fee", number: true, text: (row) => format.price(row.fee, 4) },
      { key: "strategy", head: "strategy", text: (row) => row.strategy || "–" },
      { key: "account", head: "account", text: (row) => row.account },
      { key: "client_id", head: "client_id", text: (row) => row.client_id ?? "–", sign: () => "muted" },
    ];
    const key = (row) => row.trade_id || row.fill_id || [row.time_ns, row.client_id, row.quantity, row.price].join("|");
    const part = tablePanel("fills", { columns, key, empty: () => t("no_fills"), sort: { by: "time_ns", down: true } });
    this.node = part.node;
    section.source(
      (signal) => get("/fills", { signal, query: { limit: 300 } }),
      (rows) => part.table.show(rows),
      (...why) => part.table.fail(...why),
      2,
    );
  }
}
