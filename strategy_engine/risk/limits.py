"""The limits of the risk check: for all orders, and other ones for a strategy or a symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite, nan
from typing import Any, TypeAlias

import msgspec

from gcg_quant.errors import SettingsError, nearest

__all__ = ["LIMIT_NAMES", "RULE_NAMES", "Limit", "RiskLimits", "RiskOverride", "RiskRules", "overrides_from"]

Limit: TypeAlias = float | bool | None  # a number, a rule's switch, or off

# The limits that can differ by strategy and symbol, in the order of the native RiskLimits.
LIMIT_NAMES = {
    "max_order_quantity": "order_quantity",
    "max_order_value": "order_value",
    "max_position_quantity": "position_quantity",
    "max_position_value": "position_value",
    "max_orders_per_second": "orders_per_second",
    "max_open_orders": "open_orders",
    "price_band": "price_band",
    "max_concentration": "concentration",
}
# Rules without a number that can differ by strategy and symbol, called the same in the native RiskLimits.
RULE_NAMES = ("self_trade", "session", "t_plus_one", "price_limit")
_ACCOUNT_LIMITS = ("max_daily_loss",)
_SWITCHES = (*RULE_NAMES, "buying_power", "kill_switch")
_KEYS = (*LIMIT_NAMES, *_ACCOUNT_LIMITS, *_SWITCHES, "overrides")
_OVERRIDE_KEYS = ("account", "strategy", "symbol", *LIMIT_NAMES, *RULE_NAMES, *_ACCOUNT_LIMITS)


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits for every order of the account; None is off. Values are in the instrument's currency unless stated."""

    max_order_quantity: float | None = None  # units
    max_order_value: float | None = None
    max_position_quantity: float | None = None  # units of one instrument, open orders included
    max_position_value: float | None = None  # of one instrument, open orders included
    max_orders_per_second: float | None = None  # of one strategy
    max_open_orders: float | None = None  # all strategies together
    price_band: float | None = None  # furthest limit price from the last price, as a fraction
    max_concentration: float | None = None  # value of one instrument's position, open orders included, as a share of the equity
    self_trade: bool = True  # refuse what would trade with an own resting order
    session: bool = False  # refuse orders while the instrument's market is closed by its calendar
    t_plus_one: bool = True  # of T+1 instruments, sell only what was bought before the trading day
    price_limit: bool = True  # refuse limit prices outside of the day's price limits
    max_daily_loss: float | None = None  # since the UTC day began, in the account's currency; then only closing orders pass
    buying_power: bool = True  # refuse what the account cannot pay or margin
    kill_switch: bool = False  # refuse every order


class RiskOverride(msgspec.Struct, frozen=True, kw_only=True):
    """Other limits for an account, a strategy, a symbol ("BTC/USDT" or "BTC/USDT@SIM") or several; None or False is off there."""

    account: str = ""
    strategy: str = ""
    symbol: str = ""
    limits: dict[str, Limit] = {}


class RiskRules(msgspec.Struct, frozen=True, kw_only=True):
    """All limits in force. A change gives new rules or an error, never half of it."""

    limits: RiskLimits = RiskLimits()
    overrides: tuple[RiskOverride, ...] = ()

    def uses(self, rule: str) -> bool:
        """Return whether one of `RULE_NAMES` is on for any order."""
        return bool(getattr(self.limits, rule)) or any(override.limits.get(rule) for override in self.overrides)

    def of_account(self, account: str) -> RiskRules:
        """Return the rules as they are for one account; what names it wins over what names none."""
        limits: dict[str, Limit] = {}
        own: list[RiskOverride] = []
        for override in sorted(self.overrides, key=lambda one: bool(one.account)):
            if override.account not in ("", account):
                continue
            if override.strategy or override.symbol:
                own.append(override)
            else:
                limits |= override.limits
        changed: dict[str, Any] = limits
        return RiskRules(limits=msgspec.structs.replace(self.limits, **changed), overrides=tuple(own))

    def changed(self, changes: Mapping[str, Any]) -> RiskRules:
        """Return the rules after changes of [risk] keys, such as {"max_order_value": 5000, "price_band": "off"}.

        Raises:
            SettingsError: an unknown key or a value that makes no sense; it names the key.
        """
        plain: dict[str, Any] = {}
        overrides = self.overrides
        for key, value in changes.items():
            if key == "overrides":
                overrides = overrides_from(value)
            elif key in _SWITCHES:
                plain[key] = _switch(key, value)
            elif key in _KEYS:
                plain[key] = _limit(key, value)
            else:
                raise SettingsError(f"There is no setting risk.{key}.{nearest(key, _KEYS)}", key=f"risk.{key}")
        return RiskRules(limits=msgspec.structs.replace(self.limits, **plain), overrides=overrides)


def overrides_from(tables: object) -> tuple[RiskOverride, ...]:
    """Return the overrides behind a list of tables, each with `account`, `strategy` or `symbol`, and limits by name.

    Raises:
        SettingsError: a table names none of them, an unknown limit, or a value that makes no sense.
    """
    if not isinstance(tables, Sequence) or isinstance(tables, str):
        raise SettingsError(f"risk.overrides must be a list of tables, found {tables!r}.", key="risk.overrides")
    return tuple(_override(number, table) for number, table in enumerate(tables, start=1))


def _override(number: int, table: object) -> RiskOverride:
    place = f"risk.overrides item {number}"
    if isinstance(table, RiskOverride):
        return table
    if not isinstance(table, Mapping):
        raise SettingsError(f"{place} must be a table, found {table!r}.", key="risk.overrides")
    limits: dict[str, Limit] = {}
    for key, value in table.items():
        if key not in _OVERRIDE_KEYS:
            raise SettingsError(f"{place} has no key {key!r}.{nearest(str(key), _OVERRIDE_KEYS)}", key=str(key))
        if value is not None and (key in LIMIT_NAMES or key in _ACCOUNT_LIMITS):
            limits[key] = _limit(f"overrides item {number}, {key}", value)
        elif value is not None and key in RULE_NAMES:
            limits[key] = _switch(f"overrides item {number}, {key}", value)
    account, strategy, symbol = (str(table.get(key) or "") for key in ("account", "strategy", "symbol"))
    if not account and not strategy and not symbol:
        text = f"{place} names neither an account nor a strategy nor a symbol; limits for all stand in [risk] itself."
        raise SettingsError(text, key="risk.overrides")
    for key in _ACCOUNT_LIMITS:
        if key in limits and (strategy or symbol):
            raise SettingsError(f"{place}: {key} is of a whole account: leave strategy and symbol out.", key=key)
    return RiskOverride(account=account, strategy=strategy, symbol=symbol, limits=limits)


def _limit(key: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("off", "none", "")):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
        raise SettingsError(f'risk.{key} must be a number above 0 or "off", found {value!r}.', key=f"risk.{key}", value=value)
    return float(value)


def _switch(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"risk.{key} must be true or false, found {value!r}.", key=f"risk.{key}", value=value)
    return value


def native_limits(limits: Mapping[str, Limit], *, everywhere: bool) -> dict[str, float]:
    """Return the keywords of the native set_limits(): NaN says nothing, inf switches a rule off, 1 a rule without a number on."""
    missing = inf if everywhere else nan
    names = {**LIMIT_NAMES, **{name: name for name in RULE_NAMES}}
    return {native: _native_value(limits[name]) if name in limits else missing for name, native in names.items()}


def _native_value(value: Limit) -> float:
    return inf if value is None or value is False else float(value)
