// Orders and positions: what works, what is held, what was filled, the accounts and the gateways.

import "../texts/trading.js";
import { Section } from "../frame/section.js";
import { Terms } from "../frame/terms.js";
import { AccountsPart } from "./trading/accounts.js";
import { FillsPart } from "./trading/fills.js";
import { GatewaysPart } from "./trading/gateways.js";
import { OrdersPart } from "./trading/orders.js";
import { PositionsPart } from "./trading/positions.js";

export default class Orders extends Section {
  constructor(desk) {
    super(desk, "orders");
    this.terms = new Terms();
    this.terms.askIn(this);
    for (const Part of [OrdersPart, PositionsPart, FillsPart, AccountsPart, GatewaysPart]) this.node.append(new Part(this).node);
  }
}
