"""`POST /api/v1/strategies/check`: what the console's `strategies test` says of a file, found out in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from gcg_quant.errors import StrategyError
from gcg_quant.settings import Settings

from ...visualization.problems import problems
from ..strategy_files import StrategyFiles
from .model import Model, Parameters, SymbolName

__all__ = ["create_strategy_check_router"]

_PATIENCE_S = 60.0


class CheckRequest(Model):
    """A strategy file to check on a simulated market. Trades nothing."""

    file: Annotated[str, Field(min_length=1, max_length=400)] = Field(description="path or short name of a file in an allowed folder")
    class_name: Annotated[str, Field(max_length=80)] = Field("", description="which class, if the file holds several")
    symbols: Annotated[list[SymbolName], Field(max_length=20)] = Field([], description="instead of its own")
    parameters: Parameters = Field({}, description="instead of the defaults")
    seconds: float = Field(60.0, ge=1, le=600, description="how long the simulated market lasts")


class CheckRow(Model):
    """One check: what it is about, how it went, and what there is to say."""

    check: str
    result: Literal["ok", "warning", "FAILED"]
    detail: str


def create_strategy_check_router(settings: Settings, files: StrategyFiles) -> APIRouter:
    """Return the route; it must be added before those of the strategies themselves."""
    router = APIRouter(prefix="/api/v1/strategies", tags=["strategies"])
    alone = asyncio.Semaphore(1)  # each check takes a processor

    @router.post("/check", responses=problems(409, 504))
    async def check(request: CheckRequest) -> list[CheckRow]:
        """Check a strategy file: imports, parameters, reads of the wall clock, time per event, gaps and NaN.

        Its code is run for that, in a process of its own that is given a minute, on a simulated market. One check at a time; others wait.
        """
        try:
            path = await asyncio.to_thread(files.find, request.file)
        except StrategyError as error:
            raise HTTPException(422, str(error)) from error
        words = ["--home", str(settings.home), "strategies", "test", str(path), "--json", "--seconds", str(request.seconds)]
        words += [f"--class={request.class_name}"] if request.class_name else []
        words += [f"--symbol={symbol}" for symbol in request.symbols]
        words += [f"--param={name}={json.dumps(value)}" for name, value in request.parameters.items()]
        async with alone:
            return [CheckRow.model_validate(row) for row in await _checked(words)]

    return router


async def _checked(words: list[str]) -> list[dict[str, str]]:
    pipe = asyncio.subprocess.PIPE
    if any("\0" in word for word in words):
        raise HTTPException(422, "A text of the request holds a NUL character.")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gcg_quant", *words, stdout=pipe, stderr=pipe)
    try:
        out, err = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
    except TimeoutError:
        raise HTTPException(504, f"The check did not end within {_PATIENCE_S:g} s: ask for fewer seconds.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        rows: list[dict[str, str]] = json.loads(out)
    except ValueError:
        said = err.decode(errors="replace").strip().rpartition("\n")[2]
        raise HTTPException(409, said or f"The check ended with exit code {process.returncode}.") from None
    return rows
