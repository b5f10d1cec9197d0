"""The two hosts of docs/hosts.md, with a real redis-server between them and a real browser before each: both charts are the same."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.crossing import CROSSING
from gcg_quant.events import AlertEvent, OrderRequest, Tick

from ..data_storage.redis_server import RedisServer
from .conftest import ROOT, System, call

PAGE = (ROOT / "docs/hosts.md").read_text()
URL = "redis://127.0.0.1:6379/0"
BARS = "document.getElementById('chart').view.bars"


def hosts(folder: Path, url: str) -> Iterator[System]:
    """Start what the page's first chapter runs, each in one process, on a Redis of the test's own."""
    for name, text in re.findall(r"`(\w+\.toml)`.*?^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        assert URL in text
        (folder / name).write_text(text.replace(URL, url))
    commands = [shlex.split(line)[4:] for line in PAGE.splitlines() if line.startswith("python -m gcg_quant run ")]
    assert [words[1] for words in commands] == ["collectors.toml", "strategies.toml"]
    for words in commands:
        yield System(folder / words[words.index("--home") + 1], "--one-process", *words, cwd=folder)


def closed_bars(page: Any) -> dict[float, list[float]]:
    """Return the bars that a chart draws, but for the newest one, by their times."""
    bars: list[list[float]] = page.evaluate(BARS)
    return {bar[0]: bar for bar in bars[:-1]}


@pytest.mark.slow
@pytest.mark.browser
def test_both_charts_are_the_same(tmp_path: Path, own_chromium: Any) -> None:
    """The page of the host without collectors draws the candles of the other one, as history and as they come."""
    with RedisServer(tmp_path, tcp=True) as server:
        systems: list[System] = []
        try:
            for system in hosts(tmp_path, server.tcp_url):
                systems.append(system)  # one by one: where the second does not start, the first one is ended
            pages = []
            for system in systems:
                page = own_chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
                page.goto(system.url)
                page.wait_for_selector("#chart[data-state=ready]", timeout=60_000)
                pages.append(page)
            deadline = time.monotonic() + 60.0
            while True:
                first, second = (closed_bars(page) for page in pages)
                shared = sorted(set(first) & set(second))
                # A minute that has just ended comes as a bar of its own behind the first tick of the next.
                if len(shared) > 450 and [first[at] for at in shared] == [second[at] for at in shared]:
                    break
                different = [(first[at], second[at]) for at in shared if first[at] != second[at]]
                assert time.monotonic() < deadline, (len(first), len(second), different, systems[1].output)
                pages[0].wait_for_timeout(100)
            for name, page in zip(("collectors", "strategies"), pages, strict=True):
                page.screenshot(path=tmp_path / f"{name}.png")
            deadline = time.monotonic() + 60.0
            for system, line in zip(
                systems, (r"bridge to hk1: connected, \d", r"bridge from hk1: connected, .* ms late, \d+ behind"), strict=True
            ):
                while not re.search(line, told := call(system.home, "status").stdout):
                    assert time.monotonic() < deadline, told
            with EventBus(systems[1].home / "bus", create=False, read_only=True) as bus:
                with bus.reader(start="begin", events=[Tick]) as reader:
                    assert {event.source for event in reader} == {"simulated@hk1"}
                with bus.reader(start="begin", events=[AlertEvent]) as reader:
                    assert [event for event in reader if "bridge" in str(event)] == []
        finally:
            for system in systems:
                system.close()


def test_the_page_names_what_crosses() -> None:
    """Each event that may cross stands in the page's table."""
    table = PAGE.split("## 3. What crosses", 1)[1].split("\n\n", 2)[1]
    assert set(re.findall(r"\b[A-Z]\w+(?=[,|\s])", table)) == {cls.__name__ for cls in CROSSING}
    assert OrderRequest.__name__ not in table
