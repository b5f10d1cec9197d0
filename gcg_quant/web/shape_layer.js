// Shapes over prices that reach from one bar to another: thin and thick lines, boxes behind the bars, and marks with a word. What may still
// change is dashed. A series' primitive of Lightweight Charts.

const WIDTHS = { thin: 1, thick: 2.5, box: 1, marker: 1 };
const DASHES = { thin: [4, 3], thick: [6, 4], box: [4, 3], marker: [2, 2] };
const FILL = "1f"; // of a box: the bars show through
const MARK = 4; // px, half the width of a mark
const GAP = 4; // px between a price and its mark
const ROOM_PX = 24;
const LINE_PX = 12; // from word to word where several stand at one bar
const MANY = 60; // marks in view: more are drawn without words

export class ShapeLayer {
  constructor() {
    Object.assign(this, { shapes: [], places: [], marks: [], colours: null });
    const view = (zOrder, draw) => ({ zOrder: () => zOrder, renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace(({ context }) => draw(context)) }) });
    this.views = [view("bottom", (context) => this.#boxes(context)), view("top", (context) => this.#over(context))];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { scale: chart.timeScale(), series, refresh: requestUpdate });
  }

  paneViews() {
    return this.views;
  }

  /**
   * Draw these: { part: { style: "thin" | "thick" | "box" | "marker", rows: [begin, price, end, price, confirmed, text] }, colour,
   * write(text) }. Rows are read each time the chart is painted. A marker's text begins with B (to buy) or S (to sell).
   */
  set(shapes, colours) {
    Object.assign(this, { shapes, colours });
    this.refresh?.();
  }

  updateAllViews() {
    const seen = this.shapes.length ? this.scale.getVisibleRange() : null;
    this.places = seen ? this.shapes.flatMap((shape) => shape.part.rows.filter((row) => row[0] <= seen.to && row[2] >= seen.from).map((row) => this.#place(shape, row))) : [];
    this.marks = this.places.filter(({ style }) => style === "marker");
  }

  // Marks have room above and below the prices.
  autoscaleInfo() {
    const marked = this.shapes.some(({ part }) => part.style === "marker" && part.rows.length);
    return marked ? { priceRange: null, margins: { above: ROOM_PX, below: ROOM_PX } } : null;
  }

  // Where a row is drawn. A box that begins before the first bar is drawn from there on.
  #place({ part: { style }, colour, write }, [begin, price, end, other, confirmed, text]) {
    const x = this.scale.timeToCoordinate(begin) ?? (style === "box" ? this.scale.logicalToCoordinate(0) : null);
    const [y, y2] = [price, other].map((one) => this.series.priceToCoordinate(one));
    return { style, colour, write, confirmed, text, x, y, x2: this.scale.timeToCoordinate(end), y2 };
  }

  #boxes(context) {
    for (const { style, colour, confirmed, x, y, x2, y2 } of this.places) {
      if (style !== "box" || x === null || x2 === null) continue;
      pen(context, colour, style, confirmed);
      context.fillStyle = `${colour}${FILL}`;
      context.fillRect(x, y2, x2 - x, y - y2);
      context.strokeRect(x, y2, x2 - x, y - y2);
    }
  }

  #over(context) {
    for (const { style, colour, confirmed, x, y, x2, y2 } of this.places) {
      if (!["thin", "thick"].includes(style) || x === null || x2 === null) continue;
      pen(context, colour, style, confirmed);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x2, y2);
      context.stroke();
    }
    const said = new Map(); // how many marks a bar has had
    for (const mark of this.marks) {
      if (mark.x === null) continue;
      const level = said.get(mark.x) ?? 0;
      said.set(mark.x, level + 1);
      this.#mark(context, mark, level);
    }
  }

  // An arrow towards the price and a word beyond it; of several at one bar only the first has the arrow.
  #mark(context, { text, write, confirmed, x, y }, level) {
    const down = text.startsWith("S");
    const away = down ? -1 : 1;
    const colour = down ? this.colours.down : this.colours.up;
    const tip = y + away * GAP;
    if (!level) {
      pen(context, colour, "marker", confirmed);
      context.beginPath();
      context.moveTo(x, tip);
      context.lineTo(x - MARK, tip + away * MARK * 2);
      context.lineTo(x + MARK, tip + away * MARK * 2);
      context.closePath();
      context.fillStyle = colour;
      if (confirmed) context.fill();
      context.stroke();
    }
    if (this.marks.length > MANY) return;
    context.font = `600 11px ${getComputedStyle(document.documentElement).fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = down ? "bottom" : "top";
    context.fillStyle = colour;
    context.fillText(write(text), x, tip + away * (MARK * 2 + 2 + level * LINE_PX));
  }
}

function pen(context, colour, style, confirmed) {
  context.strokeStyle = colour;
  context.lineWidth = WIDTHS[style];
  context.setLineDash(confirmed ? [] : DASHES[style]);
}
