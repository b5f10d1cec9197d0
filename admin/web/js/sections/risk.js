// Risk: the kill switch, the limits with what is used of each, exceptions for strategies and symbols, what was refused.

import "../texts/risk.js";
import { get } from "/shared/rest.js";
import { Section } from "../frame/section.js";
import { KillPart } from "./risk/kill.js";
import { LimitsPart } from "./risk/limits.js";
import { OverridesPart } from "./risk/overrides.js";
import { RefusalsPart } from "./risk/refusals.js";

const REFUSALS = 100;

export default class Risk extends Section {
  constructor(desk) {
    super(desk, "risk");
    this.parts = [KillPart, LimitsPart, OverridesPart, RefusalsPart].map((Part) => new Part(this));
    this.node.append(...this.parts.map((part) => part.node));
    this.source(
      (signal) => get("/risk", { signal, query: { refusals: REFUSALS } }),
      (report) => this.#show(report),
      (...why) => this.parts.forEach((part) => part.table?.fail(...why)),
    );
  }

  #show(report) {
    for (const part of this.parts) part.show(report);
  }
}
