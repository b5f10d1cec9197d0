"""What a machine can see on a view of the pages, and pictures of it for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from ..conftest import ROOT
from .opened import AdminPage

# GCG_SCREENSHOTS=FOLDER writes pictures of all; without it each view is drawn and checked once, and no picture is made.
FOLDER = Path(os.environ.get("GCG_SCREENSHOTS") or ROOT / "build" / "screenshots")
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PICTURES = bool(os.environ.get("GCG_SCREENSHOTS"))
# What a page reports if the browser kept it from something.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push([event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber].join(" ")));
"""
# What is wider than the window, what of the top bar is cut off or lies over its neighbour, and what of a row's buttons is out of reach.
WRONG = """(() => {
  const wrong = [];
  const { scrollWidth, scrollHeight } = document.documentElement;
  if (scrollWidth > innerWidth) wrong.push(`the document is ${scrollWidth - innerWidth} px too wide`);
  if (scrollHeight > innerHeight) wrong.push(`the document is ${scrollHeight - innerHeight} px too high`);
  const floats = "[role=alertdialog], [role=menu], [role=listbox]";
  const main = document.getElementById("main"); // of the admin page, which would be scrolled itself
  if (main && main.scrollWidth > innerWidth) wrong.push(`its main part is ${main.scrollWidth - innerWidth} px too wide`);
  const within = document.getElementById("profit").getBoundingClientRect(); // what does not fit into it is cut off on purpose
  const beyond = (node) => node.parentElement.id === "profit" && node.getBoundingClientRect().top >= within.bottom - 1;
  const seen = (node) => node.checkVisibility() && node.getBoundingClientRect().width > 0 && !node.closest(floats) && !beyond(node);
  const name = (node) => node.id || node.textContent.trim().slice(0, 20) || node.tagName;
  const bar = document.getElementById("top").getBoundingClientRect();
  for (const node of [...document.querySelectorAll("#top :is(h1, button, a, span, input)")].filter(seen)) {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    if (left < -0.5 || right > innerWidth + 0.5 || top < -0.5 || bottom > bar.bottom + 0.5) wrong.push(`${name(node)} leaves the top bar`);
    if (node.tagName !== "INPUT" && node.clientWidth > 4 && node.scrollWidth > node.clientWidth + 1) wrong.push(`${name(node)} is cut off`);
  }
  for (const node of [...document.querySelectorAll("td.act :is(button, .ask span)")].filter((one) => one.checkVisibility())) {
    const { left, right } = node.getBoundingClientRect();
    if (left < -0.5 || right > innerWidth + 0.5) wrong.push(`${name(node)} of a row leaves the window`);
  }
  const boxes = [...document.querySelectorAll("#top > *")].filter(seen).map((node) => [node, node.getBoundingClientRect()]);
  for (const [one, a] of boxes)
    for (const [other, b] of boxes)
      if (a.left < b.left && a.right > b.left + 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        wrong.push(`${name(one)} lies over ${name(other)}`);
  for (const plot of [...document.querySelectorAll(".plot.below")].filter(seen))
    if (plot.clientHeight < 38) wrong.push(`a chart below the prices is ${plot.clientHeight} px high`);
  return wrong;
})()"""


class Album:
    """Takes the pictures if they are asked for, and notes what is wrong on them."""

    def __init__(self, page: AdminPage) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.page.context.add_init_script(WATCH)
        if PICTURES:
            FOLDER.mkdir(parents=True, exist_ok=True)

    def take(self, name: str) -> None:
        """Take the picture of what stands there now."""
        self.page.page.mouse.move(0, 0)
        if PICTURES:
            self.page.page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        else:
            self.page.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        self.wrong += [f"{name}: {one}" for one in self.page.page.evaluate(WRONG)]
        self.wrong += [f"{name}: forbidden: {one}" for one in self.page.page.evaluate("window.violations.splice(0)")]
        if self.page.page.evaluate("document.body.dataset.connection") != "lost":  # then the browser tells of every question
            self.wrong += [f"{name}: {one}" for one in self.page.faults]
        self.page.faults.clear()

    def read(self, name: str, *rules: str) -> None:
        """Let the accessibility checker look at what stands there now, by all its rules or by some."""
        self.wrong += [f"{name}: {one}" for one in self.page.axe(*rules)]
        self.page.page.evaluate("window.violations = window.violations.filter((one) => !one.includes('inline'))")
        self.page.faults[:] = [one for one in self.page.faults if "inline style" not in one]  # that the checker has written

    def dialog(self, name: str, opener: Callable[[], None], *, read: bool = False) -> None:
        """Take the picture of a dialog or a menu, let it be read if asked to, and close it."""
        opener()
        self.page.page.wait_for_timeout(300 if PICTURES else 50)  # what it asks the server for
        self.take(name)
        if read:
            self.read(name)
        self.page.page.keyboard.press("Escape")
        self.page.wait("!document.querySelector('dialog[open]')")


def settle(page: AdminPage, layout: dict[str, Any], look: dict[str, Any]) -> None:
    """Show the chart page in a layout and a look, and wait for its charts."""
    httpx.patch(f"{page.origin}/api/v1/charts/config", json={"layout": layout, **look}).raise_for_status()
    page.page.goto(page.origin)
    page.wait("document.body.dataset.connection === 'live' && document.querySelector('#watch-rows .last')?.textContent.length > 1")
    for number in range(len(layout["panes"])):
        page.wait_pane("node.dataset.state === 'ready' && (view.indicators.length === 0 || view.feed.series.studies.size > 0)", number)
    page.page.wait_for_timeout(300)  # the charts draw in turns
