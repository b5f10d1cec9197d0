"""The log as lines: over REST and by the console, filtered, and behind a known line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gcg_quant.admin.monitoring.log_lines import LogFilter, log_lines
from gcg_quant.admin.rest.logs import create_logs_router
from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import AlertEvent, LogEvent, MetricEvent
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import create_app, serve


def say(bus: EventBus, message: str, level: str = "info", component: str = "charts", **more: Any) -> int:
    """Publish a line; return its number."""
    return bus.publish(LogEvent(level=level, component=component, message=message, **more)) & ((1 << 60) - 1)


def noise(bus: EventBus, count: int) -> None:
    """Publish metrics, of which the log lane is full."""
    for _ in range(count):
        bus.publish(MetricEvent(component="x", name="y", value=1.0))


def texts(rows: list[dict[str, Any]]) -> list[str]:
    """Return what lines say."""
    return [row["message"] for row in rows]


def test_the_newest_lines_come_newest_last(bus: EventBus) -> None:
    """Also from far back, between many metrics."""
    for number in range(30):
        say(bus, f"line {number}")
        noise(bus, 200)
    assert texts(log_lines(bus, LogFilter(), limit=3)) == ["line 27", "line 28", "line 29"]
    assert len(log_lines(bus, LogFilter(), limit=100)) == 30
    assert texts(log_lines(bus, LogFilter(text="LINE 1"), limit=100)) == [f"line {n}" for n in (1, *range(10, 20))]
    assert log_lines(bus, LogFilter(), limit=0) == []


def test_what_is_behind_a_line_is_read_on(bus: EventBus) -> None:
    """In pages, without a gap and without a double."""
    first = say(bus, "first")
    noise(bus, 10)
    for number in range(5):
        say(bus, f"line {number}")
    rows = log_lines(bus, LogFilter(), limit=2, after=first)
    assert texts(rows) == ["line 0", "line 1"]
    assert texts(log_lines(bus, LogFilter(), limit=9, after=rows[-1]["id"])) == ["line 2", "line 3", "line 4"]
    assert log_lines(bus, LogFilter(), after=bus.head(2)) == []  # type: ignore[arg-type]
    assert log_lines(bus, LogFilter(), after=10**9) == []


def test_lines_are_filtered(bus: EventBus) -> None:
    """By the least level, the component, and a text in line or detail."""
    about = say(bus, "quiet", "debug", "a")
    say(bus, "failed", "error", "b", detail="Traceback: ZeroDivisionError", about=(2 << 60) | about)
    bus.publish(AlertEvent(level="warning", component="b", name="lag", message="late"))
    assert texts(log_lines(bus, LogFilter("info"))) == ["failed", "late"]
    assert texts(log_lines(bus, LogFilter("error"))) == ["failed"]
    assert texts(log_lines(bus, LogFilter(component="a"))) == ["quiet"]
    (row,) = log_lines(bus, LogFilter(text="zerodivision"))
    assert (row["about"], row["alert"]) == (f"log #{about}", "")
    assert log_lines(bus, LogFilter(text="late"))[0]["alert"] == "lag"
    with pytest.raises(EventError, match="Did you mean 'warning'"):
        LogFilter("warnin")


@pytest.fixture
def web(bus: EventBus) -> Iterator[httpx.Client]:
    """Return a client of a server with the route."""
    app = create_app(bus, Settings())
    app.include_router(create_logs_router(bus))
    server = serve(app, port=0)
    with httpx.Client(base_url=server.url) as client:
        yield client
    assert server.stop(60.0)


def test_rest_answers_lines(bus: EventBus, web: httpx.Client) -> None:
    """The same, typed; what makes no sense is a problem document; passwords are masked, whoever wrote the line."""
    number = say(bus, "cannot reach redis://user:pw-of-redis@host", "error", "redis")
    (row,) = web.get("/api/v1/logs", params={"component": "redis", "level": "warning"}).json()
    assert row["id"] == number
    assert row["message"] == "cannot reach redis://user:***@host"
    assert web.get("/api/v1/logs", params={"component": "redis", "after": number}).json() == []
    for query, place in (({"level": "loud"}, "query.level"), ({"limit": 0}, "query.limit"), ({"after": -1}, "query.after")):
        answer = web.get("/api/v1/logs", params=query)  # type: ignore[arg-type]
        assert answer.status_code == 422
        assert place in answer.json()["detail"]
