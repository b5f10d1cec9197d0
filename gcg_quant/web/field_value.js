// What stands in a field of a form, as a value of its type: { value } or { error }, one sentence.

import { t } from "/shared/texts.js";

const WHOLE = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** A number as a text with no thousands separated, so that it can be read back. */
export function numberText(value) {
  return value === null || value === undefined ? "" : String(value);
}

/** The limits of a field as a text, or "". */
export function limits({ type, low, high }) {
  if (!["int", "float"].includes(type)) return "";
  const [least, most] = [low ?? null, high ?? null];
  if (least !== null && most !== null) return t("field_between", numberText(least), numberText(most));
  if (least !== null) return t("field_low", numberText(least));
  return most === null ? "" : t("field_high", numberText(most));
}

/** Read `raw` (a text; a boolean for "bool") as the field's type, within its limits. */
export function fieldValue(field, raw) {
  if (field.type === "bool") return { value: Boolean(raw) };
  const text = raw.trim();
  if (!text) return empty(field);
  switch (field.type) {
    case "int":
      return WHOLE.test(text) && Number.isSafeInteger(Number(text)) ? within(field, Number(text)) : { error: t("field_int") };
    case "float":
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? within(field, Number(text)) : { error: t("field_float") };
    case "date":
      return DATE.test(text) && !Number.isNaN(Date.parse(text)) ? { value: text } : { error: t("field_date") };
    case "choice":
      return chosen(field, text);
    default:
      return field.pattern && !new RegExp(`^(?:${field.pattern})$`).test(text) ? { error: field.patternHelp ?? t("field_needed") } : { value: text };
  }
}

function empty(field) {
  if (field.needed || (["int", "float", "choice"].includes(field.type) && !field.optional)) return { error: t("field_needed") };
  return { value: field.optional ? null : "" };
}

function within(field, value) {
  const outside = value < (field.low ?? -Infinity) || value > (field.high ?? Infinity);
  return outside ? { error: t("field_must", limits(field)) } : { value };
}

// The value as it was given: a choice of numbers stays a number.
function chosen(field, text) {
  const found = field.choices.map(choice).find((one) => String(one.value) === text);
  return found ? { value: found.value } : { error: t("field_choice") };
}

/** A choice as { value, text }, whichever way it is written. */
export function choice(one) {
  return typeof one === "object" && one !== null ? one : { value: one, text: String(one) };
}
