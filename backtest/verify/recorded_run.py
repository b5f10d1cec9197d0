"""Backtrader classes in a session that is run again: each run begins as the recorded one began, and is brought what that was brought."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.errors import StrategyError
from gcg_quant.events import Event, Lane, StrategyStatusEvent

from ..adapters import BacktraderAdapter
from ..hosting.backtrader_strategy import BacktraderStrategy
from ..hosting.run_record import RunRecord
from ..streaming.stream import market_id
from .mute_manager import MuteManager

if TYPE_CHECKING:
    from ..hosting.rerun import RunBegin

__all__ = ["RecordedAdapter", "RecordedRun"]

SETTLE_S = 60.0


class RecordedAdapter(BacktraderAdapter):
    """Takes Backtrader classes into a MuteManager."""

    def wrap(self, cls: type, parameters: Mapping[str, Any]) -> BacktraderStrategy:
        """Return a Strategy that runs `cls` again."""
        return RecordedRun(cls, parameters)


class RecordedRun(BacktraderStrategy):
    """Runs one Backtrader class again.

    What its runs began with was told with its states: the same bars for its warm-up are found in the journal and the store, as after a
    restart. Behind them it is brought the recorded events one after the other.
    """

    _pushed = False  # something that the run may not have dealt with

    def on_start(self) -> None:
        """Begin the run, unless it had to wait for its instruments then: when it began does not stand on the journal."""
        status = self._manager.judge.outputs.next_status(self.id)
        if status is not None and not status.run:
            self._manager.judge.give_up([self.id], "It waited for its instruments, and when it began is not on the journal.")
        else:
            super().on_start()

    def settle(self) -> None:
        """Wait until it has dealt with all that it was brought."""
        thread = self._thread
        if thread is not None:
            self._stream.settle(thread.is_alive, SETTLE_S)
        self._pushed = False

    def break_off(self) -> None:
        """End its run as a killed process would."""
        with contextlib.suppress(StrategyError):
            self._end()

    @property
    def _manager(self) -> MuteManager:
        host = self._host
        if not isinstance(host, MuteManager):
            raise StrategyError("A recorded run is done again by a MuteManager alone.")
        return host

    def _again(self) -> RunBegin | None:
        manager = self._manager
        status = manager.judge.outputs.next_status(self.id)
        if status is None or not status.run:
            return None
        record = msgspec.convert(status.run, RunRecord)
        here = market_id(manager.reader.cursor.market)
        if record.begin > here:  # of a later run
            return None
        resumed = self._session.resumed
        if resumed and resumed.get("begin") != record.begin:  # it could not go on with its run, and said why
            super()._again()
        record = msgspec.structs.replace(record, changes=[change for change in record.changes if change[0] < here])
        self._session.resumed = msgspec.to_builtins(record)
        begin = super()._again()
        if begin is None:
            sentence = f"The bars that {self._cls.__name__} began with are not there any more, or are others: give their store."
            manager.judge.give_up([self.id], sentence)
        return begin

    # When a run has ended, its host sees it a moment later: at the event at which it was seen then.
    def _look_after(self) -> None:
        if self._pushed:
            self.settle()
        if self._thread is not None and not self._thread.is_alive():
            told = self._manager.judge.outputs.next(self.id, Lane.CONTROL)
            if isinstance(told, StrategyStatusEvent) and told.state == "failed" and told.cause > self._session.cause:
                return
        super()._look_after()

    def _push(self, event: Event) -> None:
        super()._push(event)
        self._pushed = True
