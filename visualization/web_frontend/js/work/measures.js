// The measures of a run: how each is called and written, and whether more or less of it is better.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

const MONTH_NS = 30 * 86_400 * 1e9; // what is shorter is not extrapolated to a year
const OF_A_YEAR = ["cagr", "calmar", "sortino", "turnover"];

const decimals = (size) => (size >= 100 ? 0 : size >= 10 ? 1 : 2);
const share = (value) => `${format.price(value * 100, decimals(Math.abs(value * 100)))} %`;
const change = (value) => `${format.signed(value * 100, decimals(Math.abs(value * 100)))} %`;
const fall = (value) => change(-Math.abs(value));
const money = (value) => format.price(value, 2);
const ratio = (value) => format.price(value, 2);
const count = (value) => format.price(value, 0);
const days = (value) => (value >= 2 ? `${format.price(value, 0)} d` : `${format.price(value * 24, 1)} h`);

// Name, how it is written, 1 if more is better, -1 if less is, 0 if neither.
const LIST = [
  ["total_return", change, 1],
  ["cagr", change, 1],
  ["net_profit", format.money, 1],
  ["end_value", money, 1],
  ["sharpe", ratio, 1],
  ["sharpe_yearly", ratio, 1],
  ["sortino", ratio, 1],
  ["calmar", ratio, 1],
  ["sqn", ratio, 1],
  ["volatility", share, -1],
  ["max_drawdown", fall, -1],
  ["max_drawdown_money", money, -1],
  ["max_drawdown_days", days, -1],
  ["value_at_risk", change, 1],
  ["exposure", share, 0],
  ["trades", count, 0],
  ["open_trades", count, 0],
  ["win_rate", share, 1],
  ["won", count, 0],
  ["lost", count, 0],
  ["profit_factor", ratio, 1],
  ["average_trade", format.money, 1],
  ["best_trade", format.money, 1],
  ["worst_trade", format.money, 1],
  ["commission", money, -1],
  ["turnover", ratio, 0],
];
const MEASURES = new Map(LIST.map(([name, ...terms]) => [name, terms]));

/** The measures that are told, in their order. */
export const TOLD = [...MEASURES.keys()];

/** What a measure is called. */
export function measureName(name) {
  return MEASURES.has(name) ? t(`w_measure_${name}`) : name.replaceAll("_", " ");
}

/** A measure as it is read; "–" where there is none. */
export function measureText(name, value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return MEASURES.has(name) ? MEASURES.get(name)[0](value) : String(value);
}

/** The values of a run as they are told: what less than a month would come to in a year is none of them. */
export function told(results) {
  const brief = (results.end_ns ?? MONTH_NS) - (results.start_ns ?? 0) < MONTH_NS;
  return brief ? { ...results, ...Object.fromEntries(OF_A_YEAR.map((name) => [name, null])) } : results;
}

/** Which of some values of a measure is the best: its place, or -1 if there is no such one. */
export function best(name, values) {
  const way = MEASURES.get(name)?.[1] ?? 0;
  const known = values.filter((value) => typeof value === "number");
  if (!way || known.length < values.length || known.length < 2) return -1;
  const top = way > 0 ? Math.max(...known) : Math.min(...known);
  return known.filter((value) => value === top).length === 1 ? known.indexOf(top) : -1;
}
