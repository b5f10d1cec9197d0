"""What befalls a terminal, its machine and the way to it: the stream goes on, and each tick comes once."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.mt5_process import FakeMt5
from fakes.proxy import FaultProxy

from gcg_quant.bus import EventBus
from gcg_quant.events import EventFlag, GapEvent, SubscribeEvent, Tick

Wait = Callable[..., Any]
Act = Callable[[FaultProxy, FakeMt5], None]


@pytest.fixture
def rubbish() -> Iterator[int]:
    """Return the port of a server that answers with rubbish."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(b'\x00\x00\x00\x09\x00{"wrong"}\n' * 20)
                    connection.recv(100)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def restart(proxy: FaultProxy, mt5: FakeMt5) -> None:
    """Kill the machine, and start it again."""
    mt5.kill()
    mt5.start()


FAULTS: dict[str, Act] = {
    "refused": lambda proxy, mt5: proxy.refuse(),
    "reset in a message": lambda proxy, mt5: proxy.reset(after_bytes=70),
    "half open": lambda proxy, mt5: proxy.half_open(),
    "slow": lambda proxy, mt5: proxy.slow(20_000),
    "server restart": restart,
    "login expired": lambda proxy, mt5: mt5.tell("set", "account", 0),
    "broker away": lambda proxy, mt5: mt5.tell("set", "linked", False),
    "terminal closed": lambda proxy, mt5: mt5.tell("fail", "terminal_info", -10004, "No IPC connection"),
    "ticks refused": lambda proxy, mt5: mt5.tell("fail", "copy_ticks_from", -4, "Not found"),
    "burst": lambda proxy, mt5: mt5.play(990),
}


def heal(proxy: FaultProxy, mt5: FakeMt5) -> None:
    """Make all well again."""
    proxy.open()
    mt5.tell("set", "linked", True)
    for function in ("terminal_info", "copy_ticks_from"):
        mt5.tell("fail", function, 0, "")


@pytest.mark.parametrize("fault", [*FAULTS, "rubbish"])
def test_each_tick_comes_once_over_a_fault(
    fault: str, mt5: FakeMt5, collect: Any, published: Any, wait_until: Wait, ticks_file: Path, rubbish: int
) -> None:
    """Ticks before, during and after it, in order; a lost connection is told as a gap that holds nothing."""
    with FaultProxy(mt5.port) as proxy:
        collector = collect(proxy.port, mt5, options={"call_s": 0.5, "catch_up_s": 3600}, connect_s=2.0)
        wait_until(lambda: collector.looks)
        mt5.play(100)
        wait_until(lambda: collector.counts.get("Tick") == 100)
        if fault == "rubbish":
            proxy.target_port = rubbish
            proxy.reset()
            wait_until(
                lambda: "does not speak rpyc" in collector.connection.reason or "closed the connection" in collector.connection.reason
            )
        else:
            FAULTS[fault](proxy, mt5)
        if fault != "burst":  # which is ahead of that already: to go back would be another fault, if the collector has looked meanwhile
            mt5.play(200)
        if fault in ("half open", "refused", "broker away", "terminal closed"):
            wait_until(lambda: not collector.connection.connected)
        proxy.target_port = mt5.port
        heal(proxy, mt5)
        mt5.play(999)
        wait_until(lambda: collector.counts.get("Tick") == 999)
        mt5.play(1000)
        wait_until(lambda: collector.counts.get("Tick") == 1000)
    expected = pd.read_csv(ticks_file, parse_dates=["time"])
    ticks = [one for one in published(Tick) if not one.flags & EventFlag.BACKFILL]
    assert [one.event_ns for one in ticks] == expected.time.astype("datetime64[ns]").astype("int64").tolist()
    assert [one.bid_price for one in ticks] == expected.bid.tolist()
    assert len({(one.event_ns, one.ordinal) for one in ticks}) == 1000
    for gap in published(GapEvent):
        assert not [one for one in ticks if gap.start_ns < one.event_ns < gap.end_ns]


def test_a_long_outage_is_a_gap_that_is_filled_in(
    mt5: FakeMt5, collect: Any, bus: EventBus, published: Any, wait_until: Wait, ticks_file: Path
) -> None:
    """Old ticks do not pass for new ones: they come as BACKFILL, and the gap is closed."""
    with FaultProxy(mt5.port) as proxy:
        collector = collect(proxy.port, mt5, options={"catch_up_s": 0.0})
        wait_until(lambda: collector.looks)
        mt5.play(100)
        wait_until(lambda: collector.counts.get("Tick") == 100)
        proxy.refuse()
        wait_until(lambda: not collector.connection.connected)
        mt5.play(700)
        proxy.open()
        wait_until(lambda: collector.connection.connected and collector.looks > 1)
        mt5.play(701)
        mt5.play(720)
        wait_until(lambda: [gap for gap in published(GapEvent) if gap.kind == "refilled"])
        wait_until(lambda: len({(one.event_ns, one.ordinal) for one in published(Tick)}) == 720)
    gap = published(GapEvent)[0]
    live = [one.event_ns for one in published(Tick) if not one.flags & EventFlag.BACKFILL]
    assert gap.kind == "disconnect"
    assert not [at for at in live if gap.start_ns < at < gap.end_ns]
    expected = pd.read_csv(ticks_file, parse_dates=["time"]).time.astype("datetime64[ns]").astype("int64").tolist()[:720]
    assert sorted({(one.event_ns, one.ordinal) for one in published(Tick)}) == sorted(
        (at, expected[:index].count(at)) for index, at in enumerate(expected)
    )


