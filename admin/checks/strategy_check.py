"""The checks of `strategies test`, one row each."""

from __future__ import annotations

import ast
from typing import Any, Literal, NamedTuple

from gcg_quant.errors import GcgQuantError, StrategyError

from ...strategy_engine.hosting.loader import LoadedClass
from ...strategy_engine.strategy.parameters import declared_parameters
from .check_spec import CheckSpec
from .clock_reads import clock_reads
from .market_data import MarketData, disturbed
from .rehearsal import ACCOUNT, Outcome, patience, rehearse

__all__ = ["CheckRow", "check_strategy"]

_SLOW_US = 1000.0  # a strategy that takes longer for an event holds up all others of its process


class CheckRow(NamedTuple):
    """One check: what it is about, how it went, and what there is to say."""

    check: str
    result: Literal["ok", "warning", "FAILED"]
    detail: str


def check_strategy(spec: CheckSpec) -> list[CheckRow]:
    """Return the rows of all checks of a strategy file, as far as they could be made. In the main thread only."""
    try:
        with patience():
            loaded = spec.load()
    except GcgQuantError as error:
        return [CheckRow("imports", "FAILED", str(error))]
    try:
        rows = [_imports(loaded), *_parameters(loaded, dict(spec.parameters)), _clock(loaded)]
        if loaded.adapter is not None:
            said = f"not rehearsed: a {loaded.kind} class sees closed bars in a run of its own; use `backtest`"
            return [*rows, CheckRow("time per event", "warning", said)]
        if rows[1].result == "FAILED":
            return rows
        return [*rows, *_rehearsals(spec, loaded)]
    finally:
        loaded.release()


def _imports(loaded: LoadedClass) -> CheckRow:
    names: set[str] = set()
    for node in ast.walk(ast.parse(loaded.file.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add("." * node.level + node.module)
    return CheckRow(
        "imports", "ok", f"{loaded.cls.__name__} ({loaded.kind}) from {loaded.file}; imports {', '.join(sorted(names)) or 'none'}"
    )


def _parameters(loaded: LoadedClass, given: dict[str, Any]) -> list[CheckRow]:
    try:
        strategy = loaded.make(given)
    except GcgQuantError as error:
        return [CheckRow("parameters", "FAILED", str(error))]
    declared = declared_parameters(type(strategy))
    shown = [f"{name}={value!r}" + (f" ({declared[name].rule})" if name in declared else "") for name, value in strategy.parameters.items()]
    rows = [CheckRow("parameters", "ok", ", ".join(shown) or "none")]
    refused = []
    for name, parameter in declared.items():
        for bound in (parameter.low, parameter.high):
            if bound is None:
                continue
            try:
                loaded.make({**given, name: bound})
            except StrategyError as error:
                refused.append(f"{name}={bound:g}: {error}")
    if refused:
        rows.append(CheckRow("bounds", "warning", "within its bounds, but refused: " + "; ".join(refused)))
    elif any(one.low is not None or one.high is not None for one in declared.values()):
        rows.append(CheckRow("bounds", "ok", "every bound can be set"))
    return rows


def _clock(loaded: LoadedClass) -> CheckRow:
    found = [read for file in loaded.digests for read in clock_reads(file)]
    if not found:
        return CheckRow("wall clock", "ok", "not read")
    return CheckRow("wall clock", "FAILED", "; ".join(map(str, found)) + ": use self.now_ns, the time of the event, and set_timer")


def _rehearsals(spec: CheckSpec, loaded: LoadedClass) -> list[CheckRow]:
    try:
        market = spec.market(loaded)
    except GcgQuantError as error:
        return [CheckRow("run", "FAILED", str(error))]
    request = spec.request(loaded)
    calm = rehearse(request, spec.folders, market.terms, market.events)
    rows = [_run("run", calm, market), _times(calm)]
    if calm.failure:
        return rows[:1]
    rough = rehearse(request, spec.folders, market.terms, disturbed(market, ACCOUNT))
    if rough.failure:
        return [*rows, CheckRow("gaps and NaN", "FAILED", rough.failure)]
    return [
        *rows,
        CheckRow("gaps and NaN", "ok", f"ran on through missing data, prices that are NaN, a gateway that was down; {_trades(rough)}"),
    ]


def _run(check: str, outcome: Outcome, market: MarketData) -> CheckRow:
    if outcome.failure:
        return CheckRow(check, "FAILED", outcome.failure)
    said = f"{market.origin}: {outcome.events} events; {_trades(outcome)}"
    if outcome.errors:
        return CheckRow(check, "FAILED", f"{said}; {outcome.errors[0]}")
    return CheckRow(check, "warning" if outcome.refused or not outcome.events else "ok", said)


def _trades(outcome: Outcome) -> str:
    said = f"{outcome.orders} orders, {outcome.fills} fills"
    if outcome.refused:
        said += f", {outcome.refused} refused ({'; '.join(outcome.reasons[:3])})"
    return said


def _times(outcome: Outcome) -> CheckRow:
    called = {name: times for name, times in outcome.times.items() if times.calls}
    shown = [f"{name} {times.calls} x {times.mean_us:.1f} us, at most {times.max_ns / 1e3:.0f} us" for name, times in called.items()]
    slow = any(times.mean_us > _SLOW_US for name, times in called.items() if name not in ("on_start", "on_stop"))
    return CheckRow("time per event", "warning" if slow or not called else "ok", "; ".join(shown) or "no callback was called")
