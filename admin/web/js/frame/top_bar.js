// The top bar: connection with its age, events a second, today's profit, the kill switch's state.

import { byId, el, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";
import { RateOf } from "./rates.js";
import { rate } from "./units.js";

const MOST = 3; // sums of profit

export class TopBar {
  constructor(desk) {
    this.desk = desk;
    this.events = new RateOf();
    desk.on("status", (status) => this.events.put(Object.values(status.events).reduce((sum, one) => sum + one, 0)));
    for (const topic of ["status", "alerts", "connection", "appearance"]) desk.on(topic, () => this.#draw());
    setInterval(() => this.desk.connection.state === "lost" && this.#draw(), 1000); // the age goes on by itself
    this.#draw();
  }

  #draw() {
    const { connection, status } = this.desk;
    document.body.dataset.connection = connection.state;
    setText(byId("connection-text"), this.#connection(connection));
    this.desk.events = this.events.value;
    setText(byId("rate"), this.events.value === null ? "" : t("rate", rate(this.events.value)));
    this.#kill(connection.state === "live" ? (status?.kill_switch ?? null) : null);
    this.#profit();
  }

  #connection({ state, since }) {
    if (state === "live") return t("frame_live");
    return state === "lost" ? t("frame_lost", format.age(Date.now() - since)) : t("connecting");
  }

  #kill(facts) {
    const state = facts === null ? "unknown" : facts.on ? "on" : "off";
    const link = byId("kill");
    link.dataset.state = state;
    setText(link, t(`kill_${state}`));
    link.title = t(`frame_kill_${state}`);
  }

  // Each currency by itself: money of two does not add up.
  #profit() {
    const sorted = this.desk.accounts.toSorted((a, b) => Math.abs(b.profit_today) - Math.abs(a.profit_today)).slice(0, MOST);
    const mark = sorted.map((one) => `${one.profit_today} ${one.currency}`).join() + document.documentElement.lang;
    if (this.shown === mark) return;
    this.shown = mark;
    byId("profit").title = t("profit_help");
    byId("profit").replaceChildren(
      ...sorted.map((one) => el("span", { class: format.sign(one.profit_today, 2), text: `${format.money(one.profit_today)} ` }, el("small", { text: one.currency }))),
    );
  }
}
