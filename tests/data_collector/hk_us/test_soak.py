"""Faults at random on the way to TWS and to Yahoo: no trade and no page is missing without a word, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.process import FakeVenue
from fakes.proxy_process import FarProxy
from ledger import CAME, FILLED, TOLD, Ledger
from soak import Fault, Soak, network_faults, soaking

from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.data_collector.stocks.ib_pacing import HistoryPacing
from gcg_quant.events import CorporateAction, EventFlag, GapEvent, TradeTick

pytestmark = soaking
SYMBOLS = ("AAPL", "IBM")
FASTER = 100.0
RUBBISH = ["", "x\0", "9999\0a\0", "1\x006\0a\0b\0c\0d\0e\0", "99\x001\x001\0", "17\x001\0", "\xff\xfe", "12\0x\0y\0"]


class IbSoak(Soak):
    """Several trades a second, stamped to a second, and quotes between them."""

    pace_s = 0.25

    def __init__(self, tws: FakeVenue, wall: Callable[[], int], *given: Any) -> None:
        super().__init__(*given)
        self.tws, self.wall = tws, wall
        self.ledger = Ledger("trade")
        self.alive = True
        self.quoted = 0

    def send(self) -> None:
        """Let trades happen, and a quote."""
        if not self.alive:
            return
        time_s = self.wall() // NS_PER_SECOND
        for symbol in SYMBOLS:
            numbers = [self.ledger.send(symbol, time_s * NS_PER_SECOND) for _ in range(self.chance.randrange(3))]
            if numbers:
                self.tws.do("print", symbol=symbol, trades=[[time_s, round(10 + number / 100, 2), 1 + number % 9] for number in numbers])
        self.quoted += 1
        self.tws.do("quote", symbol="AAPL", bid=100 + self.quoted % 1000, ask=101 + self.quoted % 1000)

    def take(self, event: Any) -> None:
        """Find its number."""
        if isinstance(event, TradeTick):
            self.ledger.take(round((event.price - 10) * 100), event, backfill=bool(event.flags & EventFlag.BACKFILL))
        elif isinstance(event, GapEvent):
            self.ledger.tell(event)

    def check(self) -> None:
        """No trade is missing without a word."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} trades are missing: {silent[:5]}"

    def flows(self) -> bool:
        """Trades and quotes of now have come."""
        ticks, self.kinds["Tick"] = self.kinds["Tick"], 0
        return bool(ticks) and all(0 <= self.ledger.newest(symbol) >= self.ledger.next(symbol) - 10 for symbol in SYMBOLS)

    def settled(self) -> bool:
        """All trades of the holes are there: TWS has them."""
        return super().settled() and not self.ledger.count(TOLD)

    def state(self) -> str:
        """Return the figures."""
        one = self.ledger
        came = f"{one.count(CAME)} came, {one.count(FILLED)} filled in, {one.count(TOLD)} told of"
        return f"{one.sent} trades, {came}, {one.gaps} gaps, {self.collector.manners.refills_pending} pending"

    def restart(self) -> None:
        """Kill TWS."""
        self.alive = False
        self.tws.kill()

    def again(self) -> None:
        """Start it again."""
        self.tws.start()
        self.set_clock()
        self.alive = True

    def set_clock(self) -> None:
        """Let TWS have our time."""
        self.tws.do("set", shift_s=round((self.wall() - time.time_ns()) / NS_PER_SECOND))

    def cut_off(self) -> None:
        """Let TWS lose its own servers."""
        self.tws.do("set", cut_off=True)
        self.tws.do("notice", code=1100, text="Connectivity between IBKR and Trader Workstation has been lost.")

    def restored(self) -> None:
        """Let it find them again, with or without the subscriptions of before."""
        self.tws.do("set", cut_off=False)
        code = self.chance.choice((1101, 1102))
        self.tws.do("notice", code=code, text="Connectivity between IBKR and Trader Workstation has been restored.")


class Quick(HistoryPacing):
    """The same limits, with the time running faster: there are more holes in an hour than there should be."""

    def wait_s(self, contract: str, *request: str) -> float:
        """Return the seconds to wait."""
        return super().wait_s(contract, *request) / FASTER


@pytest.fixture
def taped(tmp_path: Path) -> Iterator[FakeVenue]:
    """Return a TWS that remembers trades."""
    with FakeVenue("tws", "--tape", str(tmp_path / "tape")) as venue:
        yield venue


