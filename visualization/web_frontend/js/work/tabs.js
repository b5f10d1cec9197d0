// The views as tabs of the chart page's drawer: for `drawer.addTab`.

import { byId } from "/shared/dom.js";
import { BacktestsView } from "./backtests_view.js";
import { StrategiesView } from "./strategies_view.js";
import { t } from "/shared/texts.js";

/** Add both views; `zone` names the zone of times, `control` starts and stops strategies. Return commands for the search box. */
export function addWorkTabs(drawer, zone, control) {
  const views = {};
  const tools = byId("drawer-tools");
  const shared = { tools, zone: () => zone.current() };
  const tested = () => drawer.show("backtests"); // a backtest that was asked for is seen to run
  const act = (action, strategy) => control.act(action, strategy);
  drawer.addTab({
    name: "strategies",
    textKey: "strategies",
    mount: (node, store) => (views.strategies = new StrategiesView(node, { ...shared, store, tested, act })),
    count: (store) => String([...store.tables.strategies.values()].filter((row) => row.state !== "unloaded" || row.position).length),
  });
  drawer.addTab({ name: "backtests", textKey: "backtests", mount: (node, store) => (views.backtests = new BacktestsView(node, { ...shared, store })), count: () => "" });
  const command = (tab, key, run) => ({
    text: () => t(key),
    run: () => {
      drawer.show(tab);
      run(views[tab]);
    },
  });
  return [command("strategies", "w_load_strategy", (view) => view.openLoad()), command("backtests", "w_new_backtest", (view) => view.ask())];
}
