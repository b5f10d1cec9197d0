"""Whatever goes wrong over HTTP is answered by a problem document, and OpenAPI says so."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter

from gcg_quant.bus import EventBus
from gcg_quant.settings import Settings
from gcg_quant.visualization.guard.body_limit import MOST_BYTES
from gcg_quant.visualization.problems import problems
from gcg_quant.visualization.server import AppServer, create_app, serve

router = APIRouter(prefix="/api/v1/tried")


@router.get("/broken")
def broken() -> None:
    """Fail."""
    raise RuntimeError("the password is 1234")


@router.post("/sum", responses=problems(409))
def total(numbers: list[int]) -> int:
    """Return a sum."""
    return sum(numbers)


@pytest.fixture
def server(bus: EventBus) -> Iterator[AppServer]:
    """Return a server with two routes more."""
    app = create_app(bus, Settings())
    app.include_router(router)
    running = serve(app, port=0)
    yield running
    running.stop()


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return status and detail of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert set(body) == {"type", "title", "status", "detail"}
    return answer.status_code, body["detail"]


def test_what_fails_inside_stays_inside(server: AppServer) -> None:
    """An exception nobody expected is a 500 that names the request, and nothing of the exception."""
    assert told(httpx.get(f"{server.url}/api/v1/tried/broken")) == (
        500,
        "The server failed to answer GET /api/v1/tried/broken: its log says why.",
    )


def test_unknown_paths_and_methods_say_what_there_is(server: AppServer) -> None:
    """404 names the path, 405 the methods that it knows, also in a header."""
    assert told(httpx.get(f"{server.url}/api/v1/nothing")) == (404, "There is nothing at /api/v1/nothing: /docs lists what there is.")
    answer = httpx.delete(f"{server.url}/api/v1/tried/sum")
    assert told(answer) == (405, "/api/v1/tried/sum does not know the method DELETE (known: POST).")
    assert answer.headers["allow"] == "POST"


def test_what_cannot_be_read_names_the_place(server: AppServer) -> None:
    """No JSON, and JSON of another shape."""
    status, detail = told(httpx.post(f"{server.url}/api/v1/tried/sum", content=b"{", headers={"content-type": "application/json"}))
    assert (status, detail.startswith("body")) == (422, True)
    assert told(httpx.post(f"{server.url}/api/v1/tried/sum", json=[1, "x"]))[1].startswith("body.1: ")


@pytest.mark.parametrize("told_before", [True, False])
def test_too_large_bodies_are_refused(server: AppServer, told_before: bool) -> None:
    """By the length that is told beforehand, and by what comes without one."""
    body = b"[" + b"1," * MOST_BYTES + b"1]"
    content = body if told_before else iter([body[: MOST_BYTES // 2]] * 4)
    headers = {"content-type": "application/json"}
    assert told(httpx.post(f"{server.url}/api/v1/tried/sum", content=content, headers=headers))[0] == 413


def test_openapi_names_the_problems(server: AppServer) -> None:
    """Every route has the errors that may come of any, and those of its own, by one schema."""
    document = httpx.get(f"{server.url}/api/v1/openapi.json").json()
    answers = document["paths"]["/api/v1/tried/sum"]["post"]["responses"]
    assert {"200", "401", "403", "409", "422", "500", "503"} <= set(answers)
    for status in ("409", "422"):
        assert answers[status]["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
