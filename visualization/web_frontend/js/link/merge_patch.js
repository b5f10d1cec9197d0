// JSON merge patches (RFC 7386): an object is merged key by key, null takes a key away, and anything else replaces what was there.

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Return `target` with `patch` merged in; neither is changed. */
export function merged(target, patch) {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Return the one patch that does what `first` and then `second` do. */
export function composed(first, second) {
  if (!isObject(first) || !isObject(second)) return second;
  const result = { ...first };
  for (const [key, value] of Object.entries(second)) result[key] = key in first ? composed(first[key], value) : value;
  return result;
}
