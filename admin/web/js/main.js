// Puts the page together: the desk knows what all share, the navigation opens one section, the poller asks for it about every second.

import "/static/js/texts/page.js";
import "/static/js/texts/trading.js";
import "./texts/frame.js";
import "./texts/sentences.js";
import { Appearance } from "/shared/appearance.js";
import { get, patch } from "/shared/rest.js";
import { Desk } from "./frame/desk.js";
import { Keyboard } from "./frame/keyboard.js";
import { Navigation } from "./frame/navigation.js";
import { Poller } from "./frame/poller.js";
import { TopBar } from "./frame/top_bar.js";
import { Zone } from "./frame/zone.js";

const ALERTS_EVERY_MS = 3000;
const CONFIG_EVERY_MS = 15_000;

const desk = new Desk();
desk.zone = new Zone(desk);
const appearance = new Appearance(desk);
const navigation = new Navigation(desk);
new TopBar(desk);
new Keyboard(navigation);

let alertsAt = 0;
let configAt = 0;

// Theme, language and zone are those of the chart page: the server keeps them, and a choice here holds there.
async function configuration(signal) {
  if (Date.now() - configAt < CONFIG_EVERY_MS) return;
  configAt = Date.now();
  const config = await get("/charts/config", { signal });
  appearance.follow(config);
  desk.zone.follow(config);
}

desk.on("chosen", (choice) => {
  configAt = Date.now();
  patch("/charts/config", choice).catch((error) => console.warn(error.message)); // it holds in this browser all the same
});

// What the top bar and the navigation show; the open section asks for its own beside it.
async function common(signal) {
  desk.status = await get("/system/status", { signal });
  desk.tell("status", desk.status);
  if (Date.now() - alertsAt < ALERTS_EVERY_MS) return;
  alertsAt = Date.now();
  const [accounts, alerts] = await Promise.all([get("/accounts", { signal }), get("/alerts", { signal }).catch(missing)]);
  desk.accounts = accounts;
  desk.alerts = alerts;
  desk.tell("alerts", alerts);
}

// Without the list of alerts their number is not known; everything else goes on.
function missing(error) {
  if (!error.status) throw error;
  return null;
}

const poller = new Poller(desk, (signal) => Promise.all([configuration(signal), common(signal), navigation.section?.refresh(signal)]));
desk.soon = () => poller.soon();
poller.start();
