"""Settings under /api/v1/settings: values in force, checking and changing them, their history."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Header, HTTPException, Response
from pydantic import Field, JsonValue

from gcg_quant.bus import EventBus
from gcg_quant.errors import SettingsError
from gcg_quant.settings import Settings

from ...visualization.problems import problems
from ..changes.settings_change import change_settings, file_in_use, outcome_of
from ..changes.settings_document import SettingsDocument
from ..config import nested
from ..home import Home
from ..monitor import Monitor
from ..reports.settings_report import history_rows, setting_rows
from .answers import answered
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_settings_router"]

_ORIGIN = "REST interface"
Changes = Annotated[
    dict[Annotated[str, Field(max_length=80)], JsonValue],
    Body(
        min_length=1,
        max_length=100,
        description='values by "section.key"; null is the default, "off" switches a limit off',
        examples=[{"simulated.ticks_per_second": 50}],
    ),
]


class SettingRow(Model):
    """A setting."""

    key: str = Field(description="section.key")
    type: str = Field(description="int, float, bool, str, choice, list or table")
    choices: list[str] | None
    low: float | None
    high: float | None
    optional: bool = Field(description='it may be "off"')
    value: JsonValue = Field(description="in force; null for a secret")
    default: JsonValue
    help: str
    live: bool = Field(description="a change takes effect at once, else after a restart of what uses it")
    secret: bool
    is_set: bool = Field(description="something else than nothing decides about it; of a secret, that it is set")
    source: str = Field(description="default, file, environment or command")


class Outcome(Model):
    """What a change of settings led to, or would."""

    changed: list[str]
    restart_needed: list[str] = Field(description="those that take effect after a restart of what uses them")
    saved: str | None = Field(description="the file; null if none is in use: then it holds until the system is stopped")
    detail: str


class SettingsChange(Model):
    """One change of settings."""

    time_ns: Ns
    revision: int = Field(description="counts with the file; 0 is a change by command")
    origin: str
    changes: dict[str, list[JsonValue]] = Field(description='"section.key": [before, after]')
    refused: str = Field(description="why nothing came of it; empty if it is in force")


def create_settings_router(bus: EventBus, monitor: Monitor, settings: Settings) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1/settings", tags=["settings"])
    home = Home(settings.home)

    def document() -> SettingsDocument:
        values = monitor.ask(lambda view: dict(view.settings.values))
        return SettingsDocument(file_in_use(home), settings.home, in_force=nested(values))

    @router.get("", response_model=list[SettingRow], responses=PAGED)
    def rows(page: Page, response: Response) -> list[dict[str, Any]]:
        """Every setting: its value in force and where that comes from; the ETag names the state of the file."""
        found: SettingsDocument | None = None
        with contextlib.suppress(SettingsError):  # a file that somebody is at work on shows what is in force all the same
            found = document()
            response.headers["ETag"] = f'"{found.version}"'
        return page.of(monitor.ask(lambda view: setting_rows(view.settings, found)))

    @router.post("/check", response_model=Outcome, responses=problems(409))
    def check(changes: Changes) -> dict[str, Any]:
        """Say what a change would do, without doing it."""
        found = document()
        answer: dict[str, Any] = msgspec.to_builtins(outcome_of(found, found.plan(changes)))
        return answer

    @router.patch("", response_model=Outcome, responses=problems(409, 504))
    def change(changes: Changes, if_match: Annotated[str | None, Header(max_length=80)] = None) -> dict[str, Any]:
        """Change settings in their file, comments and order kept; with If-Match only if the file is as it was when they were read."""
        found = document()
        if if_match is not None and if_match.strip('"') != found.version:
            raise HTTPException(409, f"The settings file {found.origin} has changed since it was read: read the settings again.")
        plan = found.plan(changes)
        in_force = monitor.ask(lambda view: dict(view.settings.values))
        outcome = answered(lambda: change_settings(bus, found, plan, in_force, _ORIGIN))
        monitor.catch_up()
        answer: dict[str, Any] = msgspec.to_builtins(outcome)
        return answer

    @router.get("/history", response_model=list[SettingsChange], responses=PAGED)
    def history(page: Page) -> list[dict[str, Any]]:
        """The changes of settings, newest first."""
        return page.of(monitor.ask(lambda view: history_rows(view.settings)))

    return router
