"""Which settings a change of limits leads to, and what a group makes of them after its restart."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.admin.changes.risk_change import limit_changes
from gcg_quant.admin.config import flat
from gcg_quant.admin.running.group import settings_of
from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError, SettingsError
from gcg_quant.events import ConfigChangeEvent
from gcg_quant.settings import Settings

GRID = {"strategy": "grid", "max_order_value": 5.0}
BOTH = {"strategy": "grid", "symbol": "BTC/USDT", "price_band": "off"}


def overrides(changes: dict[str, Any], strategy: str = "", symbol: str = "", tables: Any = (GRID, BOTH)) -> list[dict[str, Any]]:
    """Return the overrides after a change, without what is absent."""
    found = limit_changes({"overrides": list(tables)}, changes, strategy, symbol)
    assert list(found) == ["risk.overrides"]
    return [{key: value for key, value in table.items() if value not in (None, "")} for table in found["risk.overrides"]]


def test_limits_for_all_are_settings() -> None:
    """A number, "off" and a switch become the keys of [risk]."""
    changes = limit_changes({}, {"max_order_value": 5000, "price_band": "off", "buying_power": False, "max_open_orders": 7})
    assert changes == {"risk.max_order_value": 5000.0, "risk.price_band": None, "risk.buying_power": False, "risk.max_open_orders": 7}


def test_rules_without_a_number_are_switched() -> None:
    """On and off, or true and false, for all or for a symbol; anything else is a sentence."""
    assert limit_changes({}, {"session": "on", "self_trade": "off", "t_plus_one": True}) == {
        "risk.session": True,
        "risk.self_trade": False,
        "risk.t_plus_one": True,
    }
    assert overrides({"session": "on"}, "", "600519", ()) == [{"symbol": "600519", "session": True}]
    assert overrides({"session": "off"}, "", "600519", ()) == [{"symbol": "600519", "session": False}]
    for value in ("perhaps", 1, None):
        with pytest.raises(SettingsError, match="must be true or false"):
            limit_changes({}, {"session": value})


def test_an_override_is_added_changed_and_taken_back() -> None:
    """Only the table of exactly that strategy and symbol changes; one without limits goes."""
    assert overrides({"max_order_value": 9}, "grid") == [{**GRID, "max_order_value": 9.0}, BOTH]
    assert overrides({"price_band": 0.5}, "", "BTC/USDT") == [GRID, BOTH, {"symbol": "BTC/USDT", "price_band": 0.5}]
    assert overrides({"max_open_orders": "off"}, "grid", "BTC/USDT") == [GRID, {**BOTH, "max_open_orders": "off"}]
    assert overrides({"max_order_value": "default"}, "grid") == [BOTH]
    assert overrides({"max_order_value": "default"}, "nobody") == [GRID, BOTH]


def test_unknown_limits_in_force_change_no_override() -> None:
    """Where the tables in force are not known, writing one would drop the others."""
    with pytest.raises(SettingsError, match="not known"):
        limit_changes({}, {"max_order_value": 5}, "grid")


def test_nothing_to_change_is_an_error() -> None:
    """An empty change is a mistake."""
    with pytest.raises(SettingsError, match="There is nothing to change"):
        limit_changes({}, {})


def test_a_group_that_starts_again_has_the_changed_limits(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of the run count, refused ones do not, and a variable of the environment does not undo them."""
    first = bus.publish(ConfigChangeEvent(revision=1, changes=flat(Settings().dump())))
    bus.publish(ConfigChangeEvent(revision=0, changes=limit_changes({}, {"max_order_value": 5000})))
    bus.publish(ConfigChangeEvent(revision=0, changes={"risk.max_order_value": -3}))
    bus.publish(ConfigChangeEvent(revision=0, changes={"risk.no_such_limit": 1, "risk.price_band": 0.5}))
    tables = {"overrides": []}
    bus.publish(ConfigChangeEvent(revision=0, changes=limit_changes(tables, {"price_band": "off"}, "grid")))
    monkeypatch.setenv("GCG_QUANT_RISK__MAX_ORDER_VALUE", "7")
    risk = settings_of(bus, first).risk
    assert (risk.max_order_value, risk.price_band) == (5000.0, 0.1)
    assert [(one.strategy, one.price_band) for one in risk.overrides] == [("grid", "off")]


def test_settings_of_an_unknown_event_are_an_error(bus: EventBus) -> None:
    """There is nothing to start with."""
    with pytest.raises(GcgQuantError, match="holds no settings with the id"):
        settings_of(bus, 1)
