"""The RedisManager on a real Redis: what it keeps, how it is read back, and that live and replayed data stay apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.cache.cache_reader import CacheReader
from gcg_quant.data_storage.cache.redis_manager import RedisManager
from gcg_quant.errors import InstrumentError, StorageError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Applied,
    Bar,
    BarBasis,
    ConfigChangeEvent,
    Depth,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    Record,
    SnapshotEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.redis_sections import RedisSettings
from gcg_quant.settings import Settings

from .redis_server import RedisServer

SECOND = 1_000_000_000
ROOT = "gcg:test:paper"
Manage = Callable[..., RedisManager]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a Redis for all tests of this module."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """Return a client of an empty Redis."""
    with server.client(decode_responses=True) as opened:
        opened.flushall()
        yield opened


@pytest.fixture
def manage(bus: EventBus, server: RedisServer, client: Any) -> Iterator[Manage]:
    """Return a function that starts a manager on the bus."""
    started: list[RedisManager] = []

    def start(*, world: str = "", **settings: Any) -> RedisManager:
        started.append(RedisManager(RedisSettings(**{"url": server.url, "prefix": "gcg:test", "flush_ms": 5, **settings}), world=world))
        started[-1].start(bus)
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


def tick(price: float, symbol: str = "BTC/USDT", **others: Any) -> Tick:
    """Return a tick."""
    return Tick(symbol=symbol, venue="SIM", event_ns=SECOND, last_price=price, **others)


def bar(start_s: int, close: float = 1.0, **others: Any) -> Bar:
    """Return a bar of one minute."""
    start = start_s * SECOND
    return Bar(symbol="BTC/USDT", venue="SIM", period="1m", start_ns=start, event_ns=start + 60 * SECOND, close=close, **others)


def order(request: int, status: OrderStatus) -> OrderEvent:
    """Return a report of an order."""
    return OrderEvent(symbol="BTC/USDT", venue="SIM", request=request, account="paper", status=status, quantity=1.5)


def test_every_kind_is_kept_and_read_back(
    bus: EventBus, manage: Manage, cache: CacheReader, wait_for: Any, market_records: list[Record]
) -> None:
    """What was there before the start and what comes later is read as the events that were published, ids and times included."""
    for record in market_records:
        bus.publish(record)
    manage()
    bus.publish(PositionEvent(account="paper", strategy="s", symbol="BTC/USDT", venue="SIM", quantity=-2.0, average_price=0.1 + 0.2))
    bus.publish(AccountEvent(account="paper", currency="USDT", cash=1e6 / 3))
    bus.publish(StrategyStatusEvent(strategy="s", state="running", parameters={"n": 3}))
    bus.publish(order(7, OrderStatus.ACCEPTED))
    last = bus.publish(tick(64_000.25), source="venue")
    wait_for(lambda: cache.latest_tick("BTC/USDT@SIM") is not None and len(cache.open_orders()) == 1)
    found = cache.latest_tick("BTC/USDT@SIM")
    assert found is not None
    assert (found, found.id, found.source) == (tick(64_000.25), last, "venue")
    assert found.time_ns > 0
    for record in market_records:
        if isinstance(record, Tick):
            assert cache.latest_tick(f"{record.symbol}@{record.venue}") == record
        elif isinstance(record, Depth):
            assert cache.latest_depth("BTC/USDT") == record
        elif isinstance(record, TradeTick):
            assert cache.latest_trade("00700") == record
        elif isinstance(record, Bar):
            assert cache.latest_bar(record.symbol, record.period, BarBasis(record.basis)) == record
    assert cache.positions()[0].average_price == 0.1 + 0.2
    assert cache.positions("other") == []
    assert cache.accounts()[0].cash == 1e6 / 3
    assert [(one.strategy, one.state, one.parameters) for one in cache.strategies()] == [("s", "running", {"n": 3})]
    assert cache.open_orders() == [order(7, OrderStatus.ACCEPTED)]
    assert {"BTC/USDT@SIM", "600519@SSE", "00700@HKEX"} <= set(cache.symbols())
    assert cache.latest_tick("nothing") is None


def test_of_many_ticks_the_newest_one_is_sent(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """However many ticks come between two flushes, Redis gets one hash for each instrument."""
    manager = manage(flush_ms=200)
    wait_for(lambda: cache.freshness().state == "live")
    before = client.info("commandstats")["cmdstat_hset"]["calls"]
    bus.publish_many([tick(float(at), f"S{at % 5}") for at in range(20_000)])
    wait_for(lambda: all(cache.latest_tick(f"S{at}") for at in range(5)))
    wait_for(lambda: not manager.picture.dirty)
    assert [cache.latest_tick(f"S{at}").last_price for at in range(5)] == [19_995.0, 19_996.0, 19_997.0, 19_998.0, 19_999.0]  # type: ignore[union-attr]
    assert client.info("commandstats")["cmdstat_hset"]["calls"] - before < 5 * 10


def test_what_is_absent_now_is_no_field_any_more(bus: EventBus, manage: Manage, client: Any, wait_for: Any) -> None:
    """A hash never mixes two events: a quote without a bid leaves no bid of the quote before."""
    manage()
    key = f"{ROOT}:tick:BTC/USDT@SIM"
    bus.publish(tick(1.0, bid_price=0.9, exchange="X"))
    wait_for(lambda: client.hget(key, "bid_price") == "0.9")
    bus.publish(tick(2.0, ask_price=2.1))
    wait_for(lambda: client.hget(key, "last_price") == "2.0")
    assert not client.hexists(key, "bid_price")
    assert not client.hexists(key, "exchange")
    assert client.hget(key, "ask_price") == "2.1"


def test_an_order_that_is_done_and_a_strategy_that_is_unloaded_go(
    bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any
) -> None:
    """Open orders and loaded strategies are what the cache shows, and neither keys nor index entries stay behind."""
    manage()
    bus.publish(order(7, OrderStatus.ACCEPTED))
    bus.publish(order(8, OrderStatus.ACCEPTED))
    bus.publish(StrategyStatusEvent(strategy="s", state="running"))
    wait_for(lambda: len(cache.open_orders()) == 2 and len(cache.strategies()) == 1)
    bus.publish(order(7, OrderStatus.CANCELLED))
    bus.publish(StrategyStatusEvent(strategy="s", state="unloaded"))
    wait_for(lambda: [one.request for one in cache.open_orders()] == [8] and cache.strategies() == [])
    assert not client.exists(f"{ROOT}:order:7", f"{ROOT}:strategy:s")
    assert client.smembers(f"{ROOT}:index:order") == {"8"}


def test_a_stream_holds_the_recent_bars_in_order(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """Entries are in the order of time under the bar's own time, also when a bar comes late or again; a revision takes its bar's place."""
    manage(bars=300)
    key = f"{ROOT}:bars:1m:BTC/USDT@SIM"
    bus.publish_many([bar(60 * at, float(at)) for at in range(1, 501)])
    wait_for(lambda: client.exists(key) and cache.recent_bars("BTC/USDT", "1m", 1)["close"][0] == 500.0)
    assert 300 <= client.xlen(key) <= 400
    bars = cache.recent_bars("BTC/USDT", "1m", 300)
    assert np.array_equal(bars["close"], np.arange(201.0, 501.0))
    assert [entry for entry, _ in client.xrange(key, 30_000_000, "+")] == ["30000000-0"]  # asked for by time
    bus.publish(bar(60 * 500, 9.5, revision=1))  # the newest, corrected
    bus.publish(bar(60 * 502, 502.0))
    wait_for(lambda: cache.recent_bars("BTC/USDT", "1m", 1)["close"][0] == 502.0)
    bus.publish(bar(60 * 501, 501.0), backfill=True)  # a gap that is filled in
    bus.publish(bar(60 * 500, 9.5, revision=1), backfill=True)  # and a bar that comes again
    wait_for(lambda: 501.0 in cache.recent_bars("BTC/USDT", "1m", 5)["close"])
    assert cache.recent_bars("BTC/USDT", "1m", 4)["close"].tolist() == [499.0, 9.5, 501.0, 502.0]
    assert cache.latest_bar("BTC/USDT", "1m").close == 502.0  # type: ignore[union-attr]
    assert [entry for entry, _ in client.xrevrange(key, count=3)] == ["30120000-0", "30060000-0", "30000000-1"]
    assert len(cache.recent_bars("BTC/USDT", "5m")) == 0


def test_bars_of_the_sixties_have_a_hash_and_no_stream(
    bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any
) -> None:
    """A stream's ids cannot stand before 1970: such bars are passed over, and those after them are not."""
    manage()
    bus.publish_many([bar(-86_400), bar(0), bar(60, 3.0)])
    wait_for(lambda: client.exists(f"{ROOT}:bars:1m:BTC/USDT@SIM"))
    assert cache.recent_bars("BTC/USDT", "1m")["close"].tolist() == [3.0]


