"""What a backtest's own process is told."""

from __future__ import annotations

import msgspec

from gcg_quant.events import BacktestRequestEvent

__all__ = ["BacktestJob"]


class BacktestJob(msgspec.Struct, frozen=True, kw_only=True):
    """A request, the live bus to report to, and where everything is. Travels over the child's standard input."""

    request: BacktestRequestEvent
    bus: str
    home: str
    database_url: str = ""
    folders: list[str] = []
