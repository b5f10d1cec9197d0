"""The served model on a bus: its signals are what training would say, it warms up, comes back, and is silent where it must be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest.models import dataset_of
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, GapEvent, LogEvent, ModelControlEvent, ModelStatusEvent, Side, SignalEvent, SystemEvent
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.models import ModelStore, check_features
from gcg_quant.strategy_engine.models.served_past import ServeRequest
from gcg_quant.strategy_engine.models.server import ModelServer

HOUR_NS = 3_600_000_000_000
Read = Callable[..., list[Any]]
Make = Callable[..., ModelServer]


@pytest.fixture
def make(trained: Any, bus: EventBus) -> Any:
    """Return a function that starts a server without a thread, on a history of the first bars."""
    made: list[ModelServer] = []

    def start(history: MemoryHistory | None = None, *, serve: bool = True, store: ModelStore | None = None) -> ModelServer:
        requests = [ServeRequest("xyz")] if serve else []
        server = ModelServer(store or trained.store, serve=requests, bar_periods=("1h",), event_time=True)
        server.start(bus, history, threaded=False)
        made.append(server)
        return server

    yield start
    for server in made:
        server.stop()


def states(journal: Read) -> list[str]:
    """Return the states that were told, in order."""
    return [event.state for event in journal(ModelStatusEvent)]


def test_signals_are_what_training_would_say(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Bars from the bus after stored ones: each leads to a signal, whose inputs and probability are those of training, value by value."""
    server = make(trained.history(900))
    ids = [bus.publish(trained.bar(place)) for place in range(900, 1000)]
    while server.turn():
        pass
    signals = journal(SignalEvent)
    data = dataset_of(trained.bars, check_features(trained.record.features), 2)
    rows = {int(bar): row for bar, row in zip(data.bars, data.features, strict=True)}
    _, model = trained.store.load("xyz")
    assert [signal.cause for signal in signals] == ids
    for place, signal in enumerate(signals, start=900):
        inputs = np.array(list(signal.data["inputs"].values()), np.float32)
        assert inputs.tobytes() == rows[place].tobytes()
        assert list(signal.data["inputs"]) == trained.record.features
        probability = model.probability(rows[place])
        assert signal.data["probability"] == probability
        assert (signal.data["model"], signal.data["version"]) == ("xyz", 1)
        assert signal.data["sha256"] == trained.record.sha256[:16]
        assert signal.direction == (Side.BUY if probability > 0.5 else Side.SELL)
        assert signal.strength == abs(2 * probability - 1)
        assert (signal.strategy, signal.symbol, signal.venue, signal.source) == ("xyz", "XYZ", "SIM", "models")
        assert (signal.event_ns, signal.price) == (trained.bars["event_ns"][place], trained.bars["close"][place])
    assert states(journal) == ["warming_up", "serving"]
    health = server.health()
    assert (health.handled, health.errors) == (100, 0)


