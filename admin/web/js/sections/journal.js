// The journal: its lanes at a glance, its newest events, whether it is whole, and what an event led to.

import "../texts/journal.js";
import { Section } from "../frame/section.js";
import { ChainPart } from "./journal/chain.js";
import { EventsPart } from "./journal/events.js";
import { LanesPart } from "./journal/lanes.js";
import { VerifyPart } from "./journal/verify.js";

export default class Journal extends Section {
  constructor(desk) {
    super(desk, "journal");
    this.chain = new ChainPart(this);
    this.verify = new VerifyPart(this);
    this.tools.append(this.verify.button);
    this.node.append(this.verify.node, new LanesPart(this).node, this.chain.node, new EventsPart(this).node);
  }

  show(words) {
    super.show(words);
    this.chain.of(words.join("/"));
  }
}
