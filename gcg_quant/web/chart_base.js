// What all charts share: how they are made and coloured, hairlines behind them, and how several move as one. With price_chart.js,
// curve_chart.js, study_chart.js and shape_layer.js the only modules that know Lightweight Charts (4.1): version 5 is a change of these five.

export const RIGHT_BARS = 12; // empty room to the right of the newest bar: the labels of lines stand there

/** A chart in a container; `options` override the usual ones. */
export function newChart(container, options = {}) {
  const { createChart, CrosshairMode } = window.LightweightCharts;
  const chart = createChart(container, {
    autoSize: true,
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderVisible: true, scaleMargins: { top: 0.06, bottom: 0.2 } },
    timeScale: { rightOffset: RIGHT_BARS, barSpacing: 7, minBarSpacing: 0.6, timeVisible: true },
  });
  chart.applyOptions(options);
  return chart;
}

/** Recolour what is not a series; `colours` are the tokens of the theme. */
export function colourChart(chart, colours) {
  const line = { color: `${colours.line}80` };
  const edge = { borderColor: colours.line };
  const pointer = { color: colours.faint, labelBackgroundColor: colours.faint };
  const font = getComputedStyle(document.documentElement).fontFamily;
  chart.applyOptions({
    layout: { background: { color: colours.panel }, textColor: colours.muted, fontSize: 11, fontFamily: font },
    grid: { vertLines: line, horzLines: line },
    crosshair: { vertLine: pointer, horzLine: pointer },
    rightPriceScale: edge,
    timeScale: edge,
  });
}

/** Say how times are written: `time` at the pointer, `tick` on the axis, with or without seconds. */
export function writeTimes(chart, { time, tick, seconds }) {
  chart.applyOptions({
    localization: { timeFormatter: time },
    timeScale: { tickMarkFormatter: (at, kind) => tick(at, kind), secondsVisible: seconds },
  });
}

/** A chart of bars whose view others can share: what it shows is told and set by the index of bars, fractions included. */
export class SharedView {
  /** `on`: { hover(time, point, marker), range() }; only the reader's own pointer is told of, not one that another chart set. */
  constructor(container, on, options) {
    this.chart = newChart(container, options);
    Object.assign(this, { container, level: true, least: 0 });
    container.addEventListener("pointerenter", () => (this.levelLine = true));
    this.chart.subscribeCrosshairMove((event) => {
      if (event.time === undefined || event.sourceEvent) on.hover(event.time ?? null, event.point ?? null, event.hoveredObjectId);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => on.range());
  }

  /** The indexes of bars that the view reaches from and to, or null before anything is drawn. */
  get range() {
    return this.chart.timeScale().getVisibleLogicalRange();
  }

  set range(range) {
    this.chart.timeScale().setVisibleLogicalRange(range);
  }

  /** The width of the plot without its price scale, px. */
  get width() {
    return Math.max(0, this.container.clientWidth - this.scaleWidth); // a hidden time axis has no width
  }

  /** The width of the price scale, px: charts above each other need the same one; 0 of a chart that was removed, which the library fails on. */
  get scaleWidth() {
    return this.removed ? 0 : this.chart.priceScale("right").width();
  }

  set scaleWidth(pixels) {
    if (pixels === this.least) return;
    this.least = pixels;
    this.chart.applyOptions({ rightPriceScale: { minimumWidth: pixels } });
  }

  /** Show or hide the time axis. */
  set axisShown(shown) {
    this.chart.applyOptions({ timeScale: { visible: shown } });
  }

  /** Point at a time as if the pointer were there, without its level line; null takes the pointer away. */
  pointAt(time, value) {
    this.levelLine = time === null;
    if (time === null || value === null || value === undefined) this.chart.clearCrosshairPosition();
    else this.chart.setCrosshairPosition(value, time, this.main);
  }

  /** Whether the pointer has a horizontal line; one that follows another chart's has none. */
  set levelLine(shown) {
    if (shown === this.level) return;
    this.level = shown;
    this.chart.applyOptions({ crosshair: { horzLine: { visible: shown, labelVisible: shown } } });
  }

  /** Remove the chart from the page. */
  remove() {
    this.removed = true;
    this.chart.remove();
  }
}

/** Vertical hairlines behind a series at some of its times; `drawn()` is told each time the chart is painted. */
export class Hairlines {
  constructor(drawn = () => {}) {
    Object.assign(this, { drawn, times: [], places: [], colour: "transparent" });
    const draw = (target) => target.useBitmapCoordinateSpace((space) => this.#draw(space));
    this.views = [{ zOrder: () => "bottom", renderer: () => ({ draw }) }];
  }

  attached({ chart, requestUpdate }) {
    this.scale = chart.timeScale();
    this.refresh = requestUpdate;
  }

  updateAllViews() {
    this.places = this.times.map((time) => this.scale.timeToCoordinate(time)).filter((x) => x !== null);
    this.drawn();
  }

  paneViews() {
    return this.views;
  }

  /** Draw at these times, in this colour. */
  set(times, colour) {
    if (colour === this.colour && times.join() === this.times.join()) return;
    Object.assign(this, { times, colour });
    this.refresh?.();
  }

  #draw({ context, bitmapSize, horizontalPixelRatio: ratio }) {
    context.fillStyle = this.colour;
    for (const x of this.places) context.fillRect(Math.round(x * ratio), 0, Math.max(1, Math.floor(ratio)), bitmapSize.height);
  }
}

/** Let charts with the same times scroll, zoom and point as one; `hover(time)` is told where the pointer is, or null. */
export function linkCharts(charts, hover) {
  let following = false;
  const follow = (one, move) => {
    if (following) return;
    following = true;
    for (const other of charts) if (other !== one) move(other);
    following = false;
  };
  for (const one of charts) {
    one.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range) follow(one, (other) => other.chart.timeScale().setVisibleLogicalRange(range));
    });
    one.chart.subscribeCrosshairMove((event) => {
      if (following || (event.time !== undefined && !event.sourceEvent)) return; // it follows another
      follow(one, (other) => {
        const value = event.time === undefined ? undefined : other.valueAt(event.time);
        if (value === undefined) other.chart.clearCrosshairPosition();
        else other.chart.setCrosshairPosition(value, event.time, other.main);
      });
      hover(event.time ?? null);
    });
  }
}
