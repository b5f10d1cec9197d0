"""Fixtures of the shipped strategies: backtests over real bars, and a floor where a test says one event after the other."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec
from gcg_quant.backtest.own_strategies.stepping import SteppedManager
from gcg_quant.bus import EventBus
from gcg_quant.clock import day_of
from gcg_quant.events import (
    Bar,
    CancelRequest,
    Depth,
    Event,
    Fill,
    LogEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Side,
    StrategyStatusEvent,
    Tick,
    World,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns
from gcg_quant.strategy_engine import LoadRequest, PaperGateway, RiskLimits, TradingConfig, TradingEngine

MINUTE_NS = 60_000_000_000
START_NS = 1_700_006_400_000_000_000  # 2023-11-15 00:00 UTC


Trade = tuple[str, int, float, float]  # symbol, start of the bar, signed size, price


class Rows:
    """The bars of one file as columns, and as the array that a history holds."""

    def __init__(self, path: Path, period: str, zone: str, chosen: slice) -> None:
        with gzip.open(path, "rt") as file:
            frame = pd.read_csv(file, index_col=0, parse_dates=True).astype(float)
        frame.index = frame.index.tz_localize(zone).tz_convert("UTC").tz_localize(None)
        self.frame = frame = frame.iloc[chosen]
        self.start_ns = frame.index.to_numpy().astype("datetime64[ns]").astype(np.int64)
        self.open, self.high, self.low, self.close, self.volume = (
            frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")
        )
        self.bars = np.zeros(len(frame), Bar.dtype)
        self.bars["start_ns"], self.bars["event_ns"] = self.start_ns, self.start_ns + period_ns(period)
        for name in ("open", "high", "low", "close", "volume"):
            self.bars[name] = frame[name].to_numpy()
        self.bars["open_interest"] = np.nan
        self.bars["period"] = period.encode()

    def __len__(self) -> int:
        return len(self.frame)

    def at_open(self, symbol: str, at: int, size: float) -> Trade:
        """Return the trade of a market order at the open of a bar: in whole cents, rounded against the side."""
        cents = round(self.open[at] * 100, 6)
        return symbol, int(self.start_ns[at]), float(size), (math.ceil(cents) if size > 0 else math.floor(cents)) / 100


@pytest.fixture(scope="session")
def real_bars(shared_data: Path) -> Callable[..., Rows]:
    """Return a function that reads some rows of a file of real bars."""

    def read(name: str, period: str, zone: str, first: int | None, last: int | None = None) -> Rows:
        return Rows(shared_data / name, period, zone, slice(first, last))

    return read


class Ran:
    """What a backtest has done, in the shape in which a plain loop says it."""

    def __init__(self, result: BacktestResult) -> None:
        self.result = result
        self.trades: list[Trade] = [(one.symbol, one.time_ns, one.size, one.price) for one in result.fills]
        self.equity = result.measures.end_value

    def must_be(self, expected: list[Trade], closes: dict[str, float], cash: float = 100_000.0) -> None:
        """Compare every trade, and the money in the end, with those of a plain loop."""
        assert [one[:2] for one in self.trades] == [one[:2] for one in expected]
        assert [one[2:] for one in self.trades] == [pytest.approx(one[2:], abs=1e-9, rel=0) for one in expected]
        worth = cash + sum(size * (closes[symbol] - price) for symbol, _, size, price in expected)
        assert self.equity == pytest.approx(worth)

    @property
    def pinned(self) -> tuple[int, str, str, float]:
        """Return the number of trades, the first two and the last two in words, and the money in the end."""
        words = [f"{day_of(start)} {symbol} {size:+g} {price:g}" for symbol, start, size, price in self.trades]
        return len(words), ", ".join(words[:2]), ", ".join(words[-2:]), round(self.equity, 2)


@pytest.fixture
def backtest(tmp_path: Path) -> Callable[..., Ran]:
    """Return a function that backtests a shipped strategy over rows by symbol; all of them have the venue X."""

    def run(file: str, rows: dict[str, Rows], **options: Any) -> Ran:
        history = MemoryHistory()
        for symbol, one in rows.items():
            history.add_bars(symbol, "X", one.bars)
        options = {"cash": 100_000.0, "report": False, **options}
        return Ran(BacktestEngine(tmp_path / "home", store=history).run(BacktestSpec(file=file, symbols=list(rows), **options)))

    return run


class Floor:
    """A strategy, the real manager, engine and paper venue on a backtest's bus; each event is handled to its end before the next."""

    def __init__(
        self, path: Path, terms: tuple[Instrument, ...], file: str, *, limits: RiskLimits | None = None, **parameters: Any
    ) -> None:
        self._path, self._terms, self._file, self._limits, self._parameters = path, terms, file, limits or RiskLimits(), parameters
        self.now_ns = START_NS
        self._history = MemoryHistory()
        self._open()

    def _open(self) -> None:
        self.bus = EventBus(self._path, world=World.BACKTEST, source="test", page_mb=1, sync="none")
        for one in self._terms:
            self.bus.instruments.add(one)
        currency = self._terms[0].currency
        self._engine = TradingEngine(
            TradingConfig(account="paper", currency=currency, cash=10_000_000.0, mark_interval_ns=1), self._limits, PaperGateway()
        )
        request = LoadRequest(
            file=self._file, id="mine", symbols=tuple(one.name for one in self._terms), parameters=self._parameters, start=True
        )
        self._manager = SteppedManager(load=[request], account="paper", bar_periods=("1m",))
        self._engine.start(self.bus, threaded=False)
        self._manager.start(self.bus, self._history, threaded=False)
        self._settle()

    def _settle(self) -> None:
        while self._engine.turn() + self._manager.turn():
            pass

    def say(self, *events: Event) -> None:
        """Publish events, each handled to its end."""
        for event in events:
            self.bus.publish(event, cause=0)
            self._settle()

    def bar(self, close: float, *, at: int = 0, volume: float = 1e9, **prices: float) -> None:
        """Say the next minute's bar of the instrument number `at`; a later instrument's bar is of the same minute as the first's."""
        if not at:
            self.now_ns += MINUTE_NS
        values = {"open": close, "high": max(close, prices.get("open", close)), "low": min(close, prices.get("open", close)), **prices}
        place = {"symbol": self._terms[at].symbol, "venue": self._terms[at].venue}
        self.say(Bar(**place, period="1m", start_ns=self.now_ns - MINUTE_NS, end_ns=self.now_ns, close=close, volume=volume, **values))

    def quote(self, bid: float, ask: float, size: float = 100.0) -> None:
        """Say a tick a second later."""
        self.now_ns += 1_000_000_000
        self.say(
            Tick(
                symbol=self._terms[0].symbol,
                venue=self._terms[0].venue,
                event_ns=self.now_ns,
                bid_price=bid,
                ask_price=ask,
                bid_size=size,
                ask_size=size,
            )
        )

    def depth(self, bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> None:
        """Say a book of (price, size) rows a second later."""
        self.now_ns += 1_000_000_000
        rows = {"bid_prices": [row[0] for row in bids], "bid_sizes": [row[1] for row in bids]}
        rows |= {"ask_prices": [row[0] for row in asks], "ask_sizes": [row[1] for row in asks]}
        self.say(
            Depth(symbol=self._terms[0].symbol, venue=self._terms[0].venue, event_ns=self.now_ns, levels=max(len(bids), len(asks)), **rows)
        )

    def told(self, *kinds: type[Event]) -> list[Any]:
        """Return all events of some classes so far."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def requests(self) -> list[OrderRequest]:
        """Return what the strategy asked for."""
        return self.told(OrderRequest)

    def fills(self) -> list[tuple[Side, float, float]]:
        """Return (side, quantity, price) of each fill."""
        return [(one.side, one.quantity, one.price) for one in self.told(Fill)]

    def held(self, at: int = 0) -> float:
        """Return what the fills of an instrument add up to."""
        symbol = self._terms[at].symbol
        return round(sum(one.quantity if one.side == Side.BUY else -one.quantity for one in self.told(Fill) if one.symbol == symbol), 9)

    def working(self) -> list[OrderEvent]:
        """Return the newest event of each order that is open."""
        newest = {one.client_id: one for one in self.told(OrderEvent)}
        return [one for one in newest.values() if one.status in (OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED)]

    def refusals(self) -> list[str]:
        """Return the reasons of the orders that were refused."""
        return [one.reason for one in self.told(OrderEvent) if one.status == OrderStatus.REJECTED]

    def cancels(self) -> int:
        """Return how many cancellations were asked for."""
        return len(self.told(CancelRequest))

    def words(self) -> list[str]:
        """Return what the strategy has logged."""
        return [one.message for one in self.told(LogEvent) if one.component == "mine"]

    def state(self) -> tuple[str, str]:
        """Return the strategy's state and its error."""
        newest = self.told(StrategyStatusEvent)[-1]
        return newest.state, newest.error

    def restart(self) -> None:
        """Stop everything as a system does that goes down, and come up again on the same journal; the bars so far are stored then."""
        for one in self._terms:
            with self.bus.reader(start="begin", events=[Bar], symbols=[one.name]) as reader:
                told = reader.read_array(Bar)
            rows = np.zeros(len(told), Bar.dtype)  # without the columns of the frames
            for name in Bar.dtype.names or ():
                rows[name] = told[name]
            self._history.add_bars(one.symbol, one.venue, rows)
        self._manager.stop()
        self._settle_engine()
        self._engine.stop()
        self.bus.close()
        self._open()

    def _settle_engine(self) -> None:
        while self._engine.turn():
            pass

    def close(self) -> None:
        """Stop everything."""
        self._manager.stop()
        self._settle_engine()
        self._engine.stop()
        self.bus.close()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Callable[..., Floor]]:
    """Return a function that opens a floor for a shipped strategy."""
    opened: list[Floor] = []

    def open_floor(file: str, *terms: Instrument, **options: Any) -> Floor:
        made = Floor(tmp_path / f"floor{len(opened)}", terms, file, **options)
        opened.append(made)
        return made

    yield open_floor
    for one in opened:
        one.close()
