"""Errors of the web app as problem documents (RFC 9457): one sentence, one shape, and what OpenAPI says of them."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from gcg_quant.errors import BacktestError, EventError, GcgQuantError, InstrumentError, NotRunningError, SettingsError, StrategyError

__all__ = ["EVERYWHERE", "PROBLEM_TYPE", "Problem", "add_problem_handlers", "problem", "problems"]

PROBLEM_TYPE = "application/problem+json"

_MEANING = {
    400: "The request cannot be read.",
    401: "A token is set, and the request does not show it.",
    403: "The request comes from a page elsewhere, or names a host that is not ours.",
    404: "There is no such thing.",
    409: "It was refused; the detail says why.",
    413: "The body is too large.",
    422: "Something in the request makes no sense; the detail names the place.",
    429: "Too many requests.",
    500: "The server has failed; its log says why.",
    503: "A part of the system that is needed does not run.",
    504: "Nobody answered the command in time; it stays on the bus.",
}
_STATUS: tuple[tuple[type[GcgQuantError], int], ...] = (
    (InstrumentError, 404),
    (EventError, 422),
    (SettingsError, 422),
    (StrategyError, 409),
    (BacktestError, 409),
    (NotRunningError, 504),
)


class Problem(BaseModel):
    """What went wrong with a request, as RFC 9457 has it."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="always about:blank: the status says it all", examples=["about:blank"])
    title: str = Field(description="the status in words", examples=["Conflict"])
    status: int = Field(description="the HTTP status", ge=400, le=599, examples=[409])
    detail: str = Field(description="one sentence: what was expected, what was found, how to mend it")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route says of its error answers: `@router.get(..., responses=problems(404, 409))`."""
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANING[status], "content": content} for status in statuses}


EVERYWHERE = problems(400, 401, 403, 404, 413, 422, 429, 500, 503)  # what any route may answer


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer that says what went wrong."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type=PROBLEM_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Let an app answer every error with a problem document, and say so in its OpenAPI description."""

    @app.exception_handler(GcgQuantError)
    async def refuse(request: Request, error: GcgQuantError) -> JSONResponse:
        return problem(next((status for kind, status in _STATUS if isinstance(error, kind)), 503), str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return problem(422, f"{place}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, _sentence(request, error), dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        # What it was stays in the log: it may name what is nobody else's business.
        logging.getLogger("gcg_quant.web").error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem(500, f"The server failed to answer {request.method} {request.url.path}: its log says why.")

    _describe(app)


def _sentence(request: Request, error: HTTPException) -> str:
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    if error.status_code == 404:
        return f"There is nothing at {request.url.path}: /docs lists what there is."
    if error.status_code == 405:
        return f"{request.url.path} does not know the method {request.method} (known: {(error.headers or {}).get('Allow', '')})."
    return str(error.detail)


def _describe(app: FastAPI) -> None:
    # The routes refer to the schema by name; FastAPI adds only the models that answers are made of.
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
