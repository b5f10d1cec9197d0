"""Websocket clients of the chart page in a process of their own, and how old what they hear is."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["Ages", "child", "measured"]

_SYMBOLS = 4  # panes of a page


class Ages:
    """Ages of messages in milliseconds."""

    def __init__(self, values: list[float]) -> None:
        self.values = sorted(values)

    @property
    def text(self) -> str:
        """Median and 95th percentile."""
        return f"{statistics.median(self.values):.0f} / {self.p95:.0f} ms"

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return self.values[int(len(self.values) * 0.95)]


def measured(url: str, clients: int, seconds: float) -> tuple[Ages, Ages]:
    """Return how old quotes are when they come, and when the next one replaces them, for `clients` clients of a server at `url`."""
    command = [sys.executable, str(Path(__file__).resolve().parents[1] / "page.py"), "--child", url, str(clients), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    come, replaced = json.loads(done.stdout)
    return Ages(come), Ages(replaced)


def child(url: str, clients: int, seconds: float) -> None:
    """Be the clients, and print the ages as JSON."""
    print(json.dumps(asyncio.run(_clients(url, clients, seconds))))


async def _clients(url: str, clients: int, seconds: float) -> tuple[list[float], list[float]]:
    ages: tuple[list[float], list[float]] = ([], [])
    begin = asyncio.Event()
    tasks = [asyncio.create_task(_client(url, number, begin, seconds, ages)) for number in range(clients)]
    await asyncio.sleep(2.0)  # until all have their charts
    begin.set()
    await asyncio.gather(*tasks)
    return ages


async def _client(url: str, number: int, begin: asyncio.Event, seconds: float, ages: tuple[list[float], list[float]]) -> None:
    from websockets.asyncio.client import connect

    async with connect(url, max_queue=None, compression=None) as socket:
        if url.endswith("/ws"):
            await _show(socket, number)
        until = None
        shown: dict[str, float] = {}
        while until is None or time.monotonic() < until:
            text = await socket.recv()
            now_ms = time.time_ns() / 1e6
            if not begin.is_set():
                continue
            if until is None:
                until = time.monotonic() + seconds
            message = json.loads(text)
            if message["type"] == "quotes":
                ages[0].extend(now_ms - row["time_ms"] for row in message["rows"])
                ages[1].extend(now_ms - shown[row["name"]] for row in message["rows"] if row["name"] in shown)
                shown |= {row["name"]: row["time_ms"] for row in message["rows"]}


async def _show(socket: object, number: int) -> None:
    # What a reader with four charts has: each with two indicators, and the book of the first.
    send = socket.send  # type: ignore[attr-defined]
    indicators = [{"id": "a", "name": "EMA"}, {"id": "b", "name": "MACD"}]
    for pane in range(_SYMBOLS):
        name = f"S{(number + pane) % 20}@SIM"
        await send(json.dumps({"type": "subscribe", "request": pane, "pane": pane, "name": name, "period": "1m", "indicators": indicators}))
    await send(json.dumps({"type": "book", "name": f"S{number % 20}@SIM"}))
