// One chart of the grid: its legend, its bars and studies, its price lines and markers, and the four states of a view.

import { colours } from "/shared/appearance.js";
import { t } from "/shared/texts.js";
import { barOf } from "./bars.js";
import { Legend } from "./legend.js";
import { PaneFeed } from "./pane_feed.js";
import { PaneFrame } from "./pane_frame.js";
import { PaneView } from "./pane_view.js";
import { formats, isDaily } from "./periods.js";
import { PaneMarks } from "./pane_marks.js";
import { PaneStudies } from "./pane_studies.js";
import { Plots } from "./plots.js";
import { PriceLines } from "./price_lines.js";
import { dayBreaks } from "./sessions.js";

export class ChartPane {
  /** `number` is its place in the layout; `grid` has `store`, `send`, `card`, `zone` and is told what the reader does: hovered, moved, menu, editIndicator. */
  constructor(number, grid) {
    Object.assign(this, { number, grid, store: grid.store, config: null, drawn: "" });
    this.legend = new Legend(this.store, this, (button) => grid.menu(this, button));
    this.frame = new PaneFrame(number, this.legend.node, { activate: () => this.store.activate(number), live: () => this.live(), retry: () => this.feed.open() });
    this.node = this.frame.node;
    this.node.view = this; // for tests and the browser's console
    this.marks = new PaneMarks(this);
  }

  /** Build what needs a place on the page: called once the node is there. */
  begin(send) {
    this.plots = new Plots(this.frame.plots, { hover: (...on) => this.#hover(...on), click: (point, id) => this.marks.click(id, point), range: () => this.#moved(), drawn: () => this.lines.place() });
    this.chart = this.plots.price;
    this.feed = new PaneFeed(this.store, this, send);
    this.view = new PaneView(this, (period, from) => this.#drawAs(period, from));
    this.lines = new PriceLines(this);
    this.studies = new PaneStudies(this, () => this.#restudy());
    this.plots.setColours(colours());
    this.state("loading");
  }

  get name() {
    return this.config?.name ?? "";
  }

  get period() {
    return this.config?.period ?? "1m";
  }

  /** The indicators as the server needs them. */
  get indicators() {
    return asked(this.config);
  }

  get bars() {
    return this.feed.series.bars;
  }

  get ready() {
    return this.node.dataset.state === "ready";
  }

  /** Change this pane's configuration. */
  change(patch) {
    this.store.changePane(patch, this.number);
  }

  /** Show what the configuration says; what is the same as before stays. */
  configure(config) {
    const before = this.config;
    this.config = config;
    const other = before?.name !== config.name || before?.period !== config.period;
    if (other) {
      this.drawn = config.period;
      this.view.forget();
      this.lines.cancel();
      this.formats();
    }
    const anew = this.plots.setLook(config);
    if (other) this.store.ready && this.feed.open();
    else if (differ(asked(before), asked(config))) this.feed.indicators();
    if (!other && (anew || differ(before, config))) this.#restudy();
    this.legend.draw();
    this.node.setAttribute("aria-label", `${config.name} ${config.period}`);
  }

  /** Show the pane as "loading", "empty", "error" (with a detail) or "ready". */
  state(state, detail) {
    this.frame.state(state, this.name, this.period, detail);
    if (state !== "ready") this.legend.show(null);
    this.lines.draw();
  }

  /** Say something for a few seconds, over the chart. */
  note(text) {
    this.frame.note(text || t("nothing_there"));
  }

  /** Other bars are there. */
  replaced() {
    this.grid.card.close();
    this.store.guessDecimals(this.name, this.bars);
    this.formats();
    this.studies.display();
    this.plots.redraw(this.bars, { reset: !this.view.wanted });
    this.view.restore();
    this.#told();
    this.lines.redraw();
    this.marks.draw();
    this.view.load();
  }

  /** The bars from index `first` on have changed. */
  changed(first) {
    this.studies.grow();
    const before = this.node.dataset.bars;
    this.plots.changed(this.bars, first);
    this.#told();
    if (before !== this.node.dataset.bars) this.marks.draw();
  }

  /** Older bars came in front. */
  prepended(added) {
    this.studies.display();
    this.plots.redraw(this.bars, { added });
    this.#told();
    this.marks.draw();
  }

  /** Bars far from the view have left, `from` of them at the beginning. */
  cut(from) {
    this.prepended(-from);
  }

  /** The values of studies, or strategies' plots, have changed. */
  studied() {
    this.#restudy();
  }

  plotted() {
    this.studies.plotted();
  }

  loadingMore(what) {
    this.frame.loading(what);
  }

  loaded() {
    this.view.load();
  }

  mayLose(from, to) {
    return this.view.mayLose(from, to);
  }

  /** Show the bars of a moment (seconds). */
  goTo(at) {
    const span = (this.view.time?.to ?? 0) - (this.view.time?.from ?? 0);
    this.view.wanted = { from: at - span * 0.1, to: at + span * 0.9 };
    this.feed.goTo(at);
  }

  /** Show the newest bar. */
  live() {
    if (!this.feed.live) {
      this.view.forget();
      this.feed.present();
    } else this.chart.toLive();
  }

  /** Point at a time (seconds) because another pane does; null takes the pointer away. */
  pointAt(time) {
    const at = time === null || !this.ready ? -1 : barOf(this.bars, time);
    this.plots.pointAt(at < 0 ? null : this.bars[at][0]);
    this.#point(at);
  }

  /** Set how prices and times are written, for the instrument, period and zone. */
  formats() {
    this.plots.setFormats(formats(this.store.terms(this.name), this.drawn, this.grid.zone.current()));
  }

  /** Draw everything in the colours and the language of now. */
  recolour() {
    this.frame.translate();
    this.plots.setColours(colours());
    this.formats();
    this.lines.draw();
    if (this.bars.length) this.#restudy();
    else this.state(this.node.dataset.state);
    this.legend.draw();
  }

  /** Take the pane off the page. */
  remove() {
    this.feed.close();
    this.view.forget();
    this.plots.remove();
    this.node.remove();
  }

  #drawAs(period, from) {
    this.drawn = period;
    if (from === null) this.feed.open();
    else this.feed.goTo(from);
    this.legend.draw();
  }

  #restudy() {
    if (!this.bars.length) return;
    this.studies.display();
    this.plots.redraw(this.bars);
    this.lines.redraw();
    this.marks.draw();
    this.#breaks();
  }

  #hover(time, point, id) {
    const at = time === null ? -1 : barOf(this.bars, time);
    this.#point(at);
    this.grid.hovered(this, time);
    this.marks.hover(id, point);
  }

  #point(at) {
    this.legend.show(at < 0 ? null : this.bars[at]);
    this.studies.point(at);
  }

  #moved() {
    this.frame.toLive.hidden = this.feed.live && this.chart.live;
    this.#breaks();
    this.view.moved();
    this.grid.moved(this);
  }

  #breaks() {
    const wanted = this.config.sessions !== false && !isDaily(this.drawn);
    this.chart.setBreaks(wanted ? dayBreaks(this.bars, this.chart.range, this.store.terms(this.name)) : []);
  }

  #told() {
    this.node.dataset.bars = this.bars.length;
    this.legend.newest(this.bars.at(-1));
    this.#breaks();
  }
}

const differ = (one, other) => JSON.stringify(one) !== JSON.stringify(other);
const asked = ({ indicators }) => indicators.map(({ id, name, parameters, source }) => ({ id, name, parameters, source }));
