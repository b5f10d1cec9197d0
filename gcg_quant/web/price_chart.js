// Prices as candles, bars or a line, with volume, markers, price lines and the days' beginnings.

import { Hairlines, RIGHT_BARS, SharedView, colourChart, writeTimes } from "./chart_base.js";
import { ShapeLayer } from "./shape_layer.js";

const NEAR_END = 1.5; // bars: nearer to the newest bar than this, the chart counts as live
const DASHED = 2;
const DOTTED = 1;

// What each style is made of: the library's way to make it, how a bar becomes its point, and which of its colours are which tokens.
const STYLES = {
  candles: { make: "addCandlestickSeries", options: { wickVisible: true, borderVisible: false }, point: ohlc, colours: ({ up, down }) => ({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down }) },
  bars: { make: "addBarSeries", options: { thinBars: true }, point: ohlc, colours: ({ up, down }) => ({ upColor: up, downColor: down }) },
  line: { make: "addLineSeries", options: { lineWidth: 1.5 }, point: (bar) => ({ time: bar[0], value: bar[4] }), colours: ({ text }) => ({ color: text }) },
};

export class PriceChart extends SharedView {
  /** `on`: { hover(time, point, marker), click(point, marker), range(), drawn() }; times are UTC seconds; `options` go to the chart library. */
  constructor(container, on, options) {
    super(container, on, options);
    this.hairlines = new Hairlines(on.drawn);
    this.shapes = new ShapeLayer();
    this.volume = this.chart.addHistogramSeries({ priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.83, bottom: 0 } });
    this.lines = new Map(); // id -> price line
    this.count = 0;
    this.wholeVolume = true;
    this.#make("candles");
    this.chart.subscribeClick((event) => on.click(event.point ?? null, event.hoveredObjectId));
  }

  /** Recolour everything; `colours` are the tokens of appearance.js. */
  setColours(colours) {
    this.colours = colours;
    colourChart(this.chart, colours);
    this.main.applyOptions(STYLES[this.style].colours(colours));
  }

  /** Say how prices and times are written. */
  setFormats({ price, minMove, time, tick, seconds }) {
    this.format = { priceFormat: { type: "custom", formatter: price, minMove } };
    this.main.applyOptions(this.format);
    writeTimes(this.chart, { time, tick, seconds });
  }

  /** Draw prices as "candles", "bars" or "line"; the bars, markers and price lines have to be set anew. Return whether it changed. */
  setStyle(style) {
    if (style === this.style) return false;
    this.chart.removeSeries(this.main);
    this.lines.clear();
    this.#make(style);
    return true;
  }

  /** Draw the volume or not; the bars have to be set anew. */
  setVolume(shown) {
    this.wholeVolume = shown;
    this.volume.applyOptions({ visible: shown });
    this.chart.applyOptions({ rightPriceScale: { scaleMargins: { top: 0.06, bottom: shown ? 0.2 : 0.06 } } });
  }

  /** Show other bars; with `keep` the view stays where it is, although `added` bars came in front (or left, if negative). */
  setBars(bars, keep = false, added = bars.length - this.count) {
    const scale = this.chart.timeScale();
    const range = keep ? this.range : null;
    const { point } = STYLES[this.style];
    this.main.setData(bars.map(point));
    this.volume.setData(this.wholeVolume ? bars.filter(hasVolume).map((bar) => this.#column(bar)) : []);
    this.count = bars.length;
    this.closes = new Map(bars.map((bar) => [bar[0], bar[4]]));
    if (range) scale.setVisibleLogicalRange({ from: range.from + added, to: range.to + added });
    else scale.resetTimeScale();
  }

  /** Change the newest bar, or append one. */
  updateBar(bar, count) {
    this.main.update(STYLES[this.style].point(bar));
    if (this.wholeVolume && hasVolume(bar)) this.volume.update(this.#column(bar));
    this.count = count;
    this.closes.set(bar[0], bar[4]);
  }

  /** `markers`: { id, time, side: "buy" | "sell" | "", kind: "fill" | "signal", text, size }, sorted by time; a fill's `size` is 1 if absent. */
  setMarkers(markers) {
    this.main.setMarkers(
      markers.map(({ id, time, side, kind, text, size = 1 }) => ({
        id,
        time,
        text,
        position: side === "sell" ? "aboveBar" : "belowBar",
        shape: kind === "signal" ? "circle" : side === "sell" ? "arrowDown" : "arrowUp",
        color: kind === "signal" ? this.colours.mark : side === "sell" ? this.colours.down : this.colours.up,
        size: kind === "signal" ? 0.6 : size,
      })),
    );
  }

  /** Draw lines at prices and no others: { id, price, title, token (a colour), dashed }. */
  setPriceLines(lines) {
    const wanted = new Map(lines.map((line) => [line.id, line]));
    for (const [id, drawn] of this.lines) {
      if (wanted.has(id)) continue;
      this.main.removePriceLine(drawn);
      this.lines.delete(id);
    }
    for (const { id, price, title = "", token, dashed } of lines) {
      const quiet = dashed ? { axisLabelColor: this.colours.raised, axisLabelTextColor: this.colours[token] } : {}; // of many the last price stands out
      const options = { price, title, color: this.colours[token], lineWidth: 1, lineStyle: dashed ? DASHED : DOTTED, axisLabelVisible: true, ...quiet };
      if (this.lines.has(id)) this.lines.get(id).applyOptions(options);
      else this.lines.set(id, this.main.createPriceLine(options));
    }
  }

  /** Draw a hairline where each of these bars begins. */
  setBreaks(times) {
    this.hairlines.set(times, this.colours.line);
  }

  /** Draw these shapes over the prices and no others, see ShapeLayer; of what is drawn the rows may change with the bars. */
  setShapes(shapes) {
    this.shapes.set(shapes, this.colours);
  }

  /** Whether the newest bar is in view. */
  get live() {
    return this.chart.timeScale().scrollPosition() > -NEAR_END;
  }

  /** How many bars lie to the left of the view. */
  get barsBefore() {
    return this.range?.from ?? Infinity;
  }

  /** The times of the first and the last bar in view: { from, to }. */
  get visible() {
    return this.chart.timeScale().getVisibleRange();
  }

  /** Where a price at a time is drawn, in pixels of the plot. */
  point(time, price) {
    return { x: this.chart.timeScale().timeToCoordinate(time), y: this.main.priceToCoordinate(price) };
  }

  /** The height of the plot at which a price is drawn, px from the top, or null. */
  heightOf(price) {
    return this.main.priceToCoordinate(price);
  }

  /** Where the newest bar is drawn, px from the left; beyond the width where it is out of view. */
  get newestAt() {
    return this.chart.timeScale().logicalToCoordinate(this.count - 1) ?? Infinity;
  }

  /** The price that is drawn at a height of the plot. */
  priceAt(y) {
    return this.main.coordinateToPrice(y);
  }

  /** The close of the bar at a time, or undefined. */
  valueAt(time) {
    return this.closes?.get(time);
  }

  /** Give the time axis further times, which need have no bar: charts with the same times can be linked. */
  setAxis(times) {
    this.axis ??= this.chart.addLineSeries({ lastValueVisible: false, priceLineVisible: false });
    this.axis.setData(times.map((time) => ({ time })));
  }

  /** A logarithmic or a plain price scale. */
  setLogarithmic(on) {
    this.chart.priceScale("right").applyOptions({ mode: on ? 1 : 0 });
  }

  toLive() {
    this.chart.timeScale().scrollToPosition(RIGHT_BARS, false); // the animated way stops half-way where frames are slow
  }

  // The series that the pointer is on.
  #make(style) {
    const { make, options, colours } = STYLES[style];
    this.style = style;
    this.main = this.chart[make]({ ...options, ...this.format, ...(this.colours && colours(this.colours)) });
    for (const one of [this.hairlines, this.shapes]) this.main.attachPrimitive(one);
  }

  #column(bar) {
    return { time: bar[0], value: bar[5], color: `${bar[4] >= bar[1] ? this.colours.up : this.colours.down}59` };
  }
}

const hasVolume = (bar) => bar[5] !== null && bar[5] !== undefined;

function ohlc([time, open, high, low, close]) {
  return { time, open, high, low, close };
}
