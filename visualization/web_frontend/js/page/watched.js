// The symbols of the watch list: which and in which order, and what the collectors say of those that are added or removed.

import { t } from "/shared/texts.js";

const MOST = 200; // rows

export class Watched {
  /** `send` sends a message to the server; the store is told "watched" when the list or what is said of a symbol has changed. */
  constructor(store, send) {
    Object.assign(this, { store, send });
    this.waiting = new Map(); // request -> name
    this.notes = new Map(); // name -> { kind: "asking" | "refused", text }
    this.opening = ""; // a symbol that is shown as soon as it is there
    for (const topic of ["instruments", "quotes"]) store.on(topic, () => this.#arrived());
    store.on("config", (patch) => "watch" in patch && store.tell("watched", ""));
    store.on("connection", ({ state }) => state !== "live" && this.waiting.size && this.#giveUp());
  }

  /** The names in their order: those that were chosen, else every instrument. */
  names() {
    return (this.store.config.watch ?? [...this.store.instruments.keys()]).slice(0, MOST);
  }

  /** Watch an instrument, and have the collectors take it on. */
  add(name) {
    const names = this.names();
    if (!names.includes(name)) this.store.changeConfig({ watch: [...names, name] });
    this.#ask("add", name);
    this.opening = name;
    this.#arrived();
  }

  /** Watch an instrument no longer; the collectors give it up unless somebody needs it. */
  remove(name) {
    const names = this.names();
    const at = names.indexOf(name);
    if (at < 0) return;
    this.notes.delete(name);
    if (this.opening === name) this.opening = "";
    this.store.changeConfig({ watch: names.filter((one) => one !== name) });
    if (this.store.name === name && names.length > 1) this.store.select(names[at + 1] ?? names[at - 1]);
    this.#ask("remove", name);
  }

  /** Put an instrument at another place of the list. */
  move(name, to) {
    const names = this.names().filter((one) => one !== name);
    names.splice(Math.max(0, Math.min(to, names.length)), 0, name);
    if (names.join() !== this.names().join()) this.store.changeConfig({ watch: names });
  }

  /** Watch every instrument again. */
  all() {
    this.store.changeConfig({ watch: null });
  }

  /** The server says what became of a request. */
  answered({ request, ok, detail }) {
    const name = this.waiting.get(request);
    if (name === undefined) return;
    this.waiting.delete(request);
    if (ok) this.notes.delete(name);
    else if (this.names().includes(name)) this.notes.set(name, { kind: "refused", text: detail });
    if (ok) this.#arrived();
    else if (this.opening === name) this.opening = "";
    this.store.tell("watched", name);
  }

  #ask(action, name) {
    const request = this.store.nextRequest();
    if (this.send({ type: "symbol", request, action, name })) this.waiting.set(request, name);
    if (action === "add") this.notes.set(name, this.waiting.has(request) ? { kind: "asking", text: t("watch_asking") } : { kind: "refused", text: t("no_connection") });
    this.store.tell("watched", name);
  }

  // The question alone gives a symbol its number: it is there when the collectors have said so, or with its first price.
  #arrived() {
    if (!this.opening || !this.store.instruments.has(this.opening)) return;
    if ([...this.waiting.values()].includes(this.opening) && !this.store.quotes.has(this.opening)) return;
    this.store.select(this.opening);
    this.opening = "";
  }

  #giveUp() {
    for (const name of this.waiting.values()) this.notes.delete(name);
    this.waiting.clear(); // the answers will not come any more
    this.store.tell("watched", "");
  }
}
