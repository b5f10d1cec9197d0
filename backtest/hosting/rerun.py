"""After a restart: a Backtrader class is run again over what its journal holds, mute, so that its Python state is what it was.

A class's state is what its calls have made of it, and its calls follow from its bars and executions alone. Both are on the journal, in
one order. So the new run begins where the old one began, with the same bars for its warm-up; it is brought the recorded bars, order
events and fills in the order of the journal; and the orders that it gives meanwhile are not sent but found among the recorded requests,
under whose names their recorded answers come. When the journal is used up the run speaks, with the next event of the market.

What is not on the journal cannot be had again: the machine's clock, random numbers without a seed, files. A run that gives another order
than the recorded one has diverged; it is given up, and the class begins anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from queue import Empty
from typing import TYPE_CHECKING, Any, NamedTuple

from gcg_quant.errors import StrategyError

from ..conversion.facts import place_of
from ..conversion.order_terms import terms_of
from ..streaming.stream import QueueStream

if TYPE_CHECKING:
    from ...strategy_engine.strategy.session import Session
    from ..history.bars import BarArray
    from ..history.made_bars import BarMaking
    from ..streaming.inbox import Inbox
    from .bar_groups import BarGroups
    from .recorded import Recorded
    from .run_record import RunRecord
    from .session_sender import SessionSender

__all__ = ["RecordedSender", "RecordedStream", "RunBegin", "RunDiverged", "RunStream"]

_QUANTITY_TOLERANCE = 1e-9


class RunDiverged(Exception):
    """A class that is run again gives another order than it gave before."""


class RunBegin(NamedTuple):
    """What a run begins with; `recorded` is None for a new one."""

    record: RunRecord
    bars: dict[str, BarArray]
    making: BarMaking
    chosen: dict[str, Any]
    recorded: Recorded | None


class RunStream(QueueStream):
    """A stream that hands out one event a round, or bars that belong together: what a run makes of them does not hang on when it looked.

    A round in which a feed has a bar to deliver is given nothing else. Whatever is pushed is live, also what came while the run was being
    prepared: its history ends where the pushing begins. Nothing is handed out before every feed has come to the end of its history.
    """

    def __init__(self, moment: tuple[int, int] = (0, 0)) -> None:
        super().__init__(moment)
        self._inboxes: list[Inbox] = []
        self._given = False  # something, in this round
        self._live = 0  # feeds that have delivered their history

    def listen_rows(self, inbox: Inbox, symbols: Iterable[str]) -> None:
        """Put into an inbox what its feed shows of the events of its classes."""
        self._inboxes.append(inbox)
        super().listen_rows(inbox, symbols)

    def pump(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds for an event and hand it out; return at once if this round has had its own."""
        if self._given or self._live < len(self._inboxes):
            return False
        self.note_asked()
        try:
            item = self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
            while item is None:
                item = self._queue.get_nowait()
        except Empty:
            return False
        self._given = True
        self.hand_out(*item)
        return True

    def hand_out(self, event: Any, moment: tuple[int, int]) -> bool:
        """Give an event, or bars that belong together, to whom they concern."""
        wanted = False
        for one in event if isinstance(event, list) else [event]:
            wanted |= super().hand_out(one, moment)
        return wanted

    def end_round(self) -> None:
        """Begin the next round, which is for the bars that are waiting, if there are any."""
        self._given = any(inbox.waiting for inbox in self._inboxes)

    def drain(self) -> None:
        """Note that a feed has delivered its history, and hand out nothing: it takes what it is given here for warm-up."""
        self._live += 1


class RecordedStream(RunStream):
    """A stream that first hands out what was recorded, and then what is pushed."""

    def __init__(self, recorded: Recorded, groups: BarGroups, begin: int, moment: tuple[int, int]) -> None:
        super().__init__(moment)
        self.start_id = begin
        self._live_moment = moment
        self._recorded = deque(item for event in recorded.events for item in groups.take(*event))
        self._requests = recorded.requests
        self.used = 0  # of the recorded requests
        self.replaying = bool(self._recorded)

    def pump(self, timeout_s: float) -> bool:
        """Hand out the next recorded event; after the last one go on with what is pushed.

        Raises:
            RunDiverged: at the end, if recorded orders were not given again.
        """
        if not self.replaying:
            return super().pump(timeout_s)
        if self._given or self._live < len(self._inboxes):
            return False
        self.note_asked()
        if self._recorded:
            self._given = True
            self.hand_out(*self._recorded.popleft())
            return True
        if self.used < len(self._requests):
            raise RunDiverged(f"it has not given {len(self._requests) - self.used} of its {len(self._requests)} recorded orders")
        self.moment = self._live_moment
        self.replaying = False
        return True


class RecordedSender:
    """Finds the orders of a run that is done again among its recorded requests; afterwards sends as `live` does."""

    def __init__(self, live: SessionSender, session: Session, stream: RecordedStream, recorded: Recorded) -> None:
        self.account = live.account
        self._live = live
        self._session = session
        self._stream = stream
        self._requests = deque(recorded.requests)

    def send(self, order: Any) -> tuple[str, int]:
        """Return the name of the recorded request that this order was, or send it if the journal is used up.

        Raises:
            RunDiverged: the recorded request is another one. StrategyError: none was recorded, since the process was down then.
        """
        if not self._stream.replaying:
            return self._live.send(order)
        if not self._requests:
            raise StrategyError("The order was given on a bar that came while the strategy's process was not running.")
        request = self._requests.popleft()
        self._stream.used += 1
        symbol, venue = place_of(order.data)
        terms = terms_of(order, self._session.instrument(f"{symbol}@{venue}" if venue else symbol))
        same = terms["side"] == request.side and abs(terms["quantity"] - request.quantity) < _QUANTITY_TOLERANCE
        if request.symbol != symbol or not same or terms["order_type"] != request.order_type:
            wanted = f"{terms['side'].name} {terms['quantity']:g} {symbol}"
            raise RunDiverged(f"it gives {wanted} where {request.side.name} {request.quantity:g} {request.symbol} was recorded")
        return request.client_id, request.id

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Ask for a cancellation, unless it was asked for before."""
        if self._stream.replaying:
            self._live.note_cancel(client_id)
        else:
            self._live.cancel(client_id, request, order)
