"""A history for coroutines: each question is answered on one of a few threads, while the event loop goes on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from gcg_quant.asking import Form, Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar, Unpack

    import pandas as pd

    from gcg_quant.asking import Asking
    from gcg_quant.events import Record
    from gcg_quant.history import RecordArray
    from gcg_quant.moments import Moment

    Answer = TypeVar("Answer")

__all__ = ["AsyncHistory"]


class AsyncHistory:
    """Asks a history on at most `at_once` threads of its own; further questions wait for their turn.

    A coroutine that is cancelled (its client has gone away) takes its question back, if nobody has begun to answer it; an answer that is
    under way is finished and thrown away. Close it, or use it with `async with`.

    Args:
        history: any thread may ask it, as all of ours.
        at_once: how many questions are answered at the same time.
    """

    def __init__(self, history: Asking, *, at_once: int = 4) -> None:
        self._history = history
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="history")

    @overload
    async def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["pandas"] = "pandas",
        **options: Unpack[Options],
    ) -> pd.DataFrame: ...

    @overload
    async def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["numpy"],
        **options: Unpack[Options],
    ) -> RecordArray: ...

    @overload
    async def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["events"],
        **options: Unpack[Options],
    ) -> list[Record]: ...

    async def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Form = "pandas",
        **options: Any,
    ) -> pd.DataFrame | RecordArray | list[Record]:
        """Return what the history returns for the same question; see `Asking`."""
        ask: Callable[..., pd.DataFrame | RecordArray | list[Record]] = self._history
        return await self.run(lambda: ask(symbol, period, start, end, count, form=form, **options))

    async def run(self, question: Callable[[], Answer]) -> Answer:
        """Return what a function returns that asks the history, such as `lambda: history.symbols()`, and raise what it raises."""
        return await asyncio.wrap_future(self._pool.submit(question))

    async def close(self) -> None:
        """Drop the questions that wait, and end the threads when they have answered theirs."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
