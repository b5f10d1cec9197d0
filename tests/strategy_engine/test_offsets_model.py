"""Random orders on China's futures, beside a plain model in which every lot is an entry of a list."""

from __future__ import annotations

import itertools
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.events import CancelRequest, Fill, Offset, OrderCommand, OrderRequest, PositionEvent, PositionSide, RiskVerdict, Side
from gcg_quant.strategy_engine.accounts.audit import audit

from .test_offsets import Pit

SYMBOLS = ("rb2501", "IF2412")  # of SHFE, which wants today's lots told apart, and of CFFEX, which closes the oldest first
APART = {"rb2501": True, "IF2412": False}
OFFSETS = (Offset.NONE, Offset.NONE, Offset.NONE, Offset.OPEN, Offset.CLOSE, Offset.CLOSE_TODAY, Offset.CLOSE_YESTERDAY)
PRICES = (None, None, 3990.0, 4000.0, 4010.0)
ORDER = st.tuples(
    st.just("order"),
    st.sampled_from(SYMBOLS),
    st.sampled_from("ab"),
    st.sampled_from([Side.BUY, Side.SELL]),
    st.sampled_from(OFFSETS),
    st.integers(1, 4),
    st.sampled_from(PRICES),
)
STEP = st.one_of(
    ORDER,
    ORDER,
    ORDER,
    st.tuples(st.just("tick"), st.sampled_from(SYMBOLS), st.sampled_from([3980.0, 3990.0, 4000.0, 4010.0, 4020.0])),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("day")),
)


class Model:
    """Lots as lists of the days on which they were opened, by strategy, symbol and side, and the orders that may still close some."""

    def __init__(self) -> None:
        self.lots: dict[tuple[str, str, PositionSide], list[int]] = defaultdict(list)
        self.orders: dict[str, tuple[str, str, Side, Offset, int]] = {}
        self.day = 0

    def free(self, strategy: str, symbol: str, side: Side) -> list[int]:
        """Return the days of the lots that an order of this side may close: the list, less what other orders take out of it."""
        rest = sorted(self.lots[strategy, symbol, PositionSide.SHORT if side == Side.BUY else PositionSide.LONG])
        waiting = [row for row in self.orders.values() if row[:3] == (strategy, symbol, side) and row[3] != Offset.OPEN]
        for *_, offset, left in sorted(waiting, key=lambda row: row[3] in (Offset.NONE, Offset.CLOSE)):
            for _ in range(left):
                fitting = [day for day in rest if self.fits(day, offset)]
                if fitting:
                    rest.remove(fitting[0])
        return rest

    def fits(self, day: int, offset: Offset) -> bool:
        """Return whether a lot of a day is one that an offset closes."""
        return (offset != Offset.CLOSE_TODAY or day == self.day) and (offset != Offset.CLOSE_YESTERDAY or day < self.day)

    def judge(self, strategy: str, symbol: str, side: Side, offset: Offset, count: int) -> Offset | None:
        """Return the offset that an order has to be sent with, or None if it has to be refused."""
        free = self.free(strategy, symbol, side)
        if offset == Offset.OPEN or (offset == Offset.NONE and not free):
            return Offset.OPEN
        if sum(self.fits(day, offset) for day in free) < count:
            return None
        if not APART[symbol]:
            held = self.lots[strategy, symbol, PositionSide.SHORT if side == Side.BUY else PositionSide.LONG]
            return None if offset == Offset.CLOSE_TODAY and min(held) < self.day else Offset.CLOSE
        for choice in (Offset.CLOSE_YESTERDAY, Offset.CLOSE_TODAY):
            if offset in (Offset.NONE, Offset.CLOSE, choice) and sum(self.fits(day, choice) for day in free) >= count:
                return choice
        return None

    def fill(self, fill: Fill) -> None:
        """Take a fill: lots come, or the oldest that fit go."""
        strategy, symbol, side, offset, left = self.orders[fill.client_id]
        count = int(fill.quantity)
        self.orders[fill.client_id] = (strategy, symbol, side, offset, left - count)
        for _ in range(count):
            if offset == Offset.OPEN:
                self.lots[strategy, symbol, PositionSide.LONG if side == Side.BUY else PositionSide.SHORT].append(self.day)
            else:
                held = self.lots[strategy, symbol, PositionSide.SHORT if side == Side.BUY else PositionSide.LONG]
                held.remove(min(day for day in held if self.fits(day, offset)))


