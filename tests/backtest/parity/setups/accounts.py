"""Commissions, margins, interest, slippage, fillers, cash and funds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import backtrader as bt

from ..bars import START_NS, coarse_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, Watching, note, trading
from .orders import brackets, limits, market, mixed, scene, targets, trails

__all__ = ["SETUPS"]

BEGIN = datetime.fromtimestamp(START_NS / 1e9)


class Tiered(bt.CommInfoBase):
    """A scheme of the user's own: cheaper in size, with a least fee."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED), ("least", 0.5))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return max(self.p.least, abs(size) * price * (0.001 if abs(size) < 3 else 0.0007))


class Borrowed(bt.CommInfoBase):
    """Interest that depends on the days, on longs, too."""

    params = (("stocklike", True), ("interest", 0.09), ("interest_long", True), ("commission", 0.05))

    def _get_credit_interest(self, data: Any, size: float, price: float, days: int, dt0: Any, dt1: Any) -> float:
        return days * self._creditrate * abs(size) * price + 0.01


def calls(**settings: Any) -> Callable[[Any], None]:
    """Return what calls methods of the broker: `calls(set_coc=True, setcommission={"commission": 0.1})`."""

    def prepare(cerebro: Any) -> None:
        for name, value in settings.items():
            method = getattr(cerebro.broker, name)
            method(**value) if isinstance(value, dict) else method(value)

    return prepare


def add_scheme(cls: type, **params: Any) -> Callable[[Any], None]:
    """Return what adds a commission scheme of a class."""
    return lambda cerebro: cerebro.broker.addcommissioninfo(cls(**params))


class Paying(Watching):
    """Has cash paid in and out, and looks at the account in every way."""

    def act(self, bar: int) -> None:
        broker = self.broker
        if bar % 40 == 0:
            broker.add_cash(250.0 if bar % 80 else -125.5)
        if bar % 10 == 0:
            self.buy(size=bar % 3 + 1) if bar % 20 else self.close()
        if bar == 151:
            broker.set_cash(5000.0)
        note("worth", broker.get_value([self.data]), broker.get_value(mkt=True), broker.get_value(lever=True), broker.get_leverage())
        note("fund", broker.get_fundvalue(), broker.get_fundshares(), broker.fundmode, broker.startingcash)
        note("positions", {data: position.size for data, position in broker.positions.items()}, broker.getposition(self.data).adjbase)


def two_schemes(side: Side) -> Any:
    """Futures beside stocks, each by the feed's name; one compensates the other."""
    cerebro = side.cerebro()
    first = cerebro.adddata(side.feed(coarse_bars(200, 1), "F"))
    second = cerebro.adddata(side.feed(coarse_bars(200, 2), "S"))
    second.compensate(first)
    cerebro.broker.setcommission(commission=1.5, margin=150.0, mult=5.0, name="F")
    cerebro.broker.setcommission(commission=0.001, leverage=2.0, name="S")
    cerebro.addstrategy(trading(targets, every=3))
    return cerebro


def order_history(side: Side) -> Any:
    """Orders of another time are evaluated, beside those of the strategy."""
    cerebro = side.cerebro()
    cerebro.adddata(side.feed(coarse_bars(200), "X"))
    moments = [BEGIN + timedelta(hours=3 * n) for n in range(20)]
    cerebro.add_order_history([[when, 2 if n % 2 else -1, 100.0 + 0.25 * n] for n, when in enumerate(moments)], notify=True)
    cerebro.add_order_history([(moments[5].isoformat(), 3, 99.5, "X"), (moments[9].isoformat(), -3, 101.0, 0)], notify=False)
    cerebro.addstrategy(trading(market, every=30))
    return cerebro


def fund_history(side: Side) -> Any:
    """The fund's value comes from a list."""
    cerebro = side.cerebro(runonce=False)
    cerebro.adddata(side.feed(coarse_bars(200)))
    cerebro.set_fund_history([[(BEGIN + timedelta(hours=8 * n)).isoformat(), 100.0 + n, 10_000.0 + 50 * n] for n in range(12)])
    cerebro.addstrategy(trading(market, every=9))
    return cerebro


def sized(sizer: type, **params: Any) -> Callable[[Any], None]:
    """Return what adds a sizer."""
    return lambda cerebro: cerebro.addsizer(sizer, **params)


