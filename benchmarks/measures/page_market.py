"""What ticks while the page is measured: 20 symbols, 200 ticks a second each, with depth, and the servers that show them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.events import Depth, Tick, VolumeKind, World
from gcg_quant.history import History
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import create_app, serve

__all__ = ["SYMBOLS", "TICKS_A_SECOND", "our_server", "plain_server", "tick_until_told", "ticking"]

SYMBOLS = 20
TICKS_A_SECOND = 200
_ROUND_S = 1 / TICKS_A_SECOND
_DEPTH_EVERY = 20  # rounds


@contextlib.contextmanager
def ticking(folder: Path) -> Iterator[EventBus]:
    """Yield a bus on which every symbol ticks until the end of the block, published by a process of its own, as collectors are."""
    with EventBus(folder / "bus", world=World.PAPER, source="benchmark", sync="none") as bus:
        for index in range(SYMBOLS):
            bus.instruments.number(f"S{index}", "SIM")
        script = Path(__file__).resolve().parents[1] / "page.py"
        market = subprocess.Popen([sys.executable, str(script), "--ticks", str(folder)], stdin=subprocess.PIPE)
        try:
            yield bus
        finally:
            market.communicate()  # the end of its input is its end


def tick_until_told(folder: Path) -> None:
    """Be the process that publishes, until the end of the input."""
    done = threading.Event()
    with EventBus(folder / "bus", world=World.PAPER, source="market", sync="none") as bus:
        thread = threading.Thread(target=_tick, args=(bus, done))
        thread.start()
        sys.stdin.read()
        done.set()
        thread.join()


def _tick(bus: EventBus, done: threading.Event) -> None:
    count, volume = 0, 0.0
    due = time.monotonic()
    while not done.is_set():
        count += 1
        for index in range(SYMBOLS):
            price = 100.0 + (count * 7 + index) % 50 / 100
            volume += 1.0
            bus.publish(
                Tick(
                    symbol=f"S{index}",
                    venue="SIM",
                    event_ns=time.time_ns(),
                    last_price=price,
                    last_size=1.0,
                    volume=volume,
                    volume_kind=VolumeKind.DAY,
                    bid_price=price - 0.01,
                    bid_size=2.0,
                    ask_price=price + 0.01,
                    ask_size=3.0,
                )
            )
            if count % _DEPTH_EVERY == index % _DEPTH_EVERY:
                levels = {"bid_sizes": (1.0,) * 10, "ask_sizes": (1.0,) * 10}
                levels |= {"bid_prices": tuple(price - at / 100 for at in range(1, 11))}
                levels |= {"ask_prices": tuple(price + at / 100 for at in range(1, 11))}
                bus.publish(Depth(symbol=f"S{index}", venue="SIM", event_ns=time.time_ns(), **levels))
        due += _ROUND_S
        time.sleep(max(0.0, due - time.monotonic()))


@contextlib.contextmanager
def our_server(bus: EventBus, history: History | None = None) -> Iterator[str]:
    """Yield the address of the chart page's socket over a bus, and stored bars."""
    settings = Settings.model_validate({"web": {"port": 0}})
    bridge = WebSocketEventBridge(settings)
    bridge.start(bus, history)
    while bridge.state != "running":
        time.sleep(0.01)
    server = serve(create_app(bus, settings, history, bridge), port=0)
    try:
        yield f"ws://127.0.0.1:{server.port}/ws"
    finally:
        server.stop()
        bridge.stop()


@contextlib.contextmanager
def plain_server(bus: EventBus) -> Iterator[str]:
    """Yield the address of a server that sends every tick of a bus as JSON to everybody, and nothing else."""
    started, done = threading.Event(), threading.Event()
    ports: list[int] = []
    thread = threading.Thread(target=lambda: asyncio.run(_plain(bus, started, done, ports)), daemon=True)
    thread.start()
    started.wait(10.0)
    try:
        yield f"ws://127.0.0.1:{ports[0]}/plain"
    finally:
        done.set()
        thread.join()


async def _plain(bus: EventBus, started: threading.Event, done: threading.Event, ports: list[int]) -> None:
    from websockets.asyncio.server import broadcast
    from websockets.asyncio.server import serve as listen

    connected: set[object] = set()

    async def handler(socket: object) -> None:
        connected.add(socket)
        try:
            await socket.wait_closed()  # type: ignore[attr-defined]
        finally:
            connected.discard(socket)

    async with listen(handler, "127.0.0.1", 0, compression=None) as server:
        ports.append(next(iter(server.sockets)).getsockname()[1])
        started.set()
        with bus.reader(events=[Tick]) as reader:
            while not done.is_set():
                for event in reader.read_many(1_000):
                    row = {"name": event.symbol, "time_ms": event.event_ns / 1e6, "last": event.last_price}  # type: ignore[union-attr]
                    broadcast(connected, json.dumps({"type": "quotes", "rows": [row]}))  # type: ignore[arg-type]
                await asyncio.sleep(0.002)