class Check:
    """A pit and its model, step by step."""

    def __init__(self, path: Path, pit: Pit | None = None) -> None:
        self.pit = pit or Pit(path)
        self.model = Model()
        self.numbers = itertools.count()
        self.ids: list[tuple[str, str, str]] = []
        self._reader = self.pit.bus.reader(start="begin", events=[Fill])
        for symbol in SYMBOLS:
            self.pit.tick(symbol)

    def step(self, what: str, *arguments: Any) -> None:
        """Do a step in the pit, and compare."""
        getattr(self, what)(*arguments)
        for fill in self._reader:
            assert isinstance(fill, Fill)
            self.model.fill(fill)

    def order(self, symbol: str, strategy: str, side: Side, offset: Offset, lots: int, price: float | None) -> None:
        """Send an order: it passes, with the offset of the model, or is refused as the model says."""
        expected = self.model.judge(strategy, symbol, side, offset, lots)
        client_id = f"k{next(self.numbers)}"
        self.model.orders[client_id] = (strategy, symbol, side, expected or Offset.OPEN, lots if expected else 0)
        words, sent = self.pit.order(symbol, side, lots, offset, price=price, client_id=client_id, strategy=strategy)
        assert sent == expected, words
        self.ids.append((client_id, symbol, strategy))

    def tick(self, symbol: str, price: float) -> None:
        """Show another price."""
        self.pit.tick(symbol, price)

    def cancel(self, number: int) -> None:
        """Cancel an order."""
        if number < len(self.ids):
            client_id, symbol, strategy = self.ids[number]
            names = {"symbol": symbol, "venue": self.pit.venues[symbol], "account": "paper", "strategy": strategy}
            self.pit.say(CancelRequest(**names, client_id=client_id))
            *rest, _ = self.model.orders[client_id]
            self.model.orders[client_id] = (*rest, 0)

    def day(self) -> None:
        """Let a day pass, at whose end the exchange cancels what is open; the model's lots are of before then."""
        for number in range(len(self.ids)):
            self.cancel(number)
        self.model.day += 1
        self.pit.next_day()

    def end(self) -> None:
        """Compare what the engine told last of each position, and the whole journal."""
        told = {(one.strategy, one.symbol, one.position_side): one for one in self.pit.read(PositionEvent)}
        for (strategy, symbol, side), days in self.model.lots.items():
            event = told.get((strategy, symbol, side))
            quantity = event.quantity if event is not None else 0.0
            assert abs(quantity) == len(days)
            assert event is None or (quantity >= 0) == (side == PositionSide.LONG) or not days
            waiting = sum(row[4] for row in self.model.orders.values() if row[:2] == (strategy, symbol) and self._closes(row, side))
            position = self.pit.engine.desk.books.accounts.position(
                strategy, self.pit.bus.instruments.number(symbol, self.pit.venues[symbol]), side
            )
            frozen = self.pit.engine.desk.books._position_event(position, 0).frozen if position is not None else 0.0
            assert frozen == min(waiting, len(days))
        audit(self.pit.bus)
        assert len(self.pit.read(RiskVerdict)) == len(self.pit.read(OrderRequest)) >= len(self.pit.read(OrderCommand))

    @staticmethod
    def _closes(row: tuple[str, str, Side, Offset, int], side: PositionSide) -> bool:
        return row[3] != Offset.OPEN and (row[2] == Side.SELL) == (side == PositionSide.LONG)


@settings(max_examples=examples(60))
@given(st.lists(STEP, min_size=5, max_size=30))
def test_offsets_and_positions_are_those_of_the_model(steps: list[tuple[Any, ...]]) -> None:
    """Whatever is ordered, filled and cancelled: each order has the one right offset or is refused, and no lot is closed twice."""
    with tempfile.TemporaryDirectory() as folder:
        check = Check(Path(folder) / "bus")
        try:
            for step in steps:
                check.step(*step)
            check.end()
        finally:
            check._reader.close()
            check.pit.close()
