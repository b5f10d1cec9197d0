// An event in one line.

const HEAD = ["event", "time_ns", "source", "lane", "seq", "cause_lane", "cause_seq"];
const DULL = ["symbol", "venue", "event_ns", "recv_ns", "ordinal", "trading_day", "venue_seq"];
const LONGEST = 160;

/** Where an event is: "market/17". */
export const eventPath = (lane, seq) => `${lane}/${seq}`;

/** The fields of an event that say something. */
export function eventFields(row) {
  return Object.fromEntries(Object.entries(row).filter(([name, value]) => !HEAD.includes(name) && value !== null && value !== ""));
}

/** The first fields of an event in one line. */
export function summary(row) {
  const parts = Object.entries(eventFields(row)).filter(([name]) => !DULL.includes(name));
  const text = parts.map(([name, value]) => `${name} ${word(value)}`).join(" · ");
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function word(value) {
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(9)));
  return typeof value === "object" ? JSON.stringify(value) : value;
}
