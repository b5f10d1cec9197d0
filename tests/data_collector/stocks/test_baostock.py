"""The collector of baostock: history as it is served, actions that adjust, the evening's bars, and every fault of the line."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fakes.proxy import FaultProxy
from fakes.share_data import dashed, minutes, share
from fakes.share_process import FakeProcess
from patience import within

from gcg_quant.adjustment import factors_of
from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import day_start, from_iso
from gcg_quant.data_collector.stocks.baostock import BaostockCollector, BaostockOptions
from gcg_quant.errors import CollectorError, SettingsError
from gcg_quant.events import Applied, Bar, CorporateAction, GapEvent, InstrumentEvent, SessionEvent, SubscribeEvent

DAYS = [int(day) for day in Calendar("XSHG").day_starts()[1] if 20190102 <= day <= 20251231]
LAST = DAYS[-1]
MAO, ST, NEW, OUT, FUND, INDEX = "sh.600519", "sz.000005", "sh.688999", "sz.000024", "sh.510300", "sh.000001"
ACTIONS = {DAYS[300]: (0.757, 0.0, 0.0), DAYS[620]: (0.515, 0.0, 0.1), DAYS[900]: (0.2, 0.1, 0.3)}
RIGHTS = {DAYS[1100]: (0.3, 6.5)}
EVER = day_start(DAYS[0], "Asia/Shanghai"), from_iso("2026-01-01 00:00", "Asia/Shanghai")


@pytest.fixture(scope="module")
def store() -> dict[str, Any]:
    """A share with every action, an ST share that is suspended today, a new one, a delisted one, a fund and an index."""
    shares = {
        MAO: share(MAO, "贵州茅台", DAYS, price=60.0, actions=ACTIONS, rights=RIGHTS, suspended=DAYS[500:505]),
        ST: share(ST, "ST星源", DAYS, price=2.0, suspended=[LAST], st_from=DAYS[800]),
        NEW: share(NEW, "N新股", DAYS[-3:]),
        OUT: share(OUT, "招商地产", DAYS[:200], out=DAYS[200]),
        FUND: share(FUND, "沪深300ETF", DAYS[-300:], price=4.0),
        INDEX: share(INDEX, "上证综合指数", DAYS[-300:], price=3000.0),
    }
    shares[FUND]["basic"][4], shares[INDEX]["basic"][4] = "5", "2"
    shares[MAO] |= {str(step): minutes(MAO, DAYS[-10:], step) for step in (5, 15, 30, 60)}
    return {"shares": shares, "trade_dates": [dashed(day) for day in DAYS]}


@pytest.fixture
def server(store: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProcess]:
    """baostock's server."""
    process = FakeProcess("baostock", store, tmp_path_factory.mktemp("baostock"))
    yield process
    process.kill()


