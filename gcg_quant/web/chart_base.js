// What all charts share: how they are made and coloured, and how several move as one. With price_chart.js and curve_chart.js the only
// modules that know Lightweight Charts (4.1): a change to version 5 is a change of these three.

export const RIGHT_BARS = 6; // empty room to the right of the newest bar

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
