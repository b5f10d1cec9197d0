// The studies of one pane: which are drawn, what the legend says of them, and strategies' plots as they come.

import { colours } from "/shared/appearance.js";
import { oncePerFrame } from "/shared/dom.js";
import { displayed } from "./studies.js";
import { StudyLegend } from "./study_legend.js";

export class PaneStudies {
  /** `redraw()` draws the pane anew. */
  constructor(pane, redraw) {
    Object.assign(this, { pane, redraw, shown: [], at: -1 });
    const remove = ({ id }) => pane.change({ indicators: pane.config.indicators.filter((one) => one.id !== id) });
    this.legend = new StudyLegend((id) => pane.plots.placeOf(id), { edit: (one) => pane.grid.editIndicator(pane, one), remove });
    this.plotted = oncePerFrame(() => this.#plotted());
  }

  /** Decide what is drawn, in the colours of now; the bars are drawn after it. */
  display() {
    const { pane } = this;
    const { series, plots } = pane.feed;
    const { decimals } = pane.store.terms(pane.name);
    const wanted = pane.config.plots === false ? [] : plots;
    this.shown = displayed({ indicators: pane.config.indicators, studies: series.studies, plots: wanted, aligned: (points) => series.aligned(points), colours: colours(), decimals });
    pane.plots.setStudies(this.shown.filter((one) => one.drawn));
    this.legend.show(this.shown);
    this.point(this.at);
  }

  /** Say the values at the index of a bar; -1 stands for the newest. */
  point(at) {
    this.at = at;
    this.legend.at(at < 0 ? this.pane.bars.length - 1 : at);
  }

  /** The bars have changed: strategies' plots get a place for each. */
  grow() {
    for (const { plot, lines } of this.shown) if (plot) while (lines[0].values.length < this.pane.bars.length) lines[0].values.push(null);
    if (this.at < 0) this.point(-1);
  }

  #plotted() {
    const { pane } = this;
    if (pane.config.plots === false || !pane.bars.length) return;
    const known = new Set(this.shown.map((one) => one.plot));
    if ([...pane.feed.plots.keys()].some((key) => !known.has(key))) {
      this.redraw();
      return;
    }
    for (const { plot, lines } of this.shown) if (plot) lines[0].values = pane.feed.series.aligned(pane.feed.plots.get(plot).points);
    pane.plots.changed(pane.bars, pane.bars.length - 1);
    this.point(this.at);
  }
}
