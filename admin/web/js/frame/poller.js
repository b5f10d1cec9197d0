// Asks the server about every second while the page is visible, one question after the other; says when the server is away.

const EVERY_MS = 1000;
const PATIENCE_MS = 10_000; // a server that does not answer for so long counts as away
const LOGIN = 401;

export class Poller {
  /** `ask(signal)` asks everything that is on the page; it throws an error without a status if the server could not be reached. */
  constructor(desk, ask) {
    Object.assign(this, { desk, ask });
    this.running = null; // the round that is under way
    this.again = false;
  }

  /** Begin; from now on the page's visibility decides. */
  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.soon()));
    this.soon();
  }

  /** Ask now, or as soon as the present round is over. */
  soon() {
    clearTimeout(this.timer);
    if (this.running) this.again = true;
    else if (!document.hidden) this.#round();
  }

  #rest() {
    clearTimeout(this.timer);
    this.again = false;
    this.running?.abort();
  }

  async #round() {
    const began = Date.now();
    const round = new AbortController();
    this.running = round;
    let late = false;
    const patience = setTimeout(() => {
      late = true;
      round.abort();
    }, PATIENCE_MS);
    try {
      await this.ask(round.signal);
      this.desk.connected("live");
    } catch (error) {
      this.#failed(error, late);
    }
    clearTimeout(patience);
    this.running = null;
    if (document.hidden) return;
    const wait = this.again ? 0 : Math.max(EVERY_MS - (Date.now() - began), 100);
    this.again = false;
    this.timer = setTimeout(() => this.soon(), wait);
  }

  #failed(error, late) {
    const { status, name } = error;
    if (name === "AbortError" && !late) return; // the page was hidden
    if (status === 0 || late) return this.desk.connected("lost");
    if (status === LOGIN) location.reload(); // the server asks for the token
    this.desk.connected("live");
    if (status === undefined) reportError(error); // a mistake of this page
  }
}
