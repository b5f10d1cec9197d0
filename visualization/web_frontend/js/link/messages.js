// What the server says: one switch over the types of messages. docs/page.md describes them.

/** Return the receiver of messages; `feed` takes the bars of the chart, each of `askers` the answers to commands. */
export function receiver(store, appearance, feed, askers) {
  return (message) => {
    switch (message.type) {
      case "hello":
        hello(store, appearance, message);
        feed.connected(message.bus_id);
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
        if (message.depth) store.books.set(message.name, message.depth);
        store.tapes.set(message.name, message.trades);
        feed.takeHistory(message);
        store.tell("book", message.name);
        break;
      case "candles":
        feed.takeCandles(message);
        break;
      case "markers":
        feed.takeMarkers(message);
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
        feed.failed(message);
        break;
      default:
        console.error(`the server sent a message of unknown type ${message.type}`);
    }
  };
}

function hello(store, appearance, message) {
  store.clockAhead = message.time_ms - Date.now();
  store.settings = message.settings;
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
  if (!store.ready) {
    store.ready = true;
    appearance.adopt(message.settings);
    store.period = message.settings.period;
    chooseFirst(store);
  }
  store.tell("ready", message);
}

// The settings' symbol if it is there, else the first that has a price, else any.
function chooseFirst(store) {
  const { symbol } = store.settings;
  const names = [...store.instruments.keys()];
  store.name = names.find((name) => name === symbol || name.startsWith(`${symbol}@`)) ?? names.find((name) => store.quotes.has(name)) ?? names[0] ?? "";
}

function putKill(store, { on, since_ms, origin }) {
  store.kill = { on, since_ms, origin };
  store.tell("kill", store.kill);
}

function putInstruments(store, rows) {
  for (const row of rows) store.instruments.set(row.name, row);
  if (store.ready && !store.name && rows.length) {
    chooseFirst(store);
    store.tell("selected", store.name);
  }
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
