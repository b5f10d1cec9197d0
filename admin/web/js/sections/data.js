// Data: what is stored and where it has gaps, imports with their progress, the collectors and what they are subscribed to.

import "../texts/data.js";
import { Section } from "../frame/section.js";
import { CollectorsPart } from "./data/collectors.js";
import { ImportsPart } from "./data/imports.js";
import { SymbolsPart } from "./data/symbols.js";

export default class Data extends Section {
  constructor(desk) {
    super(desk, "data");
    this.stored = new SymbolsPart(this);
    for (const part of [this.stored, new ImportsPart(this), new CollectorsPart(this)]) this.node.append(part.node);
  }
}
