"""The walk through docs/models.md: from recorded bars to a trained model that trades on paper; and what the commands refuse."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, Fill, LogEvent, ModelStatusEvent, OrderRequest, SignalEvent
from gcg_quant.strategy_engine.models.bar_features import BAR_FEATURES
from gcg_quant.strategy_engine.models.chan_features import CHAN_FEATURES

from .conftest import ROOT, Console, System, call
from .test_replay import cut

PAGE = (ROOT / "docs/models.md").read_text()
YEARS = r"201[345]-0"  # of the file: the rest would be trained on for nothing


def commands() -> list[list[str]]:
    """Return the command lines of the page, in order."""
    return [shlex.split(line)[3:] for line in PAGE.splitlines() if line.startswith("python -m gcg_quant ")]


def wait_for_the_end(home: Path, lines: list[str]) -> None:
    """Wait until the replay has ended; an error in the log fails."""
    with EventBus(home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[LogEvent]) as reader:
        for event in reader.follow(60.0):
            assert isinstance(event, LogEvent)
            assert event.level != "error", event.message
            if "replay has ended" in event.message:
                return
    pytest.fail("the replay did not end: " + "\n".join(lines))


@pytest.mark.slow
def test_walk_through(tmp_path: Path, shared_data: Path) -> None:
    """As the page says: trained, listed, served on a replay, a signal after each bar, orders from the signals, stopped and served again."""
    home = tmp_path / "gcg_home"
    cut(shared_data / "stock/SPY_hour.csv.gz", tmp_path / "SPY_hour.csv.gz", YEARS)
    ((name, text),) = re.findall(r"`(\w+\.toml)`.*?^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / name).write_text(text)
    system: System | None = None
    try:
        for words in commands():
            if words[0] == "run":
                assert system is None
                system = System(home, "--one-process", *words[1:], cwd=tmp_path)
                wait_for_the_end(home, system.lines)
                continue
            done = call(home, *words, cwd=tmp_path)
            assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        assert system is not None
        shown = json.loads(call(home, "components", "--json", cwd=tmp_path).stdout)["components"]
        (component,) = (row for row in shown if row["component"] == "models")
        assert (component["state"], component["errors"]) == ("running", 0)
        broken = home / "models/spy-hour/2/record.json"
        broken.parent.mkdir()
        broken.write_text("{")
        rows = httpx.get(f"{system.url}/api/v1/models").json()
        assert [(row["id"], row["version"], row["state"]) for row in rows] == [
            ("spy-chan", 1, ""),
            ("spy-hour", 2, "damaged"),
            ("spy-hour", 1, "warming_up"),
        ]
        assert (rows[1]["score"], str(broken) in rows[1]["detail"]) == (None, True)
        detail = httpx.get(f"{system.url}/api/v1/models/spy-hour?version=1").json()
        assert len(detail["folds"]) == 5
        assert httpx.post(f"{system.url}/api/v1/models/spy-hour/stop").json()["detail"] == "spy-hour@1 is no longer served"
        assert httpx.post(f"{system.url}/api/v1/models/spy-hour/stop").status_code == 409
        assert httpx.post(f"{system.url}/api/v1/models/nothing/serve", json={}).status_code == 404
    finally:
        if system is not None:
            system.close()
    kinds = [Bar, SignalEvent, OrderRequest, Fill, ModelStatusEvent]
    with EventBus(home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        events = list(reader)
    bars = [event.id for event in events if isinstance(event, Bar)]
    signals = {event.id: event for event in events if isinstance(event, SignalEvent)}
    assert len(bars) > 250
    assert [signal.cause for signal in signals.values()] == bars
    requests = [event for event in events if isinstance(event, OrderRequest)]
    assert requests
    assert all(request.cause in signals for request in requests)
    assert len([event for event in events if isinstance(event, Fill)]) == len(requests)
    told = [event.state for event in events if isinstance(event, ModelStatusEvent)]
    assert told == ["warming_up", "serving", "stopped", "warming_up", "stopped"]


def test_the_page_lists_every_feature() -> None:
    """Each feature of bars and of Chan theory stands in the table, with its words."""
    for name, bar_feature in BAR_FEATURES.items():
        assert f"| `{name}{'(N)' if bar_feature.takes_bars else ''}` | {bar_feature.text} |" in PAGE
    for name, chan_feature in CHAN_FEATURES.items():
        assert f"| `chan.{name}(DAYS)` | {chan_feature.text} |" in PAGE


def test_a_broken_record_hides_no_other(console: Console, tmp_path: Path) -> None:
    """The list goes on, with the damaged version's state and place; to show or serve it is refused with the same sentence."""
    for version, text in {2: "{", 1: "[]"}.items():
        path = tmp_path / f"home/models/spy/{version}/record.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    rows = json.loads(console("models", "list", "--json").stdout)
    assert [(row["version"], row["state"], row["symbol"]) for row in rows] == [(2, "damaged", None), (1, "damaged", None)]
    assert rows[1]["detail"].startswith(f"{path} is not the record of a model")
    shown = console("models", "list")
    assert (shown.returncode, shown.stdout.count("damaged")) == (0, 2)
    refused = console("models", "show", "spy")
    assert refused.returncode == 1
    assert rows[0]["detail"] in refused.stderr


def test_commands_refuse_with_a_sentence(console: Console) -> None:
    """Nothing stored, no model, no system: one line each, and exit code 1."""
    empty = console("models", "list")
    assert "No model is kept yet" in empty.stdout
    for words, message in {
        ("train", "x", "--symbol", "SPY"): "Nothing is stored of 'SPY'",
        ("train", "x", "--symbol", "SPY", "--from", "soon"): "--from takes a moment such as",
        ("train", "x", "--symbol", "SPY", "--feature", "retrun(3)"): "Did you mean 'return'?",
        ("train", "x", "--symbol", "SPY", "--param", "rounds"): "NAME=VALUE",
        ("show", "x"): "There is no model 'x'",
        ("serve", "x"): "There is no model 'x'",
        ("stop", "x"): "No system runs on",
    }.items():
        done = console("models", *words)
        assert done.returncode == 1, words
        assert message in done.stderr, (words, done.stderr)
        assert len(done.stderr.splitlines()) == 1
