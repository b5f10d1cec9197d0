// Backtests: the view of the chart page's drawer, here with the whole room.

import { WorkSection } from "./work/work_section.js";

export default class Backtests extends WorkSection {
  constructor(desk) {
    super(desk, "backtests", () => import("/static/js/work/backtests_view.js").then((module) => module.BacktestsView));
  }
}
