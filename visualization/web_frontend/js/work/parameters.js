// Parameters of strategies, as fields of a form and as words.

const PERIODS = ["1s", "5s", "15s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"];

/** A parameter's declaration of the REST interface as a field of form.js, with `value` in place of its default. */
export function parameterField(declared, value = declared.default) {
  const { name, low, high, choices, help } = declared;
  const field = { name, type: declared.type, default: value, low, high, help };
  if (choices?.length) return { ...field, type: "choice", choices };
  if (declared.default === null && value === null) return { ...field, optional: true }; // computed by the class: what is left empty stays its own
  return name === "period" && declared.type === "str" ? { ...field, suggestions: PERIODS } : field;
}

/** Those of the values that differ from `before`, by name; what is null was left to the class. */
export function changedValues(values, before) {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== null && value !== before[name]));
}

/** The defaults of declared parameters by name. */
export function defaults(declared) {
  return Object.fromEntries(declared.map((one) => [one.name, one.default]));
}

/** Parameters as a line: "fast 10 · slow 30". */
export function parameterWords(parameters) {
  return Object.entries(parameters ?? {}).map(([name, value]) => `${name} ${value}`).join(" · ");
}