def test_filled_in_ticks_are_no_news(bus: EventBus, manage: Manage, cache: CacheReader, wait_for: Any) -> None:
    """History that is published on a live bus does not replace the newest tick."""
    manage()
    bus.publish(tick(1.0))
    bus.publish(tick(2.0), backfill=True)
    bus.publish(tick(3.0, "ETH/USDT"))
    wait_for(lambda: cache.latest_tick("ETH/USDT") is not None)
    assert cache.latest_tick("BTC/USDT").last_price == 1.0  # type: ignore[union-attr]


def test_market_data_goes_with_age_and_positions_stay(bus: EventBus, manage: Manage, client: Any, wait_for: Any) -> None:
    """Each kind has its own time to live, and the sign of life one of seconds."""
    manage(ttl_s={"tick": 100, "bar": 200})
    bus.publish(tick(1.0))
    bus.publish(bar(60))
    bus.publish(AccountEvent(account="paper", currency="USDT"))
    keys = ("tick:BTC/USDT@SIM", "bar:1m:BTC/USDT@SIM", "bars:1m:BTC/USDT@SIM", "account:paper:USDT", "alive", "owner")
    wait_for(lambda: client.exists(*(f"{ROOT}:{key}" for key in keys)) == 6)
    lives = [client.pttl(f"{ROOT}:{key}") for key in keys]
    assert 90_000 < lives[0] <= 100_000
    assert all(190_000 < life <= 200_000 for life in lives[1:3])
    assert lives[3] == -1
    assert 5_000 < lives[4] <= 10_000
    assert 0 < lives[5] <= 5_000


