"""Importing over REST: the file's content is the request's body, what the console has as options are query parameters."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Request

from gcg_quant.errors import GcgQuantError, ImportFileError, nearest
from gcg_quant.settings import Settings

from ...data_collector import ImportOptions
from ...data_storage.sql.database import Database
from ..home import Home
from ..importing import import_file

__all__ = ["create_imports_router"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_OPTIONS = ("symbol", "venue", "market", "kind", "period", "timezone", "stamp", "time_format", "volume_kind", "ambiguous")


def create_imports_router(settings: Settings) -> APIRouter:
    """Return the route that takes files into the database of these settings."""
    router = APIRouter(prefix="/api/v1/imports", tags=["imports"])

    @router.put("/{name}", status_code=201)
    async def put(name: str, request: Request) -> dict[str, Any]:
        """Import the CSV or Parquet file in the body; options (symbol, timezone, stamp ...) as query parameters.

        The file's name may say symbol and period, as for the console. The answer counts the rows: stored and refused, with reasons.
        """
        if not _NAME.fullmatch(name):
            raise HTTPException(422, f"A file name is made of letters, digits, '.', '_' and '-', found {name!r}.")
        try:
            options = _options(dict(request.query_params))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                with path.open("wb") as file:
                    async for chunk in request.stream():
                        file.write(chunk)
                return await asyncio.to_thread(_import, settings, path, options)
        except GcgQuantError as error:
            raise HTTPException(422, str(error)) from error

    return router


def _options(given: dict[str, str]) -> ImportOptions:
    for name in given:
        if name not in _OPTIONS:
            raise ImportFileError(f"There is no import option {name!r}.{nearest(name, _OPTIONS)}", option=name)
    return ImportOptions().with_(**given)


def _import(settings: Settings, path: Path, options: ImportOptions) -> dict[str, Any]:
    with contextlib.closing(Database(settings.database.url, home=settings.home)) as database:
        outcome = import_file(Home(settings.home), database, path, options)
    answer: dict[str, Any] = msgspec.to_builtins(outcome)
    answer["report"]["file"] = path.name
    return answer
