// The processes of the system, one a group: state, memory, processor, restarts; each can be restarted.

import { AskButton } from "/shared/ask.js";
import * as format from "/shared/format.js";
import { post } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { t } from "/shared/texts.js";
import { stateColumn, tablePanel } from "../../frame/parts.js";
import { bytes, count, duration } from "../../frame/units.js";

export class ProcessesTable {
  /** `done()` is called when a process was restarted. */
  constructor(desk, done) {
    this.done = done;
    const columns = [
      { key: "group", head: "ov_group", text: (row) => row.group },
      stateColumn("state", (row) => said(row.detail)),
      { key: "pid", head: "ov_pid", number: true, text: (row) => String(row.pid ?? "–") },
      { key: "since_ns", head: "ov_since", number: true, text: (row) => (row.since_ns ? duration((Date.now() - row.since_ns / 1e6) / 1000) : "–"), hint: (row) => desk.zone.time(row.since_ns) },
      { key: "memory_bytes", head: "ov_memory", number: true, text: (row) => bytes(row.memory_bytes) },
      { key: "cpu", head: "ov_cpu", number: true, text: (row) => share(row.cpu) },
      { key: "restarts", head: "ov_restarts", number: true, text: (row) => count(row.restarts ?? 0), sign: (row) => (row.restarts ? "warned" : "") },
      { key: "detail", head: "ov_detail", wide: true, text: (row) => said(row.detail) },
      { key: "act", head: "", act: true, node: (row) => this.#restart(row.group), mark: (row) => row.group },
    ];
    const part = tablePanel("ov_processes", { columns, key: (row) => row.group, empty: () => t("ov_no_processes") });
    Object.assign(this, { node: part.node, table: part.table });
  }

  show(rows) {
    this.table.show(rows);
  }

  #restart(group) {
    return new AskButton({
      text: () => t("ov_restart"),
      label: () => t("ov_restart_one", group),
      question: () => t("ov_ask_restart_group", group),
      run: () => post(`/groups/${encodeURIComponent(group)}/restart`).then(this.done),
    }).node;
  }
}

// A share of one processor as a percentage; the interface tells 0.05 for five hundredths of one.
function share(cpu) {
  return cpu === null || cpu === undefined ? "–" : `${format.price(cpu * 100, cpu < 0.1 ? 1 : 0)} %`;
}
