// Puts the report together.

import * as format from "/shared/format.js";
import { Theme, byId, el, readData } from "./page.js";
import { Charts } from "./charts.js";
import { drawHeadline, drawMeasures, drawMonths, drawSettings } from "./measures.js";
import { drawMaking } from "./making.js";
import { Trades } from "./trades.js";

const data = readData();
const zone = data.timezone;

// Days for bars of a day or more; else with the time of day, on the clock of the first symbol's venue.
function when(time) {
  const day = format.date(time * 1000, zone);
  if (data.daily) return day;
  return `${day} ${data.ticks || /s$/.test(data.period) ? format.timeOfDay(time * 1000, zone) : format.hourMinute(time * 1000, zone)}`;
}

const words = Object.entries(data.parameters).map(([name, value]) => `${name} ${value}`);
byId("title").textContent = [data.strategy, ...words].join(" · ");
const { bars, end_ns: last } = data.measures;
const range = bars ? `${when(data.first_ns / 1e9)} – ${when(last / 1e9)} ${data.daily ? "" : format.zoneName(zone, last / 1e6)}`.trim() : "no bars";
const amount = data.ticks ? [`${format.price(data.ticks, 0)} ticks`] : [data.period, `${format.price(bars, 0)} bars`];
byId("subtitle").textContent = [data.symbols.map((one) => one.symbol).join(", "), range, ...amount].join(" · ");
byId("notes").append(...data.notes.map((text) => el("li", { text })));
drawHeadline(data);
drawMeasures(data);
drawMonths(data);
drawMaking(data);
drawSettings(data);
const charts = new Charts(data, when);
const trades = new Trades(data, when, (symbol, from, to) => charts.visit(symbol, from, to));
const theme = new Theme(() => charts.recolour(theme.colours));
charts.recolour(theme.colours);
charts.fit();
byId("charts").view = { charts, trades }; // for tests and the browser's console
