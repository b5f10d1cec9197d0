// Asks again and again while it is wanted: the next question waits for the answer to the last one.

export class Polling {
  /** `ask(signal)` asks and takes the answer; `fail(sentence)` hears why it did not come. */
  constructor(ask, fail, everyMs) {
    Object.assign(this, { ask, fail, everyMs, active: false });
  }

  start() {
    if (this.active) return;
    this.active = true;
    this.#round();
  }

  stop() {
    this.active = false;
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
  }

  /** Ask at once: what was changed should be seen. */
  now() {
    if (!this.active) return;
    this.stop();
    this.start();
  }

  async #round() {
    const asking = new AbortController();
    this.asking = asking;
    try {
      if (!document.hidden) await this.ask(asking.signal);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.fail(error.message);
    }
    if (this.asking === asking) this.timer = setTimeout(() => this.#round(), this.everyMs);
  }
}
