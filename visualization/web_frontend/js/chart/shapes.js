// The shapes of the grid, how many charts each has, and its small drawing.

const SVG = "http://www.w3.org/2000/svg";

/** How many charts a shape has. */
export const SHAPES = { 1: 1, "2h": 2, "2v": 2, 3: 3, 4: 4 };

const LINES = { 1: "", "2h": "M16 3V21", "2v": "M2 12H30", 3: "M16 3V21M16 12H30", 4: "M16 3V21M2 12H30" };

/** Draw a shape. */
export function drawing(shape) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M2 3H30V21H2Z${LINES[shape]}`);
  svg.append(path);
  return svg;
}

/** Return a layout in another shape: the active chart stays in view, charts that are missing show the instruments that follow in `names`. */
export function reshaped(layout, shape, names, newPane) {
  const count = SHAPES[shape];
  const panes = [...layout.panes];
  let active = Math.min(layout.active, panes.length - 1);
  while (panes.length < count) {
    const { name, period } = panes[active];
    const free = names.find((one) => !panes.some((pane) => pane.name === one));
    panes.push(newPane(free ?? name, period));
  }
  if (active >= count) {
    [panes[0], panes[active]] = [panes[active], panes[0]];
    active = 0;
  }
  return { ...layout, grid: shape, panes, active };
}
