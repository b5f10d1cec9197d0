"""What a strategy manager writes down so that its run can be done again from the journal alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gcg_quant.events import Lane, SystemEvent, World

from ..strategy.bar_book import BarQuestion
from .roster import LoadRequest

if TYPE_CHECKING:
    from gcg_quant.component import Component
    from gcg_quant.reader import Cursor

    from ..strategy.bar_series import BarArray

__all__ = ["BEGAN", "ENDED", "READ", "Beginning", "Diary", "StoredRead", "digest_of_bars"]

BEGAN, ENDED, READ = "strategies_began", "strategies_ended", "history_read"  # actions of SystemEvents
_TOLD = ("start_ns", "event_ns", "open", "high", "low", "close", "volume")


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager began with, and where it began to read."""

    control: int
    market: int
    log: int
    now_ns: int
    event_time: bool
    account: str
    bar_periods: tuple[str, ...]
    load: tuple[LoadRequest, ...]
    accounts: tuple[str, ...] = ()  # that a strategy might name; any if there are none
    history: bool  # whether there was stored history to ask


class StoredRead(msgspec.Struct, frozen=True):
    """Bars that a manager was told by the stored history: the question, and what identifies the answer."""

    question: BarQuestion
    count: int
    first_ns: int  # the starts of the first and the last of them
    last_ns: int
    digest: str

    @classmethod
    def of(cls, question: BarQuestion, rows: BarArray) -> StoredRead:
        """Return what is written down of an answer."""
        ends = (int(rows["start_ns"][0]), int(rows["start_ns"][-1])) if len(rows) else (0, 0)
        return cls(question, len(rows), *ends, digest_of_bars(rows))


def digest_of_bars(rows: BarArray) -> str:
    """Return a short digest of the times, prices and volumes of bars."""
    digest = hashlib.blake2b(digest_size=16)
    for name in _TOLD if len(rows) else ():
        digest.update(np.ascontiguousarray(rows[name]).tobytes())
    return digest.hexdigest()


class Diary:
    """Publishes, on live and paper buses, where a manager began and ended, and what stored history has told it.

    Everything else that it acts on is on the journal already, and where it acted on a command says the `Applied` event.
    """

    def __init__(self, manager: Component) -> None:
        self._manager = manager
        self._kept = manager.bus.world in (World.LIVE, World.PAPER)
        self._empty: set[tuple[Any, ...]] = set()  # what was asked and is not stored: told once, since it is asked again and again

    def begin(
        self,
        cursor: Cursor,
        now_ns: int,
        *,
        event_time: bool,
        account: str,
        accounts: Sequence[str],
        bar_periods: Sequence[str],
        load: Sequence[LoadRequest],
    ) -> None:
        """Tell where and with what the manager begins."""
        facts = Beginning(
            control=cursor.control,
            market=cursor.market,
            log=cursor.log,
            now_ns=now_ns,
            event_time=event_time,
            account=account,
            accounts=tuple(accounts),
            bar_periods=tuple(bar_periods),
            load=tuple(load),
            history=self._manager.history is not None,
        )
        self._tell(BEGAN, msgspec.to_builtins(facts), 0)

    def end(self, now_ns: int) -> None:
        """Tell where the manager ends of its own accord."""
        self._tell(ENDED, {"at": (Lane.MARKET << 60) | self._manager.reader.cursor.market, "now_ns": now_ns}, 0)

    def note(self, question: BarQuestion, rows: BarArray) -> None:
        """Tell what the stored history has answered."""
        key = question[:4]
        if not len(rows) and key in self._empty:
            return
        (self._empty.discard if len(rows) else self._empty.add)(key)
        self._tell(READ, msgspec.to_builtins(StoredRead.of(question, rows)), None)

    def _tell(self, action: str, data: dict[str, Any], cause: int | None) -> None:
        if self._kept:
            self._manager.publish(SystemEvent(action=action, component=self._manager.name, data=data), cause=cause)
