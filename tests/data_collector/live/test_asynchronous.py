"""Collectors with an asyncio client: one loop, whatever thread asks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tiny import parse_trade

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.data_collector.live import AsyncExchangeCollector
from gcg_quant.events import Applied, GapEvent, SubscribeEvent, TradeTick
from gcg_quant.instruments import Instrument


class AsyncTiny(AsyncExchangeCollector):
    """Reads a TinyVenue by asyncio streams."""

    writer: asyncio.StreamWriter | None = None
    hangs = False
    leftover: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; a test may have it hang."""
        host, _, port = self.url.removeprefix("tiny://").partition(":")
        self.stream, self.writer = await asyncio.open_connection(host, int(port))
        self.leftover = asyncio.create_task(asyncio.sleep(3600))
        while self.hangs:
            await asyncio.sleep(0.01)

    async def run(self) -> None:
        """Read until the connection ends."""
        async for line in self.stream:
            trade = self.parsed(parse_trade, line, self.recv_ns())
            if trade is not None:
                self.take(trade)

    async def shut(self) -> None:
        """Close."""
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.close()

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a market that is always open."""
        return Instrument(symbol=symbol, venue=self.venue)

    async def async_ask(self, symbols: Sequence[str]) -> None:
        """Subscribe."""
        await self._say(ask=list(symbols))

    async def async_drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe."""
        await self._say(drop=list(symbols))

    async def _say(self, **message: Any) -> None:
        assert self.writer is not None
        self.writer.write(json.dumps(message).encode() + b"\n")
        await self.writer.drain()


class Ending:
    """A loop that is closed before it begins what it was given."""

    closed = False

    def is_closed(self) -> bool:
        """Return whether it is."""
        return self.closed

    def is_running(self) -> bool:
        """Return that it seems to run."""
        return True

    def call_soon_threadsafe(self, *_: Any, **__: Any) -> None:
        """Take a call, and never make it."""
        self.closed = True


@pytest.fixture
def collector(bus: EventBus, venue: Any) -> Iterator[AsyncTiny]:
    """Return a collector that was not started."""
    url = f"tiny://127.0.0.1:{venue.port}"
    made = AsyncTiny("tiny", url=url, symbols=["A"], backoff=Backoff(0.01, 0.1), connect_s=5.0)
    yield made
    made.stop()


def test_it_reads_reconnects_and_takes_symbols_on(
    bus: EventBus, venue: Any, collector: AsyncTiny, published: Any, wait_until: Callable[..., Any]
) -> None:
    """As any collector does; tasks that a connection has left over end with it."""
    collector.start(bus)
    wait_until(lambda: venue.asked == ["A"])
    venue.send(venue.trade(1))
    wait_until(lambda: published(TradeTick))
    bus.publish(SubscribeEvent(symbol="B", venue="tiny"))
    wait_until(lambda: venue.asked == ["A", "B"])
    left = collector.leftover
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "B", "A", "B"])
    assert left is not None
    assert left.cancelled()
    venue.send(venue.trade(5))
    wait_until(lambda: len(published(TradeTick)) == 2)
    assert [(one.start_ns, one.end_ns) for one in published(GapEvent)] == [(10**9, 5 * 10**9)]
    bus.publish(SubscribeEvent(symbol="A", venue="tiny", subscribe=False))
    wait_until(lambda: venue.dropped == ["A"])
    assert [one.ok for one in published(Applied)] == [True, True]


def test_what_waits_when_the_connection_ends_is_told_so(
    bus: EventBus, venue: Any, collector: AsyncTiny, wait_until: Callable[..., Any]
) -> None:
    """As an OSError, after which one asks again; also what came too late to be begun."""
    collector.start(bus)
    wait_until(lambda: venue.asked == ["A"] and collector.connection.connected)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(collector.wait_for, asyncio.sleep(60), 60.0)
        wait_until(waiting.running)
        venue.cut()
        with pytest.raises(OSError, match=r"the connection of tiny has ended|tiny is not connected"):
            waiting.result(30)
    assert collector.stop()
    collector._loop_of_connection = Ending()
    try:
        with pytest.raises(OSError, match="the connection of tiny has ended"):
            collector.wait_for(asyncio.sleep(60), 60.0)
        with pytest.raises(OSError, match="is not connected"):
            collector.wait_for(asyncio.sleep(60), 60.0)
    finally:
        collector._loop_of_connection = None


def test_a_coroutine_that_hangs_is_cancelled(bus: EventBus, venue: Any, collector: AsyncTiny, wait_until: Callable[..., Any]) -> None:
    """After `connect_s`, and at the stop."""
    collector.hangs = True
    collector.connection._connect_s = 0.1
    collector.start(bus)
    wait_until(lambda: collector.connection.reason == "no connection within 0.1 s")
    collector.hangs = False
    wait_until(lambda: collector.connection.connected)
    with pytest.raises(OSError, match="did not answer within 0.1 s"):
        collector.wait_for(asyncio.sleep(60), 0.1)
    assert collector.stop()
    with pytest.raises(OSError, match="is not connected"):
        collector.wait_for(asyncio.sleep(0))
