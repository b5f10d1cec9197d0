"""Importing over REST: the file's content is the request's body, what the console has as options are query parameters."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import Field, JsonValue

from gcg_quant.errors import GcgQuantError, ImportFileError, nearest

from ...data_collector import ImportOptions
from ...visualization.problems import problems
from ..import_jobs import ImportJob, ImportJobs
from .answers import answered, found
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_imports_router"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_TEXTS = ("symbol", "venue", "market", "kind", "period", "timezone", "stamp", "time_format", "volume_kind", "ambiguous", "delimiter")
_SWITCHES = ("strict", "allow_unsorted", "allow_nonpositive")
Text = Annotated[str | None, Query(max_length=80)]
ImportId = Annotated[str, Path(max_length=40)]
_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


class Accepted(Model):
    """A file that will be imported."""

    import_: str = Field(alias="import", description="the id of the import")


class Import(Model):
    """An import: nothing of it is stored unless it is done."""

    import_: str = Field(alias="import")
    file: str
    state: Literal["waiting", "reading", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    rows: int = Field(description="rows of the file so far; in the end stored + refused, unless the content was imported before")
    stored: int
    refused: int
    records: dict[str, int] = Field(description="new rows by table")
    reasons: dict[str, int] = Field(description="refused rows by reason")
    refusals: list[dict[str, JsonValue]] = Field(description="the first refused rows: line, reason, detail")
    instruments: list[str]
    notes: dict[str, int] = Field(description="what was read differently from how it stands in the file, with the number of rows")
    error: str
    option: str = Field(description="what has to be said about the file before it can be imported")
    earlier: str = Field(description="when the same content was imported before")
    number: int = Field(description="of the import in the database, by which its rows can be deleted; 0 if there is none")
    size: int = Field(description="bytes of the file; 0 if not known any more")
    started_ns: Ns
    finished_ns: Ns


def create_imports_router(jobs: ImportJobs) -> APIRouter:
    """Return the routes; files go where the jobs put them."""
    router = APIRouter(prefix="/api/v1/imports", tags=["imports"])

    @router.put("/{name}", status_code=202, response_model=Accepted, responses=problems(409, 413), openapi_extra=_BODY)
    async def put(
        name: Annotated[str, Path(max_length=121)],
        request: Request,
        response: Response,
        symbol: Text = None,
        venue: Text = None,
        market: Text = None,
        kind: Text = None,
        period: Text = None,
        timezone: Text = None,
        stamp: Text = None,
        time_format: Text = None,
        volume_kind: Text = None,
        ambiguous: Text = None,
        delimiter: Text = None,
        column: Annotated[list[Annotated[str, Field(max_length=200)]], Query(description="FIELD=COLUMN", max_length=40)] = [],  # noqa: B006
        strict: bool = False,
        allow_unsorted: bool = False,
        allow_nonpositive: bool = False,
    ) -> dict[str, str]:
        """Import the CSV or Parquet file in the body; options (symbol, timezone, stamp ...) as query parameters.

        The file's name may say symbol and period, as for the console. The answer names the import, which goes on: ask for it.
        """
        if not _NAME.fullmatch(name):
            raise HTTPException(422, f"A file name is made of letters, digits, '.', '_' and '-', found {name!r}.")
        options = answered(lambda: _options(request), refused=422)
        job_id, path = answered(lambda: jobs.place(name))
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():  # ends with a 413 beyond [web] max_upload_mb
                    file.write(chunk)
        except OSError as error:
            jobs.forget(job_id)
            raise HTTPException(503, f"{name} could not be kept: {error.strerror or 'the disk refuses it'}.") from error
        except BaseException:
            jobs.forget(job_id)
            raise
        jobs.add(job_id, path, options)
        response.headers["Location"] = f"/api/v1/imports/{job_id}"
        return {"import": job_id}

    @router.get("", response_model=list[Import], responses=PAGED)
    def rows(page: Page) -> list[dict[str, Any]]:
        """The imports, newest first: with progress, stored rows, and refused ones with their reasons."""
        return [_row(job) for job in page.of(jobs.rows())]

    @router.get("/{import_id}", response_model=Import, responses=problems(404))
    def one(import_id: ImportId) -> dict[str, Any]:
        """One import."""
        return _row(found(lambda: jobs.find(import_id)))

    @router.delete("/{import_id}", response_model=Import, responses=problems(404, 409))
    def cancel(import_id: ImportId) -> dict[str, Any]:
        """Break off an import that waits or runs: nothing of it is stored then."""
        found(lambda: jobs.find(import_id))
        return _row(answered(lambda: jobs.cancel(import_id)))

    return router


def _options(request: Request) -> ImportOptions:
    given = request.query_params
    known = (*_TEXTS, *_SWITCHES, "column")
    for name in given:
        if name not in known:
            raise ImportFileError(f"There is no import option {name!r}.{nearest(name, known)}", option=name)
    columns = {}
    for pair in given.getlist("column"):
        field, sign, column = pair.partition("=")
        if not (field and sign and column):
            raise ImportFileError(f"A column is written FIELD=COLUMN, for example last_price=px, found {pair!r}.", option="columns")
        columns[field] = column
    texts = {name: given[name] for name in _TEXTS if given.get(name)}
    switches = {name: given[name].lower() in ("true", "1", "on", "yes") for name in _SWITCHES if name in given}
    try:
        return ImportOptions(columns=columns).with_(**texts, **switches)
    except GcgQuantError:
        raise
    except (TypeError, ValueError) as error:
        raise ImportFileError(f"These import options make no sense: {error}.") from error


def _row(job: ImportJob) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(job)
    return {"import": row.pop("id"), **row}
