// Starting and stopping strategies. What trades asks once, in place, naming what it will do.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const PATIENCE_MS = 6000; // a question nobody answers goes away

export class Control {
  /** `send` sends a message to the server; the store is told "asked" when a row's buttons have changed. */
  constructor(store, send) {
    this.store = store;
    this.send = send;
    this.asking = "";
    this.waiting = new Map(); // request -> strategy
    this.refused = new Map(); // strategy -> why
    store.on("connection", ({ state }) => {
      if (state === "live" || !this.waiting.size) return;
      this.waiting.clear(); // the answer will not come any more; the row's state tells what became of it
      store.tell("asked", "");
    });
  }

  /** A text that changes whenever the buttons of a row must. */
  mark(row) {
    const waits = [...this.waiting.values()].includes(row.key);
    return [row.state, waits, this.asking === row.key, this.refused.get(row.key) ?? ""].join("|");
  }

  /** The buttons of a strategy's row: Start or Stop, then the question. */
  buttons(row) {
    const action = row.state === "running" ? "stop" : "start";
    if (row.state === "unloaded") return "";
    if ([...this.waiting.values()].includes(row.key)) return el("span", { class: "muted", text: t("sent") });
    if (this.asking === row.key) return this.#question(row, action);
    const button = el("button", { type: "button", text: t(action), on: { click: () => this.#ask(row.key) }, "aria-label": `${t(action)} ${row.key}` });
    const why = this.refused.get(row.key);
    return why ? el("span", { class: "ask" }, el("span", { class: "down", text: t("refused", why), title: why }), button) : button;
  }

  /** Close the open question; return whether there was one. */
  cancel() {
    if (!this.asking) return false;
    this.#ask("");
    return true;
  }

  /** The server says what became of a command. */
  answered({ request, ok, detail }) {
    const key = this.waiting.get(request);
    if (key === undefined) return;
    this.waiting.delete(request);
    if (!ok) this.refused.set(key, detail);
    this.store.tell("asked", key);
  }

  #question(row, action) {
    const yes = el("button", { type: "button", class: "yes", text: t("yes", t(action).toLowerCase()), on: { click: () => this.#go(row.key, action) } });
    const no = el("button", { type: "button", text: t("no"), on: { click: () => this.#ask("") } });
    requestAnimationFrame(() => yes.focus());
    return el("span", { class: "ask", role: "group" }, t(action === "stop" ? "ask_stop" : "ask_start", row.key), yes, no);
  }

  #ask(key) {
    const before = this.asking;
    this.asking = key;
    this.refused.delete(key);
    clearTimeout(this.timer);
    if (key) this.timer = setTimeout(() => this.#ask(""), PATIENCE_MS);
    this.store.tell("asked", key || before);
  }

  #go(key, action) {
    const request = this.store.nextRequest();
    const sent = this.send({ type: "strategy", request, action, strategy: key });
    this.#ask("");
    if (sent) this.waiting.set(request, key);
    else this.refused.set(key, t("no_connection"));
    this.store.tell("asked", key);
  }
}