def test_our_clock_may_jump(mt5: FakeMt5, collect: Any, published: Any, wait_until: Wait) -> None:
    """An hour more or less changes neither the ticks nor their times."""
    collector = collect(mt5.port, mt5)
    wait_until(lambda: collector.looks)
    mt5.play(100)
    wait_until(lambda: collector.counts.get("Tick") == 100)
    for jump_h in (1, -1):
        mt5.ahead_ms -= jump_h * 3_600_000
        mt5.play(100 + (200 if jump_h > 0 else 400))
        wait_until(lambda jump_h=jump_h: collector.counts.get("Tick") == (300 if jump_h > 0 else 500))
    times = [one.event_ns for one in published(Tick)]
    assert times == sorted(times)
    assert collector.clock_watch.time.rule == "new_york+7"


def test_a_thousand_symbols_are_a_few_round_trips(
    make_mt5: Callable[..., FakeMt5], collect: Any, bus: EventBus, published: Any, wait_until: Wait
) -> None:
    """All are watched, told of and collected; one that the broker does not have hinders none."""
    mt5 = make_mt5("--more", "1000")
    names = [f"S{number:04d}" for number in range(1, 1001)]
    collector = collect(mt5.port, mt5, symbols=["EUR/USD", "NONE", *names])
    wait_until(lambda: collector.looks)
    for name in names:
        mt5.tell("add", name, ((1_398_902_400_000 + 10_800_000, 1.0, 1.1),))
    wait_until(lambda: collector.counts.get("Tick") == 1000)
    assert {one.symbol for one in published(Tick)} == set(names)
    assert collector.faults.counts().get("symbol") == 1
    assert bus.instruments.get("S0500", "fx").lot_size == 1000.0
    bus.publish(SubscribeEvent(symbol="S0001", venue="fx", subscribe=False))
    wait_until(lambda: "S0001" not in collector.symbols)
    for name in names[:2]:
        mt5.tell("add", name, ((1_398_902_401_000 + 10_800_000, 1.0, 1.1),))
    wait_until(lambda: collector.counts.get("Tick") == 1001)
    assert published(Tick)[-1].symbol == "S0002"


def test_a_server_clock_that_steps_back_is_followed(mt5: FakeMt5, collect: Any, published: Any, wait_until: Wait) -> None:
    """It is counted, and the ticks after it come."""
    collector = collect(mt5.port, mt5)
    wait_until(lambda: collector.looks)
    for count in (100, 900):
        mt5.play(count)
        wait_until(lambda count=count: collector.counts.get("Tick") == count)
    mt5.tell("replace", "EURUSD", ((1_398_902_400_000 + 10_800_000 + 5_000, 1.0, 1.1),))
    wait_until(lambda: collector.counts.get("Tick") == 901)
    assert collector.faults.counts().get("server clock") == 1, collector.faults.counts()


@pytest.mark.parametrize(
    ("terms", "options", "sentence"),
    [
        (
            {"login": {"account": "1", "password": "x", "server": "y"}},
            (),
            "the broker refuses the login: look at account, password and server",
        ),
        ({"login": {"account": "one"}}, (), "An account of MetaTrader 5 is a number: look at GCG_QUANT_CREDENTIALS__FX__ACCOUNT"),
        ({"login": {"account": "1"}}, (), "set GCG_QUANT_CREDENTIALS__FX__PASSWORD in the environment"),
        ({"login": {}}, (), "The terminal is not logged in"),
        ({}, ("--without",), "has no package MetaTrader5"),
    ],
)
def test_what_a_person_must_mend_is_one_sentence(
    mt5: FakeMt5,
    make_mt5: Callable[..., FakeMt5],
    collect: Any,
    wait_until: Wait,
    terms: dict[str, Any],
    options: tuple[str, ...],
    sentence: str,
) -> None:
    """The collector's state says what is wrong and where, and no password."""
    collector = collect((make_mt5(*options) if options else mt5).port, **terms)
    wait_until(lambda: collector.connection.state == "refused")
    assert sentence in collector.connection.reason
    assert "\n" not in collector.connection.reason
