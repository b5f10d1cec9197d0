"""Faults at random on the way to Eastmoney's pages and to baostock: nothing is missing without a word, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.eastmoney import quote
from fakes.proxy_process import FarProxy
from fakes.share_data import dashed, minutes, share
from fakes.share_process import FakeProcess
from ledger import CAME, FILLED, PASSED, TOLD, Ledger
from soak import SOAK_S, Fault, Soak, network_faults, soaking

from gcg_quant.backoff import Backoff
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_SECOND, day_start
from gcg_quant.data_collector.stocks.akshare import AkshareCollector, AkshareOptions
from gcg_quant.data_collector.stocks.baostock import BaostockCollector, BaostockOptions
from gcg_quant.events import Bar, EventFlag, GapEvent, Tick

pytestmark = soaking
SECIDS = {"600519": "1.600519", "000005": "0.000005"}
RHYTHM_S = 8.0  # one page that does not come, and one that comes late, are no outage


class AkshareSoak(Soak):
    """Quotes that change at each turn, and pages that show the last of them, stamped to a second."""

    def __init__(self, server: FakeProcess, wall: Any, *given: Any) -> None:
        super().__init__(*given)
        self.server, self.wall = server, wall
        self.ledger = Ledger(rhythm_ns=round(RHYTHM_S * NS_PER_SECOND))
        self.alive = True

    def send(self) -> None:
        """Change the quotes."""
        made_s = self.wall() // NS_PER_SECOND
        for symbol, secid in SECIDS.items() if self.alive else ():
            last = 10 + self.ledger.send(symbol, made_s * NS_PER_SECOND) / 100
            self.server.do("change", secid=secid, data={"f43": last, "f44": last, "f45": last, "f86": made_s})

    def take(self, event: Any) -> None:
        """Find its number."""
        if isinstance(event, Tick):
            self.ledger.take(round((event.last_price - 10) * 100), event, backfill=False)
        elif isinstance(event, GapEvent):
            self.ledger.tell(event)

    def check(self) -> None:
        """No stretch is longer than the rhythm of the pages without a gap."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} quotes were never seen: {silent[:5]}"

    def flows(self) -> bool:
        """Quotes of now are seen."""
        return all(0 <= self.ledger.newest(symbol) >= self.ledger.next(symbol) - 20 for symbol in SECIDS)

    def state(self) -> str:
        """Return the figures."""
        one = self.ledger
        seen = f"{one.count(CAME)} seen, {one.count(PASSED)} passed between two looks, {one.count(TOLD)} told of"
        return f"{one.sent} quotes, {seen}, {one.gaps} gaps, {self.collector.rounds} rounds"

    def restart(self) -> None:
        """Kill the server."""
        self.alive = False
        self.server.kill()

    def again(self) -> None:
        """Start it again."""
        self.server.start()
        self.alive = True


