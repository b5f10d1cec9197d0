// Puts the page together. Data flows one way: connection -> messages -> store (and the chart's feed) -> the panels.

import "./texts/chart.js";
import "./texts/page.js";
import "./texts/trading.js";
import { Alerts } from "./page/alerts.js";
import { Appearance } from "/shared/appearance.js";
import { Book } from "./page/book.js";
import { ChartGrid } from "./chart/grid.js";
import { ChartTools } from "./page/chart_tools.js";
import { Connection } from "./link/connection.js";
import { addWorkTabs } from "./work/tabs.js";
import { cancelQuestion } from "/shared/ask.js";
import { Control } from "./page/control.js";
import { byId, message } from "/shared/dom.js";
import { Drawer } from "./page/drawer.js";
import { Keyboard } from "./page/keyboard.js";
import { KillSwitch } from "./page/kill_switch.js";
import { MarkerCard } from "./chart/marker_card.js";
import { receiver } from "./link/messages.js";
import { Panels } from "./page/panels.js";
import { RowButtons, works } from "./page/row_buttons.js";
import { Search } from "./page/search.js";
import { SettingsDialog } from "./page/settings_dialog.js";
import { Store } from "./link/store.js";
import { columns } from "./page/tables.js";
import { t } from "/shared/texts.js";
import { tableTab } from "./page/table_tab.js";
import { TopBar } from "./page/top_bar.js";
import { WatchList } from "./page/watch_list.js";
import { Watched } from "./page/watched.js";
import { Zone } from "./page/zone.js";

let connection = { send: () => false };
const send = (what) => connection.send(what);
const store = new Store(send);
const appearance = new Appearance(store);

store.on("config", () => appearance.follow(store.config));
store.on("chosen", (choice) => store.changeConfig(choice));

const zone = new Zone(store);
const tools = new ChartTools(store);
new Alerts(store);
const settings = new SettingsDialog(store);
const watched = new Watched(store, send);
const watch = new WatchList(store, watched);
const control = new Control(store, send);
const kill = new KillSwitch(store, send, zone);
const card = new MarkerCard(store, zone);
new Book(store, send, zone);
const drawer = new Drawer(store, zone);
const tables = columns({ terms: (row) => store.terms(row.name ?? ""), zone: () => zone.current(), act: new RowButtons(store).act });
for (const [name, list] of Object.entries(tables)) drawer.addTab(tableTab(name, list, works));
const work = addWorkTabs(drawer, zone, control);
const panels = new Panels(store);
new TopBar(store, () => {
  panels.choose("drawer");
  drawer.show("accounts");
});

const search = new Search(store, watched, [
  ...["dark", "light", "system"].map((theme) => ({ text: () => t("theme", t(theme)), run: () => appearance.setTheme(theme) })),
  { text: () => t("language"), run: () => appearance.nextLanguage() },
  ...["local", "UTC", "exchange"].map((one) => ({ text: () => t("zone_choose", one === "UTC" ? one : t(`zone_${one}`)), run: () => zone.choose(one) })),
  { text: () => t("page_settings"), run: () => settings.open() },
  { text: () => t("admin"), run: () => location.assign("/admin") },
  { text: () => t(document.body.dataset.folded === "true" ? "unfold" : "fold"), run: () => byId("drawer-fold").click() },
  { text: () => t("kill_off"), run: () => kill.ask() },
  { text: () => t("keys"), run: () => keyboard.help() },
  { text: () => t("watch_all"), run: () => watched.all() },
  ...drawer.names().map((name) => ({ text: () => `${t("drawer")}: ${t(name)}`, run: () => drawer.show(name) })),
  ...tools.commands(),
  ...work,
]);
const closers = [() => tools.close(), () => search.close(), () => kill.cancel(), () => card.close(), cancelQuestion];
const keyboard = new Keyboard({ search, tools, watch, kill, closers });

if (window.LightweightCharts) {
  const grid = new ChartGrid(store, { send, card, zone });
  closers.unshift(() => grid.close());
  connection = new Connection(store, receiver(store, grid, [control, kill, watched]));
  connection.open();
} else {
  byId("grid").append(message(t("no_chart_library"), "pip install lightweight-charts", t("copy")));
}
