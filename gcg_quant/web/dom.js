// Small builders for elements. Text enters the page through textContent only; nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return the element with this id; a missing one is a mistake in index.html. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found;
}

/** Build an element: `el("button", { class: "quiet", text: "Stop", on: { click } }, child, ...)`. */
export function el(tag, { text, on, data, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  Object.assign(node.dataset, data);
  for (const [name, listener] of Object.entries(on ?? {})) node.addEventListener(name, listener);
  node.append(...children);
  return node;
}

/** Set the text of a node only if it differs, so that nothing is laid out again for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Draw a line through `values` into a 44 x 20 svg; it is coloured by its class (`up` or `down`). */
export function sparkline(values, svg = document.createElementNS(SVG, "svg")) {
  svg.setAttribute("viewBox", "0 0 44 20");
  svg.setAttribute("aria-hidden", "true");
  let path = svg.firstChild;
  if (!path) {
    path = document.createElementNS(SVG, "polyline");
    svg.append(path);
  }
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = 42 / Math.max(values.length - 1, 1);
  path.setAttribute("points", values.map((v, i) => `${(1 + i * step).toFixed(1)},${(17 - ((v - low) / span) * 14).toFixed(1)}`).join(" "));
  svg.setAttribute("class", values.at(-1) >= values[0] ? "up" : "down");
  return svg;
}

/** Return a function that calls `draw` once before the next frame, however often it is asked to. */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const tints = new WeakMap();

/** Tint a node for 300 ms after its price went up (`direction` > 0) or down; nothing is laid out for it. */
export function tint(node, direction) {
  if (!direction || calm.matches || tints.get(node)?.playState === "running") return; // a busy price is not tinted without an end
  const colour = `color-mix(in srgb, var(--${direction > 0 ? "up" : "down"}) 12%, transparent)`;
  tints.set(node, node.animate({ backgroundColor: [colour, "transparent"] }, { duration: 300, easing: "ease-out" }));
}

/** One sentence and, where there is one, a command with a copy button. */
export function message(sentence, command, copyLabel) {
  const node = el("div", { class: "message" }, el("span", { text: sentence }));
  if (command) {
    const copy = el("button", { type: "button", class: "quiet", text: copyLabel });
    copy.addEventListener("click", () => navigator.clipboard?.writeText(command).then(() => (copy.textContent = "✓")));
    node.append(el("code", { text: command }), copy);
  }
  return node;
}
