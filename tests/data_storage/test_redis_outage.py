"""Redis goes away, hangs, forgets and fills up: the bus runs on, one alert says so, one that it is over, and the cache is whole again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from patience import within

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.cache.cache_reader import CacheReader
from gcg_quant.data_storage.cache.redis_manager import RedisManager
from gcg_quant.events import AlertEvent, Bar, LogEvent, PositionEvent, Tick
from gcg_quant.redis_sections import RedisSettings

from .redis_server import RedisServer

SECOND = 1_000_000_000
ROOT = "gcg:test:paper"
Manage = Callable[..., RedisManager]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return the Redis of this module, in whatever state a test left it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def server(shared: RedisServer) -> RedisServer:
    """Return a running, empty Redis."""
    shared.kill()
    return shared.start()


@pytest.fixture
def manage(bus: EventBus, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manage]:
    """Return a function that starts a manager on a bus, with short pauses."""
    monkeypatch.setattr("gcg_quant.data_storage.cache.redis_manager._LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr("gcg_quant.data_storage.cache.redis_manager._FILL_EVERY_S", 0.0)
    started: list[RedisManager] = []

    def start(on: EventBus = bus, **settings: Any) -> RedisManager:
        url = f"{server.url}?socket_timeout=20"  # so that a busy machine is no outage
        started.append(RedisManager(RedisSettings(**{"url": url, "prefix": "gcg:test", "flush_ms": 5, **settings})))
        started[-1].start(on)
        return started[-1]

    yield start
    for one in started:
        assert one.stop()
        assert one.state == "stopped"


@pytest.fixture
def cache(server: RedisServer) -> Iterator[CacheReader]:
    """Return the cache as another program reads it."""
    with CacheReader(server.url, "gcg:test") as opened:
        yield opened


def tick(price: float) -> Tick:
    """Return a tick."""
    return Tick(symbol="BTC/USDT", venue="SIM", event_ns=SECOND, last_price=price)


def bars(first: int, last: int) -> list[Bar]:
    """Return bars of one minute whose closes are their numbers."""
    return [
        Bar(symbol="X", venue="SIM", period="1m", start_ns=60 * at * SECOND, event_ns=60 * (at + 1) * SECOND, close=float(at))
        for at in range(first, last + 1)
    ]


def alerts(bus: EventBus) -> list[tuple[str, str]]:
    """Return level and text of every alert, and of every error on the log lane."""
    with bus.reader(start="begin", events=[AlertEvent, LogEvent]) as reader:
        return [(event.level, event.message) for event in reader if isinstance(event, AlertEvent | LogEvent)]


def stored(cache: CacheReader) -> tuple[float, list[float], int]:
    """Return the cached price, closes and number of positions."""
    found = cache.latest_tick("BTC/USDT@SIM")
    return found.last_price if found else np.nan, cache.recent_bars("X@SIM", "1m")["close"].tolist(), len(cache.positions())


def publish_all(bus: EventBus, price: float, first: int, last: int) -> tuple[float, list[float], int]:
    """Publish a price, bars and a position, and return what a cache that was empty before should hold."""
    bus.publish(tick(price))
    bus.publish_many(bars(first, last))
    bus.publish(PositionEvent(account="paper", strategy="s", symbol="X", venue="SIM", quantity=1.0))
    return price, [float(at) for at in range(1, last + 1)], 1


def test_a_redis_that_is_not_there_at_the_start_is_waited_for(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any
) -> None:
    """The system runs without it, says so once, tries again with growing pauses, and fills the cache when it comes."""
    server.stop()
    manager = manage()
    wanted = publish_all(bus, 1.5, 1, 20)
    wait_for(lambda: manager._pause_s >= 0.1 and manager.health().lag == 0)
    assert [level for level, _ in alerts(bus)] == ["warning"]
    assert "cannot be reached" in alerts(bus)[0][1]
    assert "The system runs on without its cache" in alerts(bus)[0][1]
    server.start()
    wait_for(lambda: stored(cache) == wanted)
    wait_for(lambda: len(alerts(bus)) == 2)
    assert alerts(bus)[1][0] == "info"
    assert "takes the cache gcg:test:paper again" in alerts(bus)[1][1]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_redis_that_comes_back_empty_is_filled(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any, end: str
) -> None:
    """After SIGTERM as after a kill: all that was cached, and all that came meanwhile, each bar once."""
    manage()
    before = publish_all(bus, 1.0, 1, 10)
    wait_for(lambda: stored(cache) == before)
    getattr(server, end)()
    wanted = publish_all(bus, 2.0, 11, 30)
    wait_for(lambda: len(alerts(bus)) == 1)
    server.start()
    wait_for(lambda: stored(cache) == wanted)
    with server.client() as client:
        assert client.xlen(f"{ROOT}:bars:1m:X@SIM") == 30
    wait_for(lambda: [level for level, _ in alerts(bus)] == ["warning", "info"])


def test_a_flush_of_everything_is_noticed(bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any) -> None:
    """FLUSHALL breaks no connection: it is found at the next flush, a second later if nothing happens, and needs no alert."""
    manager = manage()
    wanted = publish_all(bus, 1.0, 1, 10)
    wait_for(lambda: stored(cache) == wanted)
    server.ask("FLUSHALL")
    wait_for(lambda: stored(cache) == wanted)
    assert manager.fills == 2
    bus.publish(tick(3.0))
    wait_for(lambda: stored(cache)[0] == 3.0)
    assert alerts(bus) == []


def test_after_a_short_break_only_what_is_new_is_sent(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any
) -> None:
    """A server that kept its data needs no second filling, and a connection that was cut between two flushes no alert."""
    manager = manage()
    before = publish_all(bus, 1.0, 1, 10)
    wait_for(lambda: stored(cache) == before)
    with server.client() as client:
        client.client_kill_filter(skipme=True, _type="normal")
    wanted = publish_all(bus, 2.0, 11, 12)
    wait_for(lambda: stored(cache) == wanted)
    assert manager.fills == 1


def test_a_redis_that_hangs_holds_nothing_up(bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any) -> None:
    """While it answers nothing the bus is published to and read, the picture stays as small as it is, and a stop takes no long time."""
    manager = manage(bars=50, url=f"{server.url}?socket_timeout={within(0.2, 2.0)}")
    wait_for(lambda: manager.fills == 1)
    server.pause()
    try:
        publish_all(bus, 1.0, 1, 10)
        wait_for(lambda: len(alerts(bus)) == 1)
        assert "does not answer in time" in alerts(bus)[0][1]
        begin = time.monotonic()
        for at in range(20):
            bus.publish_many([tick(float(at))] * 1000)
        bus.publish_many(bars(11, 2000))
        assert time.monotonic() - begin < within(5.0, 20.0)
        wait_for(lambda: manager.health().lag == 0)
        wait_for(lambda: manager.picture.entries.get(("bar", "1m:X@SIM")) == bars(2000, 2000)[0] and len(manager.picture.entries) == 3)
        assert len(manager.picture.series["1m:X@SIM"].bars) == 50
        assert manager.stop(timeout_s=within(2.0, 20.0))
    finally:
        server.resume()


def test_two_systems_under_one_prefix_notice_each_other(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, make_bus: Any, wait_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second writes nothing and says who the first is; when the first has gone, it takes over."""
    monkeypatch.setattr("gcg_quant.data_storage.cache.redis_manager.OWNER_S", 0.05)
    monkeypatch.setattr("gcg_quant.data_storage.cache.redis_manager._LOOK_AGAIN_S", 0.05)
    first = manage()
    bus.publish(tick(1.0))
    wait_for(lambda: stored(cache)[0] == 1.0)
    other = make_bus("other")
    second = manage(other)
    other.publish(tick(2.0))
    wait_for(lambda: len(alerts(other)) == 1)
    level, text = alerts(other)[0]
    assert level == "warning"
    assert "is kept by another system (" in text
    assert f"bus {bus.bus_id}): give one of the two another [redis] prefix." in text
    assert stored(cache)[0] == 1.0
    assert cache.freshness().bus == bus.bus_id
    first.stop()
    wait_for(lambda: stored(cache)[0] == 2.0)
    assert cache.freshness().bus == other.bus_id
    assert second.fills == 1
    assert alerts(bus) == []
    assert second.stop()


