"""The collector of a terminal, with the real rpyc between them: what comes out is what the terminal has."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fakes.mt5_process import MIDNIGHT_NS, FakeMt5
from fakes.mt5_terminal import ACCOUNT, PASSWORD, SERVER, FakeTerminal

from gcg_quant.bus import EventBus
from gcg_quant.credentials import Credentials
from gcg_quant.data_collector.fx import Mt5Collector
from gcg_quant.data_collector.fx.options import Mt5Options
from gcg_quant.events import BarBasis, GapEvent, Tick

Wait = Callable[..., Any]


@pytest.fixture
def day(shared_data: Path) -> Path:
    """Return a real day of EUR/USD."""
    return shared_data / "fx/EURUSD_oanda_tick_20140501.csv.gz"


def test_ticks_are_those_of_a_real_day(day: Path, collect: Any, published: Any, wait_until: Wait) -> None:
    """In pieces of any size, each tick comes once, with its time in UTC and its prices; bars are those that pandas makes of them."""
    with FakeMt5(str(day)) as mt5:
        check_day(mt5, day, collect, published, wait_until)


def check_day(mt5: FakeMt5, day: Path, collect: Any, published: Any, wait_until: Wait) -> None:
    """Compare all that comes with the file."""
    collector = collect(mt5.port, mt5)
    wait_until(lambda: collector.looks)
    expected = pd.read_csv(day, parse_dates=["time"])
    for count in (1, 2, 3, 500, 501, 12_000, len(expected)):
        mt5.play(count)
        wait_until(lambda count=count: collector.counts.get("Tick") == count)
    ticks = published(Tick)
    assert [one.event_ns for one in ticks] == expected.time.astype("datetime64[ns]").astype("int64").tolist()
    assert [one.bid_price for one in ticks] == expected.bid.tolist()
    assert [one.ask_price for one in ticks] == expected.ask.tolist()
    assert {(one.symbol, one.venue, one.source) for one in ticks} == {("EUR/USD", "fx", "fx")}
    assert not published(GapEvent)
    assert set(collector.faults.counts()) <= {"clock"}  # ours, which the test sets
    assert collector.clock_watch.time.rule == "new_york+7"
    (back,) = collector.past("EUR/USD", "tick", ticks[99].event_ns, ticks[199].event_ns)
    assert (back["event_ns"] == [one.event_ns for one in ticks[99:200]]).all()
    assert (back["ordinal"] == [one.ordinal for one in ticks[99:200]]).all()
    for period in ("1m", "5m", "1h"):
        parts = collector.past("EUR/USD", period, ticks[0].event_ns, ticks[-1].event_ns)
        bars = np.concatenate(parts)
        made = expected.set_index("time").bid.resample(period.replace("m", "min")).agg(["first", "max", "min", "last", "count"])
        made = made[(made["count"] > 0) & (made.index + pd.Timedelta(period.replace("m", "min")) <= expected.time.iloc[-1])]
        assert bars["start_ns"].tolist() == made.index.astype("datetime64[ns]").astype("int64").tolist()
        for field, column in zip(("open", "high", "low", "close", "count"), made.columns, strict=True):
            assert bars[field].tolist() == made[column].tolist()
        assert set(bars["basis"]) == {int(BarBasis.BID)}
        assert np.isnan(bars["volume"]).all()


def test_a_terminal_on_this_machine_needs_no_server(
    ticks_file: Path, bus: EventBus, published: Any, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an address, and with the package MetaTrader5, the terminal is asked directly; what it has before the start is not sent."""
    terminal = FakeTerminal(ticks_file)
    terminal.play(5)
    monkeypatch.setitem(sys.modules, "MetaTrader5", terminal)
    credentials = Credentials("fx", {"account": str(ACCOUNT), "password": PASSWORD, "server": SERVER})
    options = Mt5Options(poll_ms=2, server_time="new_york+7")
    collector = Mt5Collector("fx", symbols=["EUR/USD"], credentials=credentials, options=options, wall=lambda: MIDNIGHT_NS)
    collector.start(bus)
    try:
        wait_until(lambda: collector.looks)
        terminal.play(9)
        ticks = wait_until(lambda: found if len(found := published(Tick)) == 4 else None)
        assert collector.discover() == ["EUR/USD"]
    finally:
        collector.stop()
    assert [one.event_ns - MIDNIGHT_NS for one in ticks] == [one * 1_000_000 for one in (1665, 1998, 1998, 2664)]


def test_the_server_of_the_docs_is_one(collect: Any, wait_until: Wait) -> None:
    """The command of docs/fx.md starts a server that the collector understands; here it has no MetaTrader5."""
    page = (Path(__file__).resolve().parents[3] / "docs/fx.md").read_text()
    command = re.findall(r"^(rpyc_classic .*)$", page, re.MULTILINE)[0].split()
    with socket.socket() as kept:  # bound, and so nobody else's, until the server listens there
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        command = [str(Path(sys.executable).with_name(command[0])), *command[1:-1], str(port), "--quiet"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                collector = collect(port)
                wait_until(lambda: collector.connection.state == "refused")
            finally:
                process.kill()
    assert "has no package MetaTrader5" in collector.connection.reason
