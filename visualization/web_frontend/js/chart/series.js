// The bars of a series and the studies on them (indicators, strategies' plots): one value of each line a bar, kept side by side.
//
// A study is { id, key, place, title, decimals, levels, error, lines: { NAME: { style, values } } }, and what draws shapes has shapes: { NAME:
// { style, rows: [begin, price, end, price, confirmed, text] } }, sorted by begin (s).

import { barOf, indexOf } from "./bars.js";

export const KEPT = 20_000; // bars; those farthest from the view leave

export class Series {
  constructor() {
    this.bars = [];
    this.studies = new Map(); // id -> study
  }

  /** Take other bars, with the studies that belong to them. */
  replace(bars, studies = []) {
    this.bars = bars;
    this.studies = new Map(studies.map((study) => [study.id, study]));
  }

  /** Put in bars and, by key, the values of studies: a known time is replaced, a new one takes its place. Return the least index that changed. */
  merge(fresh, rows = []) {
    let first = this.bars.length;
    fresh.forEach((bar, at) => {
      const place = indexOf(this.bars, bar[0]);
      const known = this.bars[place]?.[0] === bar[0];
      this.bars.splice(place, known ? 1 : 0, bar);
      if (!known) this.#everyLine((line) => line.values.splice(place, 0, null));
      for (const study of this.studies.values()) put(study, place, rows.find((row) => row.key === study.key), at);
      first = Math.min(first, place);
    });
    for (const study of this.studies.values()) putShapes(study, rows.find((row) => row.key === study.key));
    return first;
  }

  /** Put older bars in front; times that are known already are left as they are. Return how many were new. */
  prepend(older, studies) {
    const oldest = this.bars[0]?.[0] ?? Infinity;
    const end = indexOf(older, oldest);
    this.bars = [...older.slice(0, end), ...this.bars];
    this.#join(studies, older.length, (fresh, values) => [...fresh.slice(0, end), ...values]);
    this.#everyShape(studies, (fresh, known) => (known.rows = [...before(fresh.rows, known.rows[0]?.[0] ?? Infinity), ...known.rows]));
    return end;
  }

  /** Put newer bars behind. Return how many were new. */
  append(newer, studies) {
    const newest = this.bars.at(-1)?.[0] ?? -Infinity;
    const start = indexOf(newer, newest + 1);
    this.bars = [...this.bars, ...newer.slice(start)];
    this.#join(studies, newer.length, (fresh, values) => [...values, ...fresh.slice(start)]);
    this.#everyShape(studies, (fresh, known) => (known.rows = [...before(known.rows, fresh.rows[0]?.[0] ?? Infinity), ...fresh.rows]));
    return newer.length - start;
  }

  /** Forget all but the bars from index `from` to before `to`. */
  cut(from, to) {
    this.bars = this.bars.slice(from, to);
    this.#everyLine((line) => (line.values = line.values.slice(from, to)));
  }

  /** Take the studies of the bars at `times` (the server's answer to other indicators) in place of all known ones. */
  setStudies(studies, times) {
    const places = times.map((time) => indexOf(this.bars, time));
    this.studies = new Map(
      studies.map((study) => {
        const aligned = {};
        for (const [name, { style, values }] of Object.entries(study.lines ?? {})) {
          const put = new Array(this.bars.length).fill(null);
          values.forEach((value, at) => {
            if (this.bars[places[at]]?.[0] === times[at]) put[places[at]] = value;
          });
          aligned[name] = { style, values: put };
        }
        return [study.id, { ...study, lines: aligned }];
      }),
    );
  }

  /** Whether the shapes of a study are known from before a time on: older bars need none then. */
  knowsBefore(id, time) {
    return Object.values(this.studies.get(id)?.shapes ?? {}).some(({ rows }) => rows[0]?.[0] < time);
  }

  /** A strategy's points [time_ms, value] as values of the bars: the last one in each bar. */
  aligned(points) {
    const values = new Array(this.bars.length).fill(null);
    for (const [ms, value] of points) {
      const at = barOf(this.bars, Math.floor(ms / 1000));
      if (at >= 0) values[at] = value;
    }
    return values;
  }

  #everyLine(change) {
    for (const study of this.studies.values()) for (const line of Object.values(study.lines ?? {})) change(line);
  }

  #everyShape(studies, change) {
    for (const { id, shapes } of studies ?? []) {
      for (const [name, fresh] of Object.entries(shapes ?? {})) {
        const known = this.studies.get(id)?.shapes?.[name];
        if (known) change(fresh, known);
      }
    }
  }

  #join(studies, length, join) {
    const nothing = new Array(length).fill(null);
    for (const study of this.studies.values()) {
      const fresh = studies?.find((one) => one.id === study.id);
      for (const [name, line] of Object.entries(study.lines ?? {})) {
        const joined = join(fresh?.lines?.[name]?.values ?? nothing, line.values);
        line.values.length = 0; // the same array: what is drawn holds on to it
        for (const value of joined) line.values.push(value);
      }
    }
  }
}

function put(study, place, row, at) {
  for (const [name, values] of Object.entries(row?.lines ?? {})) if (study.lines?.[name]) study.lines[name].values[place] = values[at];
}

// Of the known shapes those stay that begin at or before `after`; null: none.
function putShapes(study, row) {
  for (const [name, { after, rows }] of Object.entries(row?.shapes ?? {})) {
    const known = study.shapes?.[name];
    if (known) known.rows = [...before(known.rows, (after ?? -Infinity) + 1), ...rows]; // the same object: what is drawn holds on to it
  }
}

function before(rows, time) {
  return rows.filter(([begin]) => begin < time);
}
