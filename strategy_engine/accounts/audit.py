"""The audit of a journal: are the orders, positions and accounts that it tells what its fills add up to?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gcg_quant.errors import AuditError
from gcg_quant.events import AccountEvent, Event, Fill, FundingPayment, GatewayStatus, OrderCommand, OrderEvent, PositionEvent
from gcg_quant.instruments import Instrument

from .plain_account import PlainAccount

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["AccountAudit", "audit"]

_TELLS = (Fill, FundingPayment, OrderCommand, OrderEvent, PositionEvent, AccountEvent)


@dataclass(frozen=True)
class AccountAudit:
    """What was compared of an account whose journal adds up."""

    account: str
    orders: int
    fills: int
    positions: int
    currencies: int
    compared: int  # events that tell what the fold has, to the last bit

    def sentence(self) -> str:
        """Return it in words."""
        counts = f"{self.orders:,} orders, {self.fills:,} fills, {self.positions:,} positions, {self.currencies:,} currencies"
        return f"account {self.account}: {counts}; {self.compared:,} events reconcile with the fold of the fills"


def audit(bus: EventBus) -> list[AccountAudit]:
    """Fold the journal of every trading engine that ran on a bus, and compare each event with the fold; the bus is only read.

    Raises:
        AuditError: an event tells something else than the fold has, or the journal's beginning was removed.
    """
    accounts: dict[tuple[str, str], PlainAccount] = {}
    openings: dict[tuple[str, str], AccountEvent] = {}  # told before the gateway's first word, where the market was there before
    terms = _terms_of(bus)
    with bus.reader(start="begin", events=[GatewayStatus, *_TELLS]) as reader:
        began = reader.cursor.market
        if began > 1:
            raise AuditError(
                f"The market lane of {bus.path} begins at event {began}: what was before is unknown, so that nothing can be added up. Put "
                "the removed pages back, or audit a bus that has its beginning.",
                began=began,
            )
        for event in reader:
            if isinstance(event, GatewayStatus):
                key = (event.source, event.account)
                account = accounts.setdefault(key, PlainAccount(event.account, terms))
                account.restart()
                if key in openings:
                    _apply(bus, account, openings.pop(key))
            elif isinstance(event, _TELLS):
                key = (event.source, event.account)
                if key in accounts:
                    _apply(bus, accounts[key], event)
                elif isinstance(event, AccountEvent):
                    openings.setdefault(key, event)
    return [
        AccountAudit(one.name, len(one.book), one.fills, len(one.holdings), len(one.money), one.compared)
        for one in accounts.values()
        if one.compared
    ]


def _apply(bus: EventBus, account: PlainAccount, event: Event) -> None:
    try:
        account.apply(event)
    except AuditError as error:
        rows = range(1, bus.native.instrument_count() + 1)
        if all(bus.native.instrument(number) is not None for number in rows):
            raise
        hint = "An instrument's terms were changed on this bus, and the fold knows the newest only: that may be why."
        raise AuditError(f"{error.message} {hint}", **error.context) from error


def _terms_of(bus: EventBus) -> Callable[[int], Instrument]:
    # One object an instrument: its terms are those of the end, since a journal does not tell older ones.
    known: dict[int, Instrument] = {}

    def terms(number: int) -> Instrument:
        if number not in known:
            known[number] = bus.instruments[number]
        return known[number]

    return terms
