// What the limits are called, and how their values are written.

import { t } from "/shared/texts.js";
import { plain } from "../../frame/units.js";

const KNOWN = ["max_order_quantity", "max_order_value", "max_position_value", "max_position_quantity", "max_orders_per_second", "max_open_orders", "price_band", "max_concentration", "self_trade", "session", "t_plus_one", "price_limit", "max_daily_loss", "buying_power"];

/** A limit's name; one that the page does not know as it is in the settings. */
export const limitName = (limit) => (KNOWN.includes(limit) ? t(`rl_${limit}`) : limit.replaceAll("_", " "));

/** What a limit does, in one sentence. */
export const limitHelp = (limit) => (KNOWN.includes(limit) ? t(`rl_${limit}_help`) : "");

/** A limit's value: a number, on or off. */
export function limitText(value) {
  if (value === null || value === undefined || value === false) return t("rk_off");
  return value === true ? t("rk_on") : plain(value);
}
