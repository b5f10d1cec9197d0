"""The page's configuration as the server keeps it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, now_ns
from gcg_quant.errors import EventError
from gcg_quant.events import ChartConfigEvent
from gcg_quant.sections import ChartSettings
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.config.chart_config import ChartConfigManager
from gcg_quant.visualization.config.page_config import merged
from gcg_quant.visualization.server import AppServer

CHART = ChartSettings()


def changed(*patches: dict[str, Any]) -> ChartConfigManager:
    """Return a manager that has taken in these changes."""
    manager = ChartConfigManager()
    for patch in patches:
        manager.apply(ChartConfigEvent(client="3", options=patch))
    return manager


def test_a_fresh_page_begins_with_the_settings() -> None:
    """Without a change the document is what [chart] says; the language says which colour is up unless [chart] does."""
    fresh = ChartConfigManager().document(ChartSettings(theme="light", language="zh", period="5m"))
    assert (fresh["theme"], fresh["language"], fresh["up_is_red"]) == ("light", "zh", None)
    assert fresh["layout"]["panes"][0]["period"] == "5m"
    assert ChartConfigManager().document(ChartSettings(up_is_red=True))["up_is_red"] is True
    assert ChartConfigManager().document(ChartSettings(period="1M"))["layout"]["panes"][0]["period"] == "1M"


def test_patches_are_merged_and_null_takes_back() -> None:
    """A merge patch changes what it names; null gives a key back to the settings; lists are replaced."""
    manager = changed(
        {"theme": "light", "colours": {"up": "#112233", "down": "#445566"}}, {"watch": ["A@SIM", "B@SIM"]}, {"watch": ["B@SIM"]}
    )
    manager.apply(ChartConfigEvent(client="rest", options={"colours": {"up": None}, "theme": None}))
    document = manager.document(CHART)
    assert document["theme"] == "dark"
    assert document["colours"] == {"up": None, "down": "#445566", "accent": None}
    assert document["watch"] == ["B@SIM"]
    assert [client for client, _ in manager.take()] == [3, 3, 3, 0]
    assert manager.take() == []


def test_pages_are_told_whole_panes() -> None:
    """Who changes the panes may leave keys out; the open pages get them all, and of everything else what was said."""
    manager = ChartConfigManager()
    manager.apply(
        ChartConfigEvent(client="rest", options={"theme": "light", "layout": {"panes": [{"name": "BTC/USDT@SIM"}]}, "watch": None})
    )
    ((client, patch),) = manager.take()
    assert client == 0
    assert set(patch) == {"theme", "layout", "watch"}
    assert set(patch["layout"]) == {"panes"}
    (pane,) = patch["layout"]["panes"]
    assert (pane["name"], pane["period"], pane["style"], pane["volume"], pane["indicators"]) == ("BTC/USDT@SIM", "1m", "candles", True, [])


def test_merge_patch_follows_its_standard() -> None:
    """Some of the examples of RFC 7386."""
    assert merged({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}) == {"a": {"b": "d"}}
    assert merged({"a": [{"b": "c"}]}, {"a": [1]}) == {"a": [1]}
    assert merged(["a", "b"], ["c", "d"]) == ["c", "d"]
    assert merged({"e": None}, {"a": 1}) == {"e": None, "a": 1}
    assert merged([1, 2], {"a": "b", "c": None}) == {"a": "b"}
    assert merged({}, {"a": {"bb": {"ccc": None}}}) == {"a": {"bb": {}}}


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"colour": {}}, "unknown field `colour`"),
        ({"colours": {"up": "red"}}, r"\$\.colours\.up"),
        ({"layout": {"grid": "9"}}, r"\$\.layout\.grid"),
        ({"layout": {"panes": []}}, r"\$\.layout\.panes"),
        ({"layout": {"panes": [{"period": "soon"}]}}, r"\$\.layout\.panes\[0\]\.period"),
        ({"layout": {"panes": [{"indicators": [{"id": "1"}]}]}}, r"missing required field `name`"),
        ({"drawer": {"height": 5}}, r"\$\.drawer\.height"),
        ({"watch": ["x" * 200]}, r"\$\.watch"),
        ({"layouts": {"large": {"panes": [{"name": "x" * 110}] * 4}} | {str(at): {"panes": [{"indicators": [
            {"id": "1", "name": "N", "parameters": {"p" * 30 + str(one): "v" * 100 for one in range(24)}}] * 24}]} for at in range(2)}},
         "65,536 bytes"),
    ],
)  # fmt: skip
def test_bad_changes_are_refused_with_their_place(patch: dict[str, Any], place: str) -> None:
    """Unknown keys, senseless values and too much are refused with a sentence that names the place; nothing is changed."""
    manager = changed({"theme": "light"})
    with pytest.raises(EventError, match=place):
        manager.check(patch, CHART)
    manager.apply(ChartConfigEvent(client="1", options=patch))  # as an older or newer version may have written it
    assert manager.kept == {"theme": "light"}


def test_the_whole_is_written_down_once_a_day() -> None:
    """What nobody has changed for long is written down again, so that it outlives the journal's old pages."""
    manager = changed({"theme": "light"}, {"zone": "UTC"})
    at = now_ns()
    whole = manager.whole(at)
    assert whole is not None
    assert whole.options == {"theme": "light", "zone": "UTC"}
    assert manager.whole(at + NS_PER_DAY - 1) is None
    assert manager.whole(at + NS_PER_DAY) is not None
    assert ChartConfigManager().whole(at) is None
    other = ChartConfigManager()
    other.load(manager.dump())
    assert other.kept == manager.kept


