// What every part of the page knows, and who wants to hear of a change.

export class Desk {
  constructor() {
    this.status = null; // the newest answer of /system/status
    this.accounts = [];
    this.alerts = null; // null as long as nobody can tell
    this.connection = { state: "connecting", since: Date.now() }; // since: the newest answer
    this.listeners = new Map();
    this.soon = () => {}; // ask now instead of in a second; set by main.js
    this.zone = null;
  }

  /** Call `listener(value)` whenever `topic` is told of; returns a function that ends it. */
  on(topic, listener) {
    if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
    this.listeners.get(topic).add(listener);
    return () => this.listeners.get(topic).delete(listener);
  }

  /** Tell all listeners of `topic`. */
  tell(topic, value) {
    for (const listener of [...(this.listeners.get(topic) ?? [])]) listener(value);
  }

  /** Say how the connection to the server is. */
  connected(state) {
    this.connection = { state, since: state === "live" ? Date.now() : this.connection.since };
    this.tell("connection", this.connection);
  }
}
