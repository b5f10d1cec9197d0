"""grid: over a day's minutes of BTCUSD its trades are those of a plain loop, with both kinds of lines; gaps, refusals, spot venues."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gcg_quant.events import Side
from gcg_quant.instruments import Instrument
from gcg_quant.instruments import preset as terms_of

COIN = Instrument(symbol="BTC/USDT", venue="SIM", tick_size=1.0, lot_size=0.01)
SIZE, LEVELS, STEP, MOST = 0.02, 4, 0.4, 4


class PlainGrid:
    """The rule as plainly as can be: resting orders by line, filled by bars, laid anew when the price leaves them."""

    def __init__(self, spacing: str, tick: float) -> None:
        self.spacing, self.tick = spacing, tick
        self.orders: dict[int, list[Any]] = {}  # line: [side, price, what is left]
        self.centre, self.step, self.empty, self.cell, self.stale = math.nan, 0.0, 0, 0, True
        self.held = 0.0
        self.fills: list[tuple[float, float]] = []

    def price(self, line: int) -> float:
        """Return a line's price in whole ticks, down for a buy and up for a sell."""
        even = self.spacing == "arithmetic"
        at = self.centre + line * self.step if even else self.centre * (1 + self.step / self.centre) ** line
        count = round(at / self.tick, 6)
        return (math.floor(count) if line < self.empty else math.ceil(count)) * self.tick

    def match(self, opens: float, high: float, low: float, volume: float) -> None:
        """Fill what a bar reaches: at the open what it opens beyond, then what the range goes through, buys first."""
        room = volume
        for at_open in (True, False):
            for side in (1, -1):
                for line in sorted(self.orders, reverse=side > 0):
                    order = self.orders.get(line)
                    if order is None or order[0] != side:
                        continue
                    reached = (opens - order[1]) * side <= 0 if at_open else (low < order[1] if side > 0 else high > order[1])
                    size = min(order[2], room)
                    if not reached or size <= 0:
                        continue
                    self.fills.append((size * side, opens if at_open else order[1]))
                    self.held, room, self.stale = self.held + size * side, room - size, True
                    order[2] -= size
                    if order[2] <= 1e-12:
                        del self.orders[line]
                        self.empty = line

    def move(self, price: float) -> None:
        """Lay or mend the grid after a bar's close."""
        if math.isnan(self.centre):
            self.centre, self.step, self.empty, self.stale, self.cell = price, price * STEP / 100, 0, True, 0
        away = (price - self.centre) / self.step
        if self.spacing == "geometric":
            away = math.log(price / self.centre) / math.log(1 + STEP / 100)
        if abs(away) > LEVELS + 0.5:
            self.centre, self.orders = math.nan, {}
            return
        if not self.stale and math.floor(away) == self.cell:
            return
        self.cell, self.stale = math.floor(away), False
        standing = dict(self.orders)
        self.orders.pop(self.empty, None)
        for distance in range(1, 2 * LEVELS + 1):
            for line, side in ((self.empty - distance, 1), (self.empty + distance, -1)):
                if line in standing:
                    if standing[line][0] != side:
                        del self.orders[line]
                        self.stale = True
                elif abs(line) <= LEVELS and (price - self.price(line)) * side > 0:
                    working = sum(left for one, _, left in self.orders.values() if one == side)
                    if self.held * side + working + SIZE <= MOST * SIZE + 1e-9:
                        self.orders[line] = [side, self.price(line), SIZE]


@pytest.mark.parametrize(
    ("spacing", "pinned"),
    [
        (
            "arithmetic",
            (
                32,
                "20180404 BTC/USD +0.02 7392.31, 20180404 BTC/USD +0.02 7362.62",
                "20180404 BTC/USD -0.02 6859.34, 20180404 BTC/USD -0.02 6886.45",
                99966.75,
            ),
        ),
        (
            "geometric",
            (
                32,
                "20180404 BTC/USD +0.02 7392.43, 20180404 BTC/USD +0.02 7362.97",
                "20180404 BTC/USD -0.02 6859.67, 20180404 BTC/USD -0.02 6887.11",
                99966.72,
            ),
        ),
    ],
)
def test_trades_over_real_minutes_are_those_of_a_plain_loop(spacing: str, pinned: Any, real_bars: Any, backtest: Any) -> None:
    """Every trade and the money in the end are equal, for lines the same amount and the same percentage apart."""
    rows = real_bars("crypto/BTCUSD_coinbase_minute_trade_20180404.csv.gz", "1m", "UTC", None)
    terms = terms_of("crypto", "BTC/USD", "X")
    grid = PlainGrid(spacing, terms.tick_size)
    expected = []
    for at in range(len(rows)):
        before = len(grid.fills)
        grid.match(rows.open[at], rows.high[at], rows.low[at], rows.volume[at])
        grid.move(rows.close[at])
        expected += [("BTC/USD", int(rows.start_ns[at]), *fill) for fill in grid.fills[before:]]
    options = {"spacing": spacing, "step_percent": STEP, "levels": LEVELS, "quantity": SIZE, "max_inventory": MOST, "retry_seconds": 0}
    ran = backtest("grid", {"BTC/USD": rows}, period="1m", parameters=options)
    ran.must_be(expected, {"BTC/USD": rows.close[-1]})
    assert ran.pinned == pinned


def test_geometric_lines_are_the_same_percentage_apart(floor: Any) -> None:
    """Each line is ten percent from the next, and their differences grow."""
    desk = floor("grid", COIN, spacing="geometric", step_percent=10, max_inventory=10)
    desk.quote(999, 1001)
    assert sorted(one.price for one in desk.working()) == [751, 826, 909, 1100, 1210, 1331]


def test_gap_through_the_grid_fills_all_of_a_side_and_lays_it_anew(floor: Any) -> None:
    """A price that jumps over all lines fills each order once; the rest is cancelled, and the new grid counts what is held."""
    desk = floor("grid", COIN, step_percent=1, max_inventory=4)
    desk.quote(999, 1001)
    desk.quote(899, 901)
    assert [side for side, _, _ in desk.fills()] == [Side.BUY] * 3
    assert desk.held() == 0.03
    desk.quote(899, 901)
    desk.quote(899, 901)
    prices = sorted(one.price for one in desk.working())
    assert prices == [891, 909, 918, 927]  # one more buy alone: three are held
    assert (desk.refusals(), desk.state()) == ([], ("running", ""))


def test_what_is_not_held_is_not_sold_on_a_spot_venue(floor: Any) -> None:
    """Without short there are buys alone at first, and a sell for each that was filled."""
    desk = floor("grid", COIN, step_percent=1, short=False)
    desk.quote(999, 1001)
    assert {one.side for one in desk.working()} == {Side.BUY}
    desk.quote(988, 990)
    desk.quote(989, 991)
    assert desk.held() == 0.01
    assert [(one.side, one.price) for one in desk.working() if one.side == Side.SELL] == [(Side.SELL, 1000.0)]


def test_bars_stand_in_where_there_are_no_ticks(floor: Any) -> None:
    """Without ticks the closes move the grid; with ticks bars do not."""
    desk = floor("grid", COIN, step_percent=1)
    desk.bar(1000)
    assert len(desk.working()) == 6
    desk.bar(989, open=1000, low=988)
    assert desk.fills() == [(Side.BUY, 0.01, 990.0)]
    quoted = floor("grid", COIN, step_percent=1)
    quoted.quote(999, 1001)
    quoted.bar(2000)
    assert sorted(one.price for one in quoted.working())[0] == 970
