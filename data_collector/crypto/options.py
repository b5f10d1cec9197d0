"""The options of a collector of the kind "ccxt"."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from gcg_quant.errors import EventError
from gcg_quant.periods import period_ns
from gcg_quant.sections import Section

__all__ = ["CcxtOptions", "StreamName"]

StreamName = Literal["trades", "tickers", "quotes", "depth", "deltas", "candles", "funding"]


class CcxtOptions(Section):
    """`options = {...}` of an item of [[collectors.run]] with kind = "ccxt"."""

    exchange: str = Field(default="", pattern=r"^[a-z0-9_]*$", max_length=40, description="ccxt's name of it; empty = the collector's name")
    streams: tuple[StreamName, ...] = Field(
        default=("trades", "tickers", "quotes", "depth", "candles", "funding"),
        min_length=1,
        description='what it collects; "deltas" adds every change of the books',
    )
    candles: tuple[str, ...] = Field(default=("1m",), description="periods of the venue's own bars")
    fast: bool = Field(default=True, description="read Binance's and OKX's streams directly; off = by ccxt.pro, as for other exchanges")
    snapshot_levels: int = Field(
        default=0, ge=0, le=5000, description="levels of a book asked for by REST; 0 = 1,000, or 100 for many symbols"
    )
    sandbox: bool = Field(default=False, description="the exchange's test net")

    @field_validator("candles")
    @classmethod
    def _are_periods(cls, candles: tuple[str, ...]) -> tuple[str, ...]:
        for period in candles:
            try:
                period_ns(period)
            except EventError as error:
                raise ValueError(error.message) from None
        return candles
