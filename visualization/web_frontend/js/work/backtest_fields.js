// The fields of a backtest's form, except the parameters of the strategy.

import { t } from "/shared/texts.js";
import { stem } from "./run_words.js";

/** `classes` to choose from, the `first` of them; the `picker` of symbols with the chosen `symbols`; the quick `range`; the system's own `money`. */
export function backtestFields({ classes, first, picker, symbols, range, money }) {
  const twice = (file) => classes.filter((one) => stem(one.file.short) === stem(file.short)).length > 1;
  const strategies = classes.map(({ value, file, cls }) => ({ value, text: twice(file) ? `${stem(file.short)} · ${cls.class_name} · ${t(`w_files_${file.origin}`)}` : stem(file.short) }));
  return [
    { name: "strategy", type: "choice", label: t("strategy"), choices: strategies, default: first?.value },
    { name: "period", type: "choice", label: t("w_bars_of"), choices: [] },
    { name: "symbols", type: "own", label: t("symbols"), control: picker, default: symbols },
    { name: "range", type: "own", label: t("w_range"), control: range },
    { name: "start", type: "date", label: t("w_range_from"), default: "", optional: true },
    { name: "end", type: "date", label: t("w_range_to"), default: "", optional: true, help: t("w_range_to_help") },
    { name: "cash", type: "float", label: t("w_cash_at_start"), default: money.cash, low: 1 },
    { name: "commission", type: "float", label: t("w_commission"), default: money.commission, low: 0, high: 0.5, help: t("w_commission_help") },
    { name: "matching", type: "choice", label: t("w_matching"), choices: ["stock", "native"].map((value) => ({ value, text: t(`w_matching_${value}`) })), default: "stock", wide: true, help: t("w_matching_help") },
  ];
}
