// Every component: rate and lag with their last minute, memory of its process, errors, times; start, stop, restart.

import { AskButton } from "/shared/ask.js";
import { el, sparkline } from "/shared/dom.js";
import { post } from "/shared/rest.js";
import { said } from "/shared/said.js";
import { t } from "/shared/texts.js";
import { stateColumn, tablePanel } from "../../frame/parts.js";
import { Recent } from "../../frame/rates.js";
import { bytes, count, micros, rate } from "../../frame/units.js";

const SERVES = ["web", "monitor"]; // without them this page could not start anything again

export class ComponentsTable {
  /** `done()` is called when something was started or stopped. */
  constructor(desk, done) {
    this.done = done;
    this.memory = new Map(); // group -> bytes
    this.recent = new Recent();
    this.sparks = new Map();
    const columns = [
      { key: "component", head: "component", text: (row) => row.component },
      { key: "group", head: "ov_group", text: (row) => row.group },
      stateColumn("state"),
      { key: "events_per_s", head: "ov_rate", number: true, node: (row) => this.#drawn(row, "events_per_s", rate), mark: (row) => `${row.round}` },
      { key: "lag", head: "ov_lag", number: true, node: (row) => this.#drawn(row, "lag", count), mark: (row) => `${row.round}` },
      { key: "handled", head: "ov_handled", number: true, text: (row) => count(row.handled) },
      { key: "errors", head: "ov_errors", number: true, text: (row) => count(row.errors), sign: (row) => (row.errors ? "warned" : "") },
      { key: "mean_us", head: "ov_mean", number: true, text: (row) => (row.handled ? micros(row.mean_us) : "–") },
      { key: "max_us", head: "ov_max", number: true, text: (row) => (row.handled ? micros(row.max_us) : "–") },
      { key: "memory", head: "ov_memory", number: true, text: (row) => bytes(this.memory.get(row.group)), value: (row) => this.memory.get(row.group), hint: () => t("ov_memory_of_process") },
      { key: "act", head: "", act: true, node: (row) => this.#buttons(row), mark: (row) => `${row.component}|${row.state}` },
    ];
    const part = tablePanel("ov_components", { columns, key: (row) => row.component, empty: () => t("ov_no_components") });
    Object.assign(this, { node: part.node, table: part.table });
    this.rounds = 0;
  }

  /** The processes, whose memory is told beside their components. */
  groups(rows) {
    const first = !this.memory.size;
    this.memory = new Map(rows.map((row) => [row.group, row.memory_bytes]));
    if (first && this.table.rows.length) this.table.show(this.table.rows);
  }

  show(rows) {
    this.rounds += 1;
    for (const row of rows) {
      row.round = this.rounds;
      for (const name of ["events_per_s", "lag"]) this.recent.add(`${row.component}.${name}`, row[name]);
    }
    this.table.show(rows);
  }

  // The same nodes again and again: only the line and the figure change.
  #drawn(row, name, write) {
    const key = `${row.component}.${name}`;
    const values = this.recent.series.get(key);
    if (!this.sparks.has(key)) {
      const parts = { spark: sparkline([0]), figure: el("span") };
      this.sparks.set(key, { ...parts, node: el("span", { class: "trend" }, parts.spark, parts.figure) });
    }
    const { node, spark, figure } = this.sparks.get(key);
    if (values.length > 1) sparkline(values, spark);
    figure.textContent = write(row[name]);
    return node;
  }

  #buttons(row) {
    const actions = row.state !== "running" ? ["start"] : SERVES.some((one) => row.capabilities?.includes(one)) ? ["restart"] : ["restart", "stop"];
    return el("span", { class: "buttons" }, ...actions.map((action) => this.#button(row, action).node));
  }

  #button({ component, if_stopped: consequence }, action) {
    const text = () => (action === "restart" ? t("ov_restart") : t(action));
    return new AskButton({
      text,
      label: () => `${text()} ${component}`,
      question: () => (action === "stop" && consequence ? t("ov_ask_stop_so", component, said(consequence)) : t(`ov_ask_${action}`, component)),
      run: () => post(`/components/${encodeURIComponent(component)}/${action}`).then(this.done),
    });
  }
}
