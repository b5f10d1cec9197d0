"""Changing risk limits and the kill switch of a running system: an event, answered by the trading engine that applied it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError, SettingsError, nearest
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.kill_switch import check_kill_file, kill_change
from gcg_quant.sections import RiskSettings
from gcg_quant.settings import Settings

from ...strategy_engine.risk.limits import LIMIT_NAMES, RULE_NAMES, RiskRules
from ..client import send
from ..views.system_view import SystemView
from ..views.trading_view import TradingView

__all__ = ["NOT_LIMITS", "limit_changes", "set_limits", "switch_kill"]

NOT_LIMITS = ("kill_switch", "overrides")  # keys of [risk] that are no limits
_ANSWER_S = 5.0
_ENGINE = "trading-"  # the beginning of an engine's name; its account follows
_ALL = tuple(name for name in RiskSettings.model_fields if name not in NOT_LIMITS)
_SPECIAL = (*LIMIT_NAMES, *RULE_NAMES)  # what can differ by strategy and symbol
_SWITCHES = tuple(name for name, field in RiskSettings.model_fields.items() if field.annotation is bool)


def switch_kill(bus: EventBus, home: Path, on: bool, origin: str, account: str = "") -> Applied:
    """Switch the kill switch on or off, of all accounts or of one, and return the first engine's answer when all have given theirs.

    Args:
        bus: where the engines are asked.
        home: the home folder.
        on: what it is to be.
        origin: who asks.
        account: of this account alone; its switch goes off alone only while another account's is off.

    Raises:
        ComponentError: it is to go off, and its file keeps it on. SettingsError: there is no such account, or the switch is on for all.
        NotRunningError: nobody answered, or not every engine.
    """
    check_kill_file(home, on)
    running = _engines(bus)
    if account:
        _check_account(bus, on, account, running)
    with bus.reader(events=[Applied], start="end") as reader:
        answer = send(bus, kill_change(on, origin, account), timeout_s=_ANSWER_S, refused=SettingsError)
        missing = set() if account else {_ENGINE + name for name in running} - {answer.component}
        deadline = time.monotonic() + _ANSWER_S
        while missing and (left := deadline - time.monotonic()) > 0:
            event = reader.read(left)
            if isinstance(event, Applied) and event.control == answer.control:
                missing.discard(event.component)
    if missing:
        late = ", ".join(sorted(name.removeprefix(_ENGINE) for name in missing))
        raise NotRunningError(f"The accounts {late} have not answered within {_ANSWER_S:g} s: look at `python -m gcg_quant status`.")
    return answer


def _engines(bus: EventBus) -> list[str]:
    # The accounts whose engines run.
    return [one.name.removeprefix(_ENGINE) for one in bus.readers() if one.alive and one.name.startswith(_ENGINE)]


def _check_account(bus: EventBus, on: bool, account: str, running: Sequence[str]) -> None:
    if account not in running:
        known = ", ".join(running) or "none"
        raise SettingsError(f"There is no account {account!r} that trades (known: {known}).{nearest(account, running)}", account=account)
    if not on and len(running) > 1 and SystemView.of(bus, *TradingView.EVENTS).trading.kill.on:
        raise SettingsError("The kill switch is on for all accounts: switch it off for all, and on for those that must not trade.")


def set_limits(
    bus: EventBus,
    home: Path,
    in_force: Callable[[], Mapping[str, Any]],
    changes: Mapping[str, Any],
    *,
    origin: str,
    strategy: str = "",
    symbol: str = "",
    account: str = "",
) -> Applied:
    """Put limits in force and return the engine's answer. One change at a time on a home folder, so that none undoes another.

    Args:
        bus: where the engine is asked.
        home: the home folder.
        in_force: returns the limits in force now, as `TradingView.limits` has them.
        changes: limits by name: a number or "off"; true, false, "on" or "off" for rules without a number; with a strategy or symbol also
            "default".
        origin: who asks.
        strategy: for this strategy alone.
        symbol: for this instrument alone.
        account: on this account alone.

    Raises:
        SettingsError: a name or value makes no sense, or there is no such instrument or account; nothing was asked for, or the engine
            refused.
        NotRunningError: nobody answered.
    """
    if symbol:
        _check_symbol(bus, symbol)
    if account:
        _check_account(bus, True, account, _engines(bus))
    with _alone(home):
        event = ConfigChangeEvent(revision=0, changes=limit_changes(in_force(), changes, strategy, symbol, account), origin=origin)
        return send(bus, event, timeout_s=_ANSWER_S, refused=SettingsError)


def limit_changes(
    in_force: Mapping[str, Any], changes: Mapping[str, Any], strategy: str = "", symbol: str = "", account: str = ""
) -> dict[str, Any]:
    """Return the "risk." settings that `changes` lead to. Raises SettingsError for a name or value that makes no sense."""
    if not changes:
        raise SettingsError("There is nothing to change: write KEY=VALUE, for example max_order_value=5000.")
    special = bool(strategy or symbol or account)
    names = _SPECIAL if strategy or symbol or not account else (*_SPECIAL, "max_daily_loss")
    if special and "overrides" not in in_force:
        raise SettingsError("The limits in force are not known, so that one alone cannot be changed: start the system again.")
    for name in changes:
        _check_name(name, names if special else ())
    changes = {name: _switch(value) if name in _SWITCHES else value for name, value in changes.items()}
    plain = (
        {"overrides": _overrides(in_force["overrides"] or (), changes, {"account": account, "strategy": strategy, "symbol": symbol})}
        if special
        else dict(changes)
    )
    RiskRules().changed(plain)
    try:
        values = Settings.restore({"risk": plain}, {}).dump()["risk"]
    except SettingsError as error:
        raise SettingsError(error.message.removeprefix("settings received: "), **error.context) from None
    return {f"risk.{name}": values[name] for name in plain}


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    # The overrides are written as a whole: between reading and writing them nobody else may.
    descriptor = os.open(home / "risk.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_name(name: str, special: Sequence[str]) -> None:
    if name == "kill_switch":
        raise SettingsError("The kill switch has a command of its own: `risk kill on` or `risk kill off`.", key=name)
    if name not in _ALL:
        raise SettingsError(f"There is no limit {name!r}.{nearest(name, special or _ALL)}", key=name)
    if special and name not in special:
        raise SettingsError(f"{name} is of the whole account: leave strategy and symbol out.", key=name)


def _switch(value: Any) -> Any:
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


def _overrides(tables: Any, changes: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    # The tables in force with the changed one in its place; "default" takes a limit out, and a table without limits goes.
    result = [{key: value for key, value in table.items() if value not in (None, "")} for table in tables]
    wanted = {key: value for key, value in names.items() if value}
    own = next((table for table in result if {key: table[key] for key in names if key in table} == wanted), None)
    if own is None:
        own = dict(wanted)
        result.append(own)
    for name, value in changes.items():
        if value == "default":
            own.pop(name, None)
        else:
            own[name] = value
    return [table for table in result if table.keys() - names.keys()]


def _check_symbol(bus: EventBus, symbol: str) -> None:
    known = {name for one in bus.instruments for name in (one.symbol, one.name)}
    if symbol not in known:
        raise SettingsError(f"There is no instrument {symbol!r}.{nearest(symbol, known)}", symbol=symbol)
