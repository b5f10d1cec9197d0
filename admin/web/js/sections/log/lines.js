// The lines of the log that the page holds: the newest ones, and what comes after them.

const FIRST = 200;
const STEP = 300; // lines further back each time
const MOST = 1000; // in one answer of the server, and on the page

export class LogLines {
  constructor() {
    this.wanted = FIRST;
    this.clear();
  }

  /** Forget all; what was asked before does not count any more. */
  clear() {
    this.rows = [];
    this.number = (this.number ?? 0) + 1;
    this.last = null; // the newest line's id
    this.complete = false; // there is nothing older
  }

  /** Ask for more of the past. */
  further() {
    this.wanted = Math.min(this.wanted + STEP, MOST);
    this.clear();
  }

  /** What to ask for next. */
  next() {
    return this.last === null ? { limit: this.wanted } : { after: this.last, limit: MOST };
  }

  /** Take an answer, the newest line last. */
  add(rows) {
    if (this.last === null) this.complete = rows.length < this.wanted || this.wanted === MOST;
    const known = new Set(this.rows.map((row) => row.id));
    this.rows = [...this.rows, ...rows.filter((row) => !known.has(row.id))].slice(-Math.max(this.wanted, FIRST));
    this.last = this.rows.at(-1)?.id ?? this.last;
  }
}
