"""Stored market data under /api/v1/data: what there is, what is missing, deleting it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from gcg_quant.errors import InstrumentError
from gcg_quant.periods import period_ns
from gcg_quant.settings import Settings

from ...data_storage.files.imports import ImportRegistry
from ...data_storage.reading.gaps import Gap as StoredGap
from ...data_storage.reading.gaps import find_gaps
from ...data_storage.reading.history import DatabaseHistory
from ...data_storage.reading.holdings import Holdings
from ...data_storage.sql.database import Database
from ...data_storage.writing.deletion import Deletion, DeletionRequest
from ...visualization.problems import problems
from .answers import answered, found
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_data_router"]

Answer = TypeVar("Answer")
# What find_gaps calls the kinds of data that GET /data/symbols names.
_WHAT = {"": None, "bars": None, "ticks": "tick", "trades": "trade", "depth": "depth", "book_deltas": "delta"}
Symbol = Annotated[str, Query(max_length=80)]
Venue = Annotated[str, Query(max_length=32)]
Word = Annotated[str, Query(max_length=20)]
When = Annotated[str | None, Query(max_length=40, description="a day or time, in the instrument's time zone")]
Moment = Annotated[int | None, Query(ge=0, le=(1 << 63) - 1, description="nanoseconds since 1970, UTC")]


class Series(Model):
    """One stored series."""

    symbol: str
    venue: str
    kind: str = Field(description="bars, ticks, trades, depth or book_deltas")
    period: str = Field(description="of bars")
    basis: str = Field(description="of bars: last, bid, ask or mid")
    rows: int
    exact: bool = Field(description="whether the rows were counted, or estimated since they are many")
    first_ns: Ns
    last_ns: Ns
    sources: list[str]
    bytes: int = Field(description="roughly, in the database")


class Gap(Model):
    """A stretch in which data is missing while the market was open."""

    symbol: str
    venue: str
    what: str = Field(description="a bar period, or tick, trade, depth, delta")
    start_ns: Ns
    end_ns: Ns
    reason: str = Field(description="recorded, silent or sessions")
    open_ns: int = Field(description="session time in it, ns")
    sessions: int = Field(description="whole sessions in it")
    missing: int | None = Field(description="how many bars fit in")
    detail: str
    text: str


class Doomed(Model):
    """Rows of one series that go."""

    symbol: str
    venue: str
    what: str
    rows: int
    first_ns: Ns
    last_ns: Ns
    imports: dict[str, str] = Field(description="the files that they came from, by the number of their import")


class Deleted(Model):
    """What was deleted, or would be."""

    rows: int
    deleted: bool
    series: list[Doomed]


def create_data_router(settings: Settings) -> APIRouter:
    """Return the routes on the database of these settings."""
    router = APIRouter(prefix="/api/v1/data", tags=["data"])

    @contextlib.contextmanager
    def database(read_only: bool = True) -> Iterator[Database]:
        with Database(settings.database.url, home=settings.home, read_only=read_only) as opened:
            yield opened

    @router.get("/symbols", response_model=list[Series], responses={**PAGED, **problems(404)})
    def symbols(page: Page, pattern: Annotated[str, Query(max_length=112)] = "") -> list[dict[str, Any]]:
        """Every stored series, or those of symbols like `pattern` (BTC/USDT, *USDT, *@SIM); long ones are estimated."""
        with database() as opened:
            rows = page.of(found(lambda: Holdings(opened).every(pattern)))
        return [msgspec.to_builtins(row) for row in rows]

    @router.get("/gaps", response_model=list[Gap], responses={**PAGED, **problems(404)})
    def gaps(
        page: Page, symbol: Symbol, venue: Venue = "", period: Word = "", start: When = None, end: When = None, longer: Word = "10m"
    ) -> list[dict[str, Any]]:
        """What is missing of a symbol while its market was open; `period` is one of bars, or a kind of data."""
        with database() as opened:
            asked = (DatabaseHistory(opened), symbol, _WHAT.get(period, period or None), start or None, end or None)
            least = answered(lambda: period_ns(longer), refused=422)
            rows = _sought(lambda: find_gaps(*asked, venue=venue or None, min_gap_ns=least))
            return [_gap(row) for row in page.of(rows)]

    @router.delete("", response_model=Deleted, responses=problems(404, 409))
    def delete(
        symbol: Symbol = "",
        venue: Venue = "",
        kind: Word = "",
        period: Word = "",
        start_ns: Moment = None,
        end_ns: Moment = None,
        import_number: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
        dry_run: Annotated[bool, Query(description="only say what would go")] = False,
    ) -> dict[str, Any]:
        """Delete stored rows of a symbol, of an import, or of both; rows go some thousand at a time, beside a system that stores."""
        name = f"{symbol}@{venue}" if symbol and venue and "@" not in symbol else symbol
        times = {"start_ns": start_ns, "end_ns": end_ns}
        request = answered(
            lambda: DeletionRequest(symbol=name, kind=kind, period=period, import_number=import_number, **times), refused=422
        )
        with database(read_only=False) as opened:
            if not dry_run:
                ImportRegistry(opened).clean()
            deletion = _sought(lambda: Deletion(opened, request), refused=409)
            doomed = deletion.doomed()
            rows = sum(one.rows for one in doomed) if dry_run else sum(deletion.run())
        series = [{**msgspec.to_builtins(one), "imports": {str(number): path for number, path in one.imports.items()}} for one in doomed]
        return {"rows": rows, "deleted": not dry_run, "series": series}

    return router


def _sought(ask: Callable[[], Answer], refused: int = 422) -> Answer:
    # A symbol that is not there is a 404.
    try:
        return answered(ask, refused)
    except HTTPException as error:
        if isinstance(error.__cause__, InstrumentError):
            raise HTTPException(404, error.detail) from error
        raise


def _gap(gap: StoredGap) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(gap)
    missing = row.pop("rows_expected", None)
    return {**row, "missing": missing, "text": gap.text}
