"""Further accounts beside that of [trading]: what each has of its own, and what is refused, with the sentence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gcg_quant.admin.running.groups import groups_of, is_own_group
from gcg_quant.admin.running.parts import build_parts
from gcg_quant.errors import SettingsError
from gcg_quant.events import Applied, ColdEvent, ConfigChangeEvent
from gcg_quant.kill_switch import KillSwitch, kill_change
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.trading import TradingEngine

OKX = {"name": "okx-2", "currency": "USDT", "cash": 500.0, "gateway": "ccxt", "exchange": "okx", "credentials": "second"}
LIVE = {"system": {"world": "live"}}


def settings_of(document: dict[str, Any]) -> Settings:
    """Return the settings of a document."""
    return Settings.of(document, "my.toml", None, {})


def with_accounts(*accounts: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return a document with further accounts."""
    return {"trading": {"account": "main", "accounts": list(accounts)}, **others}


def test_an_account_has_its_own_money_and_gateway() -> None:
    """What it leaves out is that of [trading]; the settings of an account describe it as if it were the only one."""
    settings = settings_of(with_accounts(OKX, {"name": "plain"}, **LIVE))
    assert settings.trading.names == ("main", "okx-2", "plain")
    own = settings.of_account("okx-2")
    assert (own.trading.account, own.trading.currency, own.trading.cash, own.trading.gateway) == ("okx-2", "USDT", 500.0, "ccxt")
    assert (own.gateway.exchange, own.gateway.credentials) == ("okx", "second")
    plain = settings.of_account("plain")
    assert (plain.trading.currency, plain.trading.cash, plain.trading.gateway) == ("USD", 1_000_000.0, "paper")
    assert settings.of_account("main") is settings
    assert Settings.restore(settings.dump(), {}) == settings
    assert "account okx-2 trades for real: orders go to okx" in settings.real_trading
    assert len(settings.real_trading.splitlines()) == 1


def test_every_account_has_an_engine_and_those_that_want_it_a_process() -> None:
    """The accounts without a process of their own are in the part "trading"; a library of one login a process has one unasked."""
    settings = settings_of(
        with_accounts(
            {"name": "a"}, {"name": "b", "process": True}, {"name": "ctp", "gateway": "ctp"}, {"name": "c", "process": False}, **LIVE
        )
    )
    groups = groups_of(settings)
    assert {name for name, parts in groups.items() if is_own_group(parts)} == {"account-b", "account-ctp"}
    engines = [one for one in build_parts(["trading"], settings) if isinstance(one, TradingEngine)]
    assert [(one.name, one.config.default) for one in engines] == [("trading-main", True), ("trading-a", False), ("trading-c", False)]
    assert [one.name for one in build_parts(groups["account-b"], settings)] == ["trading-b"]
    without = settings_of({**with_accounts({"name": "b", "process": True}), "system": {"groups": {"all": ["web"]}}})
    assert list(groups_of(without)) == ["all"]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (with_accounts({"name": "main"}), "two accounts are called 'main'; give each a name of its own"),
        (with_accounts({"name": "a"}, {"name": "a"}), "two accounts are called 'a'"),
        (with_accounts({"name": "a", "proces": True}), r"there is no such key. Did you mean 'process'\?"),
        (with_accounts({"name": "a", "gateway": "ccxt"}), r"\[\[trading.accounts\]\] 'a': gateway = \"ccxt\" sends real orders"),
        (with_accounts({"name": "a", "cash": 0}), "greater than 0"),
        (with_accounts({"name": "a", "url": "http://me:secret@x"}), "the URL holds a password; take it out"),
        (with_accounts(OKX, {**OKX, "name": "okx-3"}, **LIVE), "'okx-2' and 'okx-3' of .trading. log in as the same one: give each"),
        (
            with_accounts({"name": "second"}, strategies={"load": [{"file": "grid", "account": "secnd"}]}),
            r"\[\[strategies.load\]\] grid: there is no account 'secnd' in \[trading\]. Did you mean 'second'\?",
        ),
        (
            with_accounts(risk={"overrides": [{"account": "mian", "max_order_value": 5}]}),
            r"\[\[risk.overrides\]\] item 1: there is no account 'mian' in \[trading\]. Did you mean 'main'\?",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(document: dict[str, Any], sentence: str) -> None:
    """It names the file, the place and what helps; a password is not repeated."""
    with pytest.raises(SettingsError, match=sentence) as error:
        settings_of(document)
    assert error.value.message.startswith("my.toml: ")
    assert "secret" not in error.value.message


def test_what_its_gateway_lacks_is_said_of_the_account() -> None:
    """The adapter's sentence, with the account in front of it."""
    settings = settings_of(with_accounts({**OKX, "exchange": "okz"}, **LIVE))
    with pytest.raises(SettingsError, match=r"^\[\[trading.accounts\]\] 'okx-2': .*found 'okz'"):
        TradingEngine.from_settings(settings, "okx-2")


def test_an_account_that_is_not_there_is_named_with_the_nearest() -> None:
    """`of_account` knows those of the settings alone."""
    with pytest.raises(SettingsError, match=r"There is no account 'maim' in \[trading\]. Did you mean 'main'\?"):
        settings_of(with_accounts()).of_account("maim")


def test_the_switch_is_told_of_all_accounts_or_of_some() -> None:
    """`on` is of every account; those that stand alone are named; a state of before there were several accounts goes on."""
    switch, number = KillSwitch(), 0

    def say(event: ColdEvent) -> dict[str, Any]:
        nonlocal number
        number += 1
        switch.apply(msgspec.structs.replace(event, id=number, time_ns=number * 10))
        return switch.facts()

    def applied(account: str, on: bool, control: int) -> Applied:
        return Applied(control=control, component=f"trading-{account}", detail=f'{{"risk.kill_switch":{str(on).lower()}}}')

    begun = {"risk.kill_switch": False, "trading.account": "a", "trading.accounts": [{"name": "b"}]}
    assert say(ConfigChangeEvent(revision=1, changes=begun))["on"] is False
    say(kill_change(True, "console", "b"))
    assert say(applied("b", True, number)) == {"on": False, "since_ns": 30, "origin": "console", "accounts": ["b"]}
    say(kill_change(True, "page"))
    control = number
    say(applied("b", True, control))
    assert say(applied("a", True, control)) == {"on": True, "since_ns": 60, "origin": "page", "accounts": []}
    dumped = switch.dump()
    wider = {**begun, "trading.accounts": [{"name": "b"}, {"name": "new"}]}
    assert say(ConfigChangeEvent(revision=1, changes=wider))["accounts"] == ["a", "b"]
    switch = KillSwitch()
    switch.load({name: value for name, value in dumped.items() if name not in ("accounts", "by_account")})
    assert say(ConfigChangeEvent(revision=1, changes=begun))["on"] is True
    control = number
    say(applied("a", False, control))
    assert say(applied("b", False, control))["accounts"] == []
    assert switch.on is False
