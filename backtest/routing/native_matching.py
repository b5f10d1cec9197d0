"""`matching="native"`: a run's orders go to a trading engine and a paper gateway on the run's own bus, in step with its bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import backtrader as bt

from gcg_quant.errors import BacktestError
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of

from ...strategy_engine.trading import TradingConfig, TradingEngine
from ..conversion.comminfo import comminfo_of
from ..conversion.facts import bounds_of, place_of
from ..feed import EventDrivenDataFeed
from ..tapes.journal_tape import JournalTape
from ..tapes.tape import BarTape

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..broker import EventDrivenBroker
    from ..inputs.paper_terms import PaperTerms

__all__ = ["MarketTape", "NativeMatching"]


class MarketTape(Protocol):
    """The market data of a run, which goes onto its bus as far as the run has come."""

    last_id: int

    def forward(self, time_ns: int | None = None) -> None:
        """Publish what there is up to a moment (None: all that is left)."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class NativeMatching:
    """The paper venue of a backtest. One thread, the cerebro's.

    When the broker's turn comes, the bar that the strategy is about to see goes onto the bus (of a journal: all that led up to it), and
    the engine handles everything before the strategy hears of it: what was sent on the bar before trades at this bar's open, or within
    it, or on the ticks between the two. Which orders fill, when and at which price is decided by native/include/gcg/matching.h, as on
    paper.

    Args:
        broker: whose account it is; its cash is what the account begins with.
        bus: the run's own bus.
        terms: of the gateway, and the limits.
        tape: the market data; None takes the feeds'.

    Raises:
        BacktestError: the run's feeds are not ours, or live, or of several periods and stamped with their start.
    """

    def __init__(self, broker: EventDrivenBroker, bus: EventBus, terms: PaperTerms, tape: MarketTape | None) -> None:
        self._bus = bus
        self._datas: list[Any] = list(broker.cerebro.datas)
        self._tape = tape
        self.now_ns = 0
        _check(self._datas)
        instruments = [_instrument(bus, data) for data in self._datas]
        for data, instrument in zip(self._datas, instruments, strict=True):
            broker.addcommissioninfo(comminfo_of(instrument), name=data._name)
        # An interval of 0: an account is told at the beginning of a day and once more, at the same time, when its bar has moved it.
        config = TradingConfig(
            account=broker.p.account, currency=instruments[0].currency, cash=float(broker.startingcash), mark_interval_ns=0
        )
        self._engine = TradingEngine(config, terms.rules(), terms.gateway())
        self._engine.start(bus, threaded=False)

    def turn(self) -> None:
        """Let the market go on to the bar that the feeds show, and the engine settle all that follows."""
        self._settle()
        if self._tape is None:
            self._tape = _tape_of(self._bus, self._datas)
        self.now_ns = max(self.now_ns, *(bounds_of(data)[1] for data in self._datas))
        self._tape.forward(self.now_ns)
        self._settle()

    def moment(self) -> tuple[int, int]:
        """Return the time of the newest bar, and its event id: what an order that is sent now follows from."""
        return self.now_ns, self._tape.last_id if self._tape is not None else 0

    def close(self) -> None:
        """Publish the rest of the market data, let the engine handle it, and stop it."""
        self._settle()
        if self._tape is not None:
            self._tape.forward()
        self._settle()
        self.release()

    def release(self) -> None:
        """Stop the engine where it is, and let go of the market data."""
        if self._tape is not None:
            self._tape.close()
        self._engine.stop()

    def _settle(self) -> None:
        while self._engine.turn():
            pass


def _check(datas: Sequence[Any]) -> None:
    own = [data for data in datas if isinstance(data, EventDrivenDataFeed)]
    for data in datas:
        if not isinstance(data, EventDrivenDataFeed | bt.feed.DataClone):
            raise BacktestError(
                f"matching='native' lays the bars of its feeds on the bus, and {data._name or type(data).__name__} is not an "
                "EventDrivenDataFeed: use EventDrivenDataFeed(dataname=..., bars=... or history=...), or matching='stock'.",
                feed=str(data._name),
            )
    if any(data.islive() for data in own):
        raise BacktestError("matching='native' is for backtests: a live feed's orders go to an engine (matching='engine').")
    ticks = next((data for data in own if data.of_ticks), None)
    if ticks is not None:
        raise BacktestError(
            f"matching='native' lays bars, or a journal, on its bus, and {ticks._name or ticks.symbol} is a feed of ticks: "
            "use a feed of bars, or matching='stock'.",
            feed=str(ticks._name),
        )
    if len({data.p.period for data in own}) > 1 and any(data.p.stamp == "start" for data in own):
        raise BacktestError(
            "Feeds of several periods with matching='native' need stamp='end': a long bar that is stamped with its start would show the "
            "venue what has not happened yet."
        )


def _instrument(bus: EventBus, data: Any) -> Instrument:
    symbol, venue = place_of(data)
    if not any(one.symbol == symbol and venue in ("", one.venue) for one in bus.instruments):
        bus.instruments.add(preset(market_of(symbol), symbol, venue))
    return bus.instruments.get(symbol, venue or None)


def _tape_of(bus: EventBus, datas: Sequence[Any]) -> MarketTape:
    own = [data for data in datas if isinstance(data, EventDrivenDataFeed)]
    recorded = {id(data.p.bus): data.p.bus for data in own}
    if len(recorded) == 1 and own[0].p.bus is not None and len({data.p.period for data in own}) == 1:
        return JournalTape(bus, own[0].p.bus, [place_of(data) for data in own], own[0].p.period)
    return BarTape(bus, {place_of(data): data.loaded_bars() for data in own})
