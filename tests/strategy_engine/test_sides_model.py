"""Limits, buying power and margin where long and short are held apart, beside a plain model: lots as lists, orders as rows."""

from __future__ import annotations

import tempfile
from math import fsum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.events import AccountEvent, Offset, OrderEvent, OrderStatus, PositionEvent, PositionSide, Side
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits

from .test_offsets import BUY, LONG, SELL, SHORT, Pit, Venue
from .test_offsets_model import STEP, Check

MOST = 7  # lots of one instrument that may be held
LARGER = {"rb2501": True, "IF2412": False}  # which sides count; both exchanges ask for the larger one, and here one asks for both


class Sides(Check):
    """A pit in which a limit counts, and what its model says that is used of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Pit(path, Venue(), *futures(), limits=RiskLimits(self_trade=False, max_position_quantity=MOST)))

    def reach(self, symbol: str, side: Side) -> int:
        """Return the lots of a side that are held, and those that open orders may open, all strategies together."""
        position = LONG if side == BUY else SHORT
        held = sum(len(days) for (_, at, own), days in self.model.lots.items() if (at, own) == (symbol, position))
        return held + sum(row[4] for row in self.model.orders.values() if row[1:4] == (symbol, side, Offset.OPEN))

    def used(self, symbol: str) -> int:
        """Return the lots that may come to tie up margin."""
        sides = [self.reach(symbol, side) for side in (BUY, SELL)]
        return max(sides) if LARGER[symbol] else sum(sides)

    def order(self, symbol: str, strategy: str, side: Side, offset: Offset, lots: int, price: float | None) -> None:
        """Send an order: what opens passes up to the limit, what closes always."""
        sent = self.model.judge(strategy, symbol, side, offset, lots)
        own = self.reach(symbol, side) if LARGER[symbol] else self.used(symbol)
        if sent != Offset.OPEN or own + lots <= MOST:
            super().order(symbol, strategy, side, offset, lots, price)
            return
        words, _ = self.pit.order(symbol, side, lots, offset, price=price, client_id=f"k{next(self.numbers)}", strategy=strategy)
        assert words == f"position would be {own + lots}, above max_position_quantity {MOST}"

    def step(self, what: str, *arguments: Any) -> None:
        """Do a step; then risk and account tie up what the model says."""
        super().step(what, *arguments)
        desk = self.pit.engine.desk
        ties = []
        for one in self.pit.bus.instruments:
            last = desk.last_price(self.pit.bus.instruments.number(one.symbol, one.venue))
            ties.append(self.used(one.symbol) * last * one.multiplier * one.margin_rate)
        assert desk.risk.native.tied_up == pytest.approx(fsum(ties))


def futures() -> list[Any]:
    """Return one future of which the larger side ties up margin, and one of which both do."""
    rebar, index = (
        preset("cn_future", "rb2501", "SHFE", calendar="24/7"),
        preset("cn_future", "IF2412", "CFFEX", calendar="24/7", larger_side=False),
    )
    assert (rebar.larger_side, index.larger_side) == (True, False)
    return [rebar, index]


@settings(max_examples=examples(24))
@given(st.lists(STEP, min_size=5, max_size=30))
def test_sides_count_as_in_the_model(steps: list[tuple[Any, ...]]) -> None:
    """Whatever is ordered, filled and cancelled: limits, buying power and the account's margin count what the venue margins."""
    with tempfile.TemporaryDirectory() as folder:
        check = Sides(Path(folder) / "bus")
        try:
            for step in steps:
                check.step(*step)
            check.end()
        finally:
            check._reader.close()
            check.pit.close()


@pytest.fixture
def pit(tmp_path: Path) -> Any:
    """Return a pit whose account can margin about ten lots of rebar, at a venue that nets."""
    pit = Pit(tmp_path / "bus", PaperGateway(), *futures(), limits=RiskLimits(self_trade=False), cash=33_000.0)
    pit.tick("rb2501", 4000.0)  # 3,200 a lot
    yield pit
    pit.close()


def test_larger_side_alone_ties_up_the_account(pit: Pit) -> None:
    """A lock costs no more than its larger side, and the account says so; beyond it, money is asked for again."""
    assert pit.order("rb2501", BUY, 9, Offset.OPEN)[1] == Offset.OPEN
    assert pit.order("rb2501", SELL, 9, Offset.OPEN)[1] == Offset.OPEN
    account = pit.read(AccountEvent)[-1]
    assert account.margin == pytest.approx(9 * 4000 * 10 * 0.08, rel=0.01)
    sides = {one.position_side: one.margin for one in pit.read(PositionEvent)}
    assert sides[PositionSide.LONG] + sides[PositionSide.SHORT] == pytest.approx(2 * account.margin, rel=0.01)
    words, sent = pit.order("rb2501", SELL, 2, Offset.OPEN)
    assert sent is None
    assert words.startswith("needs ")


def test_position_turns_round_in_one_order_on_the_same_money(pit: Pit) -> None:
    """An order without an offset closes first: what that frees pays for what it opens."""
    assert pit.order("rb2501", BUY, 9, Offset.NONE)[1] == Offset.OPEN
    assert pit.order("rb2501", SELL, 18, Offset.NONE)[1] == Offset.NONE
    assert pit.read(OrderEvent)[-1].status == OrderStatus.FILLED
    words, sent = pit.order("rb2501", BUY, 21, Offset.NONE)
    assert sent is None
    assert words.startswith("needs ")


def test_locked_position_is_marked(pit: Pit) -> None:
    """A price moves both sides of a lock, although their sum is nothing."""
    pit.order("rb2501", BUY, 2, Offset.OPEN)
    pit.order("rb2501", SELL, 2, Offset.OPEN)
    pit.now_ns += 5_000_000_000
    pit.tick("rb2501", 4100.0)
    told = {one.position_side: one.last_price for one in pit.read(PositionEvent)}
    assert told == {LONG: 4100.0, SHORT: 4100.0}
