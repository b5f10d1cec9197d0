// The columns of the drawer's tables, for /shared/table.js.

import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { splitName } from "../link/store.js";
import { stateWord, t } from "/shared/texts.js";

const GOOD = ["running", "filled", "accepted", "info"];
const BAD = ["failed", "rejected", "error", "critical"];
const WARN = ["warning", "cancelling", "expired"];

/** A state as a pill: its word, and a colour beside it. */
export function pill(state, title = "") {
  const kind = GOOD.includes(state) ? "good" : BAD.includes(state) ? "bad" : WARN.includes(state) ? "warn" : "";
  return el("span", { class: `pill ${kind}`, text: stateWord(state), title });
}

/** The columns by table. `terms(row)` are the instrument's, `zone()` the zone of times, `act.TABLE` = { node(row), mark(row) } a row's buttons. */
export function columns({ terms, zone, act }) {
  const digits = (row) => terms(row).quantity_decimals;
  const time = { key: "time_ms", head: "time", text: (row) => format.exactTime(row.time_ms, zone()), hint: (row) => `${format.date(row.time_ms, zone())} ${format.zoneName(zone(), row.time_ms)}` };
  const text = (key, head = key) => ({ key, head, text: (row) => row[key] || "–" });
  const symbol = { key: "name", head: "symbol", text: (row) => splitName(row.name)[0], hint: (row) => row.name };
  const side = { key: "side", head: "side", text: (row) => `${row.side === "sell" ? "▼" : "▲"} ${t(row.side)}`, sign: (row) => (row.side === "sell" ? "down" : "up") };
  const money = (key, head = key) => ({ key, head, number: true, text: (row) => format.money(row[key]), sign: (row) => format.sign(row[key], 2) });
  const plain = (key, head = key) => ({ key, head, number: true, text: (row) => format.price(row[key], 2) });
  const quantity = (key, head = key) => ({ key, head, number: true, text: (row) => format.quantity(row[key], digits(row)) });
  const price = (key, head = key) => ({ key, head, number: true, text: (row) => format.price(row[key], terms(row).decimals) });
  const signed = (key, head = key) => ({ key, head, number: true, text: (row) => (row[key] === null ? "–" : format.signed(row[key], fitting(row[key], digits(row)))), sign: (row) => format.sign(row[key]) });
  const buttons = (table) => ({ key: "act", act: true, ...act[table] });
  return {
    orders: [
      time,
      symbol,
      side,
      { key: "kind", head: "kind", text: (row) => orderKind(row.kind) },
      quantity("quantity"),
      quantity("filled"),
      { key: "price", head: "price", number: true, text: (row) => orderPrice(row, terms(row)), value: (row) => row.stop ?? row.price },
      price("average"),
      { key: "status", head: "state", node: (row) => pill(row.status, row.reason), mark: (row) => `${row.status}|${row.reason}` },
      { ...text("strategy"), hint: (row) => `${t("client_id")}: ${row.client_id}` },
      { key: "reason", head: "reason", text: (row) => row.reason, wide: true },
      buttons("orders"),
    ],
    positions: [
      { ...symbol, text: (row) => splitName(row.name)[0] + (row.leg ? ` ${stateWord(row.leg)}` : "") },
      text("strategy"),
      signed("quantity"),
      quantity("day", "of_today"),
      quantity("earlier", "of_before"),
      quantity("frozen"),
      price("average"),
      price("last"),
      money("open", "open_profit"),
      money("realised"),
      plain("fees"),
      plain("margin"),
      text("account"),
      buttons("positions"),
    ],
    fills: [time, symbol, side, quantity("quantity"), price("price"), { key: "fee", head: "fee", number: true, text: (row) => format.price(row.fee, 4) }, text("strategy"), text("order"), text("cause"), text("event")],
    accounts: [
      text("account"),
      text("currency"),
      ...["cash", "equity", "margin", "available"].map((key) => plain(key)),
      money("today"),
      money("realised"),
      money("open", "open_profit"),
      plain("fees"),
    ],
    log: [time, { key: "level", head: "level", node: (row) => pill(row.level), mark: (row) => row.level }, text("component"), { key: "text", head: "text", text: (row) => row.text, wide: true }],
  };
}

// The kind of an order in the present language; one that the texts do not know as it is.
function orderKind(kind) {
  return ["market", "limit", "stop", "stop limit", "trailing stop"].includes(kind) ? t(`kind_${kind.replaceAll(" ", "_")}`) : kind;
}

// A stop order's price is its stop; a stop-limit order has both.
function orderPrice(row, terms) {
  const prices = [row.stop, row.price].filter((one) => one !== null).map((one) => format.price(one, terms.decimals));
  return prices.join(" → ") || "–";
}

// As many decimals as the quantity needs: 2, 0.35, 0.0125.
function fitting(value, most) {
  for (let count = 0; count < most; count += 1) if (Math.abs(value * 10 ** count - Math.round(value * 10 ** count)) < 1e-9) return count;
  return most;
}
