"""What the journal says of trading beside orders and positions: limits in force, refusals, gateways, profit of the day."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.events import AccountEvent, Applied, ConfigChangeEvent, Event, GatewayStatus, OrderEvent, OrderStatus, RiskVerdict
from gcg_quant.kill_switch import KILL_KEY, KillSwitch, applied_changes
from gcg_quant.packing import pack_event

__all__ = ["TradingView"]

_REFUSALS_KEPT = 200
_DELAYS_KEPT = 200
_ANSWERS = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED, OrderStatus.REJECTED})


class TradingView:
    """Limits, kill switch, refusals, gateways and the day's profit, folded from events. One thread.

    Attributes:
        limits: the "risk." settings in force by key, without the kill switch; overrides as tables.
        currency: of the account, as the settings have it; "" if no run has told.
        kill: the kill switch.
        refusals: the newest verdicts that refused an order.
        gateways: the last status by gateway and account, and since when.
        halts: of the halted accounts, by gateway and account, the status that says how they differ.
        delays: by gateway, the times (ns) between SUBMITTING and the venue's first answer of the newest orders.
        bases: by account and currency, the UTC day (counted from 1970) and the equity that it began with.
        saw_the_beginning: whether the journal was read from its first event on.
    """

    EVENTS: ClassVar[tuple[type[Event], ...]] = (ConfigChangeEvent, Applied, RiskVerdict, GatewayStatus)

    def __init__(self) -> None:
        self.limits: dict[str, Any] = {}
        self.currency = ""
        self.kill = KillSwitch()
        self.refusals: deque[RiskVerdict] = deque(maxlen=_REFUSALS_KEPT)
        self.gateways: dict[tuple[str, str], GatewayStatus] = {}
        self.halts: dict[tuple[str, str], GatewayStatus] = {}
        self.delays: dict[str, deque[int]] = {}
        self.bases: dict[tuple[str, str], tuple[int, float]] = {}
        self.saw_the_beginning = True

    # ---- as a part of a fold

    def dump(self) -> dict[str, Any]:
        """Return the state as plain values and packed events."""
        return {
            "limits": self.limits,
            "currency": self.currency,
            "kill": self.kill.dump(),
            "refusals": [pack_event(one) for one in self.refusals],
            "gateways": [pack_event(one) for one in self.gateways.values()],
            "halts": [pack_event(one) for one in self.halts.values()],
            "delays": {gateway: list(one) for gateway, one in self.delays.items()},
            "bases": [(*key, *base) for key, base in self.bases.items()],
            "saw_the_beginning": self.saw_the_beginning,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` returned; this view is new."""
        self.limits, self.currency = state["limits"], state["currency"]
        self.kill.load(state["kill"])
        self.refusals.extend(state["refusals"])
        self.gateways = {(one.gateway, one.account): one for one in state["gateways"]}
        halts = state.get("halts", [one for one in state["gateways"] if one.status == "halted"])  # a state of before they were kept
        self.halts = {(one.gateway, one.account): one for one in halts}
        self.delays = {gateway: deque(one, _DELAYS_KEPT) for gateway, one in state["delays"].items()}
        self.bases = {(account, currency): (day, equity) for account, currency, day, equity in state["bases"]}
        self.saw_the_beginning = state["saw_the_beginning"]

    # ---- events

    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take the settings that a run begins with; what changes later counts when an engine has applied it."""
        self.kill.apply(event)
        if event.revision == 1:
            self._take_limits(event.changes)
            self.currency = str(event.changes.get("trading.currency", self.currency))

    def on_applied(self, event: Applied) -> None:
        """Take limits that an engine has put in force."""
        self.kill.apply(event)
        self._take_limits(applied_changes(event))

    def on_verdict(self, event: RiskVerdict) -> None:
        """Take a verdict; those that passed are not kept."""
        if not event.passed:
            self.refusals.append(event)

    def on_gateway(self, event: GatewayStatus) -> None:
        """Take a gateway's state."""
        key = event.gateway, event.account
        self.gateways[key] = event
        if event.status == "halted" and (event.differences or key not in self.halts):  # after a restart it only says that it still is
            self.halts[key] = event
        elif event.status == "connected" or (event.status == "accepted" and event.cause):
            self.halts.pop(key, None)

    def on_order(self, before: OrderEvent | None, event: OrderEvent) -> None:
        """Measure how long the venue took to answer; `before` is the order's state until now."""
        if before is not None and before.status == OrderStatus.SUBMITTING and event.status in _ANSWERS:
            self.delays.setdefault(event.gateway, deque(maxlen=_DELAYS_KEPT)).append(event.time_ns - before.time_ns)

    def on_account(self, event: AccountEvent) -> None:
        """Note the equity that a UTC day began with: that of its first event, as the daily loss limit counts."""
        key, day = (event.account, event.currency), (event.event_ns or event.time_ns) // NS_PER_DAY
        known = self.bases.get(key)
        if known is None:
            # The first event of a new book is that of its first trade: it began without what that made.
            made = event.realised_pnl + event.unrealised_pnl - event.fees if self.saw_the_beginning else 0.0
            self.bases[key] = (day, event.equity - made)
        elif day > known[0]:
            self.bases[key] = (day, event.equity)

    def today(self, account: AccountEvent) -> float:
        """Return the profit of a currency's book since its UTC day began."""
        _, equity = self.bases.get((account.account, account.currency), (0, account.equity))
        return account.equity - equity

    def _take_limits(self, changes: Mapping[str, Any]) -> None:
        for key, value in changes.items():
            if key.startswith("risk.") and key != KILL_KEY:
                self.limits[key.removeprefix("risk.")] = value
