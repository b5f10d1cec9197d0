// The gateways: their state, and how long their venues take to answer.

import { get } from "/shared/rest.js";
import * as format from "/shared/format.js";
import { said } from "/shared/said.js";
import { t } from "/shared/texts.js";
import { stateColumn, tablePanel } from "../../frame/parts.js";
import { count } from "../../frame/units.js";

const delay = (key, head) => ({ key, head, number: true, text: (row) => (row[key] === null ? "–" : `${format.price(row[key], 1)} ms`) });

export class GatewaysPart {
  constructor(section) {
    const columns = [
      { key: "gateway", head: "tr_gateway", text: (row) => row.gateway },
      { key: "account", head: "account", text: (row) => row.account },
      stateColumn("status", (row) => said(row.detail)),
      { key: "since_ns", head: "tr_since", text: (row) => section.desk.zone.time(row.since_ns) },
      { key: "working_orders", head: "tr_working", number: true, text: (row) => count(row.working_orders) },
      { key: "answers", head: "tr_answers", number: true, text: (row) => count(row.answers) },
      delay("latency_p50_ms", "tr_p50"),
      delay("latency_p99_ms", "tr_p99"),
      { key: "detail", head: "reason", wide: true, text: (row) => said(row.detail) },
    ];
    const part = tablePanel("tr_gateways", { columns, key: (row) => row.gateway, empty: () => t("tr_no_gateways") });
    this.node = part.node;
    section.source(
      (signal) => get("/gateways", { signal }),
      (rows) => part.table.show(rows),
      (...why) => part.table.fail(...why),
      2,
    );
  }
}