@pytest.fixture
def made(bus: EventBus, clock: Any) -> Iterator[Callable[..., BaostockCollector]]:
    """Return what makes a collector that is stopped after the test."""
    running: list[BaostockCollector] = []

    def make(port: int, *symbols: str, now: str = "2025-12-31 10:00", start: bool = True, **options: Any) -> BaostockCollector:
        chosen = {"requests_per_s": 100.0, "answer_s": 20.0, "retry_s": 0.1, "check_s": 0.2, "actions": False, **options}
        collector = BaostockCollector(
            "baostock",
            symbols=symbols,
            url=f"tcp://127.0.0.1:{port}",
            options=BaostockOptions(**chosen),
            connect_s=20.0,
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


def up(collector: BaostockCollector) -> bool:
    """Return whether it is connected."""
    return collector.connection.state == "connected"


# ---- history


def test_daily_bars_are_what_is_served_value_by_value(server: FakeProcess, store: dict[str, Any], made: Any) -> None:
    """Seven years of days over two pages; days without trading have no bar."""
    collector = made(server.port, "600519", start=False)
    (bars,) = collector.past("600519", "1d", *EVER)
    served = [row for row in store["shares"][MAO]["daily"] if row[11] == "1"]
    assert len(bars) == len(served) == len(DAYS) - 5
    for place, name in ((2, "open"), (3, "high"), (4, "low"), (5, "close"), (7, "volume"), (8, "turnover")):
        assert bars[name].tolist() == [float(row[place]) for row in served], name
    assert bars["trading_day"].tolist() == [int(row[0].replace("-", "")) for row in served]
    bounds = [Calendar("XSHG").bounds(day) for day in bars["trading_day"].tolist()]
    assert list(zip(bars["start_ns"].tolist(), bars["event_ns"].tolist(), strict=True)) == bounds
    assert set(bars["period"].tolist()) == {b"1d"}
    assert (bars["recv_ns"] > 0).all()


@pytest.mark.parametrize(("period", "step"), [("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60)])
def test_minute_bars_are_what_is_served(server: FakeProcess, store: dict[str, Any], made: Any, period: str, step: int) -> None:
    """Their time is the end of the bar, in Beijing's zone."""
    collector = made(server.port, "600519", start=False)
    (bars,) = collector.past("600519", period, *EVER)
    served = store["shares"][MAO][str(step)]
    assert bars["close"].tolist() == [float(row[6]) for row in served]
    assert bars["volume"].tolist() == [float(row[7]) for row in served]
    assert bars["event_ns"][0] == from_iso(
        f"{dashed(DAYS[-10])} 09:{30 + step:02}" if step < 30 else f"{dashed(DAYS[-10])} 10:{step - 30:02}", "Asia/Shanghai"
    )
    assert (bars["event_ns"] - bars["start_ns"] == step * 60_000_000_000).all()
    assert len(bars) == 10 * 240 // step


def test_a_stretch_is_all_that_comes(server: FakeProcess, made: Any) -> None:
    """Bars that touch it, and None for what nobody keeps."""
    collector = made(server.port, "600519", start=False)
    start, end = (from_iso(f"2025-12-29 {clock}", "Asia/Shanghai") for clock in ("10:02", "10:13"))
    (bars,) = collector.past("600519", "5m", start, end)
    assert [(ns - start) // 60_000_000_000 for ns in bars["event_ns"].tolist()] == [3, 8, 13]
    assert collector.past("600519", "1m", start, end) is None
    assert collector.past("600519", "tick", start, end) is None
    (weeks,) = collector.past("600519", "1w", start, end)
    assert len(weeks) == 1
    assert weeks["start_ns"][0] == from_iso("2025-12-29", "Asia/Shanghai")
    with pytest.raises(CollectorError, match="600000"):
        collector.past("600000", "1d", start, end)


def test_a_share_that_was_delisted_still_has_its_past(server: FakeProcess, made: Any) -> None:
    """As it was, up to its last day."""
    collector = made(server.port, "000024", start=False)
    (bars,) = collector.past("000024", "1d", *EVER)
    assert bars["trading_day"].tolist() == DAYS[:200]
    assert collector.instrument("000024").description == "招商地产"


def test_an_index_and_a_share_of_the_same_number_are_told_apart(server: FakeProcess, made: Any) -> None:
    """000001 is a bank in Shenzhen; the index says where it is."""
    collector = made(server.port, "000001@SSE", start=False)
    assert collector.venue_of("000001") == "SSE"
    terms = collector.instrument("000001")
    assert (terms.kind, terms.price_limit, terms.description) == ("index", None, "上证综合指数")
    with pytest.raises(SettingsError, match=r"000001@SSE and 000001@SZSE have the same code"):
        made(server.port, "000001@SSE", "000001", start=False)
    with pytest.raises(SettingsError, match=r"'BTC/USDT' is no code of a Chinese share"):
        made(server.port, "BTC/USDT", start=False)


# ---- terms and actions


def test_terms_say_board_treatment_and_first_days(server: FakeProcess, made: Any, bus: EventBus, until: Any) -> None:
    """10 % on the main boards, 5 % for ST, none for the first five days, 10 % for a fund; all in one request."""
    collector = made(server.port, "600519", "000005", "688999", "510300", "000001@SSE")
    until(lambda: up(collector))
    limits = {symbol: bus.instruments.get(symbol, collector.venue_of(symbol)).price_limit for symbol in collector.symbols}
    assert limits == {"600519": 0.1, "000005": 0.05, "688999": None, "510300": 0.1, "000001": None}
    assert bus.instruments.get("000005", "SZSE").description == "ST星源"
    assert bus.instruments.get("510300", "SSE").kind == "etf"
    assert server.do("seen")["requests"] <= 4


def test_actions_adjust_as_the_exchange_did(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """Dividends, bonus shares and a rights issue that only the factors know: the reference prices come out to the cent."""
    collector = made(server.port, "600519", actions=True)
    told = until(lambda: len(found := heard.of(CorporateAction)) >= 6 and found)
    assert {(one.kind, one.ex_day) for one in told} == {
        *(("dividend", day) for day in (*ACTIONS, *RIGHTS)),
        *(("split", day) for day in list(ACTIONS)[1:]),
    }
    (bars,) = collector.past("600519", "1d", *EVER)
    days, closes = bars["trading_day"], bars["close"]
    factors = factors_of(told, lambda day: float(closes[np.searchsorted(days, day) - 1]), LAST, 0.01)
    rows = {row[0]: row for row in collector._k_data(collector.share("600519"), "date,close,preclose", DAYS[0], LAST, "d").rows}
    for day, factor in zip(factors.days.tolist(), factors.prices.tolist(), strict=True):
        before = float(closes[np.searchsorted(days, day) - 1])
        assert round(before * factor, 2) == float(rows[dashed(day)][2])
    assert len(heard.of(CorporateAction)) == len(told)  # asking for the past has told nothing twice


def test_actions_that_are_stored_are_not_told_again(server: FakeProcess, made: Any, bus: EventBus, heard: Any, until: Any) -> None:
    """After a restart the database knows them."""

    class Stored:
        def actions(self, symbol: str, venue: str | None = None) -> list[CorporateAction]:
            return [one for one in found if (one.symbol, one.venue) == (symbol, venue)]

    collector = made(server.port, "600519", actions=True)
    found = until(lambda: len(told := heard.of(CorporateAction)) >= 6 and told)
    collector.stop()
    collector.start(bus, Stored())
    until(lambda: up(collector) and not collector._unknown)
    collector.past("600519", "1d", *EVER)
    assert len(heard.of(CorporateAction)) == len(found)


# ---- while it runs


def test_the_evening_brings_the_days_bars_suspensions_and_tomorrows_limits(
    server: FakeProcess, store: dict[str, Any], made: Any, heard: Any, until: Any, bus: EventBus
) -> None:
    """At 17:40, or when they have come in: one request for all shares, one for the funds."""
    today = {code: store["shares"][code]["daily"][-1] for code in (MAO, ST, FUND)}
    for code in (MAO, ST, NEW, FUND, INDEX):
        server.do("cut", code=code, day=dashed(LAST))
    collector = made(server.port, "600519", "000005", "510300", "000001@SSE", now="2025-12-31 17:39:59")
    until(lambda: up(collector))
    until(lambda: collector._next_look_s > 0)  # it has looked once, and nothing was there
    assert heard.of(Bar) == []
    changed = list(today[MAO])
    changed[13] = "1"  # under special treatment from now on
    for code, row in ((MAO, changed), (ST, today[ST]), (FUND, today[FUND]), (INDEX, store["shares"][INDEX]["daily"][-1])):
        server.do("rows", code=code, table="daily", rows=[row])
    bars = until(lambda: len(found := heard.of(Bar)) == 3 and found)
    assert {(bar.symbol, bar.venue): bar.close for bar in bars} == {
        ("600519", "SSE"): float(today[MAO][5]),
        ("510300", "SSE"): float(today[FUND][5]),
        ("000001", "SSE"): float(store["shares"][INDEX]["daily"][-1][5]),
    }
    assert all(bar.trading_day == LAST and bar.period == "1d" and bar.recv_ns for bar in bars)
    (session,) = until(lambda: heard.of(SessionEvent))
    assert (session.symbol, session.venue, session.phase, session.trading_day) == ("000005", "SZSE", "halted", LAST)
    until(lambda: [one.terms["price_limit"] for one in heard.of(InstrumentEvent) if one.symbol == "600519"][-1:] == [0.05])
    assert bus.instruments.get("600519", "SSE").price_limit == 0.05
    assert len(heard.of(Bar)) == 3


def test_symbols_come_and_go_while_it_runs(server: FakeProcess, made: Any, bus: EventBus, heard: Any, until: Any) -> None:
    """What cannot be is refused with a sentence, and forgotten."""
    collector = made(server.port, "600519")
    until(lambda: up(collector))

    def answered(symbol: str, venue: str, subscribe: bool = True) -> Applied:
        told = bus.publish(SubscribeEvent(symbol=symbol, venue=venue, subscribe=subscribe))
        found: Applied = until(lambda: next((one for one in heard.of(Applied) if one.control == told), None))
        return found

    assert answered("000005", "SZSE").ok
    assert answered("600519", "SSE", subscribe=False).ok
    refused = answered("BTC/USDT", "")
    assert not refused.ok
    assert "is no code of a Chinese share" in refused.detail
    assert "baostock has no security 600000@SSE" in answered("600000", "SSE").detail
    assert collector.symbols == {"000005"}
    assert collector.discover() == ["000005", "510300", "600519", "688999"]
    collector.stop()
    collector.start(bus)
    until(lambda: up(collector))
    assert "000005" in collector.symbols
    assert "BTC/USDT" not in collector.symbols


# ---- faults

FAULTS = ["refused", "reset", "half-open", "slow", "rubbish", "restart", "expired", "cut"]


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_it_goes_on(fault: str, server: FakeProcess, store: dict[str, Any], made: Any, heard: Any, until: Any) -> None:
    """The line breaks before the evening: afterwards the collector is connected, history is whole and the day's bar comes."""
    with FaultProxy(server.port) as proxy:
        wall = "2025-12-31 15:00"
        answer_s = within(0.5, 5.0) if fault in ("half-open", "slow") else 20.0  # nothing but the time tells of these
        collector = made(proxy.port, "600519", now=wall, answer_s=answer_s)
        until(lambda: up(collector))
        sessions = collector.connection.sessions
        if fault == "refused":
            proxy.refuse()
        elif fault == "reset":
            proxy.reset(300)
        elif fault == "half-open":
            proxy.half_open()
        elif fault == "slow":
            proxy.slow(20)
        elif fault == "rubbish":
            server.do("wrong", kinds=["rubbish", "json", "zlib"])
        elif fault == "cut":
            server.do("wrong", kinds=["cut"])
        elif fault == "restart":
            server.kill()
        elif fault == "expired":
            server.do("expire")
        if fault == "expired":
            until(lambda: collector.session.logins > 1)
        else:
            until(lambda: collector.connection.sessions > sessions or not up(collector))
        if fault in ("refused", "restart"):
            with contextlib.suppress(OSError):
                collector.past("600519", "1d", *EVER)
            assert collector.connection.state in ("waiting", "connecting")
        if fault == "rubbish":
            until(lambda: collector.faults.counts().get("malformed", 0) or collector.connection.sessions > sessions)
        if fault == "restart":
            server.start()
        proxy.open()
        until(lambda: up(collector))
        (bars,) = collector.past("600519", "1d", *EVER)
        assert len(bars) == len(DAYS) - 5
        collector.recv_ns.set("2025-12-31 17:50")
        (bar,) = until(lambda: heard.of(Bar))
        assert bar.close == float(store["shares"][MAO]["daily"][-1][5])


def test_an_evening_that_was_missed_is_filled_in(server: FakeProcess, made: Any, heard: Any, until: Any) -> None:
    """Gone before a day's bars are there and back on the next day: the gap begins with the last bar, although the market was closed."""
    before, missed, after = DAYS[-3:]
    collector = made(server.port, "600519", now=f"{dashed(before)} 17:50")
    until(lambda: [bar.trading_day for bar in heard.of(Bar)] == [before])
    collector.recv_ns.set(f"{dashed(missed)} 17:30")
    server.kill()
    until(lambda: not up(collector))
    collector.recv_ns.set(f"{dashed(after)} 10:00")
    server.start()
    until(lambda: up(collector))
    collector.recv_ns.set(f"{dashed(after)} 17:50")
    until(lambda: after in {bar.trading_day for bar in heard.of(Bar)})
    collector.recv_ns.set("2026-01-01 10:00")  # days are filled in when the last one of the gap is over
    until(lambda: {bar.trading_day for bar in heard.of(Bar)} == {before, missed, after})
    gap = next(one for one in heard.of(GapEvent) if one.kind == "disconnect")
    assert gap.start_ns == Calendar("XSHG").bounds(before)[1]


def test_a_black_listed_address_is_said_once_and_tried_late(server: FakeProcess, made: Any, until: Any) -> None:
    """A refusal is no broken line."""
    server.do("refuse", code="10001011")
    collector = made(server.port, "600519")
    until(lambda: collector.connection.state == "refused")
    assert "black list" in collector.connection.reason
    server.do("refuse", code="")
    until(lambda: up(collector))


def test_a_thousand_symbols_are_one_list_and_the_rate_is_kept(tmp_path: Any, made: Any, until: Any, bus: EventBus) -> None:
    """Names come by pages of 2,000, the evening's bars as one table; no second sees more requests than agreed."""
    codes = [f"sh.60{number:04}" for number in range(1000)]
    store = {"shares": {code: share(code, f"股{code}", DAYS[-2:]) for code in codes}, "trade_dates": [dashed(day) for day in DAYS]}
    process = FakeProcess("baostock", store, tmp_path)
    try:
        collector = made(process.port, *(code[3:] for code in codes), now="2025-12-31 18:00", requests_per_s=10.0)
        until(lambda: collector.counts.get("Bar") == 1000)
        times = process.do("seen")["times"]
        assert len(times) < 12
        assert max(sum(begin <= other < begin + 1 for other in times) for begin in times) <= 10 + 5
        assert bus.instruments.get("600999", "SSE").description == "股sh.600999"
    finally:
        process.kill()
