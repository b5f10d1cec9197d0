// The overview: how the system does, its processes, its components, and who reads the bus.

import "../texts/overview.js";
import { get } from "/shared/rest.js";
import { t } from "/shared/texts.js";
import * as format from "/shared/format.js";
import { Figures, pill, tablePanel } from "../frame/parts.js";
import { Section } from "../frame/section.js";
import { bytes, count, duration, rate } from "../frame/units.js";
import { ComponentsTable } from "./overview/components.js";
import { ProcessesTable } from "./overview/processes.js";

const FIGURES = ["ov_world", "ov_uptime", "ov_rate", "ov_memory", "ov_orders", "ov_today", "ov_kill", "ov_halts", "ov_alerts"];

export default class Overview extends Section {
  constructor(desk) {
    super(desk, "overview");
    this.figures = new Figures(FIGURES);
    this.processes = new ProcessesTable(desk, () => this.again());
    this.components = new ComponentsTable(desk, () => this.again());
    this.readers = tablePanel("ov_readers", { columns: READERS, key: (row) => row.name + row.pid, empty: () => t("ov_no_readers"), sort: { by: "name", down: false } });
    this.node.append(this.figures.node, this.processes.node, this.components.node, this.readers.node);
    this.source(
      (signal) => get("/groups", { signal }),
      (rows) => this.#groups(rows),
      (...why) => this.processes.table.fail(...why),
    );
    this.source(
      (signal) => get("/components", { signal, query: { limit: 1000 } }),
      (rows) => this.components.show(rows),
      (...why) => this.components.table.fail(...why),
    );
    this.leave = ["status", "alerts"].map((topic) => desk.on(topic, () => this.#draw()));
    this.#draw();
  }

  #groups(rows) {
    this.processes.show(rows);
    this.components.groups(rows);
    const known = rows.filter((row) => row.memory_bytes !== null && row.memory_bytes !== undefined);
    this.figures.set("ov_memory", known.length ? bytes(known.reduce((sum, row) => sum + row.memory_bytes, 0)) : "–", "", t("ov_memory_help"));
  }

  #draw() {
    const { status, accounts, alerts, events } = this.desk;
    if (!status || !this.node.isConnected) return;
    const today = accounts.toSorted((a, b) => Math.abs(b.profit_today) - Math.abs(a.profit_today));
    const { figures } = this;
    figures.set("ov_world", t(`ov_world_${status.world}`));
    figures.set("ov_uptime", duration(status.uptime_s));
    figures.set("ov_rate", rate(events), "", Object.entries(status.events).map(([lane, number]) => `${lane} ${count(number)}`).join(" · "));
    figures.set("ov_orders", count(status.open_orders));
    figures.set("ov_today", today[0] ? `${format.money(today[0].profit_today)} ${today[0].currency}` : "–", format.sign(today[0]?.profit_today, 2), today.map((one) => `${format.money(one.profit_today)} ${one.currency}`).join(", "));
    figures.set("ov_kill", t(status.kill_switch.on ? "ov_on" : "ov_off"), status.kill_switch.on ? "bad" : "");
    figures.set("ov_halts", count(status.halts.length), status.halts.length ? "bad" : "");
    const unread = alerts?.filter((alert) => !alert.acknowledged).length;
    figures.set("ov_alerts", alerts ? count(unread) : "–", unread ? "bad" : "");
    this.readers.table.show(status.readers);
  }

  show(words) {
    super.show(words);
    this.#draw();
  }
}

const READERS = [
  { key: "name", head: "ov_reader", text: (row) => row.name },
  { key: "alive", head: "state", state: true, node: (row) => pill(row.alive ? "running" : "stopped"), mark: (row) => String(row.alive) },
  { key: "durable", head: "ov_durable", text: (row) => (row.durable ? t("ov_yes") : "–") },
  { key: "pid", head: "ov_pid", number: true, text: (row) => String(row.pid ?? "–") },
  { key: "lag", head: "ov_lag", number: true, text: (row) => count(row.lag) },
];
