"""Events cross from one bus to another: once each, in order, with their payloads, and with a way back to where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.crossing import USUAL
from gcg_quant.data_storage.bridge.arrival import arrived_name
from gcg_quant.events import Bar, EventFlag, LogEvent, OrderRequest, Record, SessionEvent, SubscribeEvent, Tick, World
from gcg_quant.instruments import preset

from .conftest import Host, MakeHost, content

WaitFor = Callable[..., None]
START_NS = 10**18


def tick(price: float, symbol: str = "BTC/USDT") -> Tick:
    """Return a tick of this price."""
    return Tick(symbol=symbol, venue="SIM", event_ns=START_NS + int(price), last_price=price)


def prices(host: Host) -> list[float]:
    """Return the prices of the ticks on a bus."""
    return [event.last_price for event in host.events(Tick) if isinstance(event, Tick)]


def test_events_arrive_once_in_order_and_whole(make_host: MakeHost, wait_for: WaitFor, market_records: list[Record]) -> None:
    """Hot and cold events, single and in batches, arrive as they were; the cause is their id on the bus they come from."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1")
    far.send("hk1")
    for record in market_records:
        far.bus.publish(record, source="exchange")
    far.bus.publish(SessionEvent(venue="SHFE", phase="open", event_ns=5))
    far.bus.publish(market_records[0], backfill=True)
    rows = np.zeros(500, Tick.dtype)
    rows["instrument"] = far.bus.instruments.number("ETH/USDT", "SIM")
    rows["event_ns"] = range(500)
    far.bus.publish_batch(rows)
    sent = far.events()
    wait_for(lambda: len(near.events()) == len(sent))
    arrived = near.events()
    assert [content(event) for event in arrived] == [content(event) for event in sent]
    singles = len(market_records) + 2
    assert [event.cause for event in arrived[:singles]] == [event.id for event in sent[:singles]]
    assert all(event.flags & EventFlag.BRIDGED for event in arrived if isinstance(event, Record))
    assert arrived[0].source == "exchange@hk1"
    assert arrived[-1].source == "far@hk1"


def test_only_what_is_chosen_crosses(make_host: MakeHost, wait_for: WaitFor) -> None:
    """Types and symbols are chosen on either side; requests of orders never cross, and do not hold up what follows."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1", symbols=["BTC/*", "ETH/USDT@SIM"], types=[Tick, SubscribeEvent])
    far.send("hk1", symbols=["BTC/*", "ETH/*", "SPY"], types=[Tick, Bar, SubscribeEvent])
    for symbol in ("BTC/USDT", "SPY", "ETH/USDT", "AAPL"):
        far.bus.publish(tick(1.0, symbol))
        far.bus.publish(Bar(symbol=symbol, venue="SIM", event_ns=1, period="1m"))
        far.bus.publish(OrderRequest(symbol=symbol, venue="SIM", account="paper", quantity=1.0))
    far.bus.publish(SubscribeEvent(symbol="BTC/USDT"))
    far.bus.publish(LogEvent(level="info", component="c", message="not chosen"))
    far.bus.publish(tick(2.0))
    wait_for(lambda: len(near.events(bridged=True)) == 3 and len(near.events(SubscribeEvent)) == 1)
    found = near.events(Tick, Bar, OrderRequest)
    assert [(type(one), one.symbol) for one in found] == [(Tick, "BTC/USDT"), (Tick, "ETH/USDT"), (Tick, "BTC/USDT")]
    assert near.events(LogEvent, bridged=True) == []


def test_instruments_are_mapped_with_their_terms(make_host: MakeHost, wait_for: WaitFor) -> None:
    """Numbers differ, terms are taken over and follow changes; what this host overrides stays; a long source's name is shortened."""
    far, near = make_host("far"), make_host("near")
    near.bus.instruments.number("other", "X")
    near.bus.instruments.override("BTC/USDT", "", {"taker_fee": 0.5})
    far.bus.instruments.add(preset("crypto", "BTC/USDT", "SIM", tick_size=0.01))
    near.receive("hk1")
    far.send("hk1")
    far.bus.publish(tick(1.0), source="x" * 56)
    wait_for(lambda: len(near.events()) == 1)
    assert near.events()[0].source == arrived_name("x" * 56, "hk1")
    assert len(arrived_name("x" * 56, "hk1")) == 56
    assert near.bus.instruments.get("BTC/USDT", "SIM").tick_size == 0.01
    assert near.bus.instruments.get("BTC/USDT", "SIM").taker_fee == 0.5
    far.bus.instruments.add(preset("crypto", "BTC/USDT", "SIM", tick_size=0.05))
    far.bus.publish(tick(2.0))
    wait_for(lambda: len(near.events()) == 2)
    assert near.bus.instruments.get("BTC/USDT", "SIM").tick_size == 0.05


