"""A history asked by coroutines."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from gcg_quant.async_history import AsyncHistory
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Tick
from gcg_quant.history import MemoryHistory, RecordArray


class Slow(MemoryHistory):
    """A history whose answers wait until they are let go; it counts who asks."""

    def __init__(self) -> None:
        super().__init__()
        ticks = np.zeros(3, Tick.dtype)
        ticks["event_ns"] = [1, 2, 3]
        self.add_ticks("X", "V", ticks)
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.asked: list[int | None] = []
        self.lock = threading.Lock()
        self.now = self.most = 0

    def ticks(self, symbol: str, **asked: Any) -> RecordArray:
        """Return ticks when the test says so."""
        with self.lock:
            self.asked.append(asked["limit"])
            self.now += 1
            self.most = max(self.most, self.now)
        self.begun.release()
        assert self.go.wait(60)
        with self.lock:
            self.now -= 1
        return super().ticks(symbol, **asked)


def test_answers_and_errors_come_back() -> None:
    """Frames, arrays and sentences are those of the history itself."""
    history = Slow()
    history.go.set()

    async def ask() -> None:
        async with AsyncHistory(history) as answers:
            assert (await answers("X", "tick", count=2)).equals(history("X", "tick", count=2))
            assert (await answers("X", "tick", form="numpy", now_ns=2))["event_ns"].tolist() == [1, 2]
            assert await answers.run(history.symbols) == [("X", "V")]
            with pytest.raises(InstrumentError, match="Nothing is stored of 'Y'"):
                await answers("Y", "tick")

    asyncio.run(ask())


def test_few_are_answered_at_once_and_the_loop_goes_on() -> None:
    """Of five questions two are under way; one that is cancelled while it waits is never asked, one under way is dropped."""
    history = Slow()

    async def ask() -> None:
        async with AsyncHistory(history, at_once=2) as answers:
            tasks = [asyncio.create_task(answers("X", "tick", count=count, form="numpy")) for count in range(5)]
            for _ in range(2):
                assert await asyncio.to_thread(history.begun.acquire, timeout=60)
            tasks[0].cancel()
            tasks[3].cancel()
            await asyncio.sleep(0)
            history.go.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, False, False, True, False]
            assert [len(done[at]) for at in (1, 2, 4)] == [1, 2, 3]  # type: ignore[arg-type]

    asyncio.run(ask())
    assert history.most == 2
    assert sorted(one for one in history.asked if one is not None) == [0, 1, 2, 4]


def test_closing_drops_what_waits() -> None:
    """The question under way is answered, the one behind it is not asked."""
    history = Slow()

    async def ask() -> list[Any]:
        answers = AsyncHistory(history, at_once=1)
        tasks = [asyncio.create_task(answers("X", "tick", count=count)) for count in (1, 2)]
        assert await asyncio.to_thread(history.begun.acquire, timeout=60)
        closing = asyncio.create_task(answers.close())
        await asyncio.wait([tasks[1]], timeout=60)
        history.go.set()
        await closing
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second = asyncio.run(ask())
    assert len(first) == 1
    assert isinstance(second, asyncio.CancelledError)
    assert history.asked == [1]
