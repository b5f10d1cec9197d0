"""The collector of Interactive Brokers against a fake TWS, with ib_async's client in between."""

from __future__ import annotations

import csv
import gzip
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.tws_market import minute_bar, trades_in

from gcg_quant.clock import from_iso
from gcg_quant.data_collector.stocks.ib_pacing import HistoryPacing
from gcg_quant.errors import CollectorError
from gcg_quant.events import Applied, CorporateAction, Depth, GapEvent, LogEvent, Quality, SessionEvent, SubscribeEvent, Tick, TradeTick

SECOND = 1_000_000_000


def test_quotes_and_single_trades_reach_the_bus(tws: Any, ib: Any, published: Any, wait_until: Any) -> None:
    """Both markets by one connection; a quote is a tick with our clock, a trade has IB's time."""
    collector = ib(symbols=["AAPL", "00700"])
    wait_until(lambda: len(tws.state["subscribed"]) == 4)
    tws.do("quote", symbol="AAPL", bid=189.5, bid_size=300, ask=189.52, ask_size=200, last=189.51, volume=1000)
    tws.do("quote", symbol="00700".lstrip("0"), bid=410.2, bid_size=500, ask=-1, ask_size=0)
    tws.do("trade", symbol="AAPL", time_s=1_700_000_000, price=189.51, size=7)
    tws.do("trade", symbol="AAPL", time_s=1_700_000_000, price=189.51, size=7, mask=1)
    trades = wait_until(lambda: found if len(found := published(TradeTick)) == 2 else None)
    assert [(one.symbol, one.venue, one.event_ns, one.ordinal, one.price, one.size, one.exchange, one.quality) for one in trades] == [
        ("AAPL", "US", 1_700_000_000 * SECOND, 0, 189.51, 7, "NASDAQ", Quality.NORMAL),
        ("AAPL", "US", 1_700_000_000 * SECOND, 1, 189.51, 7, "NASDAQ", Quality.SUSPICIOUS),
    ]

    def newest(symbol: str, **whole: float) -> Any:
        # A quote is several messages, and a tick may hold the first of them.
        told = [one for one in published(Tick) if one.symbol == symbol]
        return told[-1] if told and all(getattr(told[-1], name) == value for name, value in whole.items()) else None

    apple = wait_until(lambda: newest("AAPL", ask_price=189.52, last_price=189.51, volume=1000))
    tencent = wait_until(lambda: newest("00700", bid_price=410.2))
    assert (apple.venue, apple.bid_price, apple.bid_size, apple.ask_price, apple.last_price) == ("US", 189.5, 300, 189.52, 189.51)
    assert (tencent.venue, tencent.bid_price, tencent.bid_size) == ("HKEX", 410.2, 500)
    assert tencent.ask_price != tencent.ask_price
    assert abs(apple.event_ns - apple.recv_ns) < SECOND
    terms = wait_until(lambda: found if (found := collector.bus.instruments.get("00700", "HKEX")).tick_size == 0.2 else None)
    assert (terms.lot_size, terms.currency, terms.calendar, terms.description) == (100, "HKD", "XHKG", "TENCENT HOLDINGS LTD")
    assert collector.bus.instruments.get("AAPL", "US").tick_size == 0.01
    assert not collector.faults.counts()


def test_time_and_sales_where_single_trades_are_used_up(tws: Any, ib: Any, published: Any, wait_until: Any) -> None:
    """With 20 lines one symbol gets single trades; the other one's come by RTVolume, with milliseconds."""
    ib(symbols=["AAPL", "IBM"], options={"lines": 20})
    wait_until(lambda: len(tws.state["subscribed"]) == 3)
    tws.do("text", symbol="IBM", kind=48, text="190.25;12;1700000000123;5000;190.1;true")
    tws.do("text", symbol="IBM", kind=48, text=";0;1700000000200;5001;190.1;true")
    tws.do("text", symbol="IBM", kind=48, text="rubbish")
    (trade,) = wait_until(lambda: published(TradeTick))
    assert (trade.symbol, trade.price, trade.size, trade.event_ns) == ("IBM", 190.25, 12, 1_700_000_000_123_000_000)
    assert any("1 symbols get single trades" in one.message for one in published(LogEvent))


