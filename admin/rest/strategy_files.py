"""Strategy files under /api/v1/strategies/files: what can be loaded, and uploading more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Path, Query, Request

from gcg_quant.errors import StrategyError

from ...visualization.problems import problems
from ..monitor import Monitor
from ..strategy_files import MOST_SOURCE_BYTES, StrategyFiles
from .model import Model
from .paging import PAGED, Page
from .strategy_models import FileRow

__all__ = ["create_strategy_files_router"]

Done = TypeVar("Done")
FileName = Annotated[str, Path(max_length=80, description="small letters, digits and '_', and .py: my_grid.py")]
_STATUS = {"name": 422, "source": 422, "size": 413, "missing": 404}
_BODY = {"requestBody": {"required": True, "content": {"text/x-python": {"schema": {"type": "string", "maxLength": MOST_SOURCE_BYTES}}}}}


class FileRemoved(Model):
    """What was removed."""

    removed: str


def create_strategy_files_router(monitor: Monitor, files: StrategyFiles) -> APIRouter:
    """Return the routes; they must be added before those of the strategies themselves."""
    router = APIRouter(prefix="/api/v1/strategies/files", tags=["strategies"])

    @router.get("", responses=PAGED)
    def rows(page: Page) -> list[FileRow]:
        """Every strategy file of the allowed folders, with its classes and their parameters; none of them is run for it."""
        return page.of([FileRow(**row) for row in files.rows()])

    @router.put("/{name}", responses=problems(409, 413), openapi_extra=_BODY)
    async def put(
        name: FileName, request: Request, replace: Annotated[bool, Query(description="take the place of one of that name")] = False
    ) -> FileRow:
        """Upload a strategy file: the body is its text, UTF-8, at most 256 kB.

        It is kept in the home folder's `strategies` if it is Python and holds a strategy class. It is read for that, not run: its code
        runs when it is loaded, like that of any file of an allowed folder.
        """
        source = await _body(request)
        return FileRow(**await asyncio.to_thread(_kept, lambda: files.put(name, source, replace=replace)))

    @router.delete("/{name}", responses=problems(404, 409))
    def remove(name: FileName) -> FileRemoved:
        """Remove an uploaded file, unless a loaded strategy is made of it."""
        using = monitor.ask(lambda view: [one.strategy for one in view.strategies.values() if files.is_upload(one.file, name)])
        if using:
            raise HTTPException(409, f"The file {name} is that of {', '.join(using)}: unload that first.")
        _kept(lambda: files.remove(name))
        return FileRemoved(removed=name)

    return router


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_SOURCE_BYTES:
            raise HTTPException(413, f"A strategy file may have {MOST_SOURCE_BYTES:,} bytes at most.")
        parts.append(chunk)
    return b"".join(parts)


def _kept(command: Callable[[], Done]) -> Any:
    try:
        return command()
    except StrategyError as error:
        raise HTTPException(_STATUS.get(str(error.context.get("field")), 409), str(error)) from error
