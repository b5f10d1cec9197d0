"""The collector of akshare: snapshots while the exchanges are open, history, and every fault of the line."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from fakes.eastmoney import dividend, quote, suspension
from fakes.proxy import FaultProxy
from fakes.share_process import FakeProcess
from patience import within

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_collector.stocks.akshare import AkshareCollector, AkshareOptions
from gcg_quant.data_collector.stocks.akshare_pages import AksharePages
from gcg_quant.errors import CollectorError
from gcg_quant.events import CorporateAction, Depth, GapEvent, InstrumentEvent, SessionEvent, SubscribeEvent, Tick, VolumeKind

OPEN = "2025-12-31 10:00"
MAO, ST, CHINEXT, BEIJING = "1.600519", "0.000005", "0.300750", "0.920002"


def seconds(text: str) -> int:
    """Return seconds since the epoch of a time in China."""
    return from_iso(text, "Asia/Shanghai") // 1_000_000_000


@pytest.fixture
def store() -> dict[str, Any]:
    """Four shares of four boards, one of them suspended, and some history."""
    rows = [f"2025-12-{day:02},10.0,11.0,12.0,9.0,{day},{day * 1050}.0,1,1,1,1" for day in (24, 25, 26, 29, 30, 31)]
    fives = [f"2025-12-31 09:{minute:02},10.0,11.0,12.0,9.0,{minute},{minute * 1050}.0,1,1,1,1" for minute in range(35, 60, 5)]
    ones = [f"2025-12-31 09:{minute:02},10.0,11.0,12.0,9.0,{minute},{minute * 1050}.0,11.0" for minute in range(31, 60)]
    return {
        "quotes": {
            MAO: quote("600519", "贵州茅台", 1500.0, made_s=seconds("2025-12-31 09:59:57")),
            ST: quote("000005", "ST星源", 2.0, limit=0.05, made_s=seconds("2025-12-31 09:59:57")),
            CHINEXT: quote("300750", "宁德时代", 300.0, limit=0.2),
            BEIJING: quote("920002", "万达轴承", 50.0, traded=False),
        },
        "bars": {MAO: {"101": rows, "5": fives, "1": ones}},
        "suspended": [suspension("920002", "万达轴承", "2025-12-30")],
        "dividends": {"600519": [dividend("2024-06-19", 308.76, None), dividend("", 9.0, None), dividend("2025-06-19", 10.0, 3.0)]},
    }


@pytest.fixture
def server(store: dict[str, Any], tmp_path: Path) -> Iterator[FakeProcess]:
    """Eastmoney's pages."""
    process = FakeProcess("eastmoney", store, tmp_path)
    yield process
    process.kill()


@pytest.fixture
def made(bus: EventBus, clock: Any) -> Iterator[Callable[..., AkshareCollector]]:
    """Return what makes a collector that is stopped after the test."""
    running: list[AkshareCollector] = []

    def make(
        port: int, *symbols: str, now: str = OPEN, start: bool = True, silence_s: float = 30.0, connect_s: float = 20.0, **options: Any
    ) -> AkshareCollector:
        chosen = {"requests_per_s": 100.0, "answer_s": 20.0, "period_s": 0.05, "actions": False, "snapshot": "book", **options}
        collector = AkshareCollector(
            "akshare",
            symbols=symbols,
            url=f"http://127.0.0.1:{port}",
            options=AkshareOptions(**chosen),
            connect_s=connect_s,
            silence_s=silence_s,
            wall=clock(now),
            backoff=Backoff(0.05, 0.2),
        )
        if start:
            collector.start(bus)
        running.append(collector)
        return collector

    yield make
    for collector in running:
        collector.stop()
        collector.hang_up()


def up(collector: AkshareCollector) -> bool:
    """Return whether it is connected."""
    return collector.connection.state == "connected"


# ---- snapshots


