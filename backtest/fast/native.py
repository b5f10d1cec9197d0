"""The face of the compiled part: lines, clocks, feeds, accounts and the loop of a fast run. The room imports it from here only."""

from __future__ import annotations

from gcg_quant._native import (
    FastAccount,
    FastClock,
    FastFeed,
    FastLine,
    FastPosition,
    FastProgram,
    FastSeries,
    fast_attach_line,
    fast_attach_series,
    fast_clone_order,
    fast_copy,
    fast_days,
    fast_detach,
    fast_make_order,
    fast_run_next,
    fast_run_once,
    fast_set_clock,
    fast_set_guard,
    fast_set_position,
    fast_setup,
)

__all__ = [
    "FastAccount",
    "FastClock",
    "FastFeed",
    "FastLine",
    "FastPosition",
    "FastProgram",
    "FastSeries",
    "fast_attach_line",
    "fast_attach_series",
    "fast_clone_order",
    "fast_copy",
    "fast_days",
    "fast_detach",
    "fast_make_order",
    "fast_run_next",
    "fast_run_once",
    "fast_set_clock",
    "fast_set_guard",
    "fast_set_position",
    "fast_setup",
]
