"""The fold of a tick engine's fills, as plainly as possible: what cash, positions and equity they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gcg_quant.clock import day_of
from gcg_quant.events import AccountEvent, Fill, Liquidity, Offset, PositionSide, Side
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.accounts.plain_account import PlainAccount

__all__ = ["PlainRun", "add_up"]


@dataclass
class PlainRun:
    """Folds fills one by one, and says of each whether it tells what they add up to.

    Args:
        instruments: those of the run, by number.
        currencies: by number; the first one is the account's.
        cash: at the start, in the account's currency.
        day: the trading day YYYYMMDD of an instrument number and an event time.
    """

    instruments: Mapping[int, Instrument]
    currencies: list[str]
    cash: float
    day: Callable[[int, int], int]
    plain: PlainAccount = field(init=False)
    orders: set[int] = field(default_factory=set)
    realised: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        """Open the account."""
        self.plain = PlainAccount("run", lambda number: self.instruments[number])
        own = {"cash": self.cash, "equity": self.cash, "available": self.cash}
        none = {"margin": 0.0, "realised_pnl": 0.0, "unrealised_pnl": 0.0, "fees": 0.0}
        self.plain.apply(AccountEvent(currency=self.currencies[0], **own, **none))

    def settle(self, row: Any) -> None:
        """Fold a fill: its fee, its profit, and cash and position after it must be the ones told."""
        number, instrument = int(row["number"]), self.instruments[int(row["number"])]
        fill = Fill(
            symbol=instrument.symbol,
            venue=instrument.venue,
            instrument=number,
            strategy=str(row["strategy"]),
            client_id=str(row["order"]),
            trade_id=str(self.plain.fills),
            price=float(row["price"]),
            quantity=float(row["quantity"]),
            fee_currency=instrument.currency,
            trading_day=self.day(number, int(row["event_ns"])),
            side=Side(int(row["side"])),
            offset=Offset(int(row["offset"])),
        )
        fee = instrument.fee(
            fill.quantity,
            fill.price,
            sell=fill.side == Side.SELL,
            maker=int(row["liquidity"]) == Liquidity.MAKER,
            first=int(row["order"]) not in self.orders,
            today=self._closes_today(fill, instrument),
        )
        self.orders.add(int(row["order"]))
        self.plain.apply(fill.replace(fee=fee))
        money = self.plain.money[instrument.currency]
        self.realised[instrument.currency] += float(row["profit"])
        assert [row["fee"], self.realised[instrument.currency], row["cash"]] == [fee, money.realised, money.cash]
        held = [one.lots for (strategy, at, _), one in self.plain.holdings.items() if (strategy, at) == (fill.strategy, number)]
        assert row["position"] == instrument.quantity(sum(held))

    def position(self, row: Any) -> None:
        """Compare a strategy's position in an instrument of net positions with the fold, at the price told."""
        holding = self.plain.holdings[str(row["strategy"]), int(row["number"]), self._side(row)]
        holding.last = float(row["last_price"])
        told = [row["quantity"], row["realised"], row["fees"], row["unrealised"]]
        assert told == [holding.terms.quantity(holding.lots), holding.realised, holding.fees, holding.unrealised()]
        assert row["average_price"] == holding.average or (np.isnan(row["average_price"]) and not holding.lots)

    def equity(self, row: Any, rates: list[float]) -> None:
        """Compare cash, equity and margin over all currencies with the fold."""
        cash = equity = margin = 0.0
        for currency, rate in zip(self.currencies, rates, strict=True):
            money = self.plain.money[currency].cash if currency in self.plain.money else 0.0
            cash += money * rate
            equity += (money + self._worth(currency)) * rate
            margin += self._margin(currency) * rate
        assert [row["cash"], row["equity"], row["margin"]] == [cash, equity, margin]

    # ---- inside

    def _side(self, row: Any) -> PositionSide:
        if not self.instruments[int(row["number"])].legs:
            return PositionSide.NET
        if row["quantity"]:
            return PositionSide.LONG if row["quantity"] > 0 else PositionSide.SHORT
        # A flat row does not say of which side it is: of the one that has brought what it tells.
        key = str(row["strategy"]), int(row["number"])
        sides = [side for side in (PositionSide.LONG, PositionSide.SHORT) if (*key, side) in self.plain.holdings]
        return next(side for side in sides if (one := self.plain.holdings[*key, side]).lots == 0 and one.realised == row["realised"])

    def _closes_today(self, fill: Fill, instrument: Instrument) -> float:
        if not instrument.legs or fill.offset == Offset.OPEN:
            return 0.0
        other = PositionSide.SHORT if fill.side == Side.BUY else PositionSide.LONG
        holding = self.plain.holdings.get((fill.strategy, fill.instrument, other))
        if holding is None:
            return 0.0
        today = holding.today if fill.trading_day <= holding.day else 0
        closing = min(instrument.lots(fill.quantity), abs(holding.lots))
        first = min(closing, today) if fill.offset == Offset.CLOSE_TODAY else max(0, closing - (abs(holding.lots) - today))
        return instrument.quantity(first)

    def _held(self, currency: str) -> list[tuple[int, PositionSide, Any]]:
        held = self.plain.holdings.items()
        return [(number, side, one) for (_, number, side), one in held if one.lots and one.terms.currency == currency]

    def _worth(self, currency: str) -> float:
        worth = 0.0
        for _, _, one in self._held(currency):
            margined = one.terms.margin_rate < 1.0 or one.terms.kind == "future"
            worth += one.unrealised() if margined else one.value()
        return worth

    def _margin(self, currency: str) -> float:
        total = 0.0
        larger: dict[int, list[float]] = {}
        for number, side, one in self._held(currency):
            if one.terms.larger_side:
                larger.setdefault(number, [0.0, 0.0])[side == PositionSide.SHORT] += one.margin()
            else:
                total += one.margin()
        for both in larger.values():
            total += max(both)
        return total


def add_up(
    fills: np.ndarray,
    positions: np.ndarray,
    equity: np.ndarray,
    instruments: Mapping[int, Instrument],
    *,
    cash: float,
    currencies: list[str],
    rates: list[float],
    day: Callable[[int, int], int] | None = None,
) -> int:
    """Assert that a run's money adds up to the last bit: each fill, each sample and the end. Return how many rows were compared.

    Args:
        fills: as `TickEngine.fills` has them.
        positions: as `TickEngine.positions` has them.
        equity: as `TickEngine.equity` has them.
        instruments: those of the run, by number.
        cash: at the start, in the first currency.
        currencies: of the instruments, by number.
        rates: what one of each is worth in the first.
        day: the trading day of an instrument number and an event time; the UTC date if left out.
    """
    run = PlainRun(instruments, currencies, cash, day or (lambda _, event_ns: day_of(event_ns)))
    place = 0
    for row in equity:
        while place < len(fills) and fills[place]["seen_ns"] <= row["event_ns"]:
            run.settle(fills[place])
            place += 1
        rows = positions[positions["event_ns"] == row["event_ns"]]
        for one in rows:
            run.position(one)
        held = sum(1 for one in run.plain.holdings.values() if one.lots)
        assert held == np.count_nonzero(rows["quantity"])
        run.equity(row, rates)
    assert place == len(fills)
    return len(fills) + len(positions) + len(equity)
