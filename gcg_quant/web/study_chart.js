// Lines, histograms and dots over a chart of prices or in a chart of their own below it. Every line has a place for every bar, so that
// charts of the same bars have the same indexes and can share their view.

import { SharedView, colourChart, writeTimes } from "./chart_base.js";

const SOLID = 0;
const SHADE = "99"; // of a histogram's columns: a little of the ground shows through

/** The lines on a chart, kept by id. */
export class LineSet {
  /** `shared` are options of every line. */
  constructor(chart, shared = {}) {
    Object.assign(this, { chart, shared, drawn: new Map() });
  }

  /** Draw these lines and no others: { id, style: "line" | "histogram" | "dots", colour, shown, write }; those that stay keep their values. Return the new ids. */
  setLines(lines) {
    const wanted = new Map(lines.map((line) => [line.id, line]));
    for (const [id, { series, line }] of this.drawn) {
      if (wanted.get(id)?.style === line.style) continue;
      this.chart.removeSeries(series);
      this.drawn.delete(id);
    }
    const fresh = lines.filter((line) => !this.drawn.has(line.id));
    for (const line of fresh) this.drawn.set(line.id, { series: this.#make(line), line });
    for (const line of lines) this.#restyle(line);
    return fresh.map((line) => line.id);
  }

  /** Show other values: one a bar, null where there is none. */
  setValues(id, bars, values) {
    const { series, line } = this.drawn.get(id);
    series.setData(bars.map((bar, at) => this.#point(line, bar[0], values[at])));
  }

  /** Change the value of the newest bar, or append one. */
  update(id, time, value) {
    const { series, line } = this.drawn.get(id);
    series.update(this.#point(line, time, value));
  }

  /** The first line's series, or undefined. */
  get first() {
    return this.drawn.values().next().value?.series;
  }

  #make({ style }) {
    const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false, ...this.shared };
    if (style === "histogram") return this.chart.addHistogramSeries({ ...quiet, base: 0 });
    const dots = style === "dots" ? { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 1.5 } : {};
    return this.chart.addLineSeries({ ...quiet, lineWidth: 1, ...dots });
  }

  #restyle(line) {
    const known = this.drawn.get(line.id);
    known.line = line;
    const format = line.write ? { priceFormat: { type: "custom", formatter: line.write, minMove: 1e-8 } } : {};
    known.series.applyOptions({ color: line.colour, visible: line.shown, ...format });
  }

  // A histogram's columns are coloured by their sign, if it has no colour of its own.
  #point({ style, colour, colours }, time, value) {
    if (value === null || value === undefined || !Number.isFinite(value)) return { time };
    if (style !== "histogram") return { time, value };
    return { time, value, color: `${colours ? (value < 0 ? colours.down : colours.up) : colour}${SHADE}` };
  }
}

/** A chart of lines below a chart of prices. */
export class StudyChart extends SharedView {
  /** `on`: { hover(time, point), range() }. */
  constructor(container, on, options) {
    super(container, on, { rightPriceScale: { scaleMargins: { top: 0.16, bottom: 0.08 } }, ...options });
    this.lines = new LineSet(this.chart);
    this.marks = [];
    this.wanted = [];
  }

  setColours(colours) {
    this.colours = colours;
    colourChart(this.chart, colours);
    this.setLevels(this.wanted);
  }

  setTimes(times) {
    writeTimes(this.chart, times);
  }

  /** Draw horizontal hairlines at these values, on the first line's scale. */
  setLevels(levels) {
    this.wanted = levels;
    for (const [series, mark] of this.marks) if (series === this.lines.first) series.removePriceLine(mark);
    const series = this.lines.first;
    const look = { color: this.colours?.faint, lineWidth: 1, lineStyle: SOLID, axisLabelVisible: false, title: "" };
    this.marks = series ? levels.map((price) => [series, series.createPriceLine({ price, ...look })]) : [];
  }

  /** The series that the pointer is on. */
  get main() {
    return this.lines.first;
  }
}
