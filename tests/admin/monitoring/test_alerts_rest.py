"""Alerts over REST: listed, filtered, seen."""

from __future__ import annotations

import pytest

from gcg_quant.events import AlertEvent

from .conftest import Served, wait_until


@pytest.fixture
def three(served: Served) -> list[int]:
    """Publish an alert that lasts, one that is over, and news; return their numbers."""
    for component, level in (("a", "warning"), ("b", "critical"), ("b", "info"), ("c", "info")):
        served.bus.publish(AlertEvent(level=level, component=component, name="n", message=f"{component} is {level}"))
    rows = wait_until(lambda: (found := served.client.get("/api/v1/alerts").json()) and len(found) == 3 and found, "the alerts")
    return [row["id"] for row in reversed(rows)]


def ids(served: Served, **query: object) -> list[int]:
    """Return the numbers of the alerts that a question finds."""
    answer = served.client.get("/api/v1/alerts", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return [row["id"] for row in answer.json()]


def test_alerts_are_listed_newest_first(served: Served, three: list[int]) -> None:
    """With filters and pages."""
    lasts, over, news = three
    assert ids(served) == [news, over, lasts]
    assert ids(served, state="lasts") == [lasts]
    assert ids(served, state="over") == [news, over]
    assert ids(served, state="open") == [over, lasts]
    assert ids(served, level="critical") == [over]
    answer = served.client.get("/api/v1/alerts", params={"limit": 1, "offset": 1})
    assert [row["id"] for row in answer.json()] == [over]
    assert answer.headers["x-total-count"] == "3"
    assert 'rel="next"' in answer.headers["link"]


def test_an_alert_is_seen_once(served: Served, three: list[int]) -> None:
    """The answer shows it as seen, by whom; it is so on the bus, too."""
    answer = served.client.post(f"/api/v1/alerts/{three[0]}/acknowledge")
    assert answer.status_code == 200
    assert (answer.json()["acknowledged"], answer.json()["acknowledged_by"]) == (True, "REST interface")
    assert served.client.post(f"/api/v1/alerts/{three[0]}/acknowledge").status_code == 200
    assert ids(served, state="open") == [three[1]]


@pytest.mark.parametrize(("method", "path", "status", "text"), [
    ("POST", "/api/v1/alerts/999999/acknowledge", 404, "There is no alert 999999"),
    ("POST", "/api/v1/alerts/0/acknowledge", 422, "path.id"),
    ("GET", "/api/v1/alerts?state=gone", 422, "query.state"),
    ("GET", "/api/v1/alerts?level=loud", 422, "query.level"),
])  # fmt: skip
def test_bad_requests_get_one_sentence(served: Served, method: str, path: str, status: int, text: str) -> None:
    """Each by a problem document."""
    answer = served.client.request(method, path)
    assert answer.status_code == status
    assert text in answer.json()["detail"]
