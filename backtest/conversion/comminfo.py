"""An instrument's terms as a Backtrader commission scheme, so that a strategy's own arithmetic of values and margins is right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.errors import BacktestError

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["FuturesCommission", "InstrumentCommission", "comminfo_of"]


@dataclass(slots=True)
class _Execution:
    """What decides the fee of one execution, and how much of it was charged."""

    held: float  # the position before it
    today: float  # how much of that was opened on the trading day
    first: bool  # whether it is the order's first one
    quantity: float = 0.0
    charged: float = 0.0


class InstrumentCommission(bt.CommInfoBase):  # type: ignore[misc]
    """The fees and the multiplier of an instrument that is paid for in full.

    Fees are `Instrument.fee`: shares of the value, amounts a unit and an order, the least an order costs, stamp duty on sales. Asked for
    a size and a price alone, as strategies ask, they are those of an order that opens; within `execution` closing today's lots costs
    what it costs, the oldest lots being closed first.
    """

    params = (("instrument", None),)

    def __init__(self) -> None:
        super().__init__()
        self._execution: _Execution | None = None

    @contextlib.contextmanager
    def execution(self, held: float, today: float, *, first: bool) -> Iterator[None]:
        """Charge for one execution of an order: `held` is the position before it, of which `today` was opened on the trading day."""
        self._execution = _Execution(held, today, first)
        try:
            yield
        finally:
            self._execution = None

    # Backtrader asks for the part that closes, then for the part that opens: a least fee is due for both together, once.
    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        instrument: Instrument = self.p.instrument
        one = self._execution
        if one is None:
            return instrument.fee(abs(size), price, sell=size < 0)
        one.quantity += abs(size)
        closed = min(one.quantity, abs(one.held)) if one.held * size < 0 else 0.0
        today = max(0.0, closed - (abs(one.held) - one.today))
        whole = instrument.fee(one.quantity, price, sell=size < 0, first=one.first, today=today)
        part, one.charged = whole - one.charged, whole
        return part


class FuturesCommission(InstrumentCommission):
    """The same of a future, which is margined."""

    def __init__(self) -> None:
        super().__init__()
        self.margin_price: float | None = None  # while it is set, margins are of this price

    def get_margin(self, price: float) -> float:
        """Return the margin of a unit at a price."""
        return float(super().get_margin(price if self.margin_price is None else self.margin_price))


def comminfo_of(instrument: Instrument) -> InstrumentCommission:
    """Return the commission scheme of an instrument.

    Raises:
        BacktestError: it is an inverse contract, whose profit no scheme of Backtrader's can say.
    """
    if instrument.inverse:
        raise BacktestError(
            f"{instrument.name} is an inverse contract, and Backtrader's profit is (price - price) * size * multiplier: "
            "run it in the trading or the tick engine (docs/crypto.md), or take the linear contract.",
            symbol=instrument.symbol,
        )
    futures = instrument.kind == "future"
    # Backtrader's classes take their parameters by name, which mypy cannot know.
    scheme: Any = FuturesCommission if futures else InstrumentCommission
    made: InstrumentCommission = scheme(
        instrument=instrument,
        commission=instrument.taker_fee,
        percabs=True,
        commtype=bt.CommInfoBase.COMM_PERC,
        mult=instrument.multiplier,
        stocklike=not futures,
        margin=1.0 if futures else None,
        automargin=instrument.multiplier * instrument.margin_rate if futures else False,
    )
    return made
