// What was changed while the system ran: when, by whom, from what to what.

import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { valueText } from "./values.js";

export class HistoryPart {
  constructor(section) {
    const columns = [
      { key: "time_ns", head: "time", text: (row) => section.desk.zone.time(row.time_ns) },
      { key: "revision", head: "se_revision", number: true, text: (row) => String(row.revision ?? "–") },
      { key: "origin", head: "se_origin", text: (row) => row.origin || "–" },
      { key: "changes", head: "se_changes", wide: true, value: (row) => Object.keys(row.changes).join(), node: changes, mark: (row) => JSON.stringify(row.changes) },
    ];
    const part = tablePanel("se_history", { columns, key: (row) => `${row.time_ns}|${row.revision}`, empty: () => t("se_no_history"), sort: { by: "time_ns", down: true } });
    this.node = part.node;
    section.source(
      (signal) => get("/settings/history", { signal, query: { limit: 200 } }),
      (rows) => part.table.show(rows),
      (...why) => part.table.fail(...why),
      2,
    );
  }
}

function changes(row) {
  const parts = Object.entries(row.changes).map(([key, change]) => {
    const [before, after] = Array.isArray(change) && change.length === 2 ? change : [null, Array.isArray(change) && change.length === 1 ? change[0] : change];
    const text = before === null || before === undefined ? valueText(after) : `${valueText(before)} → ${valueText(after)}`;
    return el("span", {}, el("span", { class: "muted", text: `${key} ` }), text);
  });
  return el("span", { class: "symbols" }, ...parts);
}