def test_a_snapshot_is_a_tick_and_a_book(server: FakeProcess, made: Any, heard: Any, until: Any, bus: EventBus) -> None:
    """Shares instead of lots, the day's totals, the limits, five levels, and both times."""
    made(server.port, "600519", "000005", "300750")
    ticks = until(lambda: len(found := heard.of(Tick)) == 3 and {tick.symbol: tick for tick in found})
    tick = ticks["600519"]
    assert (tick.venue, tick.last_price, tick.volume, tick.turnover) == ("SSE", 1500.0, 100_000.0, 150_000_000.0)
    assert (tick.bid_price, tick.bid_size, tick.ask_price, tick.ask_size) == (1500.0, 1000.0, 1500.01, 1000.0)
    assert (tick.open, tick.high, tick.low, tick.prev_close) == (1500.0, 1500.1, 1499.9, 1500.0)
    assert (tick.upper_limit, tick.lower_limit, tick.average_price) == (1650.0, 1350.0, 1500.0)
    assert (tick.volume_kind, tick.trading_day) == (VolumeKind.DAY, 20251231)
    assert tick.event_ns == seconds("2025-12-31 09:59:57") * 1_000_000_000  # the page's time
    assert 0 < tick.recv_ns - tick.event_ns < 60e9
    assert ticks["300750"].event_ns == ticks["300750"].recv_ns  # this page has no time
    depth = next(one for one in heard.of(Depth) if one.symbol == "600519")
    assert depth.levels == 5
    assert depth.bid_prices[:5] == (1500.0, 1499.99, 1499.98, 1499.97, 1499.96)
    assert depth.ask_sizes[:5] == (1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
    assert math.isnan(depth.bid_prices[5])
    limits = {
        name: bus.instruments.get(name, venue).price_limit for name, venue in (("600519", "SSE"), ("000005", "SZSE"), ("300750", "SZSE"))
    }
    assert limits == {"600519": 0.1, "000005": 0.05, "300750": 0.2}
    assert bus.instruments.get("600519", "SSE").description == "贵州茅台"


def test_what_has_not_changed_is_not_published_again(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """Not even if the page's time has; what has changed is."""
    collector = made(server.port, "600519")
    until(lambda: collector.unchanged >= 3)
    server.do("change", secid=MAO, data={"f86": seconds("2025-12-31 10:00:00")})
    before = collector.unchanged
    until(lambda: collector.unchanged >= before + 3)
    assert len(heard.of(Tick)) == 1
    server.do("change", secid=MAO, data={"f43": 1501.0, "f44": 1501.0, "f47": 1001, "f48": 150_150_000.0})
    until(lambda: len(heard.of(Tick)) == 2)
    assert heard.of(Tick)[-1].last_price == 1501.0
    assert heard.of(Tick)[-1].event_ns == seconds("2025-12-31 10:00:00") * 1_000_000_000
    assert set(collector.faults.counts()) <= {"clock"}  # ours is not the page's here


@pytest.mark.parametrize(
    ("now", "asks"),
    [
        ("2025-12-31 09:14:00", False),
        ("2025-12-31 09:15:01", True),
        ("2025-12-31 11:45", False),
        ("2025-12-31 15:01", True),
        ("2025-12-31 15:10", False),
        ("2026-01-01 10:00", False),
        ("2026-01-03 10:00", False),
    ],
)
def test_it_asks_while_the_exchanges_are_open(server: FakeProcess, made: Any, now: str, asks: bool) -> None:
    """In the opening auction and just after the close, not in the break, at night or on a holiday."""
    collector = made(server.port, "600519", start=False)
    assert collector._asks_at(from_iso(now, "Asia/Shanghai")) is asks


def test_a_closed_exchange_is_left_alone_and_silence_is_no_fault(server: FakeProcess, made: Any, until: Any) -> None:
    """In the evening it stays connected without a request; in the morning it begins."""
    collector = made(server.port, "600519", now="2025-12-30 20:00", silence_s=0.3)
    until(lambda: up(collector))
    asked = server.do("seen")["requests"]
    end = time.monotonic() + 0.6
    until(lambda: time.monotonic() > end)
    assert server.do("seen")["requests"] == asked
    assert collector.connection.sessions == 1
    collector.recv_ns.set("2025-12-31 09:30")
    until(lambda: collector.counts.get("Tick"))


def test_a_suspended_share_is_told_and_not_asked_for(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """By the day's table; the day after it trades again."""
    collector = made(server.port, "600519", "920002")
    (session,) = until(lambda: heard.of(SessionEvent))
    assert (session.symbol, session.venue, session.phase, session.trading_day) == ("920002", "BSE", "halted", 20251231)
    until(lambda: collector.rounds >= 3)
    assert {tick.symbol for tick in heard.of(Tick)} == {"600519"}
    server.do("suspend", rows=[])
    server.do("quote", secid=BEIJING, data=quote("920002", "万达轴承", 51.0, limit=0.3))
    collector.recv_ns.set("2026-01-05 10:00")
    until(lambda: "920002" in {tick.symbol for tick in heard.of(Tick)})
    assert [one.phase for one in heard.of(SessionEvent)] == ["halted", "open"]


def test_many_shares_come_by_the_list(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """All at once, without a book; what does not trade has no tick."""
    collector = made(server.port, "600519", "000005", "300750", "920002", snapshot="list")
    ticks = until(lambda: len(found := heard.of(Tick)) == 3 and {tick.symbol: tick for tick in found})
    assert (ticks["000005"].venue, ticks["000005"].last_price, ticks["000005"].volume) == ("SZSE", 2.0, 100_000.0)
    assert math.isnan(ticks["000005"].bid_price)
    until(lambda: collector.unchanged >= 3)
    assert heard.of(Depth) == []
    assert {one.terms["description"] for one in heard.of(InstrumentEvent)} >= {"ST星源", "宁德时代"}


def test_symbols_come_and_go(server: FakeProcess, made: Any, heard: Any, until: Any, bus: EventBus) -> None:
    """What the pages do not have is said; an index is refused."""
    collector = made(server.port, "600519")
    until(lambda: heard.of(Tick))
    bus.publish(SubscribeEvent(symbol="000005", venue="SZSE", subscribe=True))
    until(lambda: "000005" in {tick.symbol for tick in heard.of(Tick)})
    bus.publish(SubscribeEvent(symbol="600000", venue="SSE", subscribe=True))
    until(lambda: collector.faults.counts().get("symbol"))
    bus.publish(SubscribeEvent(symbol="600519", venue="SSE", subscribe=False))
    until(lambda: collector.symbols == {"000005", "600000"})
    with pytest.raises(CollectorError, match=r"snapshots are of shares alone: 399001@SZSE is an index"):
        collector.ask(["399001"])
    assert up(collector)


# ---- history


def test_bars_of_the_past(server: FakeProcess, made: Any, store: dict[str, Any]) -> None:
    """Days and minutes, in shares; nothing for what nobody keeps."""
    collector = made(server.port, "600519", start=False)
    start, end = from_iso("2025-12-25", "Asia/Shanghai"), from_iso("2026-01-01", "Asia/Shanghai")
    (days,) = collector.past("600519", "1d", start, end)
    assert days["trading_day"].tolist() == [20251225, 20251226, 20251229, 20251230, 20251231]
    assert days["volume"].tolist() == [2500.0, 2600.0, 2900.0, 3000.0, 3100.0]
    assert days["turnover"].tolist() == [float(row.split(",")[6]) for row in store["bars"][MAO]["101"][1:]]
    (fives,) = collector.past("600519", "5m", start, end)
    assert fives["event_ns"][0] == from_iso("2025-12-31 09:35", "Asia/Shanghai")
    assert len(fives) == 5
    (ones,) = collector.past("600519", "1m", from_iso("2025-12-31 09:40", "Asia/Shanghai"), from_iso("2025-12-31 09:45", "Asia/Shanghai"))
    assert len(ones) == 5
    with pytest.raises(CollectorError, match="keeps no 1m bars of 300750@SZSE so far back"):
        collector.past("300750", "1m", start, end)
    assert [len(part) for part in collector.past("300750", "1d", start, end)] == [0]
    assert collector.past("600519", "tick", start, end) is None
    assert collector.discover() == ["000005", "300750", "600519", "920002"]


def test_dividends_are_told_once(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """For one share held, not for ten; plans are none yet; a share that never paid is no fault."""
    collector = made(server.port, "600519", "300750", actions=True)
    told = until(lambda: len(found := heard.of(CorporateAction)) == 3 and found)
    assert [(one.kind, one.ex_day, one.ratio, one.amount) for one in told] == [
        ("dividend", 20240619, None, 30.876),
        ("dividend", 20250619, None, 1.0),
        ("split", 20250619, 1.3, None),
    ]
    until(lambda: not collector._unknown)
    assert set(collector.faults.counts()) <= {"clock"}  # ours is not the page's here


# ---- faults

FAULTS = ["refused", "reset", "half-open", "slow", "rubbish", "restart", "too often", "drip"]


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_it_goes_on_and_what_was_missed_is_said(fault: str, server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """The line breaks while shares are asked for: a gap for each, and new snapshots behind it."""
    with FaultProxy(server.port) as proxy:
        late = fault in ("half-open", "slow", "drip")  # nothing but the time tells of these
        answer_s = within(0.4, 3.0) if late else 20.0
        collector = made(proxy.port, "600519", "000005", answer_s=answer_s, connect_s=20.0 if fault != "slow" else within(2.0, 8.0))
        until(lambda: len(heard.of(Tick)) >= 2)
        if fault == "refused":
            proxy.refuse()
        elif fault == "reset":
            proxy.reset(200, again=True)
        elif fault == "half-open":
            proxy.half_open()
        elif fault in ("slow", "drip"):
            proxy.slow(10 if fault == "slow" else 100)
        elif fault == "rubbish":
            server.do("wrong", kinds=["html", "json", "shape", "binary", "cut"] * 20)
        elif fault == "restart":
            server.kill()
        elif fault == "too often":
            collector.pages._hold = lambda seconds: None  # half a minute in earnest
            server.do("status", status=429)
        until(lambda: collector.connection.state in ("waiting", "connecting"))
        if fault == "rubbish":
            until(lambda: collector.faults.counts().get("malformed", 0) >= 2)
            server.do("right")
        elif fault == "too often":
            until(lambda: collector.faults.counts().get("refused", 0) >= 2)
            until(lambda: "too often" in collector.connection.reason)
            server.do("status", status=200)
        elif fault == "restart":
            server.start()
        proxy.open()
        for secid, last in ((MAO, 1502.0), (ST, 2.01)):
            server.do("change", secid=secid, data={"f43": last, "f44": last, "f86": seconds("2025-12-31 10:00:01")})
        until(lambda: {tick.last_price for tick in heard.of(Tick)} >= {1502.0, 2.01})
        gaps = until(lambda: {gap.symbol: gap for gap in heard.of(GapEvent)})
        until(lambda: {gap.symbol for gap in heard.of(GapEvent)} == {"600519", "000005"})
        assert {gap.kind for gap in gaps.values()} == {"disconnect"}
        until(lambda: up(collector))


def test_connections_end_when_they_are_closed(server: FakeProcess) -> None:
    """Not when nobody refers to their pools any more, which a failed request's frames do: each reconnect would leave some open."""
    pages, process = AksharePages(f"http://127.0.0.1:{server.port}"), psutil.Process()

    def count() -> int:
        return sum(bool(one.raddr) and one.raddr.port == server.port for one in process.net_connections("tcp"))

    pages.call("stock_bid_ask_em", symbol="600519")
    managers = [adapter.poolmanager for adapter in pages._session.adapters.values()]
    referred_to = [manager.pools[key] for manager in managers for key in manager.pools.keys()]  # noqa: SIM118
    assert (len(referred_to), count()) == (1, 1)
    pages.close()
    assert count() == 0


def test_one_bad_answer_is_counted_and_no_more(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """The connection stays; a crossed book and a negative price are dropped."""
    collector = made(server.port, "600519", "000005")
    until(lambda: len(heard.of(Tick)) == 2)
    server.do("wrong", kinds=["html"])
    until(lambda: collector.faults.counts().get("malformed") == 1)
    server.do("change", secid=MAO, data={"f19": 1600.0})
    until(lambda: collector.faults.counts().get("crossed"))
    server.do("change", secid=MAO, data={"f19": 1500.0, "f86": seconds("2025-12-31 09:58:00")})
    until(lambda: collector.faults.counts().get("out of order"))
    assert up(collector)
    assert collector.connection.sessions == 1


def test_a_silent_page_in_an_open_market_is_no_silence_if_it_answers(server: FakeProcess, made: Any, until: Any) -> None:
    """Prices that do not move are not a dead line."""
    collector = made(server.port, "600519", silence_s=0.3)
    until(lambda: collector.unchanged >= 12)
    assert collector.connection.sessions == 1


def test_a_thousand_shares_by_the_list(tmp_path: Path, made: Any, heard: Any, until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten pages a round, each share once, and the rate is kept."""
    import akshare.utils.func

    monkeypatch.setattr(akshare.utils.func, "time", SimpleNamespace(sleep=lambda seconds: None))  # akshare's own pauses, a second a page
    codes = [f"60{number:04}" for number in range(1000)]
    process = FakeProcess("eastmoney", {"quotes": {f"1.{code}": quote(code, f"股{code}", 10.0) for code in codes}}, tmp_path)
    try:
        collector = made(process.port, *codes, snapshot="auto", requests_per_s=10.0, period_s=0.5)
        until(lambda: collector.counts.get("Tick") == 1000)
        until(lambda: collector.unchanged >= 1000)
        times = process.do("seen")["times"]
        assert max(sum(begin <= other < begin + 1 for other in times) for begin in times) <= 10 + 5
        assert process.do("seen")["asked"]["/api/qt/stock/get"] == 1  # to see whether it answers
    finally:
        process.kill()


def test_a_burst_of_changes_is_taken_as_it_comes(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """Ten times as often as it asks: each round tells the newest, and nothing piles up."""
    collector = made(server.port, "600519", period_s=0.05, requests_per_s=100.0)
    until(lambda: heard.of(Tick))
    for step in range(200):
        server.do("change", secid=MAO, data={"f43": 1500.0 + step / 100, "f44": 1600.0})
    until(lambda: heard.of(Tick)[-1].last_price == 1501.99)
    prices = [tick.last_price for tick in heard.of(Tick)]
    assert prices == sorted(prices)
    assert set(collector.faults.counts()) <= {"clock"}  # ours is not the page's here