def test_a_full_redis_is_one_alert_and_no_half_cache(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any
) -> None:
    """At maxmemory the old state stays whole; once there is room, the newest one is there."""
    manage()
    before = publish_all(bus, 1.0, 1, 10)
    wait_for(lambda: stored(cache) == before)
    with server.client() as client:
        client.config_set("maxmemory", "1")
        wanted = publish_all(bus, 2.0, 11, 20)
        wait_for(lambda: len(alerts(bus)) == 1)
        assert "is out of memory: raise its maxmemory" in alerts(bus)[0][1]
        assert stored(cache) == before
        client.config_set("maxmemory", "0")
    wait_for(lambda: stored(cache) == wanted)
    wait_for(lambda: [level for level, _ in alerts(bus)] == ["warning", "info"])


def test_a_redis_that_takes_connections_and_refuses_writes_is_one_alert(
    bus: EventBus, server: RedisServer, manage: Manage, cache: CacheReader, wait_for: Any
) -> None:
    """A user who may connect and may not write: no alert in a row says that all is well, and the pauses grow."""
    with server.client() as client:
        client.acl_setuser("half", enabled=True, nopass=True, commands=["+@all", "-hset"], keys=["*"])
        manager = manage(url=server.url.replace("unix://", "unix://half:x@"))
        bus.publish(tick(1.0))
        wait_for(lambda: manager._pause_s >= 0.1)
        before = client.info("errorstats")["errorstat_NOPERM"]["count"]
        wait_for(lambda: client.info("errorstats")["errorstat_NOPERM"]["count"] >= before + 2)
        assert [level for level, _ in alerts(bus)] == ["warning"]
        assert "does not allow its user what the cache needs" in alerts(bus)[0][1]
        client.execute_command("ACL SETUSER", "half", "+hset")
        wait_for(lambda: stored(cache)[0] == 1.0)
        wait_for(lambda: [level for level, _ in alerts(bus)] == ["warning", "info"])
        client.acl_deluser("half")


