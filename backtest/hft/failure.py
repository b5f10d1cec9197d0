"""What is said when a strategy's callback raises: which strategy, which callback, at which event, and where in its file."""

from __future__ import annotations

import traceback
from types import FrameType
from typing import Any

from gcg_quant.clock import to_iso
from gcg_quant.errors import StrategyError
from gcg_quant.events import Record

from ...strategy_engine.hft import Strategy

__all__ = ["strategy_error"]

_OURS = "gcg_quant.strategy_engine.hft"


def strategy_error(error: Exception, strategy: Strategy, name: str, callback: str, event_ns: int) -> StrategyError:
    """Return the error that ends a run; the caller raises it from `error`, so that its traceback is kept.

    Args:
        error: what the callback raised.
        strategy: whose callback it was.
        name: what the strategy is called in the run.
        callback: its name.
        event_ns: the time of the event that it was handling, 0 if there is none yet.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    event = _event(frames, strategy, callback)
    when = f"of {to_iso(event_ns)}" if event else f"at {to_iso(event_ns)}" if event_ns > 0 else "before the first event"
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    text = f"{_place(frames, strategy)}{name}.{callback} raised {said.rstrip('.')} ({' '.join(filter(None, (event, when)))})."
    return StrategyError(text, strategy=name, callback=callback, event_ns=event_ns)


# Nothing is noted while callbacks run, that would cost each call: what it was called with stands in its frame.
def _event(frames: list[tuple[FrameType, int]], strategy: Strategy, callback: str) -> str:
    function: Any = getattr(strategy, callback, None)
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    for frame, _ in frames:
        if code is not None and frame.f_code is code:
            given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount + 1]]  # *args are the last
            for value in [one for each in given for one in (each if isinstance(each, tuple) else (each,))]:
                if isinstance(value, Record):
                    return f"{type(value).__name__} of {value.symbol}"
    return ""


# The innermost line of the strategy's own file: an error may come up from a library that it calls.
def _place(frames: list[tuple[FrameType, int]], strategy: Strategy) -> str:
    modules = {cls.__module__ for cls in type(strategy).__mro__ if not cls.__module__.startswith(_OURS)} - {"builtins"}
    own = [(frame, line) for frame, line in frames if frame.f_globals.get("__name__") in modules]
    return f"{own[-1][0].f_code.co_filename}:{own[-1][1]}: " if own else ""
