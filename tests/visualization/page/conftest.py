"""Fixtures of the tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gcg_quant.visualization.server import AppServer

from .watched import Open, Watched


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """Return a function that opens the page of a server and waits for its chart."""
    contexts: list[Any] = []
    opened: list[Watched] = []

    def opener(server: AppServer, state: str = "ready", **options: Any) -> Watched:
        context = (
            chromium.new_context(viewport={"width": 1280, "height": 800}, **options)
            if "viewport" not in options
            else chromium.new_context(**options)
        )
        contexts.append(context)
        watched = Watched(context.new_page(), server.url)
        opened.append(watched)
        watched.page.goto(server.url)
        watched.page.wait_for_selector(f"#chart[data-state={state}]", timeout=8000)
        return watched

    yield opener
    for context in contexts:
        context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
