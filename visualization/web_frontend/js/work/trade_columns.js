// The columns of a run's trades.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

/** Columns for table.js; `zone()` of the times; the prices of all `rows` have the same decimals. */
export function tradeColumns(zone, rows) {
  const moment = (ns) => `${format.date(ns / 1e6, zone())} ${format.timeOfDay(ns / 1e6, zone())}`;
  const money = (key, head) => ({ key, head, number: true, text: (row) => format.money(row[key]), sign: (row) => format.sign(row[key], 2) });
  const decimals = Math.max(0, ...rows.map((row) => decimalsOf(row.entry_price)));
  return [
    { key: "symbol", head: "symbol", text: (row) => row.symbol },
    { key: "side", head: "side", value: (row) => row.size, text: (row) => (row.size < 0 ? `▼ ${t("w_short_side")}` : `▲ ${t("w_long_side")}`), sign: (row) => (row.size < 0 ? "down" : "up") },
    { key: "size", head: "quantity", number: true, value: (row) => Math.abs(row.size), text: (row) => format.quantity(Math.abs(row.size)) },
    { key: "entry_ns", head: "w_entry", text: (row) => moment(row.entry_ns) },
    { key: "entry_price", head: "price", number: true, text: (row) => format.price(row.entry_price, decimals) },
    { key: "exit_ns", head: "w_exit", text: (row) => moment(row.exit_ns) },
    { key: "bars", head: "w_bars", number: true, text: (row) => format.price(row.bars, 0) },
    { key: "commission", head: "fees", number: true, text: (row) => format.price(row.commission, 2) },
    money("net_profit", "w_measure_net_profit"),
  ];
}

// As many as a price needs, at most six: averages of several fills have any number.
function decimalsOf(value) {
  return Math.min(6, (String(Number(value.toPrecision(10))).split(".")[1] ?? "").length);
}
