// The WebSocket to the server: reconnects by itself with backoff, measures its latency, and notices a line that is open but dead.

const PING_MS = 2000;
const SILENT_MS = 8000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;
const ASK_MS = 10_000; // lost for so long: perhaps the session has ended
const GUARDED = "/shared/dom.js"; // a file that needs the token, if there is one

export class Connection {
  /** `receive(message)` gets every parsed message; the store is told of "connection" changes. */
  constructor(store, receive) {
    this.store = store;
    this.receive = receive;
    this.wait = FIRST_WAIT_MS;
    this.socket = null;
    this.heard = 0;
    setInterval(() => this.#watch(), PING_MS);
    addEventListener("online", () => this.#again(0));
    document.addEventListener("visibilitychange", () => document.hidden || this.store.connection.state !== "lost" || this.#again(0));
  }

  open() {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    socket.addEventListener("message", (event) => this.#take(socket, event.data));
    socket.addEventListener("close", () => this.#lost(socket));
  }

  /** Send a message; false if there is no connection (after a reconnect the page asks anew anyway). */
  send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  #take(socket, text) {
    if (socket !== this.socket) return;
    this.heard = performance.now();
    const message = JSON.parse(text);
    if (message.type === "pong") {
      this.#change({ latency: Math.max(0, Math.round(performance.now() - message.sent)) });
      return;
    }
    if (message.type === "hello") {
      this.wait = FIRST_WAIT_MS;
      this.#change({ state: "live", since: Date.now() });
      this.send({ type: "ping", sent: performance.now() });
    }
    this.receive(message);
  }

  #watch() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (this.heard && performance.now() - this.heard > SILENT_MS) {
      const dead = this.socket;
      dead.close();
      this.#lost(dead); // a dead line takes long to close: do not wait for it
      return;
    }
    this.send({ type: "ping", sent: performance.now() });
  }

  #lost(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.heard = 0;
    const wait = this.wait * (0.75 + Math.random() / 2);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    const since = this.store.connection.state === "lost" ? this.store.connection.since : Date.now();
    this.#change({ state: this.store.ready ? "lost" : "connecting", since, retryAt: Date.now() + wait, latency: null });
    if (Date.now() - since > ASK_MS) this.#askForToken();
    this.#again(wait);
  }

  /** A socket is refused without a reason: whether the token is asked for is told by an answer, and the page then shows the form. */
  async #askForToken() {
    const answer = await fetch(GUARDED, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) location.reload();
  }

  #again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.socket ?? this.open(), wait);
  }

  #change(what) {
    Object.assign(this.store.connection, what);
    this.store.tell("connection", this.store.connection);
  }
}
