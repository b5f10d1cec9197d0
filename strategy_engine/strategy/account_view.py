"""A strategy's account, as the journal tells it: its sums by currency, and what they are worth together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import nan
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import StrategyError
from gcg_quant.packing import pack_event

if TYPE_CHECKING:
    from gcg_quant.events import AccountEvent

    from .session import Session

__all__ = ["AccountBook", "AccountView"]


class AccountBook:
    """What the trading engines have told last of each account and currency: a fold of `AccountEvent`s alone.

    The host of strategies keeps one. It begins with what the journal says of the time before, so that a restart and a replay begin with
    the same.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, dict[str, AccountEvent]] = {}

    def note(self, event: AccountEvent) -> None:
        """Take in what an engine has told."""
        self._accounts.setdefault(event.account, {})[event.currency] = event

    def told(self, account: str) -> Mapping[str, AccountEvent]:
        """Return the newest event of each currency of an account, that which was told first at the top: the account's own.

        Without a name it is the only account that there is; of several none is meant.
        """
        if account:
            return self._accounts.get(account, {})
        return next(iter(self._accounts.values())) if len(self._accounts) == 1 else {}

    def dump(self) -> list[Any]:
        """Return everything as packed events."""
        return [pack_event(event) for told in self._accounts.values() for event in told.values()]

    def load(self, state: Iterable[AccountEvent]) -> None:
        """Take over what `dump` returned; this book is new."""
        for event in state:
            self.note(event)


class AccountView:
    """The account of one strategy, read only: always the newest that its trading engine has told before the event at hand.

    Money is in `currency`: that of the strategy's default symbol or, where it has none, the account's own. An account with several
    currencies is worth their sum, at the rates by which the risk check adds them up: coins that are meant to be worth a dollar count as
    one, others go by the last price of a pair that this process has seen ("EUR/USD"). NaN before anything was told, and where a rate is
    missing. `told` has each currency by itself.
    """

    __slots__ = ("_currency", "_session")

    def __init__(self, session: Session, currency: str = "") -> None:
        self._session = session
        self._currency = currency

    def __repr__(self) -> str:
        """Return what it holds: AccountView('paper', 'USD', equity=1000.0, cash=900.0, margin=100.0, available=900.0)."""
        sums = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("equity", "cash", "margin", "available"))
        return f"AccountView({self.name!r}, {self.currency!r}, {sums})"

    @property
    def name(self) -> str:
        """The account's name; "" if the strategy was loaded for none."""
        return self._session.account

    @property
    def known(self) -> bool:
        """Whether anything was told of it. A new account is told at its first market data."""
        return bool(self._told)

    @property
    def currency(self) -> str:
        """The currency of everything here; "" if neither a default symbol nor the account tells one."""
        if self._currency:
            return self._currency
        session = self._session
        try:
            terms = session.host.market.find(session.symbol)
        except StrategyError:  # patterns alone
            terms = None
        return terms.currency if terms is not None else next(iter(self._told), "")

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies that were told, the account's own first."""
        return tuple(self._told)

    @property
    def equity(self) -> float:
        """Cash and what the positions are worth: of all strategies of the account, marked at the newest prices."""
        return self._sum("equity")

    @property
    def cash(self) -> float:
        """The balance: a purchase that is paid in full takes its value out of it, a margined one its fee and loss only."""
        return self._sum("cash")

    @property
    def margin(self) -> float:
        """What the positions tie up."""
        return self._sum("margin")

    @property
    def available(self) -> float:
        """Equity less margin: what new positions may tie up."""
        return self._sum("available")

    @property
    def realised(self) -> float:
        """The profit of what was closed, without fees."""
        return self._sum("realised_pnl")

    @property
    def unrealised(self) -> float:
        """The profit that closing all positions at the newest prices would make, without fees."""
        return self._sum("unrealised_pnl")

    @property
    def fees(self) -> float:
        """The fees paid so far."""
        return self._sum("fees")

    def in_currency(self, currency: str) -> AccountView:
        """Return the same account valued in another currency."""
        return AccountView(self._session, currency)

    def told(self, currency: str = "") -> AccountEvent | None:
        """Return what was told last of one currency alone, by default of the account's own; None if nothing was."""
        told = self._told
        return told.get(currency) if currency else next(iter(told.values()), None)

    @property
    def _told(self) -> Mapping[str, AccountEvent]:
        return self._session.host.account_book.told(self._session.account)

    def _sum(self, field: str) -> float:
        told = self._told
        if not told:
            return nan
        rates, total = self._session.host.market.rates(self.currency), 0.0
        for currency, event in told.items():
            amount = float(getattr(event, field))
            if amount:  # nothing is worth nothing, whatever the rate
                rate = rates.rate(currency)
                total += nan if rate is None else amount * rate
        return total
