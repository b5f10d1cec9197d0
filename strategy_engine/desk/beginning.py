"""What a trading engine writes down where it begins, so that its run can be done again from the journal alone."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["TRADING_BEGAN", "TRADING_ENDED", "TradingBeginning"]

TRADING_BEGAN, TRADING_ENDED = "trading_began", "trading_ended"  # actions of SystemEvents


class TradingBeginning(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trading engine begins, and with what.

    `control`, `market` and `log` are the heads of the lanes up to which it has read back what the journal says; `start` is the seq of the
    market lane from which on it reads. `gateway` are the arguments of its paper gateway, None for a real one.
    """

    control: int
    market: int
    log: int
    start: int
    started_ns: int
    config: dict[str, Any]
    rules: dict[str, Any]
    gateway: dict[str, Any] | None
