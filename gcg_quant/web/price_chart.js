// Candles with volume, markers and a price line.

import { RIGHT_BARS, colourChart, newChart, writeTimes } from "./chart_base.js";

const NEAR_END = 1.5; // bars: nearer to the newest bar than this, the chart counts as live

export class PriceChart {
  /** `on`: { hover(time, point, marker), click(point, marker), range() }; times are UTC seconds; `options` go to the chart library. */
  constructor(container, on, options) {
    this.chart = newChart(container, options);
    this.candles = this.chart.addCandlestickSeries({ wickVisible: true, borderVisible: false });
    this.volume = this.chart.addHistogramSeries({ priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.83, bottom: 0 } });
    this.line = null;
    this.count = 0;
    this.chart.subscribeCrosshairMove((event) => on.hover(event.time ?? null, event.point ?? null, event.hoveredObjectId));
    this.chart.subscribeClick((event) => on.click(event.point ?? null, event.hoveredObjectId));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => on.range());
  }

  /** Recolour everything; `colours` are the tokens of appearance.js. */
  setColours(colours) {
    this.colours = colours;
    colourChart(this.chart, colours);
    this.candles.applyOptions({ upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down });
  }

  /** Say how prices and times are written. */
  setFormats({ price, minMove, time, tick, seconds }) {
    this.candles.applyOptions({ priceFormat: { type: "custom", formatter: price, minMove } });
    writeTimes(this.chart, { time, tick, seconds });
  }

  /** Show other bars; with `keep` the view stays where it is, although bars came in front. */
  setBars(bars, keep = false) {
    const scale = this.chart.timeScale();
    const range = keep ? scale.getVisibleLogicalRange() : null;
    const added = bars.length - this.count;
    this.candles.setData(bars.map(candle));
    this.volume.setData(bars.filter(hasVolume).map((bar) => this.#column(bar)));
    this.count = bars.length;
    this.closes = new Map(bars.map((bar) => [bar[0], bar[4]]));
    if (range) scale.setVisibleLogicalRange({ from: range.from + added, to: range.to + added });
    else scale.resetTimeScale();
  }

  /** Change the newest bar, or append one. */
  updateBar(bar, count) {
    this.candles.update(candle(bar));
    if (hasVolume(bar)) this.volume.update(this.#column(bar));
    this.count = count;
  }

  /** `markers`: { id, time, side: "buy" | "sell" | "", kind: "fill" | "signal", text, size }, sorted by time; a fill's `size` is 1 if absent. */
  setMarkers(markers) {
    this.candles.setMarkers(
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

  /** Draw our position's average price, or nothing. */
  setPriceLine(line) {
    if (this.line) this.candles.removePriceLine(this.line);
    this.line = line && this.candles.createPriceLine({ ...line, color: this.colours.accent, lineWidth: 1, lineStyle: 1, axisLabelVisible: true });
  }

  /** Whether the newest bar is in view. */
  get live() {
    return this.chart.timeScale().scrollPosition() > -NEAR_END;
  }

  /** How many bars lie to the left of the view. */
  get barsBefore() {
    return this.chart.timeScale().getVisibleLogicalRange()?.from ?? Infinity;
  }

  /** The times of the first and the last bar in view: { from, to }. */
  get visible() {
    return this.chart.timeScale().getVisibleRange();
  }

  /** Where a price at a time is drawn, in pixels of the plot. */
  point(time, price) {
    return { x: this.chart.timeScale().timeToCoordinate(time), y: this.candles.priceToCoordinate(price) };
  }

  /** The series that the pointer is on. */
  get main() {
    return this.candles;
  }

  /** The close of the bar at a time, or undefined; only for bars that `setBars` showed. */
  valueAt(time) {
    return this.closes.get(time);
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

  #column(bar) {
    return { time: bar[0], value: bar[5], color: `${bar[4] >= bar[1] ? this.colours.up : this.colours.down}59` };
  }
}

const hasVolume = (bar) => bar[5] !== null && bar[5] !== undefined;

function candle([time, open, high, low, close]) {
  return { time, open, high, low, close };
}
