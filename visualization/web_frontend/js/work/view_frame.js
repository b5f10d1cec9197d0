// The frame of a view: its buttons, in the place that is given for them or in a bar above, and the place of its table.

import { el } from "/shared/dom.js";

/** Build the frame in `node`; return { place, show(), hide() }. */
export function viewFrame(node, name, buttons, tools) {
  const bar = el("div", { class: tools ? "work-tools" : "work-bar", data: { view: name } }, ...buttons);
  const place = el("div", { class: "work-table" });
  node.classList.add("work");
  node.replaceChildren(...(tools ? [place] : [bar, place]));
  if (tools) {
    bar.hidden = true;
    tools.append(bar);
  }
  return {
    place,
    show() {
      bar.hidden = false;
    },
    hide() {
      bar.hidden = Boolean(tools);
    },
  };
}

/** Call `changed` whenever language, theme or the colours of up and down change, on whichever page. */
export function onAppearance(changed) {
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["lang", "data-theme", "data-up"] });
}
