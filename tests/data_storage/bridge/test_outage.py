"""Whatever is killed, lost or away: each event arrives once, in order; what cannot come any more is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import redis

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.bridge import RedisBridge, bridge_end, sender
from gcg_quant.data_storage.bridge.position import Positions
from gcg_quant.errors import StorageError
from gcg_quant.events import GapEvent, Lane, MetricEvent, Tick
from gcg_quant.pruning import prune

from ..redis_server import RedisServer
from .conftest import Host, MakeHost
from .test_crossing_over import START_NS, prices, tick

ROOT = Path(__file__).resolve().parents[3]
WaitFor = Callable[..., None]
LosePower = Callable[[EventBus, Path, int], EventBus]


@pytest.fixture
def pair(make_host: MakeHost, wait_for: WaitFor) -> tuple[Host, Host]:
    """Return two hosts, of which the second one has got a first tick of the other."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1")
    far.send("hk1")
    far.bus.publish(tick(0.0))
    wait_for(lambda: prices(near) == [0.0])
    return far, near


def test_redis_loses_everything_while_nobody_looks(pair: tuple[Host, Host], server: RedisServer, wait_for: WaitFor) -> None:
    """What was in Redis only is sent again, also if nothing comes afterwards that would show the hole."""
    far, near = pair
    near.stop(near.parts[0])
    far.bus.publish(tick(1.0))
    wait_for(lambda: far.parts[0].sent_events == 2)
    server.ask("FLUSHALL")
    near.receive("hk1")
    wait_for(lambda: prices(near) == [0.0, 1.0])
    assert near.parts[0].asked >= 1
    assert far.parts[0].resends >= 1


def test_a_hole_is_seen_by_what_follows(pair: tuple[Host, Host], server: RedisServer, wait_for: WaitFor) -> None:
    """An entry that follows on something unseen is not taken, but asked what came before."""
    far, near = pair
    near.stop(near.parts[0])
    for at in range(1, 4):
        far.bus.publish(tick(float(at)))
        wait_for(lambda at=at: far.parts[0].sent_events == at + 1)
        if at < 3:
            server.ask("DEL", "gcg:bridge:hk1:events")
    near.receive("hk1")
    wait_for(lambda: prices(near) == [0.0, 1.0, 2.0, 3.0])


def test_redis_is_away_and_comes_back(pair: tuple[Host, Host], server: RedisServer, wait_for: WaitFor) -> None:
    """Both sides say so once, and go on by themselves; nothing is lost."""
    far, near = pair
    server.kill()
    try:
        far.bus.publish(tick(1.0))
        wait_for(lambda: far.parts[0].problem and near.parts[0].problem)
        far.bus.publish(tick(2.0))
    finally:
        server.start()
    wait_for(lambda: prices(near) == [0.0, 1.0, 2.0])
    wait_for(lambda: len(far.alerts()) == len(near.alerts()) == 2)
    assert "does not send: Redis at" in far.alerts()[0]
    assert "cannot be reached: start it, or correct the url. Nothing is lost: " in far.alerts()[0]
    assert "receives nothing: Redis at" in near.alerts()[0]
    assert "receives again" in near.alerts()[1]


def test_the_receiver_goes_on_by_its_own_journal(pair: tuple[Host, Host], wait_for: WaitFor) -> None:
    """Also without its file, and without anything in Redis about it."""
    far, near = pair
    near.stop(near.parts[0])
    for path in (near.bus.path / "bridges").iterdir():
        path.unlink()
    assert Positions(near.bus, "hk1").by_lane[Lane.MARKET].seq == far.bus.head(Lane.MARKET) - 1
    far.bus.publish(tick(1.0))
    near.receive("hk1")
    far.bus.publish(tick(2.0))
    wait_for(lambda: prices(near) == [0.0, 1.0, 2.0])


def test_the_sender_goes_on_behind_what_redis_has(pair: tuple[Host, Host], wait_for: WaitFor) -> None:
    """A sender that was away sends what was published meanwhile."""
    far, near = pair
    far.stop(far.parts[0])
    far.bus.publish(tick(1.0))
    far.send("hk1")
    far.bus.publish(tick(2.0))
    wait_for(lambda: prices(near) == [0.0, 1.0, 2.0])


