// Starts and stops strategies over the page's connection: what was asked for is done when the engine has answered.

import { t } from "/shared/texts.js";

export class Control {
  /** `send` sends a message to the server. */
  constructor(store, send) {
    Object.assign(this, { store, send });
    this.waiting = new Map(); // request -> { done, fail }
    store.on("connection", ({ state }) => {
      if (state === "live") return;
      for (const { done } of this.waiting.values()) done(); // the answer will not come any more; the row's state tells what became of it
      this.waiting.clear();
    });
  }

  /** Start or stop a strategy. The promise is kept when it is done; the error's message is the sentence of a refusal. */
  act(action, strategy) {
    const request = this.store.nextRequest();
    return new Promise((done, fail) => {
      if (!this.send({ type: "strategy", request, action, strategy })) fail(new Error(t("no_connection")));
      else this.waiting.set(request, { done, fail });
    });
  }

  /** The server says what became of a command. */
  answered({ request, ok, detail }) {
    const asked = this.waiting.get(request);
    if (!asked) return;
    this.waiting.delete(request);
    if (ok) asked.done();
    else asked.fail(new Error(detail));
  }
}
