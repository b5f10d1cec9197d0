// The chain behind a marker as lines: tick, signal, request, risk verdict, order, fill, with times, numbers and delays.

import { el } from "/shared/dom.js";
import * as format from "/shared/format.js";
import { get } from "/shared/rest.js";
import { stateWord, t } from "/shared/texts.js";

const KEPT = 40; // chains of the past do not change
const SAID = { submitting: false }; // states of an order that tell nothing new

export class Chains {
  constructor() {
    this.known = new Map(); // event -> steps
  }

  /** The steps of an event ("#17", "control #17"), the oldest first; null while they are fetched: `then()` is called when they are there. */
  of(event, then) {
    const name = event.replace(/^#/, "").replace(/ #/, "-");
    if (this.known.has(name)) return this.known.get(name);
    this.known.set(name, null);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    get(`/chain/${name}`)
      .then((steps) => this.known.set(name, steps))
      .catch((error) => {
        this.known.delete(name); // the next look asks again
        this.known.failed = error.message;
      })
      .finally(then);
    return null;
  }
}

/** The lines of a chain; `terms` are the instrument's, `zone` is that of times. */
export function chainLines(steps, terms, zone) {
  const list = el("ol", { class: "chain" });
  for (const step of steps.filter((one) => SAID[one.facts.status] !== false && one.kind !== "command")) {
    const delay = step.since_ms === null ? "" : `+${duration(step.since_ms)}`;
    const head = el("span", { class: "kind", text: t(`chain_${KNOWN.has(step.kind) ? step.kind : "other"}`) });
    const what = el("span", { class: "what", text: words(step, terms), title: step.text });
    const time = step.time_ns === null ? "" : format.exactTime(step.time_ns / 1e6, zone);
    list.append(el("li", {}, head, what, el("span", { class: "when", text: time }), el("span", { class: "number", text: `#${step.event}` }), el("span", { class: "delay", text: delay })));
  }
  return list;
}

const KNOWN = new Set(["tick", "bar", "signal", "request", "risk", "order", "fill", "gone"]);

function words({ kind, facts, text }, { decimals, quantity_decimals: digits }) {
  const price = (value) => format.price(value, decimals);
  const quantity = (value) => format.quantity(value, digits);
  switch (kind) {
    case "tick":
      return price(facts.last_price ?? facts.price ?? facts.bid_price);
    case "bar":
      return `${facts.period} ${price(facts.close)}`;
    case "signal":
      return [facts.strategy, facts.name, facts.text].filter(Boolean).join(" · ");
    case "request":
      return [t(facts.side), quantity(facts.quantity), facts.order_type?.replaceAll("_", " "), facts.price === undefined ? "" : price(facts.price)].filter(Boolean).join(" ");
    case "risk":
      return facts.ok ? [t("rules_passed", facts.rules), facts.check_us > 0 ? `${format.price(facts.check_us, 1)} µs` : ""].filter(Boolean).join(" · ") : t("refused", facts.message ?? facts.reasons.join(", "));
    case "order":
      return [stateWord(facts.status), facts.gateway, facts.reason].filter(Boolean).join(" · ");
    case "fill":
      return `${t(facts.side)} ${quantity(facts.quantity)} @ ${price(facts.price)}`;
    case "gone":
      return t("event_gone");
    default:
      return text;
  }
}

/** A delay as people read it: 0.8 µs, 3.1 ms, 12 s. */
export function duration(ms) {
  if (ms < 0.1) return `${format.price(ms * 1000, 1)} µs`;
  if (ms < 1000) return `${format.price(ms, ms < 10 ? 1 : 0)} ms`;
  return ms < 60_000 ? `${format.price(ms / 1000, 1)} s` : format.age(ms);
}