def test_pruned_events_are_a_gap(make_host: MakeHost, wait_for: WaitFor, server: RedisServer) -> None:
    """What the sender's journal does not hold any more is told to the receiver as a gap and to a person as an alert; then it goes on."""
    far, near = make_host("far", page_mb=0.0625), make_host("near")
    near.receive("hk1")
    far.send("hk1")
    far.bus.publish(tick(0.0))
    wait_for(lambda: prices(near) == [0.0])
    near.stop(near.parts[0])
    for at in range(1, 1000):
        far.bus.publish(tick(float(at)))
    wait_for(lambda: far.parts[0].reader.lag == 0 and far.parts[0].sent_events == 1000)
    server.ask("FLUSHALL")
    wait_for(lambda: far.parts[0].reader.lag == 0)
    prune(far.bus.path, keep_bytes=0)
    with far.bus.reader(start="begin") as reader:
        left = [one.last_price for one in reader if isinstance(one, Tick)]
    assert 0 < len(left) < 999
    near.receive("hk1")
    far.bus.publish(tick(5000.0))
    wait_for(lambda: prices(near)[-1] == 5000.0)
    assert prices(near) == [0.0, *left, 5000.0]
    (gap,) = near.events(GapEvent)
    assert isinstance(gap, GapEvent)
    assert gap.kind == "bridge"
    assert gap.start_ns < gap.end_ns
    assert "of the market lane are lost" in near.alerts()[-1]