def test_depth_halts_and_dividends(tws: Any, ib: Any, published: Any, wait_until: Any) -> None:
    """Levels are inserted, changed and deleted; a halt is a SessionEvent, an announced dividend a CorporateAction, told once."""
    collector = ib(options={"streams": ["quotes", "depth", "dividends"]})
    wait_until(lambda: ["depth", "AAPL"] in tws.state["subscribed"])
    tws.do("levels", symbol="AAPL", levels=[[0, 0, 1, 10.0, 5], [0, 0, 0, 10.2, 6], [1, 0, 0, 10.3, 7], [0, 0, 1, 10.1, 8]])
    tws.do("levels", symbol="AAPL", levels=[[0, 2, 0, 0, 0], [1, 1, 1, 9.9, 4], [7, 1, 1, 9.9, 4]])
    wait_until(lambda: [one for one in published(Depth) if one.ask_prices[0] == 10.3 and one.bid_prices[1] == 9.9])
    newest = published(Depth)[-1]
    assert (newest.bid_prices[:2], newest.bid_sizes[:2], newest.ask_sizes[0], newest.levels) == ((10.1, 9.9), (8, 4), 7, 2)
    wait_until(lambda: collector.faults.counts() == {"sequence": 1})
    tws.do("notice", code=317, text="Market depth data has been RESET", symbol="AAPL", kind="depth")
    tws.do("levels", symbol="AAPL", levels=[[0, 0, 1, 11.0, 5]])
    wait_until(lambda: published(Depth)[-1].bid_prices[0] == 11.0 and published(Depth)[-1].levels == 1)
    for value in (1, 1, 0):
        tws.do("number", symbol="AAPL", kind=49, value=value)
    for _ in range(2):
        tws.do("text", symbol="AAPL", kind=59, text="0.9,0.96,20231110,0.24")
    wait_until(lambda: len(published(SessionEvent)) == 2 and published(CorporateAction))
    assert [(one.symbol, one.phase) for one in published(SessionEvent)] == [("AAPL", "halted"), ("AAPL", "open")]
    (action,) = published(CorporateAction)
    assert (action.kind, action.ex_day, action.amount, action.currency) == ("dividend", 20231110, 0.24, "USD")


def test_delayed_data_is_marked(bus: Any, published: Any, wait_until: Any) -> None:
    """Ticks carry "delayed" and the time of the last trade, and it is said."""
    from fakes.process import FakeVenue

    from gcg_quant.data_collector.stocks.ib import IbCollector
    from gcg_quant.data_collector.stocks.ib_options import IbOptions

    with FakeVenue("tws", "--delayed") as tws:
        collector = IbCollector("ib", url=f"tws://127.0.0.1:{tws.port}", symbols=["AAPL"], options=IbOptions(market_data="delayed"))
        collector.start(bus)
        wait_until(lambda: tws.state["subscribed"] and tws.state["data_types"] == [3])
        tws.do("quote", symbol="AAPL", bid=189.5, ask=189.52, last=189.51, volume=1000)
        tws.do("text", symbol="AAPL", kind=88, text="1700000000")
        tws.do("quote", symbol="AAPL", bid=189.4)
        tick = wait_until(lambda: published(Tick))[-1]
        assert (tick.condition, tick.event_ns, tick.volume) == ("delayed", 1_700_000_000 * SECOND, 1000)
        assert any("AAPL: Interactive Brokers sends delayed data" in one.message for one in published(LogEvent))
        collector.stop()


def test_a_client_id_that_is_in_use_is_said(tws: Any, ib: Any, wait_until: Any) -> None:
    """The sentence names the option, and it goes on once the number is free."""
    tws.do("refuse_ids", numbers=[17])
    collector = ib()
    wait_until(lambda: "Client id 17 is in use" in collector.connection.reason and "options.client_id" in collector.connection.reason)


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        ("TWIN", r"'TWIN' is ambiguous at Interactive Brokers: 901 \(TWIN OF NEW YORK, NYSE, USD\), 902 .*options.contract_ids"),
        ("NONE", r"Interactive Brokers has no share 'NONE'"),
        ("600519", r"'600519' is no share of Hong Kong or the USA"),
    ],
)
def test_a_symbol_that_is_none_is_refused(tws: Any, ib: Any, published: Any, wait_until: Any, symbol: str, sentence: str) -> None:
    """A subscription is answered with a sentence."""
    collector = ib()
    wait_until(lambda: collector.connection.connected)
    collector.bus.publish(SubscribeEvent(symbol=symbol))
    (answer,) = wait_until(lambda: published(Applied))
    assert not answer.ok
    assert re.search(sentence, answer.detail), answer.detail


def test_numbers_settle_what_is_ambiguous(tws: Any, ib: Any, wait_until: Any) -> None:
    """options.contract_ids chooses."""
    ib(symbols=["TWIN"], options={"contract_ids": {"TWIN": 902}})
    wait_until(lambda: ["quotes", "TWIN"] in tws.state["subscribed"])


def test_what_is_not_subscribed_at_ib_is_said(tws: Any, ib: Any, published: Any, wait_until: Any) -> None:
    """Each stream by itself: without single trades the time and sales come instead."""
    tws.do("set", closed_symbols={"AAPL": [354, 0, 0], "IBM": [0, 10190, 0]})
    collector = ib(symbols=["AAPL", "IBM"])
    wait_until(lambda: collector.faults.counts().get("subscription") == 2)
    tws.do("text", symbol="IBM", kind=48, text="190.25;12;1700000000123;5000;190.1;true")
    wait_until(lambda: published(TradeTick))


