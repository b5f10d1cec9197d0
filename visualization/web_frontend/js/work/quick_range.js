// Quick choices of a range of days: all that is stored, its last week, month, year.

import { el } from "/shared/dom.js";
import { t } from "/shared/texts.js";

const DAY_MS = 86_400_000;
const CHOICES = { all: null, day: 1, week: 7, month: 30, year: 365 };

export class QuickRange {
  /** `choose(from, to)` gets two dates as YYYY-MM-DD; both are "" for everything. It is the control of a field of type "own". */
  constructor(choose) {
    this.choose = choose;
    this.buttons = Object.keys(CHOICES).map((name) => el("button", { type: "button", text: t(`w_range_${name}`), data: { name }, on: { click: () => this.#choose(name) } }));
    this.node = el("div", { class: "choices" }, ...this.buttons);
    this.range = null;
    this.mark("all");
  }

  /** Mark the choice that the dates are, or none. */
  mark(chosen) {
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.name === chosen));
  }

  read() {
    return { value: null };
  }

  set() {}

  /** The range that the choices are made of, [ms, ms], or null; what is longer than it cannot be chosen. */
  over(range) {
    this.range = range;
    for (const button of this.buttons) {
      const days = CHOICES[button.dataset.name];
      button.disabled = days !== null && (!range || range[1] - range[0] < days * DAY_MS);
    }
  }

  #choose(name) {
    const days = CHOICES[name];
    this.mark(name);
    if (days === null) return this.choose("", "");
    const end = Math.ceil(this.range[1] / DAY_MS) * DAY_MS;
    return this.choose(day(end - days * DAY_MS), day(end));
  }
}

const day = (ms) => new Date(ms).toISOString().slice(0, 10);
