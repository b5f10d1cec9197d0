"""Who may steer trading over REST, and what nobody answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gcg_quant.admin.changes import cancellation, risk_change
from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.rest.trading import create_trading_router
from gcg_quant.bus import EventBus
from gcg_quant.events import CancelRequest, ConfigChangeEvent
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import AppServer, create_app, serve

TOKEN = "a-secret-of-the-test"
CHANGES = [
    ("PUT", "/api/v1/risk/kill", {"on": True}),
    ("PATCH", "/api/v1/risk", {"limits": {"price_band": 0.5}}),
    ("POST", "/api/v1/orders/cancel", {}),
    ("DELETE", "/api/v1/orders/a", None),
]


@pytest.fixture
def guarded(bus: EventBus, tmp_path: Path) -> Iterator[AppServer]:
    """Return a server that asks for a token, without a trading engine behind it."""
    settings = Settings.model_validate({"web": {"token": TOKEN}})
    monitor = Monitor()
    monitor.start(bus)
    app = create_app(bus, settings)
    app.include_router(create_trading_router(bus, monitor, tmp_path))
    running = serve(app, port=0)
    yield running
    running.stop()
    assert monitor.stop(60.0)


def ask(server: AppServer, method: str, path: str, body: object, **headers: str) -> httpx.Response:
    """Send a request and return the answer."""
    return httpx.request(method, server.url + path, json=body, headers=headers, timeout=20)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_without_the_token_nothing_is_asked(bus: EventBus, guarded: AppServer, method: str, path: str, body: object) -> None:
    """No token, a wrong one, and a page from elsewhere are refused before anything reaches the bus."""
    with bus.reader(events=[ConfigChangeEvent, CancelRequest], start="end") as reader:
        assert ask(guarded, method, path, body).status_code == 401
        assert ask(guarded, method, path, body, authorization="Bearer wrong").status_code == 401
        assert ask(guarded, method, path, body, authorization=f"Bearer {TOKEN}", origin="https://evil.example").status_code == 403
        assert list(reader) == []


def test_commands_that_nobody_answers_are_504(guarded: AppServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a trading engine each command ends after its time with a sentence; with no orders there is nothing to cancel."""
    monkeypatch.setattr(risk_change, "_ANSWER_S", 0.2)
    monkeypatch.setattr(cancellation, "ANSWER_S", 0.2)
    for method, path, body in CHANGES:
        answer = ask(guarded, method, path, body, authorization=f"Bearer {TOKEN}")
        if path == "/api/v1/orders/cancel":
            assert (answer.status_code, answer.json()) == (200, [])
        else:
            assert answer.status_code == 504, path
            assert "answered" in answer.json()["detail"]


def test_kill_file_keeps_rest_from_switching_off(bus: EventBus, guarded: AppServer, tmp_path: Path) -> None:
    """The refusal comes before anything is asked."""
    (tmp_path / "KILL").touch()
    with bus.reader(events=[ConfigChangeEvent], start="end") as reader:
        answer = ask(guarded, "PUT", "/api/v1/risk/kill", {"on": False}, authorization=f"Bearer {TOKEN}")
        assert list(reader) == []
    assert answer.status_code == 409
    assert "remove it, then switch off" in answer.json()["detail"]
