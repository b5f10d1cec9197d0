// What one may say about a file that is imported; what is left empty is taken from the file.

import { t } from "/shared/texts.js";

const KINDS = ["", "bars", "quote_bars", "trades", "quotes", "ticks", "open_interest"];
const PERIODS = ["1s", "1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"];
const ZONES = ["UTC", "Asia/Shanghai", "Asia/Hong_Kong", "America/New_York", "America/Chicago", "Europe/London"];
const FORMATS = ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "s", "ms", "us", "ns"];

const words = (name, hint, suggestions) => ({ name, type: "str", label: t(`im_${name}`), default: "", optional: true, hint, suggestions });
const choice = (name, values) => ({ name, type: "choice", label: t(`im_${name}`), default: "", optional: true, choices: values.map((value) => ({ value, text: value || t("im_from_file") })) });

/** The fields of the form. */
export function importFields() {
  return [
    words("symbol", "SPY"),
    words("venue", "NYSE"),
    words("timezone", "America/New_York", ZONES),
    words("period", "1m", PERIODS),
    choice("kind", KINDS),
    choice("stamp", ["", "start", "end"]),
    choice("market", ["", "fx", "cn_stock", "cn_future", "us", "hk", "crypto"]),
    words("time_format", "%Y-%m-%d %H:%M:%S", FORMATS),
    choice("volume_kind", ["", "day", "24h", "single"]),
    choice("ambiguous", ["", "refuse", "earlier", "later"]),
  ];
}