@pytest.fixture
def ib_soak(bus: Any, taped: FakeVenue, ib: Any, open_market: Any) -> Iterator[IbSoak]:
    """Return the soak of a collector behind a proxy."""
    with FarProxy(taped.port) as proxy:
        one = ib(proxy.port, symbols=[*SYMBOLS], wall=open_market, connect_s=6.0, options={"check_s": 1.0})
        one._pacing = Quick(lambda: FASTER * time.monotonic())
        made = IbSoak(taped, open_market, bus, one, {})
        made.set_clock()
        made.faults |= network_faults(proxy, made.chance) | {
            "restart": Fault(made.restart, made.again),
            "daily restart": Fault(lambda: taped.do("restart")),
            "client ids in use": Fault(
                lambda: taped.do("refuse_ids", numbers=[17, 18, 19, 20]) and taped.do("restart"),
                lambda: taped.do("refuse_ids", numbers=[]),
            ),
            "silent": Fault(lambda: taped.do("set", silent=True), lambda: taped.do("set", silent=False), 4.0),
            "cut off": Fault(made.cut_off, made.restored),
            "rubbish": Fault(lambda: taped.do("rubbish", texts=RUBBISH)),
            "rubbish without an end": Fault(lambda: taped.do("rubbish", texts=["\x7fUUU" + "U" * 5_000_000], framed=False)),
            "too much history": Fault(
                lambda: taped.do(
                    "set", refusals=[{"code": 162, "text": "Historical Market Data Service error message:API pacing violation"}]
                )
            ),
        }
        yield made
        one.stop()


def test_each_trade_comes_once(ib_soak: IbSoak) -> None:
    """Live, or filled in behind a gap that tells of it."""
    ib_soak.run()


# ---- Yahoo

LONGEST_MINUTES = 3 * 24 * 60


class YahooSoak(Soak):
    """Bars are asked for again and again: those of a stretch are all there, or there is an error. The collector looks for dividends."""

    def __init__(self, yahoo_server: FakeVenue, *given: Any) -> None:
        super().__init__(*given)
        self.server = yahoo_server
        self.alive = True
        self.asked = self.refused = self.bars = 0
        self.good = False  # the last answer
        self.told: set[tuple[str, str, int]] = set()
        self.until(lambda: self.collector.connection.connected, "it is connected", 300.0)
        self.end_ns = time.time_ns() // NS_PER_MINUTE * NS_PER_MINUTE - NS_PER_DAY
        self.begin_ns = self.end_ns - 20 * NS_PER_DAY
        self.whole = np.concatenate(self.collector.past("AAPL", "1m", self.begin_ns, self.end_ns))

    def send(self) -> None:
        """Ask for a stretch that nobody has asked for."""
        if not self.alive or not hasattr(self, "whole") or self.chance.random() < 0.7:
            return
        start_ns = self.begin_ns + self.chance.randrange(20 * 24 * 60 - LONGEST_MINUTES) * NS_PER_MINUTE
        end_ns = start_ns + self.chance.randrange(1, LONGEST_MINUTES) * NS_PER_MINUTE
        try:
            parts = self.collector.past("AAPL", "1m", start_ns, end_ns)
        except OSError:
            self.refused += 1
            self.good = False
            return
        expected = self.whole[(self.whole["event_ns"] > start_ns) & (self.whole["start_ns"] < end_ns)]
        found = np.concatenate(parts) if parts else expected[:0]
        for name in ("start_ns", "event_ns", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(found[name], expected[name], name)
        self.asked += 1
        self.bars += len(found)
        self.good = True

    def take(self, event: Any) -> None:
        """A dividend or a split is told once."""
        if isinstance(event, CorporateAction):
            key = event.symbol, event.kind, event.ex_day
            assert key not in self.told, f"{key} is told twice"
            self.told.add(key)

    def flows(self) -> bool:
        """A stretch was had, and the collector is connected."""
        return self.good and bool(self.collector.connection.connected)

    def state(self) -> str:
        """Return the figures."""
        return f"{self.asked} stretches, {self.bars} bars, {self.refused} not had, {len(self.told)} dividends and splits"

    def restart(self) -> None:
        """Kill the server."""
        self.alive = False
        self.server.kill()

    def again(self) -> None:
        """Start it again."""
        self.server.start()
        self.alive = True

    def meet(self, **terms: Any) -> None:
        """Let the next charts meet something else."""
        self.server.do("meet", count=3, **terms)


@pytest.fixture
def yahoo_soak(bus: Any, yahoo_server: FakeVenue, yahoo: Any, shared_data: Path) -> Iterator[YahooSoak]:
    """Return the soak of a collector behind a proxy."""
    with FarProxy(yahoo_server.port) as proxy:
        one = yahoo(proxy.port, symbols=["AAPL", "SPY"], options={"answer_s": 1.5, "pause_s": 0.5, "actions_s": 2.0}, connect_s=60.0)
        made = YahooSoak(yahoo_server, bus, one, {})

        def calm() -> object:
            return yahoo_server.do("calm")

        made.faults |= network_faults(proxy, made.chance) | {
            "restart": Fault(made.restart, made.again),
            "too often": Fault(lambda: made.meet(status=429, body="Too Many Requests"), calm),
            "html": Fault(lambda: made.meet(body="<html>consent</html>", kind="text/html"), calm),
            "half of it": Fault(lambda: made.meet(body='{"chart":{"result":[{"meta":'), calm),
            "nothing": Fault(lambda: made.meet(body='{"chart":{"result":[],"error":null}}'), calm),
            "error": Fault(lambda: made.meet(status=502, body="Bad Gateway", kind="text/html"), calm),
        }
        yield made
        one.stop()


def test_each_stretch_is_whole_or_an_error(yahoo_soak: YahooSoak) -> None:
    """No answer has less than there is; a dividend is told once."""
    yahoo_soak.run()