def test_configuration_over_rest_outlives_a_restart(bus: EventBus, settings: Settings, server: AppServer, until: Any) -> None:
    """PATCH changes it, GET tells all of it, a restarted bridge knows it, and a bad change is 422 with the place."""
    with httpx.Client(base_url=f"{server.url}/api/v1/charts") as web:
        answer = web.patch("/config", json={"theme": "light", "watch": ["BTC/USDT@SIM"]})
        assert answer.json()["theme"] == "light"
        until(lambda: web.get("/config").json()["watch"] == ["BTC/USDT@SIM"])
        bad = web.patch("/config", json={"theme": "pink"})
    assert bad.status_code == 422
    assert "$.theme" in bad.json()["detail"]
    assert 'data-theme="light"' in httpx.get(server.url).text
    again = WebSocketEventBridge(settings, name="again")
    again.start(bus)
    until(lambda: again.state == "running")
    try:
        assert again.config()["theme"] == "light"
    finally:
        again.stop()


def test_what_is_written_down_once_a_day_takes_no_change_back() -> None:
    """The whole configuration as an event is for those who come later: whoever knows some already keeps it and tells nobody."""
    manager = changed({"layout": {"grid": "2h"}})
    whole = ChartConfigEvent(client="", options={"layout": {"grid": "2h"}})
    manager.apply(ChartConfigEvent(client="3", options={"layout": {"grid": "4"}}))
    manager.take()
    manager.apply(whole)
    assert manager.kept["layout"]["grid"] == "4"
    assert manager.take() == []
    fresh = ChartConfigManager()
    fresh.apply(whole)
    assert fresh.kept["layout"]["grid"] == "2h"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_page_run(server: AppServer) -> None:
    """What docs/page.md says to type works as printed, but for the port."""
    text = (Path(__file__).resolve().parents[2] / "docs/page.md").read_text(encoding="utf-8")
    commands = [line.strip() for line in text.splitlines() if line.startswith("    curl ")]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command.replace("localhost:8000", f"127.0.0.1:{server.port}"))
        result = subprocess.run([*words, "--silent", "--fail-with-body"], capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    assert '"theme":"light"' in result.stdout
