"""The money of an account as a Backtrader broker shows it: cash, value and fund."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gcg_quant.events import AccountEvent

from ..history.lookback import look_back

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..broker import EventDrivenBroker

__all__ = ["AccountMoney"]


class AccountMoney:
    """Shows a broker the newest state of one account, that before an event id first.

    An account has an AccountEvent for each of its currencies. Their sums are added one to one: exact for one currency; of a foreign one
    only the profit is told in the wrong money, since what was paid and what it bought cancel out.
    """

    def __init__(self, broker: EventDrivenBroker, account: str, bus: EventBus, before_id: int) -> None:
        self._broker: Any = broker
        self._funded = False
        self._money: dict[str, tuple[float, float]] = {}  # available and equity by currency
        name = account.encode()
        rows = look_back(bus, AccountEvent, before_id, lambda rows: bool((rows["account"] == name).any()))
        for row in rows[rows["account"] == name]:
            self._money[bytes(row["currency"]).decode()] = (float(row["available"]), float(row["equity"]))
        self._show()

    def take(self, event: AccountEvent) -> None:
        """Show what has changed."""
        self._money[event.currency] = (event.available, event.equity)
        self._show()

    def _show(self) -> None:
        if not self._money:
            return
        broker = self._broker
        cash, value = (math.fsum(amounts) for amounts in zip(*self._money.values(), strict=True))
        if not self._funded:  # the fund begins with what the account is worth at first
            self._funded = True
            broker.startingcash = cash
            broker._fundshares = value / broker.p.fundstartval
        broker.cash = cash
        broker._value = value
        broker._fundval = value / broker._fundshares if broker._fundshares else broker.p.fundstartval
