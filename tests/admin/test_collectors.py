"""A collector of a real venue in the running system: in a process of its own, seen, stopped, started, tried out and killed."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.events import Bar, GapEvent, SystemEvent, TradeTick

from .conftest import System, call
from .test_kill_switch import wait_for

FOLDER = Path(__file__).parents[1] / "data_collector" / "live"
SETTINGS = """
[system.groups]
market = ["collectors"]
services = ["storage"]
[collectors]
urls = {{ tiny = "tiny://127.0.0.1:{port}" }}
[[collectors.run]]
name = "tiny"
kind = "tiny:TinyCollector"
symbols = ["A"]
process = true
"""


class Place:
    """A tiny venue that trades all the time, and a system that collects from it."""

    def __init__(self, folder: Path) -> None:
        from tiny import TinyVenue

        self.venue = TinyVenue()
        self.home = folder / "home"
        self.config = folder / "gcg_quant.toml"
        self.config.write_text(SETTINGS.format(port=self.venue.port))
        self.ended = threading.Event()
        threading.Thread(target=self._trade, daemon=True).start()
        self.system = System(self.home, "--config", str(self.config))

    def _trade(self) -> None:
        while not self.ended.wait(0.02):
            try:
                self.venue.send({"s": "A", "i": str(now_ns()), "t": now_ns(), "p": 10.0, "q": 1.0})
            except OSError:
                continue  # the collector was killed

    def console(self, *words: str, code: int = 0) -> str:
        """Run a console command and return what it printed."""
        result = call(self.home, "--config", str(self.config), *words)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def row(self) -> dict[str, Any]:
        """Return the collector's row."""
        found: dict[str, Any] = json.loads(self.console("collectors", "list", "--json"))[0]
        return found

    def events(self, kind: Any) -> list[Any]:
        """Return the events of a kind."""
        with EventBus(self.home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    def close(self) -> None:
        """End all."""
        self.ended.set()
        self.system.close()
        self.venue.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start the system."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FOLDER))
        patch.syspath_prepend(str(FOLDER))
        opened = Place(tmp_path_factory.mktemp("collectors"))
        try:
            yield opened
        finally:
            opened.close()


@pytest.mark.slow
def test_a_collector_with_a_process_of_its_own_is_killed_and_tells_what_it_missed(place: Place) -> None:
    """It is restarted alone; the gap from its last event to the first one after is told."""
    wait_for(lambda: place.events(TradeTick), "trades")
    groups = {one.component: one.data["pid"] for one in place.events(SystemEvent) if one.action == "group_started"}
    assert set(groups) == {"market", "services", "collector-tiny"}
    os.kill(groups["collector-tiny"], signal.SIGKILL)
    wait_for(lambda: place.events(GapEvent), "the gap")
    (gap,) = place.events(GapEvent)
    wait_for(lambda: gap.end_ns in [one.event_ns for one in place.events(TradeTick)], "the trade that ends the gap, which comes behind it")
    times = [one.event_ns for one in place.events(TradeTick)]
    assert gap.start_ns in times
    assert not [one for one in times if gap.start_ns < one < gap.end_ns]
    assert (gap.kind, gap.detail) == ("disconnect", "tiny was started again")
    again = [one for one in place.events(SystemEvent) if one.action == "group_started"]
    assert [one.component for one in again].count("market") == 1


@pytest.mark.slow
def test_it_is_seen_stopped_started_and_tried_out_by_the_console(place: Place) -> None:
    """`list`, `status`, `stop`, `start`, `test`, and a sentence for a name that there is not."""
    wait_for(lambda: place.row()["connection"] == "connected", "the connection")
    row = place.row()
    assert (row["kind"], row["venue"], row["symbols"], row["reconnects"]) == ("tiny:TinyCollector", "tiny", ["A"], 0)
    assert "connected" in place.console("collectors", "status", "tiny")
    assert "tiny is stopped" in place.console("collectors", "stop", "tiny", "--yes")
    assert place.row()["connection"] is None
    assert "tiny runs" in place.console("collectors", "start", "tiny")
    wait_for(lambda: place.row()["connection"] == "connected", "the connection")
    said = place.console("collectors", "test", "tiny")
    for step in (
        "ok   package",
        "ok   credentials",
        "ok   connected",
        "ok   clock",
        "ok   symbols: A",
        "ok   first event: TradeTick of A@tiny",
    ):
        assert step in said
    assert "There is no collector 'tny' in the settings. Did you mean 'tiny'?" in place.console("collectors", "test", "tny", code=1)
    assert "Did you mean 'tiny'?" in place.console("collectors", "stop", "tny", "--yes", code=1)


@pytest.mark.slow
def test_history_is_filled_in_by_hand(place: Place) -> None:
    """What is stored already is not asked for again; a period that the venue does not keep is a sentence."""
    words = ("collectors", "backfill", "tiny", "A", "--from", "2026-01-05T00:00", "--to", "2026-01-05T02:00")
    assert "120 rows of A@tiny were filled in." in place.console(*words)
    assert len(place.events(Bar)) == 120
    wait_for(lambda: "All of A@tiny is there already." in place.console(*words), "the recorder")
    assert "keeps no history of '5m'" in place.console(*words, "--period", "5m", code=1)


@pytest.mark.slow
def test_a_venue_that_is_away_is_one_sentence(place: Place, tmp_path: Path) -> None:
    """`collectors test` ends at the first step that fails."""
    config = tmp_path / "away.toml"
    config.write_text(SETTINGS.format(port=1))
    result = call(tmp_path / "home", "--config", str(config), "collectors", "test", "tiny")
    assert result.returncode == 1
    assert "tiny cannot connect to tiny://127.0.0.1:1: [Errno 111] Connection refused." in result.stderr
