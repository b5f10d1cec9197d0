// The kill switch: its state is always in view; a click asks once, naming what it will do.

import { byId, el, setText } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const PATIENCE_MS = 10_000; // a question nobody answers goes away

export class KillSwitch {
  /** `send` sends a message to the server; `zone` names the zone of times. */
  constructor(store, send, zone) {
    Object.assign(this, { store, send, zone });
    this.open = false; // the question, or what became of the answer, is shown
    this.request = 0; // what was asked for last; 0 if it is answered
    this.refused = "";
    byId("kill-button").addEventListener("click", () => (this.open ? this.cancel() : this.ask()));
    for (const topic of ["kill", "ready", "appearance", "zone"]) store.on(topic, () => this.#draw());
    store.on("connection", () => this.#connection());
    this.#draw();
  }

  /** Open the question. */
  ask() {
    this.refused = "";
    this.#show(true);
    byId("kill-question").querySelector(this.store.kill.on ? ".no" : ".yes")?.focus();
  }

  /** Close what is open; return whether something was. */
  cancel() {
    if (!this.open) return false;
    this.#show(false);
    byId("kill-button").focus();
    return true;
  }

  /** The server says what became of a command. */
  answered({ request, ok, detail }) {
    if (!this.request || request !== this.request) return;
    this.request = 0;
    this.refused = ok ? "" : detail;
    this.#show(!ok);
  }

  #go(on) {
    const request = this.store.nextRequest();
    if (this.send({ type: "kill", request, on })) this.request = request;
    else this.refused = t("no_connection");
    this.#show(true);
    byId("kill-button").focus();
  }

  #show(open) {
    this.open = open;
    clearTimeout(this.timer);
    if (open && !this.request && !this.refused) this.timer = setTimeout(() => this.cancel(), PATIENCE_MS);
    this.#draw();
  }

  #connection() {
    if (this.store.connection.state !== "live" && this.request) {
      this.request = 0; // the answer will not come any more; the switch's state tells what became of it
      this.#show(false);
    }
    this.#draw();
  }

  #draw() {
    const { on } = this.store.kill;
    const state = this.store.connection.state !== "live" || on === null ? "unknown" : on ? "on" : "off";
    const button = byId("kill-button");
    button.dataset.state = state;
    setText(button, t(`kill_${state}`));
    button.title = state === "on" ? this.#since() : t(`kill_${state}_help`);
    button.setAttribute("aria-expanded", String(this.open));
    const mark = [this.open, on, this.request, this.refused, t("kill_off")].join("|");
    if (this.mark === mark) return; // a focused button keeps its focus
    this.mark = mark;
    const place = byId("kill-question");
    place.hidden = !this.open;
    place.replaceChildren(...(this.open ? this.#question(on) : []));
  }

  #since() {
    const { since_ms: since, origin } = this.store.kill;
    const zone = this.zone.current();
    return t("kill_on_help", since ? `${format.timeOfDay(since, zone)} ${format.zoneName(zone, since)}` : "–", origin || "–");
  }

  #question(on) {
    const button = (kind, text, click) => el("button", { type: "button", class: kind, text, on: { click } });
    if (this.request) return [el("p", { text: t("sent") })];
    if (this.refused) return [el("p", { class: "refused", text: t("refused", this.refused) }), button("no", t("close"), () => this.cancel())];
    const yes = button(on ? "yes" : "yes danger", t(on ? "kill_yes_off" : "kill_yes_on"), () => this.#go(!on));
    return [el("p", { text: t(on ? "kill_ask_off" : "kill_ask_on") }), yes, button("no", t("no"), () => this.cancel())];
  }
}