def test_lost_subscriptions_are_made_anew_and_the_hole_is_told(
    tws: Any, ib: Any, published: Any, wait_until: Any, open_market: Any
) -> None:
    """1100, then 1101; and a farm's outage for the symbols of its market alone."""
    ib(symbols=["AAPL", "IBM", "00700"], options={"streams": ["quotes"]}, wall=open_market)
    wait_until(lambda: len(tws.state["subscribed"]) == 3)
    for symbol in ("AAPL", "700"):
        tws.do("quote", symbol=symbol, bid=1.0, ask=2.0)
    wait_until(lambda: {one.symbol for one in published(Tick)} == {"AAPL", "00700"})
    tws.do("notice", code=2103, text="Market data farm connection is broken:usfarm")
    tws.do("notice", code=2104, text="Market data farm connection is OK:usfarm")
    for symbol in ("700", "AAPL"):
        tws.do("quote", symbol=symbol, bid=1.1, ask=2.0)
    (gap,) = wait_until(lambda: published(GapEvent))
    assert (gap.symbol, gap.venue, gap.kind) == ("AAPL", "US", "disconnect")
    assert "a market data farm is down" in gap.detail
    tws.do("notice", code=1100, text="Connectivity between IB and TWS has been lost.")
    tws.do("notice", code=1101, text="Connectivity restored - data lost.")
    wait_until(lambda: len(tws.state["subscribed"]) == 3 and tws.state["calls"]["1"] == 6)
    tws.do("quote", symbol="AAPL", bid=1.3, ask=2.0)
    wait_until(lambda: len(published(GapEvent)) == 2)
    tws.do("notice", code=1100, text="Connectivity between IB and TWS has been lost.")
    tws.do("notice", code=1102, text="Connectivity restored - data maintained.")
    tws.do("quote", symbol="AAPL", bid=1.4, ask=2.0)
    wait_until(lambda: len(published(GapEvent)) == 3)
    assert tws.state["calls"]["1"] == 6


def test_history_comes_in_pages_value_by_value(tws: Any, ib: Any, wait_until: Any, shared_data: Path) -> None:
    """Daily bars of a file, minute bars and trades of a rule; what is not there is an empty list, or None."""
    collector = ib(symbols=["SPY"])
    collector._pacing = HistoryPacing(lambda: 1000 * time.monotonic())  # its waits have a test of their own
    wait_until(lambda: collector.connection.connected and tws.state["subscribed"])
    bars = np.concatenate(collector.past("SPY", "1d", from_iso("2012-01-01", "UTC"), from_iso("2014-01-01", "UTC")))
    with gzip.open(shared_data / "stock" / "SPY_daily.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if "2012" <= row["time"] < "2014"]
    assert bars["trading_day"].tolist() == [int(row["time"][:10].replace("-", "")) for row in rows]
    for name in ("open", "high", "low", "close", "volume"):
        assert bars[name].tolist() == [float(row[name]) for row in rows], name
    start = 1_700_000_000 * SECOND
    minutes = np.concatenate(collector.past("SPY", "1m", start, start + 3 * 86_400 * SECOND))
    first = 1_700_000_000 // 60 * 60
    expected = [minute_bar(at) for at in range(first, 1_700_000_000 + 3 * 86_400, 60)]
    assert (minutes["start_ns"] // SECOND).tolist() == [row[0] for row in expected]
    assert minutes["close"].tolist() == [row[4] for row in expected]
    assert minutes["volume"].tolist() == [row[5] for row in expected]
    trades = np.concatenate(collector.past("SPY", "trade", start, start + 1500 * SECOND))
    told = [(at, price, size) for at in range(1_700_000_000, 1_700_001_501) for price, size in trades_in(at)]
    assert list(zip((trades["event_ns"] // SECOND).tolist(), trades["price"].tolist(), trades["size"].tolist(), strict=True)) == told
    assert collector.past("IBM", "1d", from_iso("1960-01-01", "UTC"), from_iso("1960-02-01", "UTC")) == []
    assert collector.past("SPY", "depth", start, start + SECOND) is None
    tws.do("set", refusals=[{"code": 162, "text": "Historical Market Data Service error message:API historical data query cancelled"}])
    with pytest.raises(CollectorError, match="no history"):
        collector.past("SPY", "1m", start + SECOND * 86_400 * 9, start + SECOND * 86_400 * 9 + 1)
    tws.do("set", refusals=[{"code": 162, "text": "Historical Market Data Service error message:pacing violation"}])
    with pytest.raises(OSError, match="too much history"):
        collector.past("SPY", "1m", start + SECOND * 86_400 * 20, start + SECOND * 86_400 * 20 + 1)


def test_lines_are_counted(tws: Any, ib: Any, published: Any, wait_until: Any) -> None:
    """The third symbol of two lines is refused with a sentence; when one is given up there is room."""
    collector = ib(symbols=["AAPL", "IBM"], options={"lines": 2, "streams": ["quotes"]})
    wait_until(lambda: len(tws.state["subscribed"]) == 2)
    for symbol, wanted in (("SPY", True), ("IBM", False), ("SPY", True)):
        collector.bus.publish(SubscribeEvent(symbol=symbol, subscribe=wanted))
    answers = wait_until(lambda: found if len(found := published(Applied)) == 3 else None)
    assert [one.ok for one in answers] == [False, True, True]
    assert "all 2 market data lines are taken" in answers[0].detail
    wait_until(lambda: tws.state["subscribed"] == [["quotes", "AAPL"], ["quotes", "SPY"]])
