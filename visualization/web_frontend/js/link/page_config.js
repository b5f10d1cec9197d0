// The page's configuration: what it looks like and what it shows. The server keeps it; docs/page.md describes every key.

import { composed, merged } from "./merge_patch.js";

const SEND_MS = 120; // changes that follow each other more closely are one message

/** A pane as a new one begins. */
export function newPane(name = "", period = "1m") {
  return { name, period, style: "candles", volume: true, log: false, sessions: true, indicators: [], plots: true };
}

/** The configuration until the server has told its own. */
export function firstConfig() {
  return {
    theme: "dark",
    language: "en",
    up_is_red: null, // as the language has it
    zone: "local",
    colours: {},
    watch: null, // every instrument
    layout: { grid: "1", linked: true, active: 0, panes: [newPane()] },
    layouts: {},
    drawer: { height: 208, folded: false, tab: "strategies" },
  };
}

/** Sends the page's changes, and keeps those that the server has not got yet. */
export class ConfigSender {
  /** `send(message)` returns whether there was a connection. */
  constructor(send) {
    this.send = send;
    this.waiting = null;
    this.sentAt = 0;
    addEventListener("pagehide", () => this.flush());
  }

  /** Send a patch at once, or together with others if one has just gone. */
  put(patch) {
    this.waiting = this.waiting ? composed(this.waiting, patch) : patch;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.max(0, this.sentAt + SEND_MS - performance.now()));
  }

  /** Send what waits; without a connection it goes on waiting. */
  flush() {
    if (!this.waiting || !this.send({ type: "config", patch: this.waiting })) return;
    this.waiting = null;
    this.sentAt = performance.now();
  }

  /** Return the server's configuration with the changes that it does not know yet. */
  over(config) {
    return this.waiting ? merged(config, this.waiting) : config;
  }
}
