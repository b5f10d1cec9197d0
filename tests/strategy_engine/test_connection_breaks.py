"""A connection that ends again while an account goes on after the last break: what has not gone out waits for the next one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_venue.floor import SECOND, Floor, order

# ruff: noqa: F811  fixtures are asked for by their names
from .test_venue_link import come_back, lose, make_floor  # noqa: F401  the last one is a fixture


def break_after_reconciling(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next connection end as soon as the account is reconciled on it."""
    reconciled = floor.gateway.reconciled

    def act(session: int) -> None:
        monkeypatch.undo()
        reconciled(session)
        floor.venue.fault("disconnect_now")
        floor.wait_until(lambda: floor.gateway.session != session, "the break")

    monkeypatch.setattr(floor.gateway, "reconciled", act)


def test_held_orders_wait_on_if_the_connection_ends_again(make_floor: Callable[..., Floor], monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks before they have gone out costs nothing: they go out on the next one, once."""
    floor = make_floor(hold_ns=60 * SECOND)
    lose(floor)
    floor.say(order("a", 1.0, 100.0), order("b", 1.0, 100.0))
    break_after_reconciling(floor, monkeypatch)
    come_back(floor)
    floor.wait_inbox("b")
    assert floor.venue.record().submitted() == {"a": 1, "b": 1}


def test_order_that_never_arrived_waits_on_if_the_connection_ends_again(
    make_floor: Callable[..., Floor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up on the next connection, and sent there, once."""
    floor = make_floor()
    floor.venue.fault("die_before")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    break_after_reconciling(floor, monkeypatch)
    come_back(floor)
    floor.wait_inbox("a")
    assert floor.venue.record().submitted() == {"a": 1}
