"""What console and REST ask for as a backtest's spec; what is left out are the settings'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gcg_quant.clock import from_iso
from gcg_quant.errors import BacktestError
from gcg_quant.settings import Settings

if TYPE_CHECKING:
    from ..backtest.inputs.spec import BacktestSpec

__all__ = ["asked_spec", "moment_ns"]


def asked_spec(
    settings: Settings, asked: Mapping[str, Any], parameters: Mapping[str, Any], *, ends: tuple[str, str] = ("start", "end")
) -> BacktestSpec:
    """Return the spec of a run.

    Args:
        settings: for cash, commission and the terms of paper matching.
        asked: by name as `BacktestSpec` has them, with `start` and `end` (days, times or nanoseconds); None is what the settings say.
        parameters: of the strategy.
        ends: what the two ends of the range are called where they are asked for.

    Raises:
        BacktestError: a start or an end that is no day.
    """
    from ..backtest.inputs.paper_terms import PaperTerms
    from ..backtest.inputs.spec import BacktestSpec

    matching = asked["matching"]
    fee = 0.0 if asked["preset"] else settings.backtest.commission
    return BacktestSpec(
        file=asked["file"],
        class_name=asked["class_name"],
        symbols=list(asked["symbols"]),
        period=asked["period"],
        start_ns=moment_ns(asked["start"], ends[0]),
        end_ns=moment_ns(asked["end"], ends[1]),
        cash=settings.backtest.cash if asked["cash"] is None else asked["cash"],
        commission=fee if asked["commission"] is None else asked["commission"],
        slippage=asked["slippage"],
        preset=asked["preset"],
        slippage_ticks=asked["slippage_ticks"],
        parameters=dict(parameters),
        journal=asked.get("journal", ""),
        stake=asked["stake"],
        run=asked["run"],
        matching=matching,
        fees=asked["fees"],
        paper=PaperTerms.of_settings(settings) if matching == "native" else {},
        periods_per_year=settings.backtest.periods_per_year,
    )


def moment_ns(moment: str | int | None, name: str) -> int | None:
    """Return a day or a time as ns since the epoch; None and numbers as they are. Raises BacktestError, with the option's name."""
    if moment is None or isinstance(moment, int):
        return moment
    try:
        return from_iso(moment, "UTC")
    except ValueError as error:
        raise BacktestError(f"{name} must be a day such as 2015-01-01, found {moment!r}.", value=moment) from error
