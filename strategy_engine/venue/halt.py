"""The halt of an account: how it differs from its venue in what nobody has accepted, and what a person has accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.events import AlertEvent, Applied, ConfigChangeEvent, GatewayStatus

from ..orders.manager import Publish
from .reconciliation import Comparison

if TYPE_CHECKING:
    from ..desk.fold import TradingFold

__all__ = ["RESUME", "SEEN", "Halt"]

RESUME = "trading.resume"  # the key of the ConfigChangeEvent that lifts a halt; its value is the account
SEEN = "trading.resume_seen"  # beside it: the differences by name that the person has seen, so that no others are accepted


class Halt:
    """Publishes and remembers what follows from a comparison with the venue. It belongs to the engine's thread.

    Args:
        account: the account's name.
        gateway: the gateway's name.
        component: the engine's, for alerts.
        publish: how events leave.
        cash_tolerance: how far cash may be apart, in its currency.

    Attributes:
        words: why the account is halted; empty if it is not.
        accepted: differences that a person has accepted; None before the first connection.
        resumed: the newest command (its id) to resume that was obeyed.
    """

    def __init__(self, account: str, gateway: str, component: str, publish: Publish, cash_tolerance: float) -> None:
        self.words = ""
        self.accepted: dict[str, float] | None = None
        self.resumed = 0
        self._account = account
        self._gateway = gateway
        self._component = component
        self._publish = publish
        self._tolerance = cash_tolerance

    def __bool__(self) -> bool:
        """Return whether the account is halted."""
        return bool(self.words)

    def take_over(self, fold: TradingFold) -> None:
        """Go on where the journal ends."""
        self.words, self.resumed = fold.halt, fold.resumed
        self.accepted = None if fold.accepted is None else dict(fold.accepted)

    def accept_first(self, comparison: Comparison, *, new: bool) -> Comparison:
        """Accept the cash of a `new` account as the venue says it, at the first connection; return what is left.

        All else that the venue has not heard of is for a person to accept.
        """
        cash = [one for one in comparison.differences if new and one.name.startswith("cash ")]
        self.accepted = {one.name: one.amount for one in cash}
        self._tell("accepted", "; ".join(map(str, cash)), self.accepted, 0)
        return Comparison([one for one in comparison.differences if one.name not in self.accepted], comparison.strangers)

    def begin(self, comparison: Comparison) -> None:
        """Halt the account, and call for a person."""
        self._show(comparison)
        message = (
            f"Account {self._account} is halted: it differs from its venue. {self.words}. New orders and changes are refused, cancels "
            f"pass; when it is clear why, accept the difference: `python -m gcg_quant accounts resume {self._account}`."
        )
        self._alert("critical", "account_halted", message)

    def unseen(self, comparison: Comparison, event: ConfigChangeEvent) -> str:
        """Return why what differs now is not what the person has seen who sent `event`; "" if it is, or the event does not say.

        The differences that are there now are published, so that they can be seen.
        """
        seen = event.changes.get(SEEN)
        if not isinstance(seen, Mapping) or all(self._is_as_seen(one.name, one.amount, seen) for one in comparison.differences):
            return ""
        self._show(comparison)
        return f"Account {self._account} stays halted: it differs otherwise than was seen. {self.words}. Look again, and accept that."

    def lift(self, comparison: Comparison, cause: int) -> None:
        """Accept what differs, by command `cause`."""
        accepted = {**(self.accepted or {}), **{one.name: one.amount for one in comparison.differences}}
        self.accepted = {name: amount for name, amount in accepted.items() if amount}
        self.words, self.resumed = "", cause
        self._tell("accepted", str(comparison), self.accepted, cause)

    def announce_lift(self, comparison: Comparison) -> None:
        """Tell people that the account trades again."""
        self._alert("info", "account_resumed", f"Account {self._account} is resumed. Accepted: {str(comparison) or 'nothing'}.")

    def answer(self, event: ConfigChangeEvent, refusal: str) -> Applied:
        """Return the answer to a command to resume; "" refuses nothing."""
        words = msgspec.json.encode({RESUME: self._account}).decode()
        return Applied(control=event.id, component=self._component, ok=not refusal, detail=refusal or words)

    # ---- inside

    def _is_as_seen(self, name: str, amount: float, seen: Mapping[str, object]) -> bool:
        known = seen.get(name)
        least = self._tolerance if name.startswith("cash ") else 1e-9
        return isinstance(known, int | float) and abs(known - amount) <= least

    def _show(self, comparison: Comparison) -> None:
        self.words = str(comparison)
        self._tell("halted", self.words, {one.name: one.amount for one in comparison.differences}, 0)

    def _tell(self, status: str, detail: str, differences: Mapping[str, float], cause: int) -> None:
        told = GatewayStatus(gateway=self._gateway, account=self._account, status=status, detail=detail, differences=dict(differences))
        self._publish(told, cause=cause)

    def _alert(self, level: str, name: str, message: str) -> None:
        self._publish(AlertEvent(level=level, component=self._component, name=name, message=message), cause=0)
