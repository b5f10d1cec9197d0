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


class Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.faults.append(f"{message.text} {message.location.get('url')}"))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith((origin, "data:")) or self.faults.append(f"asked {request.url}"))

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).inner_text())

    def wait(self, expression: str, timeout_s: float = 30.0) -> Any:
        """Wait until a JavaScript expression is true on the page; return its value. The page itself forbids eval."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            value = self.page.evaluate(expression)
            if value:
                return value
            self.page.wait_for_timeout(20)
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


@contextmanager
def served(bus: EventBus, settings: Settings, bridge: WebSocketEventBridge, port: int = 0) -> Iterator[AppServer]:
    """Serve the app of a running bridge."""
    server = serve(create_app(bus, settings, None, bridge), port=port)
    try:
        yield server
    finally:
        assert server.stop()


def spacing(bars: list[list[float]]) -> set[float]:
    """Return the distances between bars, in seconds."""
    return {later[0] - earlier[0] for earlier, later in itertools.pairwise(bars)}
