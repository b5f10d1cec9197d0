"""Halted accounts: how each differs from its venue, and the command that accepts the differences and lets it trade again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError, nearest
from gcg_quant.events import ConfigChangeEvent, GatewayStatus

from ..strategy_engine.venue.halt import RESUME, SEEN
from .client import send
from .views.system_view import SystemView

__all__ = ["halt_of", "halt_rows", "resume_account"]

_ANSWER_S = 10.0  # the engine asks its venue before it answers
_SEQ = (1 << 60) - 1


def halt_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return the halted accounts: since when, and by how much the venue's figures are above ours, in words and by name."""
    return [
        {
            "account": one.account,
            "gateway": one.gateway,
            "since_ns": one.time_ns,
            "detail": one.detail,
            "differences": dict(one.differences),
        }
        for one in view.trading.halts.values()
    ]


def halt_of(view: SystemView, account: str) -> dict[str, Any]:
    """Return the row of a halted account. Raises ComponentError: it is not halted, or there is no such account."""
    for row in halt_rows(view):
        if row["account"] == account:
            return row
    known = {name for _, name in view.trading.gateways} | {name for name, _ in view.accounts}
    if account not in known:
        raise ComponentError(f"There is no account {account!r}.{nearest(account, known)}", account=account)
    raise ComponentError(f"Account {account} is not halted.", account=account)


def resume_account(bus: EventBus, account: str, seen: Mapping[str, float], origin: str) -> dict[str, Any]:
    """Lift the halt of an account and return what was accepted.

    Args:
        bus: where its engine is asked.
        account: its name.
        seen: the differences that are accepted, by name, as `halt_rows` shows them; if others are found, nothing is lifted.
        origin: who asks.

    Raises:
        ComponentError: it stays halted, with the reason. NotRunningError: nobody answered.
    """
    event = ConfigChangeEvent(revision=0, changes={RESUME: account, SEEN: dict(seen)}, origin=origin)
    with bus.reader(events=[GatewayStatus], start="end") as reader:
        answer = send(bus, event, timeout_s=_ANSWER_S, refused=ComponentError)
        told = [one for one in reader if isinstance(one, GatewayStatus) and one.status == "accepted" and one.cause == answer.control]
    detail = told[-1].detail if told else ""
    return {"account": account, "accepted": detail, "applied": answer.id & _SEQ}
