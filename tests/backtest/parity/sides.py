"""The sides that are compared: stock Backtrader, `EventDrivenCerebro` as a drop-in, and the same with our feed and broker."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.conversion.timeframes import timeframe_of
from gcg_quant.backtest.history.bars import BarArray
from gcg_quant.backtest.tapes.tape import BarTape
from gcg_quant.bus import EventBus

from .bars import frame_of, restart_references
from .findings import Findings, differences, end_state
from .watching import TRACE, note

__all__ = ["FAST", "HAS_FAST", "LIVE", "STOCK", "Setup", "Side", "deviations", "our_sides", "run", "stock_side"]

HAS_FAST = "fast" in inspect.signature(EventDrivenCerebro.__init__).parameters
FAST, STOCK = "fast", "stock"  # the ways a set-up may run under EventDrivenCerebro
LIVE = FAST  # of runs with live feeds

# What our feed and broker have beside stock's, and a stock feed beside ours, where ours stand in for stock's. A live feed of ours waits for
# the bus, others wait for nothing (`_qcheck`, how long, is no result), and it ends as DISCONNECTED.
OWN_FEED = frozenset(vars(EventDrivenDataFeed(dataname="X", bars=[]))) - frozenset(vars(bt.feed.DataBase()))
OWN_BROKER = frozenset(vars(EventDrivenBroker())) - frozenset(vars(bt.brokers.BackBroker()))
NOT_COMPARED = OWN_FEED | OWN_BROKER | {"_idx", "_colmapping", "_waits", "_qcheck", "_dataname"}
FEED_CLASS = re.compile(r"[\w.]*\b(PandasData|EventDrivenDataFeed|Dripping)\b|(?<=DataBase_)(PandasData|EventDrivenDataFeed|Dripping)")
NUMPY = re.compile(r"np\.(?:float64|bool)\(([^)]*)\)")


@dataclass(frozen=True)
class Setup:
    """A run to compare.

    Args:
        build: makes the cerebro of a side; it must use the side's `cerebro`, `feed` and `broker`, and nothing random.
        path: whether `EventDrivenCerebro` runs it FAST or as STOCK does; None where either would be right.
        options: what `run()` is given.
        told: also with the broker that tells all on a bus.
        ours: also with our feed and broker.
        leftover: what no number depends on and may differ on the fast path: a pattern that is cut out of both sides' texts.
    """

    name: str
    build: Callable[[Side], Any]
    path: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    told: bool = False
    ours: bool = True
    leftover: str = ""


class Side:
    """Makes the parts of a run as one of the sides has them.

    Args:
        ours: None for stock, "drop-in" for our cerebro alone, "events" for our cerebro, feed and broker.
        fast: what `EventDrivenCerebro(fast=...)` gets, if it knows the word.
        bus: where our broker tells what happens.
    """

    def __init__(self, ours: str | None, fast: bool = True, bus: EventBus | None = None) -> None:
        self.ours = ours
        self.fast = fast
        self.out = io.StringIO()  # for writers
        self.bus = bus
        self._bars: dict[tuple[str, str], BarArray] = {}

    def __str__(self) -> str:
        if self.ours is None:
            return "stock"
        return f"{self.ours}{', fast' if self.fast and HAS_FAST else ''}{', told' if self.bus is not None else ''}"

    @property
    def cerebro_class(self) -> type:
        """Return the class to derive from."""
        return bt.Cerebro if self.ours is None else EventDrivenCerebro

    def cerebro(self, cls: type | None = None, **params: Any) -> Any:
        """Return a cerebro with these parameters of Backtrader's."""
        if self.ours is not None and HAS_FAST:
            params["fast"] = self.fast
        made = (cls or self.cerebro_class)(**params)
        made.broker = self.broker()
        return made

    def broker(self, **params: Any) -> Any:
        """Return a broker with these parameters of Backtrader's."""
        if self.ours != "events":
            return bt.brokers.BackBroker(**params)
        return EventDrivenBroker(bus=self.bus, account="test", strategy="parity", **params)

    def feed(self, bars: BarArray, name: str = "X", period: str | None = None, **params: Any) -> Any:
        """Return a feed of these bars: PandasData, or ours."""
        period = period or bars["period"][0].decode()
        timeframe, compression = timeframe_of(period)
        params = {"timeframe": timeframe, "compression": compression, **params}
        if self.ours != "events":
            return bt.feeds.PandasData(dataname=frame_of(bars), name=name, **params)
        self._bars[name, ""] = bars
        return EventDrivenDataFeed(dataname=name, name=name, period=period, bars=bars, **params)

    def finish(self, cerebro: Any) -> None:
        """Lay the bars on the bus, if our broker tells what happens."""
        if self.bus is not None and isinstance(cerebro.broker, EventDrivenBroker):
            cerebro.broker.use_tape(BarTape(self.bus, self._bars))


def stock_side() -> Side:
    """Return stock Backtrader."""
    return Side(None)


def our_sides(setup: Setup, bus: EventBus | None = None) -> Iterator[Side]:
    """Yield the sides of ours that a set-up is run on."""
    yield Side("drop-in")
    if setup.told and HAS_FAST:
        yield Side("drop-in", fast=False)  # stock's own loops under our cerebro: a few set-ups show that nothing is in their way
    if setup.ours:
        yield Side("events")
        if setup.told and bus is not None:
            yield Side("events", bus=bus)


def run(setup: Setup, side: Side) -> Findings:
    """Run a set-up on a side and return what it told and left; an exception of the run is part of that."""
    restart_references()
    TRACE.clear()
    findings = Findings()
    cerebro = setup.build(side)
    side.finish(cerebro)
    try:
        result = cerebro.run(**dict(setup.options))
    except Exception as error:  # compared like all else: the same class and text, at the same bar
        note("raised", f"{type(error).__name__}: {error}")
        result = getattr(cerebro, "runningstrats", [])
    findings.reason = getattr(cerebro, "fast_reason", None)
    findings.sections["trace"] = list(TRACE)
    findings.sections["written"] = side.out.getvalue().splitlines() if not side.out.closed else []
    for strategies in result if result and isinstance(result[0], list) else [result]:
        end_state(findings, cerebro, [one for one in strategies if isinstance(one, bt.Strategy)])
        for one in strategies:
            if not isinstance(one, bt.Strategy):
                findings.put("optimised", f"{type(one).__name__} {sorted(vars(one))} {one.p._getkwargs()}")
    return findings


def deviations(stock: Findings, ours: Findings, side: Side, leftover: str = "") -> list[str]:
    """Return where a run of ours differs from stock's, whose feed and broker have attributes of their own beside ours."""
    if leftover and ours.reason == "":
        stock, ours = (
            Findings({name: [re.sub(leftover, "", line) for line in lines] for name, lines in one.sections.items()})
            for one in (stock, ours)
        )
    if side.ours == "events":
        stock, ours = _common(stock), _common(ours)
    return differences(stock, ours)


# NumPy's numbers are written like Python's: PandasData lets them through where lines are no arrays.
def _common(found: Findings) -> Findings:
    sections = {name: [NUMPY.sub(r"\1", line) for line in lines] for name, lines in found.sections.items()}
    for name in ("feeds", "broker"):
        sections[name] = [line for line in sections.get(name, []) if line.split(" ", 1)[0] not in NOT_COMPARED]
    sections["trace"] = [FEED_CLASS.sub("feed", line) if "Error: " in line else line for line in sections.get("trace", [])]
    for name in ("feeds", "classes"):
        sections[name] = [FEED_CLASS.sub("feed", line) for line in sections.get(name, [])]
    return Findings(sections, found.reason)
