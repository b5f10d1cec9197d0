// Which bars are stored: of which instruments, in which periods, from when to when.

import { date } from "/shared/format.js";
import { t } from "/shared/texts.js";
import { periodSeconds } from "./period_length.js";

export class StoredBars {
  /** `rows` of GET /data/symbols. */
  constructor(rows) {
    this.byName = new Map();
    for (const row of rows.filter(({ kind, period }) => /bar/.test(kind) && period)) {
      const name = `${row.symbol}@${row.venue}`;
      this.byName.set(name, [...(this.byName.get(name) ?? []), row]);
    }
  }

  /** Every instrument with bars. */
  names() {
    return [...this.byName.keys()].sort();
  }

  /** Whether there are bars of "BTC/USDT" or "BTC/USDT@SIM". */
  knows(name) {
    return this.byName.has(name) || this.names().some((one) => one.startsWith(`${name}@`));
  }

  /** The periods that all these instruments have, the shortest first. */
  periods(names) {
    const of = (name) => new Set((this.byName.get(name) ?? []).map((row) => row.period));
    const [first, ...others] = names.length ? names.map(of) : [new Set([...this.byName.values()].flat().map((row) => row.period))];
    return [...first].filter((period) => others.every((one) => one.has(period))).sort((a, b) => periodSeconds(a) - periodSeconds(b));
  }

  /** The period of these instruments with the most time in its bars. */
  longest(names) {
    const span = (period) => {
      const [from, to] = this.range(names, period) ?? [0, 0];
      return to - from;
    };
    return this.periods(names).toSorted((a, b) => span(b) - span(a))[0];
  }

  /** From when to when there are bars of all these, [ms, ms], or null. */
  range(names, period) {
    const rows = names.map((name) => this.byName.get(name)?.find((row) => row.period === period));
    if (!rows.length || rows.some((row) => !row)) return null;
    return [Math.max(...rows.map((row) => row.first_ns)) / 1e6, Math.min(...rows.map((row) => row.last_ns)) / 1e6];
  }

  /** What is stored of an instrument, in words: "1s 174, 1m 483 bars, 27 Nov 2026 - 27 Nov 2026". */
  note(name) {
    const rows = this.byName.get(name) ?? [];
    if (!rows.length) return t("w_not_stored");
    const counts = rows.map((row) => `${row.period} ${row.rows.toLocaleString("en-US")}`).join(", ");
    const [from, to] = [Math.min(...rows.map((row) => row.first_ns)), Math.max(...rows.map((row) => row.last_ns))].map((ns) => date(ns / 1e6, "UTC"));
    return t("w_stored_note", counts, from === to ? from : `${from} – ${to}`);
  }
}
