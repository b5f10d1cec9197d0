"""Settings over console and REST: values in force, changes through the file and without one, what is refused, the history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.admin.changes.settings_document import SettingsDocument
from gcg_quant.admin.reports.settings_report import setting_rows
from gcg_quant.admin.views.settings_view import SettingsView
from gcg_quant.bus import EventBus
from gcg_quant.errors import SettingsError
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.settings import Settings

from .conftest import Console, System, call
from .test_runtime import wait_for

FILE = """# Ours. Do not sort.

[simulated]  # the market
enabled = true
ticks_per_second = 20.0  # calm
symbols = [
    "BTC/USDT",  # the first
]

[chart]
theme = "light"

[risk]
max_order_value = 5000.0

[[risk.overrides]]
strategy = "grid-btc"
max_open_orders = 4
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a settings file with comments."""
    file = tmp_path / "gcg_quant.toml"
    file.write_text(FILE)
    return file


def refusal(document: SettingsDocument, **changes: Any) -> str:
    """Return why a change is refused; a key is written section__key."""
    with pytest.raises(SettingsError) as error:
        document.plan({name.replace("__", "."): value for name, value in changes.items()})
    return str(error.value)


def test_a_change_keeps_comments_and_order(path: Path) -> None:
    """Only the values change; new keys and sections come behind, a default takes its key out, tables are written whole."""
    document = SettingsDocument(path, environ={})
    plan = document.plan(
        {
            "simulated.ticks_per_second": 50,
            "chart.language": "zh",
            "web.port": 8001,
            "chart.theme": None,
            "risk.max_order_value": "off",
            "risk.overrides": [{"symbol": "ETH/USDT", "max_open_orders": 2}],
        }
    )
    assert plan.restart_needed == ["web.port"]
    assert plan.changes["risk.max_order_value"] is None
    document.write(plan)
    text = path.read_text()
    expected = FILE.replace("ticks_per_second = 20.0", "ticks_per_second = 50.0").replace('theme = "light"', 'language = "zh"')
    expected = expected.replace("max_order_value = 5000.0", 'max_order_value = "off"')
    head = expected.split("[[risk.overrides]]")[0]
    assert text.startswith(head)
    after = Settings.load(path, environ={})
    assert after.risk.overrides[0].symbol == "ETH/USDT"
    assert (after.web.port, after.chart.theme, after.risk.max_order_value) == (8001, "dark", None)
    assert list(path.parent.iterdir()) == [path]


def test_what_makes_no_sense_is_one_sentence_and_changes_nothing(path: Path, tmp_path: Path) -> None:
    """Unknown keys name the nearest, values their limits, secrets and what the environment decides their variable."""
    document = SettingsDocument(path, environ={"GCG_QUANT_WEB__PORT": "8000"})
    assert refusal(document) == 'There is nothing to change: name a key and its value, for example "chart.period" and "5m".'
    assert refusal(document, port=1) == "A setting is named by its section and key, such as chart.period, found 'port'."
    assert refusal(document, chrt__period="5m") == "settings: there is no section [chrt]. Did you mean 'chart'?"
    assert refusal(document, chart__perid="5m") == "settings: [chart] has no key 'perid'. Did you mean 'period'?"
    limit = refusal(document, simulated__ticks_per_second=200_000)
    assert limit == "settings: [simulated] ticks_per_second: input should be less than or equal to 100000, found 200000."
    assert "input should be 'dark' or 'light', found 'blue'" in refusal(document, chart__theme="blue")
    secret = "web.token holds a secret, which no file and no event may: set GCG_QUANT_WEB__TOKEN in the environment."
    assert refusal(document, web__token="abc") == secret
    for url in ("postgresql://me:pass@host/db", "postgresql://me:***@host/db"):
        told = refusal(document, database__url=url)
        assert "set GCG_QUANT_DATABASE__URL in the environment" in told
        assert "pass" not in told
    assert "wins over the file: change it there" in refusal(document, web__port=8001)
    assert "a command of its own" in refusal(document, risk__kill_switch=True)
    assert path.read_text() == FILE
    path.write_text("[web\n")
    with pytest.raises(SettingsError, match="is not valid TOML"):
        SettingsDocument(path)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        SettingsDocument(tmp_path / "no.toml")


def test_a_file_that_has_changed_meanwhile_is_left_alone(path: Path) -> None:
    """Whoever was second is told so; what the first has written stays."""
    first, second = SettingsDocument(path, environ={}), SettingsDocument(path, environ={})
    plan = second.plan({"chart.period": "1h"})
    first.write(first.plan({"chart.period": "5m"}))
    with pytest.raises(SettingsError, match="has changed since it was read; nothing was written"):
        second.write(plan)
    assert Settings.load(path, environ={}).chart.period == "5m"
    assert first.version != second.version
    first.write(first.plan({"chart.period": "15m"}))
    assert Settings.load(path, environ={}).chart.period == "15m"
    odd = path.with_name("odd.toml")
    odd.write_text('chart.period = "5m"\n')
    document = SettingsDocument(odd, environ={})
    document.write(document.plan({"chart.theme": "light"}))
    assert Settings.load(odd, environ={}).chart == Settings().chart.model_copy(update={"period": "5m", "theme": "light"})


def test_history_knows_before_and_after_and_takes_a_refused_command_back(tmp_path: Path) -> None:
    """Each change is told with the value before; a command that is refused is marked, and not in force."""
    view = SettingsView()
    with EventBus(tmp_path / "bus", page_mb=0.25) as bus:
        for event in (
            ConfigChangeEvent(revision=1, changes={"chart.period": "1m", "risk.price_band": 0.1}, origin="a.toml"),
            ConfigChangeEvent(revision=2, changes={"chart.period": "5m"}, origin="file"),
            ConfigChangeEvent(revision=0, changes={"risk.price_band": 0.2}, origin="console"),
            ConfigChangeEvent(revision=0, changes={"trading.resume": "paper"}, origin="console"),
        ):
            bus.publish(event)
        with bus.reader(start="begin", events=[ConfigChangeEvent]) as reader:
            for change in reader:
                assert isinstance(change, ConfigChangeEvent)
                view.on_config(change)
    assert [entry["changes"] for entry in view.history] == [{}, {"chart.period": ["1m", "5m"]}, {"risk.price_band": [0.1, 0.2]}]
    rows = {row["key"]: row for row in setting_rows(view, None, {})}
    assert [(rows[key]["value"], rows[key]["source"]) for key in ("risk.price_band", "web.token")] == [(0.2, "command"), (None, "default")]
    again = SettingsView()
    again.load(view.dump())
    again.on_applied(Applied(control=again.history[-1]["event"], component="trading-paper", ok=False, detail="no"))
    assert again.values["risk.price_band"] == 0.1
    assert again.history[-1]["refused"] == "no"


@pytest.fixture
def system(path: Path) -> Iterator[System]:
    """Run a small system with the file."""
    running = System(path.parent / "home", "--config", str(path), "--one-process")
    yield running
    running.close()


def test_rest_and_console_change_the_file_and_the_system_takes_it_over(system: System, path: Path) -> None:
    """A live key is in force when the answer comes; one that needs a restart is named; the second of two edits is refused."""
    with httpx.Client(base_url=system.url + "/api/v1", timeout=30) as rest:
        answer = rest.get("/settings", params={"limit": 1000})
        rows = {row["key"]: row for row in answer.json()}
        assert set(rows) == {f"{row.section}.{row.key}" for row in Settings.table()}
        assert (rows["simulated.ticks_per_second"]["value"], rows["simulated.ticks_per_second"]["source"]) == (20.0, "file")
        assert (rows["web.port"]["source"], rows["web.token"]["value"]) == ("environment", None)
        checked = rest.post("/settings/check", json={"chart.period": "5m", "simulated.seed": 7}).json()
        assert (checked["changed"], checked["restart_needed"]) == (["simulated.seed", "chart.period"], ["simulated.seed"])
        assert path.read_text() == FILE
        done = rest.patch("/settings", json={"simulated.ticks_per_second": 30}, headers={"If-Match": answer.headers["ETag"]})
        assert done.json() == {"changed": ["simulated.ticks_per_second"], "restart_needed": [], "saved": str(path), "detail": "in force"}
        late = rest.patch("/settings", json={"simulated.ticks_per_second": 40}, headers={"If-Match": answer.headers["ETag"]})
        assert (late.status_code, late.json()["detail"].split(" has ")[1]) == (409, "changed since it was read: read the settings again.")
        wrong = rest.patch("/settings", json={"simulated.ticks_per_second": "many"})
        assert (wrong.status_code, "should be a valid number" in wrong.json()["detail"]) == (422, True)
        assert rest.patch("/settings", json={}).status_code == 422
        page = httpx.Client(base_url=system.url, timeout=30)
        assert 'data-theme="light"' in page.get("/").text
        assert rest.post("/settings/check", json={"bus.sync": "none"}).json()["detail"].startswith("after a restart of the system take")
        newest = rest.get("/settings/history", params={"limit": 1}).json()[0]
        assert (newest["revision"], newest["changes"]) == (2, {"simulated.ticks_per_second": [20.0, 30.0]})
    home = system.home
    told = call(home, "config", "set", "chart.period=5m", "simulated.seed=7")
    assert told.stdout.splitlines() == [
        f"{path}: simulated.seed, chart.period changed; after a restart of the process group that uses it take effect: simulated.seed."
    ]
    assert call(home, "config", "get", "chart.period").stdout == "5m\n"
    assert json.loads(call(home, "config", "history", "--json").stdout)[0]["revision"] == 3
    assert call(home, "config", "set", "chart.theme=default").returncode == 0
    wait_for(lambda: 'data-theme="dark"' in page.get("/").text, 60)
    page.close()
    # What a command has set apart from the file is set with it, too.
    assert call(home, "risk", "set", "max_order_value=100").returncode == 0
    assert call(home, "config", "get", "risk.max_order_value").stdout == "100.0\n"
    asked = call(home, "config", "set", "risk.max_order_value=5000", "--yes", "--json")
    assert json.loads(asked.stdout)["changed"] == ["risk.max_order_value"]
    assert call(home, "config", "get", "risk.max_order_value").stdout == "5000.0\n"
    refused = call(home, "config", "set", "risk.max_order_value=7000", say="n\n")
    assert (refused.returncode, "Orders meet it at once" in refused.stderr) == (1, True)
    path.write_text("[web\n")
    assert "is not valid TOML" in call(home, "config", "set", "chart.period=1h").stderr


def test_without_a_file_a_change_holds_until_the_end(tmp_path: Path) -> None:
    """The demo takes a change by command; nothing is saved, which is said, with where to write it."""
    system = System(tmp_path / "home", "--one-process")
    try:
        with httpx.Client(base_url=system.url + "/api/v1", timeout=30) as rest:
            done = rest.patch("/settings", json={"risk.max_open_orders": 7, "simulated.ticks_per_second": 10}).json()
            assert (set(done["changed"]), done["saved"]) == ({"risk.max_open_orders", "simulated.ticks_per_second"}, None)
            assert "write it into gcg_quant.toml" in done["detail"]
            rows = {row["key"]: row for row in rest.get("/settings?limit=1000").json()}
            assert (rows["risk.max_open_orders"]["value"], rows["risk.max_open_orders"]["source"]) == (7, "command")
            assert {rows[key]["source"] for key in ("system.hang_s", "bus.sync")} == {"default"}
            assert rows["simulated.enabled"]["source"] == "file"
            in_force = {limit["limit"]: limit["value"] for limit in rest.get("/risk").json()["limits"]}
            assert in_force["max_open_orders"] == 7
    finally:
        system.close()


def test_console_works_without_a_system_and_says_so(path: Path, console: Console) -> None:
    """It shows what the next start begins with, checks a file, and writes it; without a file it says what to do."""
    shown = console("config", "list", "chart", "--config", str(path))
    assert "No system runs" in shown.stderr
    assert "light" in shown.stdout
    assert console("config", "get", "chart.theme", "--config", str(path)).stdout == "light\n"
    assert console("config", "get", "chart.them").stderr == "error: There is no setting 'chart.them'. Did you mean 'chart.theme'?\n"
    assert console("config", "set", "chart.period=5m", "--config", str(path)).stdout == (
        f"{path}: chart.period changed. No system runs: the next start begins with it.\n"
    )
    checked = console("config", "check", str(path)).stdout.splitlines()
    assert checked[0].startswith(f"{path} is good: ")
    assert any(line.split() == ["chart.period", "5m"] for line in checked)
    path.write_text("[chart]\nperiod = 'soon'\n")
    assert "[chart] period" in console("config", "check", str(path)).stderr
    (path.parent / "empty").mkdir()
    nothing = console("config", "set", "chart.period=5m", cwd=path.parent / "empty")
    assert "there is no settings file to write to" in nothing.stderr
    assert "is written KEY=VALUE" in console("config", "set", "chart.period").stderr