class Thirds(bt.Sizer):
    """A sizer of the user's own."""

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> int:
        held = self.strategy.getposition(data).size
        return int(cash / 3 // data.close[0]) if isbuy else max(1, abs(held) // 2)


def unsized(strategy: Any, count: int) -> None:
    """Leave the size to the sizer."""
    strategy.buy() if count % 3 else strategy.sell()


FIXED = bt.CommInfoBase.COMM_FIXED
HALF = {"slip_open": True, "slip_limit": True, "slip_match": True, "slip_out": False}
OUT = {**HALF, "slip_out": True}
MIXED = trading(mixed, every=2)
ALL = [
    Setup("mixed orders, little cash", scene(MIXED, calls(set_cash=150.0, setcommission={"commission": 0.002})), FAST),
    Setup("mixed orders, unchecked", scene(MIXED, calls(set_cash=150.0, set_checksubmit=False)), FAST),
    Setup("mixed orders, futures", scene(MIXED, calls(setcommission={"commission": 1.0, "margin": 900.0, "mult": 10.0})), FAST),
    Setup("mixed orders, in parts", scene(MIXED, calls(set_filler=bt.broker.filler.FixedSize(size=1))), FAST),
    Setup("mixed orders, at the close", scene(MIXED, calls(set_coc=True)), FAST),
    Setup("mixed orders, slipping", scene(MIXED, calls(set_slippage_perc={"perc": 0.002, "slip_match": False})), FAST),
    Setup("mixed orders, short for nothing", scene(MIXED, calls(set_shortcash=False)), FAST),
    Setup("percent commission", scene(trading(market), calls(setcommission={"commission": 0.001})), FAST, told=True),
    Setup(
        "fixed commission",
        scene(
            trading(limits, every=4), calls(setcommission={"commission": 0.7, "commtype": bt.CommInfoBase.COMM_FIXED, "stocklike": True})
        ),
        FAST,
    ),
    Setup("percent of hundred", scene(trading(market), calls(setcommission={"commission": 0.2, "percabs": False, "commtype": 0})), FAST),
    Setup("a scheme of one's own", scene(trading(market), add_scheme(Tiered)), FAST),
    Setup("futures", scene(trading(market), calls(setcommission={"commission": 2.0, "margin": 200.0, "mult": 10.0})), FAST, told=True),
    Setup(
        "futures unwatched",
        scene(trading(limits, every=3, base=Plain), calls(setcommission={"margin": 90.0, "mult": 2.0}), stdstats=False),
        FAST,
    ),
    Setup("automatic margin", scene(trading(brackets), calls(setcommission={"automargin": 0.1, "stocklike": False, "mult": 3.0})), FAST),
    Setup("leverage", scene(trading(market), calls(setcommission={"leverage": 4.0, "commission": 0.0005})), FAST),
    Setup("interest on shorts", scene(trading(market), calls(setcommission={"interest": 0.25}), period="4h"), FAST),
    Setup("interest on both", scene(trading(market), add_scheme(Borrowed), period="4h"), FAST),
    Setup(
        "interest apart from the profit",
        scene(trading(market), lambda one: (add_scheme(Borrowed)(one), one.broker.set_int2pnl(False)), period="4h"),
        FAST,
    ),
    Setup("percent slippage", scene(trading(limits, every=3), calls(set_slippage_perc={"perc": 0.002, **HALF})), FAST),
    Setup("fixed slippage out of the bar", scene(trading(trails), calls(set_slippage_fixed={**OUT, "fixed": 0.75})), FAST),
    Setup("slippage without a match", scene(trading(market), calls(set_slippage_fixed={"fixed": 2.0, **HALF, "slip_match": False})), FAST),
    Setup("little cash", scene(trading(market), calls(set_cash=260.0)), FAST, told=True),
    Setup("little cash for brackets", scene(trading(brackets), calls(set_cash=150.0)), FAST),
    Setup("orders unchecked", scene(trading(market), calls(set_checksubmit=False, set_cash=260.0)), FAST),
    Setup("cheating on the close", scene(trading(market), calls(set_coc=True)), FAST),
    Setup("cheating on the broker's open", scene(trading(market), calls(set_coo=True)), FAST),
    Setup("end of session bars", scene(trading(limits, every=4), calls(set_eosbar=True)), FAST),
    Setup("shorts that take no cash", scene(trading(market), calls(set_shortcash=False)), FAST),
    Setup("fund mode", scene(Paying, calls(set_fundmode={"fundmode": True, "fundstartval": 50.0})), FAST),
    Setup("cash paid in and out", scene(Paying), FAST),
    Setup("cash paid in and out, few looks", scene(Paying, stdstats=False), FAST),
    Setup("fills by volume", scene(trading(limits, every=3), calls(set_filler=bt.broker.filler.FixedSize(size=1))), FAST),
    Setup("fills by a part of the bar", scene(trading(market), calls(set_filler=bt.broker.filler.FixedBarPerc(perc=30.0))), FAST),
    Setup(
        "fills by the bar's prices", scene(trading(market), calls(set_filler=bt.broker.filler.BarPointPerc(minmov=0.25, perc=60.0))), FAST
    ),
    Setup("two schemes", two_schemes, FAST),
    Setup("order history", order_history),
    Setup("fund history", fund_history),
    Setup("fixed size", scene(trading(unsized), sized(bt.sizers.FixedSize, stake=3)), FAST),
    Setup("reversing size", scene(trading(unsized), sized(bt.sizers.FixedReverser, stake=2)), FAST),
    Setup("percent of the cash", scene(trading(unsized), sized(bt.sizers.PercentSizer, percents=20)), FAST),
    Setup("all in", scene(trading(unsized), sized(bt.sizers.AllInSizerInt)), FAST),
    Setup("a sizer of one's own", scene(trading(unsized), sized(Thirds)), FAST),
]
# What is computed does not depend on whose the feed is: every third is also run with ours.
SETUPS = [replace(one, ours=one.told or number % 3 == 0) for number, one in enumerate(ALL)]
