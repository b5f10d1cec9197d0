// What was changed while the system ran: when, by whom, from what to what.

import { el } from "/shared/dom.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import { tablePanel } from "../../frame/parts.js";
import { valueText } from "./values.js";

const LONGEST = 80;

export class HistoryPart {
  constructor(section) {
    const columns = [
      { key: "time_ns", head: "time", text: (row) => section.desk.zone.time(row.time_ns) },
      { key: "revision", head: "se_revision", number: true, text: (row) => String(row.revision ?? "–") },
      { key: "origin", head: "se_origin", text: (row) => row.origin || "–" },
      { key: "changes", head: "se_changes", wide: true, value: (row) => Object.keys(row.changes).join(), node: changes, mark: (row) => JSON.stringify([row.changes, row.refused]) },
    ];
    const part = tablePanel("se_history", { columns, key: (row) => `${row.time_ns}|${row.revision}`, empty: () => t("se_no_history"), sort: { by: "time_ns", down: true } });
    this.node = part.node;
    section.source(
      (signal) => get("/settings/history", { signal, query: { limit: 200 } }),
      (rows) => part.table.show(rows.filter((row) => row.refused || Object.keys(row.changes).length)), // a start that found nothing new is none
      (...why) => part.table.fail(...why),
      2,
    );
  }
}

function changes(row) {
  const parts = Object.entries(row.changes).map(([key, change]) => {
    const [before, after] = Array.isArray(change) && change.length === 2 ? change : [null, change];
    const old = before === null || before === undefined ? [] : [el("s", { class: "muted", text: short(before) }), " → "];
    return el("span", {}, el("span", { class: "muted", text: `${key} ` }), ...old, short(after));
  });
  if (row.refused) parts.push(el("span", { class: "bad", text: t("refused", row.refused) }));
  return el("span", { class: "symbols" }, ...parts);
}

const short = (value) => (valueText(value).length > LONGEST ? `${valueText(value).slice(0, LONGEST - 1)}…` : valueText(value));
