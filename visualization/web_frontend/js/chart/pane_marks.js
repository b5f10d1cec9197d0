// The signals and fills of one pane as markers, and the card of the one that the pointer is on.

import { oncePerFrame } from "/shared/dom.js";
import { gather } from "./markers.js";

export class PaneMarks {
  constructor(pane) {
    Object.assign(this, { pane, groups: new Map() });
    this.draw = oncePerFrame(() => this.#draw());
  }

  /** The pointer is on the marker with this id, or on none. */
  hover(id, point) {
    this.pane.grid.card.hover(this.groups.get(id), this.#onPage(point));
  }

  /** A click on a marker keeps its card. */
  click(id, point) {
    this.pane.grid.card.pin(this.groups.get(id), this.#onPage(point));
  }

  #draw() {
    const { pane } = this;
    if (!pane.node.isConnected) return;
    const { markers, groups } = gather([...pane.feed.markers.values()], pane.bars, pane.store.terms(pane.name).quantity_decimals);
    this.groups = groups;
    pane.chart.setMarkers(markers);
    pane.node.dataset.markers = markers.length;
  }

  // The card stands in the whole chart area, so that it may reach over the edge of its pane.
  #onPage(point) {
    if (!point) return null;
    const [plot, page] = [this.pane.plots.main.getBoundingClientRect(), this.pane.grid.node.getBoundingClientRect()];
    return { x: point.x + plot.left - page.left, y: point.y + plot.top - page.top };
  }
}
