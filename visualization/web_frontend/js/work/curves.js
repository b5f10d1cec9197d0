// Charts of runs: the account's value over its drawdown, and the returns of several runs in one. They are drawn in the theme's colours.

import { colours } from "/shared/appearance.js";
import { linkCharts } from "/shared/chart_base.js";
import { CurveChart } from "/shared/curve_chart.js";
import * as format from "/shared/format.js";

const SCALE_PX = 76; // one width for the price scales, so that the plots stand below each other
const SCALE = { rightPriceScale: { minimumWidth: SCALE_PX, scaleMargins: { top: 0.08, bottom: 0.08 } } };
const TIME = { timeScale: { minBarSpacing: 0.001, rightOffset: 1 } };
const NO_TIME = { timeScale: { ...TIME.timeScale, visible: false } };

/** Load the chart library where the page has not done so. */
export function chartLibrary() {
  if (window.LightweightCharts) return Promise.resolve();
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = "/vendor/lightweight-charts.js";
    script.addEventListener("load", done);
    script.addEventListener("error", () => fail(new Error("/vendor/lightweight-charts.js")));
    document.head.append(script);
  });
}

/** Draw value over drawdown into two places; `curve` is that of the REST interface; `hover(at)` gets the index under the pointer or null. */
export function drawRun([upper, lower], curve, zone, hover) {
  const { times, index } = axis(curve.times_ms);
  const value = new CurveChart(upper, { ...SCALE, ...NO_TIME });
  const fall = new CurveChart(lower, { ...SCALE, ...TIME });
  value.add("area", "accent", points(times, index, curve.equity), money);
  fall.add("fall", "down", points(times, index, curve.drawdown.map((one) => -Math.abs(one) * 100)), percent);
  linkCharts([value, fall], (time) => hover(time === null ? null : index[times.indexOf(time)]));
  return finish([value, fall], zone, times);
}

/** Draw the returns of runs, each with its token of colour and style of line: [{ curve, token, style }]. */
export function drawReturns(place, runs, zone) {
  const chart = new CurveChart(place, { ...SCALE, ...TIME });
  for (const { curve, token, style } of runs) {
    const { times, index } = axis(curve.times_ms);
    const start = curve.equity[0];
    chart.add("line", token, points(times, index, curve.equity.map((one) => (one / start - 1) * 100)), percent, style);
  }
  return finish([chart], zone, axis(runs.flatMap(({ curve }) => curve.times_ms)).times);
}

// Times of a chart are whole seconds, each once and rising: the last value of a second counts.
function axis(timesMs) {
  const last = new Map(timesMs.map((ms, at) => [Math.floor(ms / 1000), at]));
  const times = [...last.keys()].sort((a, b) => a - b);
  return { times, index: times.map((time) => last.get(time)) };
}

const points = (times, index, values) => times.map((time, at) => [time, values[index[at]]]);
const money = (value) => format.price(value, Math.abs(value) < 1000 ? 2 : 0);
const percent = (value) => `${format.signed(value, Math.abs(value) < 10 ? 2 : 1)} %`;

function finish(charts, zone, times) {
  const short = times.length > 1 && times.at(-1) - times[0] < 86_400 * 4;
  const time = (at) => (short ? `${format.date(at * 1000, zone)} ${format.hourMinute(at * 1000, zone)}` : format.date(at * 1000, zone));
  for (const one of charts) {
    one.setTimes({ time, tick: (at, kind) => format.axisMark(at * 1000, kind, zone), seconds: false });
    one.setColours(colours());
    one.chart.timeScale().fitContent();
  }
  return {
    recolour: () => charts.forEach((one) => one.setColours(colours())),
    remove: () => charts.forEach((one) => one.chart.remove()),
  };
}
