// The figures: the headline, the table of measures, the months, and the settings.

import * as format from "/shared/format.js";
import { byId, el, group, percentDecimals } from "./page.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FAINTEST = 0.01; // a month of 1 % has never the strongest colour
const DAY_S = 86_400;
const MONTH_S = 30 * DAY_S; // what is shorter is not extrapolated to a year
const FEWEST_DAYS = 5; // of a run over ticks, for what is told of its days' returns

const plain = (value, decimals = 2) => format.price(value, decimals);
const share = (value) => (value === null ? "–" : `${plain(value * 100, percentDecimals(Math.abs(value * 100)))} %`);
const change = (value) => (value === null ? "–" : `${format.signed(value * 100, percentDecimals(Math.abs(value * 100)))} %`);
const count = (value) => plain(value, 0);

/** The few figures that are looked at first. */
export function drawHeadline(data) {
  const { measures: m, currency } = data;
  const few = brief(data);
  const cents = m.end_value < 1000 ? 2 : 0;
  const money = `${plain(m.start_value, cents)} → ${plain(m.end_value, cents)} ${currency}`.trim();
  const figures = [
    ["Return", change(m.total_return), money, format.sign(m.total_return)],
    ["CAGR", change(yearly(m, m.cagr)), short(m) ? "less than a month" : "calendar years", format.sign(yearly(m, m.cagr))],
    ["Sharpe", few ? "–" : plain(m.sharpe), few ? `less than ${FEWEST_DAYS} days` : `days × √${m.periods_per_year}, risk-free 0 %`, ""],
    ["Max drawdown", change(-m.max_drawdown), `longest ${length(m.max_drawdown_days)}`, m.max_drawdown ? "down" : ""],
    ["Trades", count(m.trades), `${share(m.win_rate)} won${m.open_trades ? `, ${count(m.open_trades)} open` : ""}`, ""],
    ["Profit factor", plain(m.profit_factor), "won / lost, after fees", ""],
  ];
  byId("headline").replaceChildren(
    ...figures.map(([name, value, note, sign]) => el("div", {}, el("dt", { text: name }), el("dd", { class: `figure ${sign}`, text: value }), el("dd", { class: "muted", text: note }))),
  );
}

/** All measures, and how those of a year are made. */
export function drawMeasures(data) {
  const { measures: m, ticks } = data;
  const daily = (value) => (brief(data) ? null : value);
  const groups = {
    Return: [
      ["Total return", change(m.total_return)],
      ["CAGR", change(yearly(m, m.cagr))],
      ["Net profit of closed trades", format.money(m.net_profit)],
      ["Fees", plain(m.commission)],
      ["Value at the end", plain(m.end_value)],
    ],
    Risk: [
      ["Volatility", share(daily(m.volatility))],
      ["Max drawdown", `${share(m.max_drawdown)} · ${plain(m.max_drawdown_money)}`],
      ["Longest drawdown", `${length(m.max_drawdown_days)} · ${count(m.max_drawdown_bars)} ${ticks ? "samples" : "bars"}`],
      ["Value at risk, a day, 95 %", change(daily(m.value_at_risk))],
      ["Exposure", share(m.exposure)],
    ],
    "Return for risk": [
      ["Sharpe", plain(daily(m.sharpe))],
      ["Sharpe, yearly returns, 1 %", plain(daily(m.sharpe_yearly))],
      ["Sortino", plain(yearly(m, m.sortino))],
      ["Calmar", plain(yearly(m, m.calmar))],
      ["SQN", plain(m.sqn)],
    ],
    Trades: [
      ["Closed, open", `${count(m.trades)}, ${count(m.open_trades)}`],
      ["Won, lost", `${count(m.won)}, ${count(m.lost)} (${share(m.win_rate)})`],
      ["Average trade", format.money(m.average_trade)],
      ["Best, worst", `${format.money(m.best_trade)}, ${format.money(m.worst_trade)}`],
      ["Turnover a year", yearly(m, m.turnover) === null ? "–" : `${plain(m.turnover)} × the account`],
    ],
  };
  byId("groups").replaceChildren(...Object.entries(groups).map(([name, rows]) => group(name, rows)));
  const terms = [
    `Volatility, Sharpe and Sortino are of daily returns (UTC days), annualised by √${m.periods_per_year}, over a risk-free rate of 0 %.`,
    "CAGR and turnover count calendar years of 365.25 days; Calmar is CAGR over the largest drawdown.",
    "A trade goes from flat to flat; all amounts are after fees unless said otherwise.",
  ];
  byId("terms").textContent = terms.join(" ");
}

/** A row a year, a column a month, coloured by the return. */
export function drawMonths({ months }) {
  if (months.length < 2) return;
  const sizes = months.map(([, , value]) => Math.abs(value)).sort((a, b) => a - b);
  const strongest = Math.max(FAINTEST, sizes[Math.floor(sizes.length * 0.95)]);
  const years = new Map();
  for (const [year, month, value] of months) {
    if (!years.has(year)) years.set(year, new Map());
    years.get(year).set(month, value);
  }
  const head = el("tr", {}, el("th", { scope: "col", text: "" }), ...MONTHS.map((name) => el("th", { scope: "col", text: name })), el("th", { scope: "col", text: "Year" }));
  const rows = [...years].map(([year, found]) => {
    const whole = [...found.values()].reduce((grown, value) => grown * (1 + value), 1) - 1;
    const cells = MONTHS.map((_, at) => heat(found.get(at + 1), strongest));
    return el("tr", {}, el("th", { scope: "row", text: year }), ...cells, el("td", { class: `year ${format.sign(whole, 4)}`, text: percent(whole) }));
  });
  byId("months").querySelector("table").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
  byId("months").hidden = false;
}

/** What would be needed to run it again. */
export function drawSettings(data) {
  const inner = (value) => Object.entries(value).map(([name, one]) => `${name} ${text(one)}`).join(", ");
  const text = (value) => (Array.isArray(value) ? value.join(", ") : value !== null && typeof value === "object" ? inner(value) : String(value));
  const rows = (found) => Object.entries(found).map(([name, value]) => [name, text(value)]);
  const run = { run: data.run || "–", kind: data.kind, "code SHA-256": data.code_sha256 || "–", gcg_quant: data.version, "time zone": data.timezone, currency: data.currency || "–", seconds: plain(data.seconds) };
  if (data.fast_reason) run["not on the fast path"] = data.fast_reason;
  const groups = [group("Parameters", rows(data.parameters)), group("Backtest", rows(data.settings)), group("Run", rows(run))];
  byId("setting-groups").replaceChildren(...groups);
}

function short(m) {
  return (m.end_ns - m.start_ns) / 1e9 < MONTH_S;
}

// Minutes on two sides of midnight tell nothing of days.
function brief({ ticks, times }) {
  return ticks > 0 && new Set(times.map((time) => Math.floor(time / DAY_S))).size < FEWEST_DAYS;
}

function yearly(m, value) {
  return short(m) ? null : value;
}

function heat(value, strongest) {
  if (value === undefined) return el("td", {});
  const strength = Math.round(Math.min(1, Math.abs(value) / strongest) * 55);
  const colour = value < 0 ? "var(--down)" : "var(--up)";
  return el("td", { style: `background: color-mix(in srgb, ${colour} ${strength}%, transparent)`, text: percent(value) });
}

function percent(value) {
  return format.signed(value * 100, 1);
}

function length(days) {
  if (days < 1) return `${plain(days * 24, 1)} hours`;
  return days < 730 ? `${count(days)} days` : `${plain(days / 365.25, 1)} years`;
}
