// What the server says: one switch over the types of messages. docs/page.md describes them.

import { newPane } from "./page_config.js";

/** Return the receiver of messages; `charts` takes bars and what is drawn on them, each of `askers` the answers to commands. */
export function receiver(store, charts, askers) {
  return (message) => {
    switch (message.type) {
      case "hello":
        hello(store, message);
        charts.connected(message.bus_id);
        break;
      case "instruments":
        putInstruments(store, message.rows);
        break;
      case "quotes":
        putQuotes(store, message.rows);
        break;
      case "sparks":
        putSparks(store, message.rows);
        break;
      case "history":
      case "lines":
      case "candles":
      case "markers":
      case "plots":
        charts.take(message.type, message);
        break;
      case "resync":
        charts.resync();
        break;
      case "book":
        if (message.depth) store.books.set(message.name, message.depth);
        store.tapes.set(message.name, message.trades);
        store.tell("book", message.name);
        break;
      case "depth":
        store.books.set(message.name, message);
        store.tell("book", message.name);
        break;
      case "trades":
        putTrades(store, message.name, message.rows);
        break;
      case "rows":
        store.putRows(message.table, message.rows);
        break;
      case "config":
        if (message.client !== store.client) store.takePatch(message.patch);
        break;
      case "attention":
        putAttention(store, message);
        break;
      case "kill":
        putKill(store, message);
        break;
      case "status":
        store.status = message;
        store.clockAhead = message.time_ms - Date.now();
        store.tell("status", message);
        break;
      case "answer":
        for (const asker of askers) asker.answered(message);
        break;
      case "problem":
        if (!charts.failed(message)) console.warn(message.text);
        break;
      default:
        console.error(`the server sent a message of unknown type ${message.type}`);
    }
  };
}

function hello(store, message) {
  store.clockAhead = message.time_ms - Date.now();
  store.settings = message.settings;
  store.client = message.client ?? 0;
  store.tell("periods", message.periods);
  store.instruments.clear();
  putInstruments(store, message.instruments);
  putQuotes(store, message.quotes);
  putSparks(store, message.sparks);
  for (const [table, rows] of Object.entries(message.tables)) {
    store.tables[table].clear();
    store.putRows(table, rows);
  }
  putKill(store, message.kill);
  putAttention(store, message.attention);
  if (!store.ready) {
    store.takeConfig(message.config ?? fromSettings(message.settings));
    chooseFirst(store);
    store.ready = true;
  } else if (message.config) {
    store.takeConfig(message.config);
  }
  store.sender.flush();
  store.tell("ready", message);
}

// What a server without a configuration of its own says of the page's look.
function fromSettings({ period, ...look }) {
  const { dataset, lang } = document.documentElement;
  return { theme: dataset.theme ?? look.theme, language: lang || look.language, up_is_red: look.up_is_red, layout: { grid: "1", linked: true, active: 0, panes: [newPane("", period)] } };
}

// A pane that shows nothing yet gets the settings' symbol if it is there, else the first that has a price, else any.
function chooseFirst(store) {
  if (store.name) return;
  const { symbol } = store.settings;
  const names = [...store.instruments.keys()];
  const first = names.find((name) => name === symbol || name.startsWith(`${symbol}@`)) ?? names.find((name) => store.quotes.has(name)) ?? names[0];
  if (first) store.begin(first);
}

function putKill(store, { on, since_ms, origin }) {
  store.kill = { on, since_ms, origin };
  store.tell("kill", store.kill);
}

function putAttention(store, { alerts, critical, newest, halted }) {
  store.attention = { alerts, critical, newest, halted };
  store.tell("attention", store.attention);
}

function putInstruments(store, rows) {
  for (const row of rows) store.instruments.set(row.name, row);
  if (store.ready && rows.length) chooseFirst(store);
  store.tell("instruments", rows);
}

function putQuotes(store, rows) {
  for (const row of rows) store.quotes.set(row.name, row);
  store.tell("quotes", rows);
}

function putSparks(store, rows) {
  for (const [name, closes] of Object.entries(rows)) store.sparks.set(name, closes);
  store.tell("sparks", Object.keys(rows));
}

function putTrades(store, name, rows) {
  const known = store.tapes.get(name) ?? [];
  store.tapes.set(name, [...rows.toReversed(), ...known].slice(0, 60));
  store.tell("book", name);
}