def test_without_history_it_warms_up_and_says_so(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Not a signal before enough bars have come, for the Chan elements too; from then on one for each."""
    server = make(None)
    for place in range(200):
        bus.publish(trained.bar(place))
    while server.turn():
        pass
    data = dataset_of(trained.bars, check_features(trained.record.features), 2)
    assert [signal.data["bar_ns"] for signal in journal(SignalEvent)] == trained.bars["start_ns"][data.bars[0] : 200].tolist()
    assert states(journal) == ["warming_up", "serving"]
    texts = [event.message for event in journal(LogEvent)]
    assert "xyz@1 gives no signals yet: waiting for the first bar" in texts
    assert texts[-1] == "xyz@1 gives signals"


def test_it_comes_back_after_a_restart(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Asked for by command, it is served again; bars from while it was away lead to no signals, but are known; none comes twice."""
    history = trained.history(800)
    bus.publish(SystemEvent(action="start"))
    first = make(history, serve=False)
    asked = bus.publish(ModelControlEvent(action="serve", model="xyz"))
    first.turn()
    for place in range(800, 850):
        bus.publish(trained.bar(place))
    while first.turn():
        pass
    first.stop()
    for place in range(850, 870):
        bus.publish(trained.bar(place))
    second = make(history, serve=False)
    for place in range(870, 900):
        bus.publish(trained.bar(place))
    while second.turn():
        pass
    assert [(answer.control, answer.ok, answer.detail) for answer in journal(Applied)] == [(asked, True, "xyz@1 is served on XYZ@SIM")]
    signals = journal(SignalEvent)
    expected = [*range(800, 850), *range(870, 900)]
    assert [signal.data["bar_ns"] for signal in signals] == trained.bars["start_ns"][expected].tolist()
    data = dataset_of(trained.bars, check_features(trained.record.features), 2)
    rows = {int(bar): row for bar, row in zip(data.bars, data.features, strict=True)}
    for place, signal in zip(expected, signals, strict=True):
        assert np.array(list(signal.data["inputs"].values()), np.float32).tobytes() == rows[place].tobytes()
    assert states(journal) == ["warming_up", "serving", "warming_up", "serving"]


def test_a_stopped_model_stays_away(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Stopped by command it gives no signal, also when its process alone starts again; the settings decide when all starts again."""
    bus.publish(SystemEvent(action="start"))
    server = make(trained.history(800))
    bus.publish(ModelControlEvent(action="stop", model="xyz"))
    server.turn()
    bus.publish(trained.bar(800))
    server.turn()
    server.stop()
    again = make(trained.history(800))
    bus.publish(trained.bar(801))
    again.turn()
    assert journal(SignalEvent) == []
    again.stop()
    bus.publish(SystemEvent(action="start"))
    anew = make(trained.history(800))
    bus.publish(trained.bar(802))
    anew.turn()
    assert len(journal(SignalEvent)) == 1
    assert states(journal) == ["warming_up", "stopped", "warming_up", "serving"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"action": "serve", "model": "xyy"}, "no model 'xyy'. Did you mean 'xyz'?"),
        ({"action": "serve", "model": "xyz", "version": 5}, "has no version 5"),
        ({"action": "stop", "model": "xyz"}, "is not served"),
        ({"action": "sreve", "model": "xyz"}, "Did you mean 'serve'?"),
    ],
)
def test_what_cannot_be_done_is_answered(bus: EventBus, make: Make, journal: Read, command: dict[str, Any], message: str) -> None:
    """A command that makes no sense is refused with its reason, and changes nothing."""
    server = make(serve=False)
    bus.publish(ModelControlEvent(**command))
    server.turn()
    (answer,) = journal(Applied)
    assert not answer.ok
    assert message in answer.detail
    assert states(journal) == []


def test_a_changed_file_is_not_served(trained: Any, bus: EventBus, make: Make, journal: Read, tmp_path: Path) -> None:
    """With another byte in its file a model of the settings is refused, which is told, and the component runs on."""
    shutil.copytree(trained.folder, tmp_path / "models")
    store = ModelStore(tmp_path / "models")
    path = store.place("xyz", 1) / "model.onnx"
    path.write_bytes(path.read_bytes() + b"x")
    server = make(trained.history(800), store=store)
    bus.publish(trained.bar(800))
    server.turn()
    assert server.state == "running"
    (status,) = journal(ModelStatusEvent)
    assert status.state == "refused"
    assert "is not the file that was trained" in status.detail
    assert any(event.level == "error" and "is not the file that was trained" in event.message for event in journal(LogEvent))
    assert journal(SignalEvent) == []


def test_missing_bars_are_told_and_silence_it(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Bars that a gap has swallowed: no signal until so many newer ones have come that none of the missing ones matters."""
    server = make(trained.history(800))
    bus.publish(trained.bar(800))
    begin, end = int(trained.bars["start_ns"][801]), int(trained.bars["event_ns"][803])
    bus.publish(GapEvent(symbol="XYZ", venue="SIM", kind="disconnect", start_ns=begin, end_ns=end))
    for place in range(804, 1000):
        bus.publish(trained.bar(place))
    while server.turn():
        pass
    told = [(event.state, event.detail) for event in journal(ModelStatusEvent)]
    assert [state for state, _ in told] == ["warming_up", "serving", "waiting", "serving"]
    assert told[2][1].startswith("XYZ: bars are missing from 1970-02-03T10:00:00Z to 1970-02-03T13:00:00Z")
    times = [signal.data["bar_ns"] for signal in journal(SignalEvent)]
    silent = (times[1] - times[0]) // HOUR_NS - 4  # the bars that came in between without a signal
    assert silent + 1 == server._served["xyz"]._feeds["XYZ", "SIM"]._rows.needed


def test_bars_that_are_stored_after_all_end_the_silence(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """What was missing has been filled in: the next signal is again what training would say."""
    history = trained.history(800)
    server = make(history)
    bus.publish(trained.bar(800))
    begin, end = int(trained.bars["start_ns"][801]), int(trained.bars["event_ns"][803])
    bus.publish(GapEvent(symbol="XYZ", venue="SIM", kind="disconnect", start_ns=begin, end_ns=end))
    for place in range(804, 807):
        bus.publish(trained.bar(place))
    while server.turn():
        pass
    assert len(journal(SignalEvent)) == 1
    history.add_bars("XYZ", "SIM", trained.bars[800:807])
    bus.publish(trained.bar(807))
    server.turn()
    signal = journal(SignalEvent)[-1]
    data = dataset_of(trained.bars, check_features(trained.record.features), 2)
    row = data.features[np.flatnonzero(data.bars == 807)[0]]
    assert np.array(list(signal.data["inputs"].values()), np.float32).tobytes() == row.tobytes()


def test_a_system_that_was_down_knows_what_it_missed(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """The store ends long before the first bar, while the market was open: bars are missing, and there is no signal."""
    server = make(trained.history(800))
    bus.publish(trained.bar(820))
    server.turn()
    assert journal(SignalEvent) == []
    assert journal(ModelStatusEvent)[-1].state == "waiting"
    assert "bars are missing" in journal(ModelStatusEvent)[-1].detail


def test_a_bar_that_makes_no_sense_is_an_error(trained: Any, bus: EventBus, make: Make, journal: Read) -> None:
    """Impossible prices lead to no signal; the component counts an error and says which bar it was."""
    from gcg_quant.events import Bar

    server = make(trained.history(800))
    start_ns = int(trained.bars["start_ns"][800])
    bad = Bar(
        symbol="XYZ", venue="SIM", period="1h", start_ns=start_ns, event_ns=start_ns + HOUR_NS, open=1.0, high=0.5, low=2.0, close=1.0
    )
    bus.publish(bad)
    server.turn()
    assert journal(SignalEvent) == []
    assert server.health().errors == 1
    assert "has no sensible prices" in journal(ModelStatusEvent)[-1].detail
    bus.publish(trained.bar(801))
    server.turn()


def test_bars_of_its_period_are_made_of_shorter_ones(trained: Any, bus: EventBus, journal: Read) -> None:
    """Where the bus carries half hours, an hour's bar is put together, and the signal comes with its second half."""
    from gcg_quant.events import Bar

    server = ModelServer(trained.store, serve=[ServeRequest("xyz")], bar_periods=("30m",), event_time=True)
    server.start(bus, trained.history(900), threaded=False)
    for place in range(900, 905):
        row = trained.bars[place]
        begin, high, low, close = (float(row[name]) for name in ("open", "high", "low", "close"))
        for half in range(2):
            start_ns = int(row["start_ns"]) + half * HOUR_NS // 2
            prices = (begin, high, low, high) if not half else (high, high, low, close)
            fields = dict(zip(("open", "high", "low", "close"), prices, strict=True))
            bus.publish(
                Bar(symbol="XYZ", venue="SIM", period="30m", start_ns=start_ns, event_ns=start_ns + HOUR_NS // 2, volume=0.5, **fields)
            )
    while server.turn():
        pass
    server.stop()
    signals = journal(SignalEvent)
    data = dataset_of(trained.bars, check_features(trained.record.features), 2)
    rows = {int(bar): row for bar, row in zip(data.bars, data.features, strict=True)}
    assert [signal.data["bar_ns"] for signal in signals] == trained.bars["start_ns"][900:905].tolist()
    for place, signal in enumerate(signals, start=900):
        assert np.array(list(signal.data["inputs"].values()), np.float32).tobytes() == rows[place].tobytes()