def test_two_bridges_do_not_echo(make_host: MakeHost, wait_for: WaitFor) -> None:
    """What came over a bridge does not go back over the other one."""
    one, two = make_host("one"), make_host("two")
    for host, out, back in ((one, "a", "b"), (two, "b", "a")):
        host.receive(back)
        host.send(out)
    one.bus.publish(tick(1.0))
    two.bus.publish(tick(2.0))
    one.bus.publish(tick(3.0))
    wait_for(lambda: len(prices(one)) == 3 and len(prices(two)) == 3)
    one.bus.publish(tick(4.0))
    wait_for(lambda: len(prices(two)) == 4)
    assert sorted(prices(one)) == sorted(prices(two)) == [1.0, 2.0, 3.0, 4.0]
    assert [host.parts[1].sent_events for host in (one, two)] == [3, 1]


def test_a_ring_of_three_that_relays_does_not_loop(make_host: MakeHost, wait_for: WaitFor) -> None:
    """Everybody gets everything once, over whichever way it came; nothing comes home."""
    hosts = [make_host(name) for name in ("a", "b", "c")]
    for at, host in enumerate(hosts):
        host.receive(f"from-{hosts[at - 1].bus.path.name}")
    for host in hosts:
        host.send(f"from-{host.bus.path.name}", relay=True)
    for at, host in enumerate(hosts):
        host.bus.publish(tick(1.0 + at))
    wait_for(lambda: all(len(prices(host)) == 3 for host in hosts))
    hosts[0].bus.publish(tick(9.0))
    wait_for(lambda: all(len(prices(host)) == 4 for host in hosts))
    assert [sorted(prices(host)) for host in hosts] == [[1.0, 2.0, 3.0, 9.0]] * 3
    assert {event.source for event in hosts[2].events()} == {"c", "b@from-b", "a@from-a@from-b"}


def test_several_senders_and_several_receivers(make_host: MakeHost, wait_for: WaitFor) -> None:
    """One host receives from two, and two receive from one."""
    left, right, middle, other = (make_host(name) for name in ("left", "right", "middle", "other"))
    for name in ("l", "r"):
        middle.receive(name)
    other.receive("l")
    left.send("l")
    right.send("r")
    for at in range(20):
        left.bus.publish(tick(float(at)))
        right.bus.publish(tick(100.0 + at))
    wait_for(lambda: len(prices(middle)) == 40 and len(prices(other)) == 20)
    assert [one for one in prices(middle) if one < 100] == prices(left) == prices(other)
    assert [one for one in prices(middle) if one >= 100] == prices(right)


@pytest.mark.parametrize("begin", [True, False])
def test_the_first_contact(make_host: MakeHost, wait_for: WaitFor, begin: bool) -> None:
    """A new receiver begins with what Redis holds, or asks for all that the sender's journal does."""
    far, near = make_host("far"), make_host("near")
    far.bus.publish(tick(1.0))
    far.send("hk1")
    far.bus.publish(tick(2.0))
    wait_for(lambda: far.parts[0].sent_events == 1)
    near.receive("hk1", begin=begin)
    far.bus.publish(tick(3.0))
    wait_for(lambda: prices(near) == ([1.0, 2.0, 3.0] if begin else [2.0, 3.0]))


@pytest.mark.parametrize(("world", "here", "passes"), [(1, 2, True), (2, 2, True), (2, 1, False), (3, 2, False), (1, 1, True)])
def test_worlds_are_kept_apart(make_host: MakeHost, wait_for: WaitFor, world: int, here: int, passes: bool) -> None:
    """Paper prices do not come into a live system by accident, live ones into a paper one do; it is told."""
    far, near = make_host("far", World(world)), make_host("near", World(here))
    near.receive("hk1")
    far.send("hk1")
    far.bus.publish(tick(1.0))
    wait_for(lambda: prices(near) == [1.0] if passes else bool(near.alerts()))
    if not passes:
        name = World(world).name.lower()
        assert f"it is of a {name} bus" in near.alerts()[0]
        assert prices(near) == []


def test_the_journal_says_where_events_come_from(make_host: MakeHost, wait_for: WaitFor) -> None:
    """A mark stands before them, and a copy of the journal keeps it."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1")
    far.send("hk1")
    far.bus.publish(tick(1.0))
    wait_for(lambda: len(near.events()) == 1)
    with EventBus(near.bus.path, create=False, read_only=True) as bus, bus.reader() as reader:
        found = reader.find_bridged(USUAL[0].LANE, 1, "@hk1")
    marks = [json.loads(text) for _, text, _ in found if text]
    assert (marks[0]["bridge"], marks[0]["bus"], marks[0]["epoch"]) == ("hk1", far.bus.bus_id, 1)
    assert found[-1][1:] == (None, 1)
