"""Letting a halted account trade again, by console and REST: an engine, its gateway and a venue that has more than it knows of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gcg_quant.admin.home import Home
from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.rest.trading import create_trading_router
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, ConfigChangeEvent, GatewayStatus
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine import TradingEngine
from gcg_quant.visualization.server import AppServer, create_app, serve

from .conftest import ROOT, call
from .test_kill_switch import wait_for

sys.path.insert(0, str(ROOT / "tests/strategy_engine"))  # for `fake_venue`

from fake_venue.floor import Floor, order


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    """Return a running home whose account is halted: the venue holds 7 that nobody knows of, and their price is gone."""
    with Home(tmp_path).running({"page": ""}):
        floor = Floor(tmp_path, wait_for)
        try:
            floor.start()
            floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=200)
            floor.venue.fault("disconnect_now")
            floor.wait_until(lambda: floor.status() == "halted", "the halt")
            yield floor
        finally:
            floor.close()


@pytest.fixture
def rest(floor: Floor) -> Iterator[AppServer]:
    """Return a server on the floor's bus."""
    monitor = Monitor()
    monitor.start(floor.bus)
    app = create_app(floor.bus, Settings())
    app.include_router(create_trading_router(floor.bus, monitor, floor.bus.path.parent))
    running = serve(app, port=0)
    yield running
    running.stop()
    assert monitor.stop(60.0)


def test_console_shows_what_differs_asks_and_accepts(floor: Floor, tmp_path: Path) -> None:
    """Nothing is lifted before a person agrees; then orders go out, and a second time there is nothing to lift."""
    shown = call(tmp_path, "accounts").stdout
    assert "account real: HALTED since" in shown
    assert "COIN@FAKE: 7 at the venue, 0 here" in shown
    refused = call(tmp_path, "accounts", "resume", "real", say="n\n")
    assert refused.returncode == 1, "nobody agreed"
    assert "cash USD: 999299.5 at the venue, 1000000 here" in refused.stdout
    assert floor.status() == "halted"
    assert floor.read(Applied) == []
    agreed = call(tmp_path, "accounts", "resume", "real", say="y\n")
    told = agreed.stdout
    assert agreed.returncode == 0, agreed.stderr
    (answer,) = floor.read(Applied)
    assert f"trades again from event #{answer.id & ((1 << 60) - 1)} of the market lane on; accepted: COIN@FAKE: 7 at the venue" in told
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    again = call(tmp_path, "accounts", "resume", "real", "--yes")
    assert (again.returncode, again.stderr) == (1, "error: Account real is not halted.\n")


def test_rest_accepts_what_was_seen_and_nothing_else(floor: Floor, rest: AppServer) -> None:
    """What has changed since it was looked at is refused with what differs now, which can then be accepted."""

    def resume(account: str, differences: object) -> tuple[int, dict[str, object]]:
        answer = httpx.post(f"{rest.url}/api/v1/accounts/{account}/resume", json={"differences": differences}, timeout=20)
        return answer.status_code, answer.json()

    def halts() -> list[dict[str, object]]:
        return httpx.get(rest.url + "/api/v1/accounts/halts", timeout=20).json()

    (seen,) = halts()
    assert (seen["account"], seen["differences"]) == ("real", {"COIN@FAKE": 7.0, "cash USD": -700.5})
    floor.venue.do("deposit", symbol="COIN", value=200)
    code, problem = resume("real", seen["differences"])
    assert code == 409
    assert "it differs otherwise than was seen. COIN@FAKE: 7 at the venue, 0 here; cash USD: 999399.5" in str(problem["detail"])
    assert floor.status() == "halted"
    (now,) = halts()
    assert now["differences"] == {"COIN@FAKE": 7.0, "cash USD": -600.5}
    assert resume("real", {})[0] == 409
    assert resume("reall", {})[1]["detail"] == "There is no account 'reall'. Did you mean 'real'?"
    assert resume("real", {"cash USD": "much"})[0] == 422
    code, done = resume("real", now["differences"])
    assert (code, done["account"]) == (200, "real")
    assert "cash USD: 999399.5 at the venue, 1000000 here" in str(done["accepted"])
    accepted = [one for one in floor.read(GatewayStatus) if one.status == "accepted"][-1]
    assert accepted.differences == now["differences"]
    assert halts() == []
    assert resume("real", now["differences"])[1]["detail"] == "Account real is not halted."
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")


def test_paper_account_has_nothing_to_lift(tmp_path: Path) -> None:
    """An engine whose gateway has no venue of its own answers the command, too."""
    with EventBus(tmp_path / "bus", page_mb=0.25) as bus, bus.reader(events=[Applied]) as reader:
        engine = TradingEngine()
        engine.start(bus, threaded=False)
        bus.publish(ConfigChangeEvent(revision=0, changes={"trading.resume": "paper"}))
        bus.publish(ConfigChangeEvent(revision=0, changes={"trading.resume": "another"}))
        engine.turn()
        (answer,) = list(reader)
        engine.stop()
    assert not answer.ok
    assert answer.detail == "Account paper is not halted: its gateway has no venue that could differ."
