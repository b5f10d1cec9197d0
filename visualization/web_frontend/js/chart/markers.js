// Signals and fills as markers: those of one side in one bar share an arrow, with the quantities of the fills added up.

import { barOf } from "./bars.js";
import * as format from "/shared/format.js";

const MOST = 400; // arrows drawn; older ones are left out
const APART = 5; // bars: nearer labels of one side would overlap

/** Return { markers, groups }: what to draw, sorted by time, and the rows behind each marker's id, the newest first. */
export function gather(rows, bars, digits) {
  const groups = new Map();
  for (const row of rows) {
    const at = barOf(bars, Math.floor(row.time_ms / 1000));
    if (at < 0) continue;
    const id = `${bars[at][0]}|${row.side}`;
    if (!groups.has(id)) groups.set(id, { id, at, time: bars[at][0], side: row.side, rows: [] });
    groups.get(id).rows.push(row);
  }
  const drawn = [...groups.values()].sort((a, b) => a.time - b.time).slice(-MOST);
  for (const group of drawn) {
    group.rows.sort((a, b) => b.time_ms - a.time_ms);
    group.fills = group.rows.filter((row) => row.kind === "fill");
    group.kind = group.fills.length ? "fill" : "signal";
  }
  const labelled = { buy: -APART, sell: -APART };
  return { groups, markers: drawn.map((group) => ({ ...group, text: label(group, labelled, digits) })) };
}

// The quantity, unless the label before it on this side is so near that both would be unreadable.
function label(group, labelled, digits) {
  if (group.kind === "signal" || group.at - labelled[group.side] < APART) return "";
  labelled[group.side] = group.at;
  const sum = group.fills.reduce((total, row) => total + row.quantity, 0);
  return format.quantity(Number(sum.toPrecision(3)), digits); // three digits: there is no room for more; the card has them all
}
