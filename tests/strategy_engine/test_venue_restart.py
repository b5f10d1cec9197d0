"""Kills of the engine and of the venue, at any moment: nothing is lost, doubled or unknown, and in lockstep nothing is even different.

A few kills by default; with GCG_TORTURE_S in the environment (`make torture`) 200 at random moments and 1,000 between handling and cursor.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_venue.audit import account_state, check_recovery, check_venue, market_day, state_hash
from fake_venue.engine import KeepingEngine, gateway_of
from fake_venue.floor import live_bus
from fake_venue.gateway import LockstepGateway
from fake_venue.process import VenueProcess, environment

from gcg_quant.events import AlertEvent, Event, Fill, Lane, OrderCommand, OrderEvent, OrderStatus

from .mortal import Killed, Mortal

FULL = "GCG_TORTURE_S" in os.environ
KILLS = 200 if FULL else 6
CURSOR_DEATHS = 1000 if FULL else 20
Wait = Callable[..., None]


class MortalEngine(Mortal, KeepingEngine):
    """An engine in lockstep that dies before it publishes event number `life`, or before it stores its cursor for the `commits`-th time."""

    def __init__(self, port: int, life: int = -1, commits: int = -1) -> None:
        super().__init__(gateway_of("lockstep", port))
        self.life, self.commits = life, commits

    def _commit(self) -> None:
        self.commits -= 1
        if self.commits == 0:
            raise Killed
        super()._commit()

    def on_death(self) -> None:
        """Close the connections, as they are closed when a process dies."""
        self._gateway.close()


class World:
    """A live bus and a venue of its own."""

    def __init__(self, folder: Path, wait_until: Wait, seed: int | None = None) -> None:
        folder.mkdir()
        self.bus = live_bus(folder / "bus")
        self.venue = VenueProcess(folder, seed)
        self.wait_until = wait_until

    def run(self, engine: MortalEngine) -> MortalEngine:
        """Let an engine handle all there is, or die."""
        engine.start(self.bus)

        def ended() -> bool:
            health = engine.health()
            return health.state in ("killed", "failed") or (health.state == "running" and health.lag == 0)

        self.wait_until(ended, "the engine's end", 60.0)
        assert engine.stop(20.0)
        assert engine.state in ("killed", "stopped"), [one.message for one in self.read(AlertEvent)]
        return engine

    def publish(self, events: list[Event]) -> None:
        """Publish a day for an account that has been started once, so that it reads the day from its first event."""
        self.run(MortalEngine(self.venue.port))
        for event in events:
            self.bus.publish(event, cause=0)

    def read(self, *kinds: type[Event]) -> list[Any]:
        """Return all events of some classes."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def check(self, engine: KeepingEngine) -> str:
        """Check the promises; return the state's hash."""
        at_venue = {row["client_id"]: row for row in self.venue.ask("orders")}
        check_venue(self.bus, self.venue.record(), at_venue)
        check_recovery(self.bus, engine)
        assert [one.message for one in self.read(AlertEvent) if one.name == "account_halted"] == []
        return state_hash(engine.desk)

    def close(self) -> None:
        """End both."""
        self.venue.kill()
        self.bus.close()


@pytest.fixture
def make_world(tmp_path: Path, wait_until: Wait) -> Iterator[Callable[..., World]]:
    """Return a function that makes a world; all are closed at the end."""
    made: list[World] = []

    def make(seed: int | None = None) -> World:
        made.append(World(tmp_path / f"world{len(made)}", wait_until, seed))
        return made[-1]

    yield make
    for world in made:
        world.close()


def undisturbed(world: World, events: list[Event]) -> tuple[str, dict[str, Any]]:
    """Run a day in one go; return the state's hash and the state."""
    world.publish(events)
    engine = world.run(MortalEngine(world.venue.port))
    return world.check(engine), account_state(engine.desk)


def test_a_day_uses_every_step(make_world: Callable[..., World]) -> None:
    """The day that is disturbed below holds fills, ends, refusals, changes and open orders."""
    world = make_world()
    _, state = undisturbed(world, market_day(1, 120))
    states = {row[0] for row in state["orders"].values()}
    assert {"FILLED", "CANCELLED", "REJECTED", "ACCEPTED"} <= states
    reasons = {one.reason for one in world.read(OrderEvent)}
    assert "modified" in reasons
    assert len(world.read(Fill)) > 20


@pytest.mark.slow
def test_engine_killed_between_any_two_events_ends_the_same(make_world: Callable[..., World]) -> None:
    """In lockstep, wherever it dies, the next engine ends in the state of one that never died."""
    events = market_day(27, 16)
    expected, state = undisturbed(whole := make_world(), events)
    published = whole.bus.head(Lane.MARKET) - 1 - len(events)
    whole.close()
    assert published > 50
    for life in range(0, published + 1, 1 if FULL else 14):
        world = make_world()
        world.publish(events)
        world.run(MortalEngine(world.venue.port, life))
        engine = world.run(MortalEngine(world.venue.port))
        assert account_state(engine.desk) == state, life
        assert world.check(engine) == expected
        world.close()


