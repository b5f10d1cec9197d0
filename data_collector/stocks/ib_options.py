"""The options of a collector of the kind "ib"."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gcg_quant.sections import Section

__all__ = ["DATA_TYPES", "IbOptions", "IbStream"]

IbStream = Literal["quotes", "trades", "depth", "dividends"]
# TWS API, "Market Data Types": the numbers of reqMarketDataType.
DATA_TYPES = {"live": 1, "frozen": 2, "delayed": 3, "delayed_frozen": 4}


class IbOptions(Section):
    """`options = {...}` of an item of [[collectors.run]] with kind = "ib"."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255, description="where TWS or IB Gateway runs")
    port: int = Field(default=7497, ge=1, le=65_535, description="7496 TWS, 7497 TWS paper, 4001 Gateway, 4002 Gateway paper")
    client_id: int = Field(default=17, ge=0, le=2_147_483_647, description="a number that no other program uses at the same TWS")
    spare_ids: int = Field(default=3, ge=0, le=100, description="so many numbers behind it may be used while it is taken after a break")
    market_data: Literal["live", "frozen", "delayed", "delayed_frozen"] = Field(
        default="live", description='"delayed" comes without a subscription, 15 to 20 minutes late'
    )
    streams: tuple[IbStream, ...] = Field(default=("quotes", "trades", "dividends"), min_length=1, description="what it collects")
    lines: int = Field(default=100, ge=1, le=10_000, description="market data lines of the account: symbols at the same time")
    depth_rows: int = Field(default=10, ge=1, le=10, description="levels of a book")
    contract_ids: dict[str, int] = Field(
        default={}, description="symbol = IB's number of the contract (conId), where a symbol is ambiguous"
    )
    us_lot: int = Field(default=1, ge=1, le=100, description="100 if TWS is set to send sizes of US stocks in lots, else 1")
    regular_hours: bool = Field(default=True, description="history of the regular session alone")
    history_kinds: tuple[str, ...] = Field(default=("1m",), description='what is filled in at the start: "1m", "1d", "trade" ...')
    check_s: float = Field(default=10.0, ge=0.05, le=3600, description="how often TWS is asked whether it is still there, s")

    @property
    def tick_by_tick(self) -> int:
        """How many symbols may have every single trade: 5 % of the lines (TWS API, "Tick-by-Tick Data")."""
        return max(1, self.lines // 20)

    @property
    def books(self) -> int:
        """How many symbols may have depth: 3 with 100 lines, and so on (TWS API, "Market Depth Data")."""
        return max(3, self.lines // 100 * 3)

    @property
    def messages_per_s(self) -> int:
        """How many messages a second are sent at most: TWS allows half the lines, and 50 at least; a tenth is left for others."""
        return max(45, self.lines * 9 // 20)
