// The columns of the drawer's tables. A column: { head, text(row, terms), number, wide, sign(row) }, or instead of the text a
// node(row) with mark(row), a text that changes whenever the node must.

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

const digits = (terms) => terms.quantity_decimals;
const symbol = { head: "symbol", text: (row) => splitName(row.name)[0] };
const strategy = { head: "strategy", text: (row) => row.strategy || "–" };
const side = { head: "side", text: (row) => `${row.side === "sell" ? "▼" : "▲"} ${t(row.side)}`, sign: (row) => (row.side === "sell" ? "down" : "up") };
const money = (head, key) => ({ head, number: true, text: (row) => format.money(row[key]), sign: (row) => format.sign(row[key], 2) });
const plain = (key) => ({ head: key, number: true, text: (row) => format.price(row[key], 2) });
const quantity = (head, key) => ({ head, number: true, text: (row, terms) => format.quantity(row[key], digits(terms)) });
const price = (head, key) => ({ head, number: true, text: (row, terms) => format.price(row[key], terms.decimals) });

/** The columns by table; `tools` has zone(). */
export function columns(tools) {
  const time = { head: "time", text: (row) => format.exactTime(row.time_ms, tools.zone()) };
  return {
    orders: [
      time,
      symbol,
      side,
      { head: "kind", text: (row) => row.kind },
      quantity("quantity", "quantity"),
      quantity("filled", "filled"),
      { head: "price", number: true, text: orderPrice },
      price("average", "average"),
      { head: "state", node: (row) => pill(row.status, row.reason), mark: (row) => `${row.status}|${row.reason}` },
      { head: "strategy", node: (row) => el("span", { text: row.strategy || "–", title: `${t("client_id")}: ${row.client_id}` }), mark: (row) => row.client_id },
      { head: "reason", text: (row) => row.reason, wide: true },
    ],
    positions: [
      { head: "symbol", text: (row) => splitName(row.name)[0] + (row.leg ? ` ${stateWord(row.leg)}` : "") },
      strategy,
      { head: "quantity", number: true, text: (row, terms) => format.signed(row.quantity, fitting(row.quantity, digits(terms))), sign: (row) => format.sign(row.quantity) },
      quantity("of_today", "day"),
      quantity("of_before", "earlier"),
      quantity("frozen", "frozen"),
      price("average", "average"),
      price("last", "last"),
      money("open_profit", "open"),
      money("realised", "realised"),
      plain("fees"),
      plain("margin"),
      { head: "account", text: (row) => row.account },
    ],
    fills: [
      time,
      symbol,
      side,
      quantity("quantity", "quantity"),
      price("price", "price"),
      { head: "fee", number: true, text: (row) => format.price(row.fee, 4) },
      strategy,
      { head: "order", text: (row) => row.order },
      { head: "cause", text: (row) => row.cause },
    ],
    accounts: [
      { head: "account", text: (row) => row.account },
      { head: "currency", text: (row) => row.currency },
      plain("cash"),
      plain("equity"),
      plain("margin"),
      plain("available"),
      money("today", "today"),
      money("realised", "realised"),
      money("open_profit", "open"),
      plain("fees"),
    ],
    log: [time, { head: "level", node: (row) => pill(row.level), mark: (row) => row.level }, { head: "component", text: (row) => row.component }, { head: "text", text: (row) => row.text, wide: true }],
  };
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
