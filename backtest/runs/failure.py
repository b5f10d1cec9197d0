"""Where a strategy's exception happened: file, line, bar time and symbol, in one sentence."""

from __future__ import annotations

import traceback
from pathlib import Path

from gcg_quant.clock import to_iso
from gcg_quant.errors import StrategyError

__all__ = ["strategy_failure"]


def strategy_failure(error: BaseException, file: str, bar_ns: int = 0, symbols: str = "") -> StrategyError:
    """Return the StrategyError that says where in the strategy's file `error` was raised, and on which bar.

    The innermost line of the strategy's own file is named; a fault that never passed through it names the innermost line there is.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and _same_file(frame.filename, file)]
    frame = next(reversed(own or list(frames)), None)
    place = f"{frame.filename}:{frame.lineno}" if frame is not None else file
    when = f" at the bar {to_iso(bar_ns)}" if bar_ns else " before the first bar"
    where = f" of {symbols}" if symbols and bar_ns else ""
    text = f"{place} raised {type(error).__name__}: {error}{when}{where}."
    return StrategyError(
        text,
        file=frame.filename if frame is not None else file,
        line=frame.lineno if frame is not None else 0,
        bar_ns=bar_ns,
        exception=type(error).__name__,
        traceback="".join(traceback.format_exception(error)),
    )


def _same_file(left: str, right: str) -> bool:
    return left == right or (Path(left).name == Path(right).name and Path(left).resolve() == Path(right).resolve())
