// The columns of a run's trades.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

/** Columns for table.js; `zone()` of the times. */
export function tradeColumns(zone) {
  const moment = (ns) => `${format.date(ns / 1e6, zone())} ${format.timeOfDay(ns / 1e6, zone())}`;
  const money = (key, head) => ({ key, head, number: true, text: (row) => format.money(row[key]), sign: (row) => format.sign(row[key], 2) });
  const price = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(10))));
  return [
    { key: "symbol", head: "symbol", text: (row) => row.symbol },
    { key: "side", head: "side", value: (row) => row.size, text: (row) => (row.size < 0 ? `▼ ${t("w_short_side")}` : `▲ ${t("w_long_side")}`), sign: (row) => (row.size < 0 ? "down" : "up") },
    { key: "size", head: "quantity", number: true, value: (row) => Math.abs(row.size), text: (row) => format.quantity(Math.abs(row.size)) },
    { key: "entry_ns", head: "w_entry", text: (row) => moment(row.entry_ns) },
    { key: "entry_price", head: "price", number: true, text: (row) => price(row.entry_price) },
    { key: "exit_ns", head: "w_exit", text: (row) => moment(row.exit_ns) },
    { key: "bars", head: "w_bars", number: true, text: (row) => format.price(row.bars, 0) },
    { key: "commission", head: "fees", number: true, text: (row) => format.price(row.commission, 2) },
    money("net_profit", "w_measure_net_profit"),
  ];
}
