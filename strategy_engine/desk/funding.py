"""Funding of perpetual contracts on paper: who holds one when its rate is due pays it or is paid, once.

Long positions pay a rate above 0 to short ones: value at the mark price times the rate ("Introduction to Binance Futures Funding Rates";
OKX, "Perpetual swap funding fee mechanism"). The rate that was told last before it was due is the one that counts.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, isnan

from gcg_quant.events import Funding, FundingPayment

from ..orders.manager import Publish
from .books import Books

__all__ = ["FundingDue"]

_NEVER = 1 << 63


class FundingDue:
    """Which rates are due when, and what was paid. It belongs to the trading engine's thread.

    Args:
        books: the positions, and where payments are booked.
        publish: how payments leave.
        number: the instrument number of a symbol at a venue.

    Attributes:
        number: returns the instrument number of a symbol at a venue.
        enabled: whether it pays: a real venue does so itself.
        next_ns: when something is due next; far away if nothing is.
    """

    def __init__(self, books: Books, publish: Publish, number: Callable[[str, str], int]) -> None:
        self.enabled = True
        self.next_ns = _NEVER
        self._books = books
        self._publish = publish
        self.number = number
        self._rates: dict[int, dict[int, Funding]] = {}  # by instrument number and the time when it is due
        self._passed: dict[int, int] = {}  # the newest time that is over

    def note(self, event: Funding) -> None:
        """Take in a rate; one without a time, or for a time that is over, changes nothing."""
        number = self.number(event.symbol, event.venue)
        if not self.enabled or isnan(event.rate) or event.next_ns <= self._passed.get(number, 0):
            return
        rates = self._rates.setdefault(number, {})
        rates[event.next_ns] = event
        if not self._books.accounts.held(number):  # whatever was due before this was told has found nobody
            for due_ns in [one for one in rates if one <= event.event_ns]:
                self._drop(number, due_ns)
        self._look()

    def advance(self, now_ns: int, cause: int) -> None:
        """Pay what is due by now, in the order of the times."""
        while self.next_ns <= now_ns:
            number = next(number for number, rates in self._rates.items() if self.next_ns in rates)
            self._pay(number, self._rates[number][self.next_ns], cause)

    def paid(self, number: int, event: FundingPayment) -> None:
        """Learn that a payment was made, before a restart."""
        self._drop(number, event.due_ns)

    def pass_by(self, number: int, event_ns: int) -> None:
        """Learn that a fill was settled: what was due before it found nobody, or is paid."""
        for due_ns in [one for one in self._rates.get(number, ()) if one <= event_ns]:
            self._drop(number, due_ns)

    def rows(self) -> tuple[list[tuple[int, Funding]], list[tuple[int, int]]]:
        """Return rates by instrument number, and the newest times that are over."""
        return [(number, one) for number, rates in self._rates.items() for one in rates.values()], list(self._passed.items())

    def load(self, rates: list[tuple[int, Funding]], passed: list[tuple[int, int]]) -> None:
        """Take over what `rows` returned."""
        for number, one in rates:
            self._rates.setdefault(number, {})[one.next_ns] = one
        self._passed.update(passed)
        self._look()

    # ---- inside

    def _pay(self, number: int, rate: Funding, cause: int) -> None:
        held = self._books.accounts.held(number)
        if held:
            instrument = held[0].instrument
            last = self._books.risk.native.last_price(number)
            price = rate.mark_price or (held[0].last_price if isnan(last) else last)
            payments = []
            for one in held:
                amount = -copysign(instrument.value(one.quantity, price), one.lots) * rate.rate
                payments.append((one.strategy, int(one.side), one.quantity, amount))
            event = FundingPayment(
                symbol=instrument.symbol,
                venue=instrument.venue,
                account=self._books.accounts.account,
                event_ns=rate.next_ns,
                due_ns=rate.next_ns,
                rate=rate.rate,
                price=price,
                currency=instrument.currency,
                payments=payments,
            )
            self._books.fund(event, number, self._publish(event, cause=cause))
        self._drop(number, rate.next_ns)

    def _drop(self, number: int, due_ns: int) -> None:
        self._rates.get(number, {}).pop(due_ns, None)
        self._passed[number] = max(due_ns, self._passed.get(number, 0))
        self._look()

    def _look(self) -> None:
        self.next_ns = min((due_ns for rates in self._rates.values() for due_ns in rates), default=_NEVER) if self.enabled else _NEVER