def test_a_reader_never_sees_half_an_event(bus: EventBus, server: RedisServer, manage: Manage, wait_for: Any) -> None:
    """While a hash is written again and again, with other fields each time, and is lost in between, whoever reads it sees one event."""
    manage(flush_ms=1)
    key = f"{ROOT}:tick:BTC/USDT@SIM"
    seen: set[str] = set()
    with server.client(decode_responses=True) as client:
        at, deadline = 0, time.monotonic() + 60.0
        while at < 400 or (len(seen) <= 5 and time.monotonic() < deadline):
            at += 1
            if at % 2:
                event = Tick(symbol="BTC/USDT", venue="SIM", event_ns=at, last_price=float(at), bid_price=float(at), exchange="odd")
            else:
                event = Tick(symbol="BTC/USDT", venue="SIM", event_ns=at, last_price=float(at), ask_price=float(at))
            bus.publish(event)
            if at == 200:
                client.flushall()
            for _ in range(3):
                found = client.hgetall(key)
                if not found:
                    continue
                number = int(found["event_ns"])
                seen.add(found["event_ns"])
                assert float(found["last_price"]) == number
                assert found.get("bid_price") == (repr(float(number)) if number % 2 else None)
                assert found.get("ask_price") == (None if number % 2 else repr(float(number)))
    assert len(seen) > 5
