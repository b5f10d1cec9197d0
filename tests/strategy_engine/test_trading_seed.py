"""Where the market stood before a restart: the last record of each kind tells as much as all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from math import nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, BookAction, BookDelta, Depth, MarketDataEvent, OrderCommand, OrderType, Side, Tick, TradeTick, VolumeKind
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway, RiskEngine, TradingEngine
from gcg_quant.strategy_engine.desk.seed import last_of_each_kind
from gcg_quant.strategy_engine.gateways.base import GatewayReport

DAY_NS = 1_790_000_000_000_000_000
PRICES = st.sampled_from([nan, 98.0, 99.0, 100.0, 101.0, 102.0])
DAYS = st.sampled_from([0, 20260105, 20260106])


@st.composite
def market(draw: st.DrawFn) -> list[MarketDataEvent]:
    """Return records of two instruments, with absent values. Each instrument has a clock of its own."""
    records: list[MarketDataEvent] = []
    clocks = {"BTC/USDT": DAY_NS, "ETH/USDT": DAY_NS + draw(st.integers(-30, 30)) * 10**9}
    deltas = ["delta", "delta", "delta"] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 15))):
        symbol = draw(st.sampled_from(list(clocks)))
        clocks[symbol] += draw(st.sampled_from([0, 1, 9])) * 10**9
        names: dict[str, Any] = {"symbol": symbol, "venue": "SIM", "event_ns": clocks[symbol]}
        kind = draw(st.sampled_from(["tick", "tick", "trade", "depth", "bar", *deltas]))
        if kind == "tick":
            quotes = {"bid_price": draw(PRICES), "bid_size": 2.0, "ask_price": draw(PRICES), "ask_size": 3.0}
            volume = draw(st.sampled_from([nan, 5.0, 9.0]))
            day = {name: draw(PRICES) for name in ("prev_close", "lower_limit", "upper_limit")}
            records.append(
                Tick(**names, **quotes, **day, trading_day=draw(DAYS), last_price=draw(PRICES), volume=volume, volume_kind=VolumeKind.DAY)
            )
        elif kind == "delta":
            side, action = draw(st.sampled_from([Side.BUY, Side.SELL])), draw(st.sampled_from([BookAction.SET] * 3 + list(BookAction)))
            price = (98.0 if side == Side.BUY else 101.0) + draw(st.integers(0, 2))
            records.append(BookDelta(**names, action=action, side=side, price=price, size=draw(st.sampled_from([1.0, 3.0]))))
        elif kind == "trade":
            records.append(TradeTick(**names, price=draw(st.sampled_from([99.0, 101.0])), size=1.0, trading_day=draw(DAYS)))
        elif kind == "depth":
            levels = {"bid_prices": [99.0, 98.0], "bid_sizes": [1.0, draw(st.sampled_from([0.0, 4.0]))]}
            records.append(Depth(**names, **levels, ask_prices=[101.0], ask_sizes=[2.0]))
        else:
            period, span = draw(st.sampled_from([("1s", 10**9), ("1m", 60 * 10**9)]))
            prices = {"open": 100.0, "high": 102.0, "low": 98.0, "close": draw(PRICES)}
            records.append(Bar(**names, **prices, volume=7.0, period=period, start_ns=names["event_ns"] - span))
    return records


def numbered(bus: EventBus, records: Iterable[MarketDataEvent]) -> list[MarketDataEvent]:
    """Return the records as a reader of the bus gives them: with instrument numbers."""
    for record in records:
        bus.publish(record)
    with bus.reader(start="begin") as reader:
        return [event for event in reader if isinstance(event, Tick | TradeTick | Depth | BookDelta | Bar)]


def told(bus: EventBus, seed: list[MarketDataEvent], then: list[MarketDataEvent]) -> tuple[list[GatewayReport], list[tuple[float, int]]]:
    """Return what a paper venue reports of orders, and what risk knows, after a seed and the market that follows."""
    reports: list[GatewayReport] = []
    gateway, risk = PaperGateway(), RiskEngine()
    gateway.open(bus, reports.append)
    for number in (1, 2):
        gateway.set_terms(number, bus.instruments[number])
        risk.set_terms(number, bus.instruments[number])
    for record in seed:
        gateway.seed(record)
        risk.on_market(record)
    clock = max((record.event_ns for record in seed), default=DAY_NS)
    for at, (side, kind, price) in enumerate(
        [(Side.BUY, OrderType.MARKET, nan), (Side.SELL, OrderType.LIMIT, 101.0), (Side.BUY, OrderType.STOP, 102.0)]
    ):
        for number, symbol in enumerate(("BTC/USDT", "ETH/USDT")):
            names: dict[str, Any] = {"symbol": symbol, "venue": "SIM", "request": 10 * at + number, "client_id": f"{symbol}{at}"}
            terms: dict[str, Any] = {"side": side, "order_type": kind, "price": price, "stop_price": price}
            gateway.submit(OrderCommand(**names | terms, event_ns=clock, quantity=5.0))
    days = [(risk.native.trading_day(number)[0], risk.native.price_limits(number)) for number in (1, 2)]
    signals = [risk.on_market(record) for record in then]
    for record in then:
        gateway.on_market(record)
    return reports, [(repr(risk.native.last_price(number)), risk.native.clock_ns) for number in (1, 2)] + days + signals  # type: ignore[operator]


def test_limits_told_without_a_day_outlive_later_records_of_that_day(bus: EventBus) -> None:
    """A day's first record stays in front of what was told after it without a day."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    names: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": DAY_NS}
    trade = TradeTick(**names, price=99.0, size=1.0, trading_day=20260106)
    seed = numbered(bus, [Tick(**names, last_price=99.0), trade, Tick(**names, last_price=99.0, upper_limit=102.0), trade])
    risk = RiskEngine()
    risk.set_terms(1, bus.instruments[1])
    for record in last_of_each_kind(seed):
        risk.on_market(record)
    assert risk.native.price_limits(1)[1] is not None


