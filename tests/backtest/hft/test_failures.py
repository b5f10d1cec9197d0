"""The native tick engine after a callback has raised, and what it refuses: called by its own callbacks, by a thread, or too late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gcg_quant._native import TickEngine
from gcg_quant.errors import OrderError
from gcg_quant.events import Side, Tick

from .test_agreement import terms, ticks


def engine_of(rows: np.ndarray) -> TickEngine:
    """Return an engine with one instrument and its ticks."""
    engine = TickEngine(cash=1e6, sample_ns=0)
    engine.add_instrument(1, "S", "V", terms())
    engine.add_rows(1, Tick, rows)
    return engine


def test_other_strategies_miss_nothing_when_one_fails() -> None:
    """Every tick is seen once by each; the first failure of an event is the one that is raised."""
    rows = ticks(1, 30)
    engine = engine_of(rows)
    seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}

    def callback(name: str, bad: set[int]) -> Callable[[Tick], None]:
        def on_tick(tick: Tick) -> None:
            seen[name].append(tick.event_ns)
            if len(seen[name]) in bad:
                raise ValueError(f"{name} {len(seen[name])}")

        return on_tick

    engine.add_strategy("a", {"on_tick": callback("a", {7, 30})})
    engine.add_strategy("b", {"on_tick": callback("b", {7, 9})})
    engine.add_strategy("c", {"on_tick": callback("c", set())})
    said = []
    while not engine.finished:
        try:
            engine.run()
        except ValueError as error:
            said.append((str(error), *engine.failure))
            assert engine.done == len(seen["c"])
            assert len(engine.orders()) == 0
    times = rows["event_ns"].tolist()
    assert said == [
        ("a 7", "a", "on_tick", times[6]),
        ("b 9", "b", "on_tick", times[8]),
        ("a 30", "a", "on_tick", times[29]),
    ]
    assert seen == dict.fromkeys("abc", times)


def test_a_run_cannot_be_run_again_meanwhile() -> None:
    """Neither by a callback nor by a thread that runs between two; the run itself goes on."""
    engine = engine_of(ticks(1, 40))
    said: list[str] = []

    def again() -> None:
        with pytest.raises(RuntimeError, match="The engine is running: neither a callback nor a thread can run it"):
            engine.run()
        said.append("refused")

    def on_tick(_: Tick) -> None:
        again()
        thread = threading.Thread(target=again)
        thread.start()
        thread.join()

    engine.add_strategy("a", {"on_tick": on_tick})
    assert engine.run() == 40
    assert len(said) == 80


def test_results_of_a_run_that_moves_are_not_read_by_other_threads() -> None:
    """They are told so; without callbacks the run does not hold the interpreter's lock."""
    rows = ticks(1, 100_000)
    said: list[str] = []
    for _ in range(100):  # until the thread has had its turn
        engine = engine_of(rows)
        over = threading.Event()

        def look(engine: TickEngine = engine, over: threading.Event = over) -> None:
            while not over.is_set():
                try:
                    engine.orders()
                except RuntimeError as error:
                    said.append(str(error))

        thread = threading.Thread(target=look)
        thread.start()
        assert engine.run() == len(rows)
        over.set()
        thread.join()
        assert len(engine.orders()) == 0
        if said:
            break
    assert set(said) == {"The engine is running in another thread: look at it in a callback, or after run()."}


def test_nothing_is_added_once_a_run_has_begun() -> None:
    """Instruments, data and strategies come before it."""
    engine = engine_of(ticks(1, 5))
    engine.run(1)
    late: list[Callable[[], object]] = [
        lambda: engine.add_instrument(2, "T", "V", terms()),
        lambda: engine.add_rows(1, Tick, ticks(2, 5)),
        lambda: engine.add_strategy("late", {}),
    ]
    for add in late:
        with pytest.raises(RuntimeError, match="The run has begun"):
            add()
    assert engine.run() == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"time_in_force": 9}, "time in force is GTC"),
        ({"time_in_force": 256}, "time in force is GTC"),
        ({"offset": -1}, "offset is NONE"),
        ({"type": 258}, "market, limit, stop"),
        ({"side": 257}, "buys or sells"),
    ],
)
def test_numbers_that_name_nothing_are_no_orders(given: dict[str, int], message: str) -> None:
    """Also those whose lowest byte would name something."""
    engine = engine_of(ticks(1, 5))
    desk = engine.add_strategy("a", {})
    engine.run(1)
    asked: dict[str, Any] = {"side": int(Side.BUY), **given}
    side = asked.pop("side")
    with pytest.raises(OrderError, match=message):
        desk.send_order("S", side, 100.0, 1.0, **asked)


def test_an_id_that_is_none_cancels_nothing() -> None:
    """Signs, blanks and numbers beyond 64 bits are no part of an id; levels and flags are checked as well."""
    engine = engine_of(ticks(1, 5))
    desk = engine.add_strategy("a", {})
    engine.run(1)
    order = desk.send_order("S", Side.BUY, 1.0, 1.0)
    for wrong in ["a--1", "a-+1", "a- 1", "a-18446744073709551615", "a-0", "a-2", "b-1", "a-", "a", ""]:
        assert not desk.cancel(wrong)
    assert desk.cancel(order)
    with pytest.raises(ValueError, match="0 or more"):
        desk.book("S", -1)
