// Curves over time: lines and areas, such as an account's value and how far it is below its peak.

import { colourChart, newChart, writeTimes } from "./chart_base.js";

export class CurveChart {
  /** `options` go to the chart library. */
  constructor(container, options) {
    this.chart = newChart(container, options);
    this.curves = [];
    this.values = new Map();
  }

  /** The series that the pointer is on. */
  get main() {
    return this.curves[0].series;
  }

  /** What the first curve says at a time, or undefined. */
  valueAt(time) {
    return this.values.get(time);
  }

  /** Draw `points`, [time, value] by time, as "area", "line" or "fall" (filled from 0 down), in the colour of a token; the first is the main one. `style` 0 to 4: solid, dotted, dashed, widely dashed, widely dotted. */
  add(kind, token, points, format, style = 0) {
    const options = { lineStyle: style, lineWidth: kind === "area" ? 2 : 1, priceLineVisible: false, lastValueVisible: kind !== "line", priceFormat: { type: "custom", minMove: 1e-6, formatter: format } };
    const make = { area: "addAreaSeries", line: "addLineSeries", fall: "addBaselineSeries" }[kind];
    const series = this.chart[make]({ ...options, crosshairMarkerRadius: 3, baseValue: { type: "price", price: 0 } });
    series.setData(points.map(([time, value]) => ({ time, value })));
    if (!this.curves.length) this.values = new Map(points);
    this.curves.push({ kind, token, series });
    return series;
  }

  /** Recolour everything. */
  setColours(colours) {
    colourChart(this.chart, colours);
    for (const { kind, token, series } of this.curves) {
      const colour = colours[token];
      if (kind === "line") series.applyOptions({ color: colour });
      if (kind === "area") series.applyOptions({ lineColor: colour, topColor: `${colour}38`, bottomColor: `${colour}05` });
      if (kind === "fall") {
        const above = { topLineColor: colour, topFillColor1: "transparent", topFillColor2: "transparent" };
        series.applyOptions({ ...above, bottomLineColor: colour, bottomFillColor1: `${colour}0d`, bottomFillColor2: `${colour}40` });
      }
    }
  }

  setTimes(times) {
    writeTimes(this.chart, times);
  }

  /** A logarithmic or a plain price scale. */
  setLogarithmic(on) {
    this.chart.priceScale("right").applyOptions({ mode: on ? 1 : 0 });
  }
}
