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

/** Whether a setting stands at its default; a secret tells only whether it is set. */
export const isDefault = ({ secret, is_set: set, value, default: usual }) => (secret ? !set : JSON.stringify(value) === JSON.stringify(usual));

/** The value that a text means for a setting; whether it may be is the server's to say. */
export function readValue({ type, optional }, text) {
  const word = text.trim();
  if (word === "" && optional) return null;
  if (/int|float/.test(type) && word !== "" && !Number.isNaN(Number(word))) return Number(word);
  if (/^[[{]/.test(word) && /list|table/.test(type)) return parsed(word);
  if (type === "list") return word ? word.split(",").map((one) => one.trim()) : [];
  return word;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(t("se_no_json"));
  }
}