@settings(max_examples=int(os.environ.get("GCG_EXAMPLES", "30")))
@given(before=market(), after=market())
def test_last_of_each_kind_is_as_good_as_all(tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any) -> None:
    """Orders meet the same market, and risk knows the same prices, whether all records or the last of each kind were seen."""
    with EventBus(tmp_path_factory.mktemp("world") / "bus", page_mb=0.0625, sync="none") as bus:
        for symbol in ("BTC/USDT", "ETH/USDT"):
            bus.instruments.add(preset("crypto", symbol, "SIM"))
        records = numbered(bus, [*before, *(record.replace(event_ns=record.event_ns + 300 * 10**9) for record in after)])
        seed, then = records[: len(before)], records[len(before) :]
        assert told(bus, last_of_each_kind(seed), then) == told(bus, seed, then)


def test_seed_of_a_very_busy_market_is_bounded(bus: EventBus, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart looks at a minute, and at no more than so many events of it."""
    monkeypatch.setattr("gcg_quant.strategy_engine.trading._SEED_EVENTS", 3)
    for symbol, count in (("ETH/USDT", 3), ("BTC/USDT", 3)):
        bus.instruments.add(preset("crypto", symbol, "SIM"))
        for _ in range(count):
            bus.publish(Tick(symbol=symbol, venue="SIM", event_ns=DAY_NS, last_price=100.0))
    first = TradingEngine()
    first.start(bus)
    wait_until(lambda: first.state == "running" and first.reader.lag == 0)
    assert first.stop()
    for _ in range(3):
        bus.publish(Tick(symbol="BTC/USDT", venue="SIM", event_ns=DAY_NS, last_price=100.0))
    second = TradingEngine()
    second.start(bus, threaded=False)
    prices = [second.desk.risk.native.last_price(number) for number in (1, 2)]
    second.stop()
    assert repr(prices[0]) == "nan"