def test_a_slow_receiver_is_waited_for(make_host: MakeHost, wait_for: WaitFor) -> None:
    """As long as it lives, the sender does not put more into Redis than there is room for: no entry is dropped unseen."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1")
    far.send("hk1", stream_mb=0.05)
    far.bus.publish(tick(0.0))
    wait_for(lambda: prices(near) == [0.0])
    for at in range(1, 600):
        far.bus.publish(tick(float(at)))
    wait_for(lambda: len(prices(near)) == 600)
    assert prices(near) == [float(at) for at in range(600)]
    entries, used = RedisBridge("hk1", near.server.url).size()
    assert entries > 0
    assert used < 100_000


def test_nobody_is_waited_for_because_of_what_redis_lost(make_host: MakeHost, server: RedisServer, wait_for: WaitFor) -> None:
    """A receiver that is far behind when Redis loses everything will never take that: the sender goes on once it is asked."""
    far = make_host("far")
    end = far.send("hk1", stream_mb=0.05)
    beats = count(1)

    def beat() -> bool:
        state = json.dumps({"at": "1-0", "beat": next(beats)})
        return server.ask("HSET", "gcg:bridge:hk1:receivers", "slow", state)[:1] == b":"

    wait_for(lambda: beat() and bool(end._beats))
    for at in range(300):
        far.bus.publish(tick(float(at)))
    wait_for(lambda: beat() and end._unseen_bytes > 25_000)
    before = end.sent_events
    assert before < 300
    server.ask("FLUSHALL")
    server.ask("RPUSH", "gcg:bridge:hk1:requests", json.dumps({"bus": far.bus.bus_id, "epoch": 1, "lane": 1, "seq": 0}))
    wait_for(lambda: beat() and end.resends == 1 and end.sent_events > before)


def test_the_sender_loses_power(pair: tuple[Host, Host], wait_for: WaitFor, lose_power: LosePower, tmp_path: Path) -> None:
    """After a cut the numbers begin anew in another epoch: what came before stays, what follows comes, once each."""
    far, near = pair
    for at in range(1, 10):
        far.bus.publish(tick(float(at)))
    wait_for(lambda: len(prices(near)) == 10)
    far.stop(far.parts[0])
    far.bus.close()
    bus = lose_power(far.bus, tmp_path / "again", START_NS + 6)
    far.bus = bus
    far.send("hk1")
    bus.publish(tick(20.0))
    wait_for(lambda: prices(near)[-1] == 20.0)
    assert prices(near) == [*map(float, range(10)), 20.0]
    wait_for(lambda: any("has lost 4 events of the market lane in a power loss" in text for text in near.alerts()))


def test_the_receiver_loses_power(pair: tuple[Host, Host], wait_for: WaitFor, lose_power: LosePower, tmp_path: Path) -> None:
    """What its journal lost comes again, whatever its file says."""
    far, near = pair
    for at in range(1, 10):
        far.bus.publish(tick(float(at)))
    wait_for(lambda: len(prices(near)) == 10)
    near.stop(near.parts[0])
    near.bus.close()
    near.bus = lose_power(near.bus, tmp_path / "again", START_NS + 6)
    assert prices(near) == [*map(float, range(6))]
    near.receive("hk1")
    wait_for(lambda: prices(near) == [*map(float, range(10))])


def test_another_bus_takes_the_name_over(pair: tuple[Host, Host], make_host: MakeHost, wait_for: WaitFor) -> None:
    """A bus that is made anew goes on under the name once the other one has left; two at a time are told."""
    far, near = pair
    other = make_host("other")
    other.send("hk1")
    wait_for(lambda: bool(other.parts[0].problem))
    assert "Another bus sends under the name of bridge 'hk1' (on " in other.parts[0].problem
    other.bus.publish(tick(7.0))
    far.stop(far.parts[0])
    wait_for(lambda: prices(near) == [0.0, 7.0])
    wait_for(lambda: bool(near.alerts()))
    assert "is sent by another bus than before" in near.alerts()[0]


def test_a_password_is_asked_for(tmp_path: Path, make_host: MakeHost, wait_for: WaitFor) -> None:
    """A wrong one, and none, are told in a sentence that names the variable and shows no password."""
    with RedisServer(tmp_path, requirepass="right") as locked:
        for password in ("", "wrong"):
            with pytest.raises(StorageError, match=r"GCG_QUANT_BRIDGE__PASSWORD") as caught:
                RedisBridge("hk1", locked.url, password).size()
            assert "wrong" not in str(caught.value)
        assert RedisBridge("hk1", locked.url, "right").size() == (0, 0)


def test_a_full_redis_is_told(pair: tuple[Host, Host], server: RedisServer, wait_for: WaitFor) -> None:
    """Without memory Redis takes nothing; once it has some again, everything comes."""
    far, near = pair
    server.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        far.bus.publish(tick(1.0))
        wait_for(lambda: bool(far.alerts()))
        assert "has no memory left: raise its maxmemory, or lower stream_mb. Nothing is lost" in far.alerts()[0]
    finally:
        server.ask("CONFIG", "SET", "maxmemory", "0")
    wait_for(lambda: prices(near) == [0.0, 1.0])


def test_the_user_of_the_docs_may_do_enough(make_host: MakeHost, server: RedisServer, wait_for: WaitFor) -> None:
    """With the rights that docs/hosts.md gives it, a bridge works in both directions of its talk, and cannot touch other keys."""
    words = re.findall(r"`(ACL SETUSER bridge .*?)`", (ROOT / "docs/hosts.md").read_text())[0].split()
    assert server.ask(*words) == b"+OK\r\n"
    url = server.tcp_url.replace("//", "//bridge:PASSWORD@")
    far, near = make_host("far"), make_host("near")
    near.receive("hk1", url=url, begin=True)
    far.bus.publish(tick(1.0))
    far.send("hk1", url=url)
    far.bus.publish(tick(2.0))
    wait_for(lambda: prices(near) == [1.0, 2.0])
    with redis.Redis.from_url(url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.set("mine", "1")


def test_a_symbol_that_nobody_knows_is_named(make_host: MakeHost, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once collectors have had time to name theirs, a symbol of the settings without an instrument is told, with the nearest one."""
    monkeypatch.setattr(sender, "_NAME_AFTER_S", 0.0)
    monkeypatch.setattr(bridge_end, "_METRICS_EVERY_S", 0.0)
    far = make_host("far")
    far.bus.publish(tick(1.0))
    far.send("hk1", symbols=["BTC/USTD", "BTC/*", "BTC/USDT@SIM"])
    wait_for(lambda: bool(far.alerts()))
    assert far.alerts() == [
        "Bridge 'hk1' has nothing to send of 'BTC/USTD': no instrument of this bus is called so. Did you mean 'BTC/USDT'?"
    ]


def test_metrics_tell_how_it_goes(pair: tuple[Host, Host], wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends say whether they are connected, how much passed, and the receiver how late and how far behind it is."""
    far, near = pair
    monkeypatch.setattr(bridge_end, "_METRICS_EVERY_S", 0.0)
    for host, part in ((far, "bridge-to-hk1"), (near, "bridge-from-hk1")):
        host.parts[0]._metrics_at = 0.0
        names = {"connected", "events", "events_per_s"} | ({"behind", "latency_ms"} if host is near else {"resends"})
        wait_for(lambda host=host, names=names: names <= {one.name for one in host.events(MetricEvent)})
        values = {one.name: one.value for one in host.events(MetricEvent) if isinstance(one, MetricEvent) and one.component == part}
        assert (values["connected"], values["events"]) == (1.0, 1.0)