def test_a_policy_changes_while_it_runs(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """A kind that is no longer kept goes, and is there again at once when it is; what makes no sense changes nothing."""
    manager = manage()
    bus.publish(tick(1.0))
    bus.publish_many([bar(60 * at) for at in range(1, 11)])
    wait_for(lambda: cache.latest_tick("BTC/USDT") is not None and client.xlen(f"{ROOT}:bars:1m:BTC/USDT@SIM") == 10)
    with bus.reader(events=[Applied]) as answers:
        bus.publish(ConfigChangeEvent(revision=2, changes={"redis.kinds": ["bar"], "redis.bars": 3, "redis.url": "redis://elsewhere"}))
        wait_for(lambda: not client.exists(f"{ROOT}:tick:BTC/USDT@SIM") and client.xlen(f"{ROOT}:bars:1m:BTC/USDT@SIM") == 3)
        bus.publish(ConfigChangeEvent(revision=3, changes={"redis.kinds": ["tick", "nonsense"]}))
        bus.publish(ConfigChangeEvent(revision=4, changes={"redis.kinds": ["tick"], "risk.kill_switch": False}))
        wait_for(lambda: cache.latest_tick("BTC/USDT") is not None)
        wait_for(lambda: not client.exists(f"{ROOT}:bars:1m:BTC/USDT@SIM"))
        told = [event for event in answers.read_many() if isinstance(event, Applied)]
    assert [event.ok for event in told] == [True, False, True]
    assert "'tick'" in told[1].detail
    assert manager.policy.url.startswith("unix://"), "the URL takes a restart"


def test_worlds_do_not_mix(bus: EventBus, manage: Manage, server: RedisServer, cache: CacheReader, wait_for: Any) -> None:
    """What is replayed under the same prefix is under keys of its own, and each reader sees its world."""
    manage(world="replay")
    bus.publish(tick(1.0))
    with CacheReader(server.url, "gcg:test", "replay") as replayed:
        wait_for(lambda: replayed.latest_tick("BTC/USDT") is not None)
    assert cache.latest_tick("BTC/USDT") is None
    assert cache.freshness().state == "silent"


def test_a_stop_leaves_the_last_state_and_says_so(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """What came just before the stop is there; the cache stays, its owner does not, and readers see that it grows old."""
    manager = manage(flush_ms=2000)
    wait_for(lambda: cache.freshness().state == "live")
    bus.publish(tick(5.0))
    assert manager.stop()
    assert cache.latest_tick("BTC/USDT").last_price == 5.0  # type: ignore[union-attr]
    assert cache.freshness().state == "stopped"
    assert not client.exists(f"{ROOT}:owner")


def test_a_restart_removes_what_is_no_more(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """Keys of the run before that are no longer true go; those of other programs stay."""
    manager = manage()
    bus.publish(order(7, OrderStatus.ACCEPTED))
    bus.publish(AccountEvent(account="paper", currency="USDT", cash=1.0))
    wait_for(lambda: len(cache.open_orders()) == 1)
    manager.stop()
    bus.publish(order(7, OrderStatus.FILLED))
    client.set(f"{ROOT}:mine", "1")
    client.set(f"{ROOT}2:tick:A@B", "1")
    manage()
    wait_for(lambda: cache.freshness().state == "live")
    assert cache.open_orders() == []
    assert not client.exists(f"{ROOT}:order:7")
    assert client.exists(f"{ROOT}:mine", f"{ROOT}2:tick:A@B") == 2
    assert cache.accounts()[0].cash == 1.0


def test_positions_older_than_the_refill_come_from_a_snapshot(
    bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any
) -> None:
    """A position that nothing has happened to for long is there after a restart with an empty Redis, and the journal is not read for it."""
    manager = manage()
    manager.snapshot_least = 1  # type: ignore[misc]
    bus.publish(PositionEvent(account="paper", strategy="s", symbol="BTC/USDT", venue="SIM", quantity=3.0))
    bus.publish(tick(1.0))
    wait_for(lambda: len(cache.positions()) == 1)
    manager.stop()
    with bus.reader(start="begin", events=[SnapshotEvent]) as reader:
        assert [event.component for event in reader if isinstance(event, SnapshotEvent)] == ["redis"]
    client.flushall()
    manager = manage(refill_hours=0)
    wait_for(lambda: len(cache.positions()) == 1)
    assert manager._follower is not None
    assert manager._follower.began == 1
    assert cache.positions()[0].quantity == 3.0
    assert cache.latest_tick("BTC/USDT") is None, "market data is read as far back as refill_hours"


def test_names_that_are_not_clear_are_asked_back(bus: EventBus, manage: Manage, cache: CacheReader, client: Any, wait_for: Any) -> None:
    """A symbol of two venues needs its venue, and a cache of another format is not misread."""
    manage()
    bus.publish(tick(1.0))
    bus.publish(Tick(symbol="BTC/USDT", venue="binance", event_ns=1, last_price=2.0))
    wait_for(lambda: len(cache.symbols()) == 2)
    with pytest.raises(InstrumentError, match=r"several venues \(SIM, binance\): ask for SYMBOL@VENUE"):
        cache.latest_tick("BTC/USDT")
    client.hset("gcg:new:paper:meta", "format", "9")
    with (
        CacheReader(str(cache._url), "gcg:new") as newer,
        pytest.raises(StorageError, match="of format 9, and this program reads 1: run the same version"),
    ):
        newer.strategies()


def test_no_alert_is_raised_on_a_good_day(bus: EventBus, manage: Manage, cache: CacheReader, wait_for: Any) -> None:
    """Start, work and stop are silent, and the cache is written as a whole once."""
    manager = manage()
    bus.publish(tick(1.0))
    wait_for(lambda: cache.latest_tick("BTC/USDT") is not None)
    manager.stop()
    assert manager.fills == 1
    with bus.reader(start="begin", events=[AlertEvent]) as reader:
        assert reader.read() is None


def test_a_run_names_its_keys_after_its_home(tmp_path: Any) -> None:
    """Two homes do not meet in one Redis, and a replay is not taken for the paper world."""
    settings = Settings.load(None, tmp_path / "fund_a", {"GCG_QUANT_REDIS__URL": "redis://localhost/3"})
    manager = RedisManager.from_settings(settings)
    assert manager.policy.prefix == "gcg:fund_a"
    given = {"GCG_QUANT_REDIS__URL": "redis://localhost/3", "GCG_QUANT_REDIS__PREFIX": "mine"}
    assert RedisManager.from_settings(Settings.load(None, tmp_path, given)).policy.prefix == "mine"
