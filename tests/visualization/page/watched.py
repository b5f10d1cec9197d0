"""A page in a real browser, and what went wrong on it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer, create_app, serve

Open = Callable[..., Any]
LOOK = """new Promise((done, refuse) => {
    const look = async () => {
        try {
            const value = await (%s);
            if (value || performance.now() > end) done(value);
            else setTimeout(look, 20);
        } catch (error) {
            refuse(error);
        }
    };
    const end = performance.now() + %f;
    look();
})"""


class Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self._told: dict[str, Callable[[Any], Any]] = {
            "console": lambda message: message.type == "error" and self.faults.append(f"{message.text} {message.location.get('url')}"),
            "pageerror": lambda error: self.faults.append(str(error)),
            "request": lambda request: request.url.startswith((origin, "data:")) or self.faults.append(f"asked {request.url}"),
        }
        for event, hear in self._told.items():
            page.on(event, hear)

    def look_away(self) -> None:
        """Hear no more of the page, which may be another test's next."""
        for event, hear in self._told.items():
            self.page.remove_listener(event, hear)

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).inner_text())

    def wait(self, expression: str, timeout_s: float = 30.0) -> Any:
        """Wait until a JavaScript expression is true on the page; return its value. The page itself forbids eval."""
        from playwright.sync_api import Error as PlaywrightError

        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            try:  # the page looks by itself: each question from here would go through three processes
                value = self.page.evaluate(LOOK % (expression, left_s * 1000))
            except PlaywrightError as error:
                if "context was destroyed" not in str(error):
                    raise
                continue  # another page has come in its place
            if value:
                return value
        raise AssertionError(f"not within {timeout_s} s: {expression}")

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until an element shows this text somewhere."""
        self.wait(f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(text)})")

    def pane(self, expression: str, number: int = 0) -> Any:
        """Return the value of an expression of a pane: `view` is the pane, `node` its element."""
        return self.page.evaluate(
            f"((node, view) => {expression})(...[document.querySelectorAll('.pane')[{number}]].flatMap(n => [n, n?.view]))"
        )

    def wait_pane(self, expression: str, number: int = 0) -> Any:
        """Wait until an expression of a pane is true; return its value."""
        return self.wait(
            f"((node, view) => view && ({expression}))(...[document.querySelectorAll('.pane')[{number}]].flatMap(n => [n, n?.view]))"
        )

    def bars(self) -> list[list[float]]:
        """Return the bars that the chart draws."""
        bars: list[list[float]] = self.page.evaluate("document.getElementById('chart').view.bars")
        return bars


class Tabs:
    """Pages that the tests of a module use one after another; no two tests have one at the same time.

    A page of a new context has a process of its own that starts cold, which takes three times as much of the processor as
    to open another address where one was open before. A server of each test has a port of its own, and so its own storage.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._free: dict[str, list[Any]] = {}
        self._taken: list[tuple[str, Any]] = []

    def take(self, *, script: str = "", viewport: dict[str, int], **options: Any) -> Any:
        """Return a page that nobody uses, as good as new, of a context with these options where a script goes before each page's own."""
        key = json.dumps([script, options], sort_keys=True)
        free = self._free.setdefault(key, [])
        if free:
            page = free.pop()
            page.set_viewport_size(viewport)
        else:
            context = self._browser.new_context(viewport=viewport, **options)
            context.add_init_script(script)
            page = context.new_page()
        self._taken.append((key, page))
        return page

    def give_back(self, *, keep: bool) -> None:
        """Empty the pages that are taken, or close them."""
        from playwright.sync_api import Error as PlaywrightError

        taken, self._taken = self._taken, []
        for key, page in taken:
            if page.is_closed():
                continue
            try:
                if keep:
                    page.evaluate("localStorage.clear(); sessionStorage.clear()")
                    page.mouse.move(-1, -1)  # a pointer that stays would point at something of the next page
                    page.goto("about:blank")
                    page.context.clear_cookies()
                    self._free[key].append(page)
                    continue
            except PlaywrightError:
                pass  # the test has left it where it cannot be emptied
            page.context.close()

    def close(self) -> None:
        """Close all pages."""
        for page in itertools.chain.from_iterable(self._free.values()):
            page.context.close()


@contextmanager
def served(bus: EventBus, settings: Settings, bridge: WebSocketEventBridge, port: int = 0) -> Iterator[AppServer]:
    """Serve the app of a running bridge."""
    server = serve(create_app(bus, settings, None, bridge), port=port)
    try:
        yield server
    finally:
        assert server.stop(60.0)


def spacing(bars: list[list[float]]) -> set[float]:
    """Return the distances between bars, in seconds."""
    return {later[0] - earlier[0] for earlier, later in itertools.pairwise(bars)}
