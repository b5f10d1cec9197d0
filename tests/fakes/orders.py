"""`Order`, `Fill` and `Refused`: what a client asks of a venue and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

BUY, SELL = 1, -1
OPEN, FILLED, CANCELED, EXPIRED, PREVENTED = "open", "filled", "canceled", "expired", "prevented"


@dataclass
class Fill:
    """A part of an order that was done."""

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: int
    ticks: int
    lots: int
    fee: Decimal  # positive: paid
    fee_currency: str
    maker: bool
    time_ms: int
    number: int = 0  # in the venue's bill of the account
    pnl: Decimal = Decimal(0)  # realised, swaps


@dataclass
class Order:
    """An order as the venue keeps it; `lots` 0 with `quote` set: a market order for so much of the quote currency."""

    id: int
    account: str
    symbol: str
    side: int
    kind: str  # limit | market
    lots: int
    ticks: int = 0
    force: str = "GTC"  # GTC | IOC | FOK | PO (post only)
    client_id: str = ""
    quote: Decimal | None = None
    reduce_only: bool = False
    extra: dict[str, Any] = field(default_factory=dict)  # what the venue's own answer repeats
    created_ms: int = 0
    updated_ms: int = 0
    status: str = OPEN
    filled: int = 0
    worth: Decimal = Decimal(0)  # quote currency done, before fees
    fee: Decimal = Decimal(0)
    fee_currency: str = ""
    pnl: Decimal = Decimal(0)
    hold: Decimal = Decimal(0)  # locked for it (spot)
    amended: int = 0  # how often

    @property
    def left(self) -> int:
        """Lots that are not done."""
        return self.lots - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status == OPEN


class Refused(Exception):
    """The venue takes no such order; `reason` is a short name that each venue turns into its own code."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason = reason
        self.text = text
