// Puts the page together. Data flows one way: connection -> messages -> store (and the chart's feed) -> the panels.

import { Appearance } from "./appearance.js";
import { Book } from "./book.js";
import { ChartFeed } from "./chart_feed.js";
import { ChartView } from "./chart_view.js";
import { Connection } from "./connection.js";
import { Control } from "./control.js";
import { byId, message } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Keyboard } from "./keyboard.js";
import { KillSwitch } from "./kill_switch.js";
import { Legend } from "./legend.js";
import { MarkerCard } from "./marker_card.js";
import { receiver } from "./messages.js";
import { Panels } from "./panels.js";
import { Search } from "./search.js";
import { Store } from "./store.js";
import { t } from "./texts.js";
import { TopBar } from "./top_bar.js";
import { WatchList } from "./watch_list.js";
import { Zone } from "./zone.js";

const store = new Store();
const appearance = new Appearance(store);
const send = (what) => connection.send(what);

const zone = new Zone(store);
const bar = new TopBar(store);
const watch = new WatchList(store);
const control = new Control(store, send);
const kill = new KillSwitch(store, send, zone);
const card = new MarkerCard(store, zone);
new Book(store, zone);
new Drawer(store, control, zone);
new Panels(store);

const search = new Search(store, [
  ...["dark", "light", "system"].map((theme) => ({ text: () => t("theme", t(theme)), run: () => appearance.setTheme(theme) })),
  { text: () => t("language"), run: () => appearance.nextLanguage() },
  { text: () => t("kill_off"), run: () => kill.ask() },
  { text: () => t("keys"), run: () => keyboard.help() },
]);
const keyboard = new Keyboard({ search, bar, watch, kill, closers: [() => search.close(), () => kill.cancel(), () => card.close(), () => control.cancel()] });

let connection = { send: () => false };
if (window.LightweightCharts) {
  const view = new ChartView(store, new Legend(store), card, zone);
  const feed = new ChartFeed(store, view, send);
  view.older = () => feed.older();
  view.retry = () => feed.open();
  view.state("loading");
  store.on("chosen", (options) => send({ type: "chart", options }));
  connection = new Connection(store, receiver(store, appearance, feed, [control, kill]));
  connection.open();
} else {
  byId("chart").dataset.state = "error";
  byId("chart-message").append(message(t("no_chart_library"), "pip install lightweight-charts", t("copy")));
}
