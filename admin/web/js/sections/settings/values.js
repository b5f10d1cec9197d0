// The values of settings as texts, and texts as values.

import { t } from "/shared/texts.js";

/** A value as it is shown. */
export function valueText(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.length ? value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(", ") : t("se_nothing");
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value === "boolean") return t(value ? "se_on" : "se_off");
  return value === "" ? t("se_nothing") : String(value);
}

/** The value that a text means for a setting; whether it may be is the server's to say. */
export function readValue({ type, choices }, text) {
  const word = text.trim();
  if (choices?.length && !choices.includes(word)) throw new Error(t("se_one_of", choices.join(", ")));
  if (/int|float|number|limit/i.test(type) && word !== "" && !Number.isNaN(Number(word))) return Number(word);
  if (/^[[{]/.test(word)) return parsed(word);
  if (/list|tuple|array/i.test(type)) return word ? word.split(",").map((one) => one.trim()) : [];
  return word;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(t("se_no_json"));
  }
}