@pytest.mark.slow
@pytest.mark.parametrize("when", ["die_before", "die_after"])
def test_venue_killed_at_any_input_ends_the_same(make_world: Callable[..., World], when: str) -> None:
    """In lockstep, whichever input kills the venue, before or after it is written down, the end is the same."""
    events = market_day(27, 16)
    expected, state = undisturbed(whole := make_world(), events)
    inputs = len(whole.venue.record().inputs)
    whole.close()
    for number in range(1, inputs + 1, 1 if FULL else 16):
        world = make_world()
        world.publish(events)
        world.venue.fault(when, number)
        engine = MortalEngine(world.venue.port)
        engine.start(world.bus)
        world.wait_until(lambda world=world: not world.venue.alive, "the venue's death", 20.0)
        world.venue.start()
        world.wait_until(lambda engine=engine: engine.health().lag == 0, "the engine's end", 60.0)
        assert engine.stop(20.0)
        assert account_state(engine.desk) == state, number
        assert world.check(engine) == expected
        world.close()


@pytest.mark.slow
def test_engine_killed_between_handling_and_cursor_ends_the_same(make_world: Callable[..., World]) -> None:
    """However often it has handled an event and not stored its cursor, nothing is done twice."""
    chance = random.Random(20261126)
    events = market_day(11, CURSOR_DEATHS)
    expected, state = undisturbed(make_world(), events)
    world = make_world()
    world.publish(events)
    deaths = 0
    while True:
        engine = world.run(MortalEngine(world.venue.port, commits=chance.randrange(2, 5)))
        if engine.state == "stopped":
            break
        deaths += 1
    assert deaths >= CURSOR_DEATHS * 0.5
    assert account_state(engine.desk) == state
    assert world.check(engine) == expected


class EngineProcess:
    """The engine in a process of its own."""

    def __init__(self, world: World, kind: str) -> None:
        arguments = [sys.executable, "-m", "fake_venue.engine", str(world.bus.path), str(world.venue.port), kind]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=environment())
        assert self.process.stdout is not None
        self.told = self.process.stdout.readline()

    def kill(self) -> None:
        """Kill it by signal 9."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def kill_both(world: World, feed: Iterator[Event], kind: str, chance: random.Random, *, most_s: float, chaos: int = 0) -> EngineProcess:
    """Feed a world while engine and venue are killed at random moments, KILLS times in all; return the engine that runs then."""
    engine, kills = EngineProcess(world, kind), 0
    while kills < KILLS:
        if chaos:
            world.venue.fault("chaos", chaos)
        for event in (next(feed, None) for _ in range(chance.randrange(5, 60))):
            if event is not None:
                world.bus.publish(event, cause=0)
        time.sleep(chance.uniform(0.0, most_s))  # the moment is the point: anything may be half done in it
        both = chance.random()
        if both < 0.7:
            engine.kill()
            kills += 1
        if both > 0.4:
            world.venue.kill()
            kills += 1
            world.venue.start()
        if both < 0.7:
            engine = EngineProcess(world, kind)
            assert engine.told == b"running\n"
    return engine


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_both_killed_by_signal_9_in_lockstep_end_the_same(make_world: Callable[..., World]) -> None:
    """Processes killed at random moments of a day, over and over: the state hash is that of an undisturbed day."""
    chance = random.Random(4)
    events = market_day(3, 30 * KILLS)
    expected, state = undisturbed(make_world(), events)
    world = make_world()
    feed = iter(events)
    engine = kill_both(world, feed, "lockstep", chance, most_s=0.02)
    for event in feed:
        world.bus.publish(event, cause=0)
    engine.kill()
    last = world.run(MortalEngine(world.venue.port))
    found = account_state(last.desk)
    differing = {name: (row, found["orders"].get(name)) for name, row in state["orders"].items() if row != found["orders"].get(name)}
    assert differing == {}
    assert found == state
    assert world.check(last) == expected


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_both_killed_by_signal_9_while_everything_goes_wrong(make_world: Callable[..., World], wait_until: Wait) -> None:
    """A venue that runs freely, rejects, repeats, delays, forgets to answer and hangs up, and kills of both: nothing is lost or doubled."""
    chance = random.Random(5)
    world = make_world(seed=99)
    feed = iter(market_day(9, 30 * KILLS))
    kill_both(world, feed, "free", chance, most_s=0.05, chaos=50).kill()
    world.venue.fault("chaos", 0)
    last = KeepingEngine(gateway_of("free", world.venue.port))
    last.start(world.bus)
    wait_until(lambda: last.state == "running" and last.health().lag == 0 and last._link is not None and last._link.is_up, "the end", 30.0)
    for one in list(last.desk.orders.open_orders()):
        world.bus.publish(cancel_of(one.client_id))
    wait_until(lambda: last.health().lag == 0 and not last.desk.orders.put_down()[0], "the last orders' end", 30.0)
    assert last.stop(20.0)
    world.check(last)
    record = world.venue.record()
    assert len(record.submitted()) > KILLS / 4
    assert len(record.fills()) > KILLS / 10
    commands = {one.client_id for one in world.read(OrderCommand)}
    states = {one.client_id: one.status for one in world.read(OrderEvent)}
    assert all(states[name] != OrderStatus.SUBMITTING for name in commands)


def cancel_of(client_id: str) -> Event:
    """Return a request to cancel an order, of today."""
    from fake_venue.floor import cancel

    return cancel(client_id, 10**6)


def test_lockstep_gateway_is_real(make_world: Callable[..., World]) -> None:
    """It looks like a simulated venue to the desk, and yet it asks for the live world."""
    assert LockstepGateway.real