@pytest.fixture
def akshare_soak(bus: Any, clock: Any, tmp_path: Path) -> Iterator[AkshareSoak]:
    """Return the soak of a collector behind a proxy, on an afternoon."""
    wall = clock("2025-12-31 13:05")
    store = {"quotes": {SECIDS[code]: quote(code, "股" + code, 9.0, made_s=wall() // NS_PER_SECOND) for code in SECIDS}}
    server = FakeProcess("eastmoney", store, tmp_path)
    with FarProxy(server.port) as proxy:
        options = {"requests_per_s": 100.0, "answer_s": 1.5, "period_s": 0.2, "actions": False, "snapshot": "book"}
        one = AkshareCollector(
            "akshare",
            symbols=[*SECIDS],
            url=f"http://127.0.0.1:{proxy.port}",
            options=AkshareOptions(**options),
            connect_s=10.0,
            silence_s=10.0,
            wall=wall,
            backoff=Backoff(0.05, 0.3),
        )
        one.pages._hold = lambda seconds: None  # half a minute in earnest
        one.start(bus)
        made = AkshareSoak(server, wall, bus, one, {})
        made.faults |= network_faults(proxy, made.chance, slow=3_000) | {
            "restart": Fault(made.restart, made.again),
            "rubbish": Fault(
                lambda: server.do("wrong", kinds=["html", "json", "shape", "binary", "cut", "null"]), lambda: server.do("right")
            ),
            "too often": Fault(lambda: server.do("status", status=429), lambda: server.do("status", status=200)),
            "error": Fault(lambda: server.do("status", status=502), lambda: server.do("status", status=200)),
        }
        yield made
        one.stop()
        one.hang_up()
    server.kill()


def test_no_stretch_of_quotes_is_missing(akshare_soak: AkshareSoak) -> None:
    """Each tick once and in order; what was not seen for longer than a few pages take lies in a gap."""
    akshare_soak.run()


# ---- baostock

DAYS = [int(day) for day in Calendar("XSHG").day_starts()[1] if 20200101 <= day <= 20251231]
CODES = {"600519": "sh.600519", "000005": "sz.000005"}
DAY_S = max(1.5, SOAK_S / 1200)  # how long a day takes


class BaostockSoak(Soak):
    """A day passes every few turns; its bars are there in the evening, and in the history from then on. History is asked for, too."""

    def __init__(self, server: FakeProcess, wall: Any, whole: dict[str, Any], *given: Any) -> None:
        super().__init__(*given)
        self.server, self.wall, self.whole = server, wall, whole
        self.ledger = Ledger("1d")
        self.place = 0
        self.due_s = 0.0
        self.alive = True
        self.asked = self.refused = 0

    def send(self) -> None:
        """Go on to the evening of the next day when this one is over, and ask for some history."""
        if time.monotonic() >= self.due_s and self.alive:
            self.due_s = time.monotonic() + DAY_S
            day = DAYS[self.place]
            self.place += 1
            for symbol, code in CODES.items():
                self.server.do("rows", code=code, table="daily", rows=[self.whole[code][day]])
                self.ledger.send(symbol, Calendar("XSHG").bounds(day)[1])
            self.wall.set(f"{dashed(day)} 17:50")

    def look(self) -> None:
        """Ask for minutes now and then: what comes is whole, or an OSError."""
        super().look()
        if self.alive and self.chance.random() < 0.05:
            begin = self.chance.randrange(8)
            start, end = (day_start(DAYS[-10 + place], "Asia/Shanghai") for place in (begin, begin + 1))
            try:
                (bars,) = self.collector.past("600519", "5m", start, end)
            except OSError:
                self.refused += 1
            else:
                self.asked += 1
                assert len(bars) == 48, f"{len(bars)} bars of a day"

    def take(self, event: Any) -> None:
        """Find its day."""
        if isinstance(event, Bar):
            self.ledger.take(DAYS.index(event.trading_day), event, backfill=bool(event.flags & EventFlag.BACKFILL))
        elif isinstance(event, GapEvent):
            self.ledger.tell(event)

    def check(self) -> None:
        """No day is missing without a word."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} bars are missing: {silent[:5]}"

    def flows(self) -> bool:
        """The bars of the last day or the one before have come."""
        return all(0 <= self.ledger.newest(symbol) >= self.ledger.next(symbol) - 2 for symbol in CODES)

    def settled(self) -> bool:
        """All days of the holes are there: baostock has them."""
        return super().settled() and not self.ledger.count(TOLD)

    def state(self) -> str:
        """Return the figures."""
        one = self.ledger
        came = f"{one.count(CAME)} came, {one.count(FILLED)} filled in, {one.count(TOLD)} told of"
        pages = f"{self.asked} pages of history, {self.refused} not had"
        return f"{one.sent} bars, {came}, {one.gaps} gaps, {self.collector.manners.refills_pending} pending; {pages}"

    def restart(self) -> None:
        """Kill the server, which keeps what it has."""
        self.alive = False
        self.server.kill()

    def again(self) -> None:
        """Start it again."""
        self.server.start()
        for code in CODES.values():
            self.server.do("rows", code=code, table="daily", rows=[self.whole[code][day] for day in DAYS[: self.place]])
        self.alive = True


@pytest.fixture
def baostock_soak(bus: Any, clock: Any, tmp_path: Path) -> Iterator[BaostockSoak]:
    """Return the soak of a collector behind a proxy."""
    shares = {code: share(code, "股" + symbol, DAYS) for symbol, code in CODES.items()}
    whole = {code: {int(row[0].replace("-", "")): row for row in one["daily"]} for code, one in shares.items()}
    for one in shares.values():
        one["daily"] = []
    shares["sh.600519"]["5"] = minutes("sh.600519", DAYS[-10:], 5)
    server = FakeProcess("baostock", {"shares": shares, "trade_dates": [dashed(day) for day in DAYS]}, tmp_path)
    wall = clock(f"{dashed(DAYS[0])} 10:00")
    with FarProxy(server.port) as proxy:
        options = {"requests_per_s": 100.0, "answer_s": 2.0, "retry_s": 0.2, "check_s": 0.3, "actions": False}
        one = BaostockCollector(
            "baostock",
            symbols=[*CODES],
            url=f"tcp://127.0.0.1:{proxy.port}",
            options=BaostockOptions(**options),
            connect_s=10.0,
            wall=wall,
            backoff=Backoff(0.05, 0.3),
        )
        one.start(bus)
        made = BaostockSoak(server, wall, whole, bus, one, {})
        kinds = ["rubbish", "json", "zlib", "short", "cut", "silent"]
        made.faults |= network_faults(proxy, made.chance, slow=20_000) | {
            "restart": Fault(made.restart, made.again),
            "rubbish": Fault(lambda: server.do("wrong", kinds=made.chance.sample(kinds, 2))),
            "logged out": Fault(lambda: server.do("expire")),
        }
        yield made
        one.stop()
        one.hang_up()
    server.kill()


def test_each_days_bar_comes_once(baostock_soak: BaostockSoak) -> None:
    """In its evening, or filled in behind a gap that tells of it; an answer is whole or an error."""
    baostock_soak.run()
