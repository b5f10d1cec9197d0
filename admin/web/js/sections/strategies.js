// Strategies: the view of the chart page's drawer, here with the whole room.

import { WorkSection } from "./work/work_section.js";

export default class Strategies extends WorkSection {
  constructor(desk) {
    super(desk, "strategies", () => import("/static/js/work/strategies_view.js").then((module) => module.StrategiesView), {
      tested: () => (location.hash = "backtests"),
    });
  }
}
