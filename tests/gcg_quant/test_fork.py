"""After fork() the child never shares its parent's bus: it gets a sentence, or opens its own."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import Tick

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def _tick(number: int) -> Tick:
    return Tick(symbol="A", venue="V", event_ns=number)


def _in_child(run: Callable[[], Any]) -> Any:
    # Run a function in a forked child and return its result by way of JSON.
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = json.dumps(run())
        except BaseException:
            answer = json.dumps({"failed": traceback.format_exc()})
        os.write(write_end, answer.encode())
        os._exit(0)  # no destructor, no pytest
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = json.loads(pipe.read())
    assert os.waitpid(pid, 0)[1] == 0
    assert not isinstance(answer, dict), answer["failed"]
    return answer


def _sentence(call: Callable[[], Any]) -> str:
    try:
        return f"no error, but {call()!r}"
    except GcgQuantError as error:
        return f"{type(error).__name__}: {error}"


def test_inherited_bus_and_reader_are_refused(bus: EventBus) -> None:
    """Whatever the child tries with what it inherited is one sentence that says what to do, and the parent does not notice."""
    bus.publish_many([_tick(number) for number in range(10)])
    with bus.reader("recorder", durable=True, start="begin") as reader:
        reader.read_many(4)
        reader.commit()

        def use() -> list[str]:
            return [
                _sentence(lambda: bus.publish(_tick(99))),
                _sentence(lambda: bus.publish_many([_tick(99)])),
                _sentence(lambda: bus.reader(start="begin")),
                _sentence(lambda: reader.read()),
                _sentence(lambda: reader.read(timeout_s=0.1)),
                _sentence(lambda: reader.read_batches(Tick)),
                _sentence(lambda: reader.seek_begin()),
                _sentence(lambda: reader.commit()),
                _sentence(lambda: bus.sync()),
            ]

        for sentence in _in_child(use):
            assert sentence.startswith("JournalError: "), sentence
            assert "was opened before fork(): the child process opens it again for itself" in sentence
        assert [event.event_ns for event in reader] == list(range(4, 10))
        reader.commit()
        bus.publish(_tick(10))
        assert [event.event_ns for event in reader] == [10]
    with bus.reader("recorder", durable=True) as again:
        assert [event.event_ns for event in again] == [10]  # where the parent committed, and nobody else


def test_child_opens_a_bus_and_readers_of_its_own(bus: EventBus) -> None:
    """Its own bus publishes and reads beside the parent's; the parent's durable name stays the parent's."""
    bus.publish(_tick(1))
    with bus.reader("recorder", durable=True, start="begin") as reader:

        def work() -> list[Any]:
            with EventBus(bus.path, create=False, source="child") as own:
                own.publish(_tick(2))
                taken = _sentence(lambda: own.reader("recorder", durable=True))
                with own.reader("of the child", durable=True, start="begin") as mine:
                    seen = [event.event_ns for event in mine]
                    mine.commit()
            return [taken, seen]

        taken, seen = _in_child(work)
        assert taken.startswith("JournalBusyError: ")
        assert seen == [1, 2]
        bus.publish(_tick(3))
        assert [(event.event_ns, event.source) for event in reader] == [(1, "test"), (2, "child"), (3, "test")]
    with bus.reader("of the child", durable=True) as left:
        assert [event.event_ns for event in left] == [3]


def test_arrays_of_the_parent_are_right_in_the_child(tmp_path: Path) -> None:
    """A view on the pages is memory of the child, too, and outlives bus and reader there."""
    bus = EventBus(tmp_path / "bus", page_mb=1, sync="none")
    bus.publish_many([_tick(number) for number in range(50)])
    reader = bus.reader(start="begin")
    (view,) = reader.read_batches(Tick)

    def total() -> int:
        reader.close()
        bus.close()
        return int(view.records["event_ns"].sum())

    assert _in_child(total) == 1225
    assert bus.publish(_tick(50))  # the child's close() was its own
    bus.close()
    assert int(view.records["event_ns"].sum()) == 1225
