// What of a pane's indicators and strategies' plots is drawn, in which colours, over the prices or below them.

import * as format from "/shared/format.js";
import { t } from "/shared/texts.js";

export const MOST_BELOW = 3; // charts below the prices
const COLOURS = 6; // --study-1 to --study-6

/**
 * The studies of a pane to draw, and the entries of its legend in the same order.
 * `indicators` are those of the configuration, `studies` the server's by id, `plots` the strategies' by key, `aligned(points)` puts a
 * plot's points at their bars, `colours` are the tokens, `decimals` the instrument's.
 */
export function displayed({ indicators, studies, plots, aligned, colours, decimals }) {
  const palette = new Palette(colours);
  const shown = [];
  for (const indicator of indicators) {
    const study = studies.get(indicator.id);
    if (study) shown.push(ofIndicator(indicator, study, palette, decimals));
  }
  for (const [key, plot] of plots) shown.push(ofPlot(key, plot, aligned, palette, decimals));
  let below = 0;
  for (const one of shown) {
    one.crowded = one.place === "below" && !one.hidden && !one.error && (below += 1) > MOST_BELOW;
    one.drawn = !one.error && !one.crowded && !(one.place === "below" && one.hidden);
  }
  return shown;
}

// Studies over the prices follow each other through the colours; below, each chart begins with the first.
class Palette {
  constructor(colours) {
    this.colours = colours;
    this.used = 0;
  }

  of(at) {
    return this.colours[`study_${(at % COLOURS) + 1}`];
  }

  next() {
    this.used += 1;
    return this.of(this.used - 1);
  }
}

function ofIndicator(indicator, study, palette, decimals) {
  const below = study.place === "below";
  const shapes = Object.entries(study.shapes ?? {}).map(([name, part]) => ofShapes(name, part, indicator, palette));
  const own = below || shapes.length ? null : palette.next();
  const digits = study.decimals ?? (below ? Math.max(2, decimals) : decimals); // those of the instrument: an average of its prices is finer
  const write = (value) => format.price(value, digits);
  const lines = Object.entries(study.lines ?? {}).map(([name, { style, values }], at) => ({
    id: `${indicator.id}|${name}`,
    name,
    style,
    values,
    write,
    shown: !indicator.hidden,
    colour: indicator.colours?.[name] ?? own ?? palette.of(at),
    colours: style === "histogram" && !indicator.colours?.[name] ? palette.colours : null,
  }));
  return { id: indicator.id, indicator, place: study.place, title: study.title, levels: study.levels, error: study.error, hidden: Boolean(indicator.hidden), lines, shapes };
}

// Marks are coloured by what they say: to buy, or to sell.
function ofShapes(name, part, indicator, palette) {
  const colour = part.style === "marker" ? "" : (indicator.colours?.[name] ?? palette.next());
  return { name, part, colour, shown: !indicator.hidden, write: (text) => t(`point_${text}`) };
}

function ofPlot(key, { strategy, name, place, points }, aligned, palette, decimals) {
  const below = place === "below";
  const write = (value) => format.price(value, below ? 2 : decimals);
  const line = { id: `plot|${key}`, name, style: "line", values: aligned(points), write, shown: true, colour: below ? palette.of(0) : palette.next(), colours: null };
  return { id: `plot|${key}`, plot: key, place, title: `${strategy} · ${name}`, levels: [], error: "", hidden: false, lines: [line], shapes: [] };
}
