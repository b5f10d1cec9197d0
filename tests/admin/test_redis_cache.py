"""A run with [redis] url keeps the cache, shows it in `status`, and one without does not even know the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gcg_quant.admin.commands.status import parts
from gcg_quant.admin.running.parts import build_parts
from gcg_quant.admin.views.status import system_status
from gcg_quant.admin.views.system_view import SystemView
from gcg_quant.bus import EventBus
from gcg_quant.errors import StorageError
from gcg_quant.events import MetricEvent
from gcg_quant.settings import Settings


def settings(home: Path, **redis: object) -> Settings:
    """Return settings with these keys of [redis]."""
    return Settings.model_validate({"system": {"home": home}, "redis": redis})


def test_the_cache_runs_with_the_storage_if_it_has_a_url(tmp_path: Path) -> None:
    """It is a component of the part `storage`, the last to start; also where recorded data is played and nothing is stored."""
    plain = [one.name for one in build_parts(["storage"], settings(tmp_path))]
    assert "redis" not in plain
    assert [one.name for one in build_parts(["storage"], settings(tmp_path, url="redis://localhost"))] == [*plain, "redis"]
    played = {"data": [{"symbol": "BTC/USDT", "period": "1m"}]}
    replay = Settings.model_validate({"system": {"home": tmp_path}, "redis": {"url": "redis://localhost"}, "replay": played})
    (cache,) = build_parts(["storage"], replay)
    assert cache._world == "replay"  # type: ignore[attr-defined]


def test_a_url_that_only_the_library_can_judge_stops_the_start(tmp_path: Path) -> None:
    """The group's last words are the sentence, without the password."""
    with pytest.raises(StorageError, match=r"'redis://:\*\*\*@h/0\?colour=red' is no URL of Redis"):
        build_parts(["storage"], settings(tmp_path, url="redis://:s3cret@h/0?colour=red"))


def show(facts: dict[str, Any]) -> None:
    """Print what `status` shows of a system."""
    for part in parts("home", facts):
        Console().print(part)


def test_status_shows_the_cache(bus: EventBus, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it is connected, how many keys it holds and how much it writes; nothing where there is none."""
    view = SystemView()
    show(system_status(view, bus))
    assert "redis" not in capsys.readouterr().out
    with bus.reader(events=[MetricEvent]) as reader:
        for name, value in {"redis_connected": 1.0, "redis_keys": 1234.0, "redis_writes_s": 56.0}.items():
            bus.publish(MetricEvent(component="redis", name=name, value=value))
        for event in reader:
            view.apply(event)
    show(system_status(view, bus))
    assert "redis: connected, 1,234 keys, 56 writes/s" in capsys.readouterr().out


def test_the_library_is_imported_if_it_is_wanted_and_asked_for_if_it_is_missing(tmp_path: Path) -> None:
    """A run without a cache is not slower for it; whoever wants one without the library is told what to install."""
    code = f"""
import sys
from gcg_quant.admin.running.parts import build_parts
from gcg_quant.settings import Settings
facts = {{"system": {{"home": {str(tmp_path)!r}}}}}
build_parts(["storage"], Settings.model_validate(facts))
assert "redis" not in sys.modules
sys.modules["redis"] = None
build_parts(["storage"], Settings.model_validate({{**facts, "redis": {{"url": "redis://localhost"}}}}))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith("StorageError: [redis] url is set, and the package redis is not installed: pip install 'redis>=5'.")
