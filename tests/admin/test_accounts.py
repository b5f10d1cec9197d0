"""Several accounts in one system, two of them in processes of their own: each with its own strategies, money, limits and switch."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AccountEvent,
    Applied,
    ColdEvent,
    Fill,
    OrderEvent,
    RiskVerdict,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
)
from gcg_quant.strategy_engine.accounts.audit import audit

from .conftest import System, call
from .test_kill_switch import wait_for

SETTINGS = """
[system.groups]
market = ["collectors", "trading"]
strategies = ["strategies"]
[simulated]
enabled = true
symbols = ["BTC/USDT"]
history_minutes = 0
[trading]
account = "main"
currency = "USDT"
[[trading.accounts]]
name = "second"
process = true
cash = 500_000
[[trading.accounts]]
name = "third"
process = true
[strategies]
folders = ["{folder}"]
[[strategies.load]]
file = "{folder}/turner.py"
id = "of-main"
[[strategies.load]]
file = "{folder}/turner.py"
id = "of-second"
account = "second"
[[strategies.load]]
file = "{folder}/turner.py"
id = "of-third"
account = "third"
"""
STRATEGY = '''"""Buys and sells in turn."""

from gcg_quant.strategy_engine import Strategy


class Turner(Strategy):
    """One order every few ticks."""

    symbols = ["BTC/USDT"]

    def on_start(self):
        """Begin to count."""
        self.ticks = 0

    def on_tick(self, tick):
        """Trade."""
        self.ticks += 1
        if self.ticks % 10 == 0:
            (self.buy if self.ticks % 20 else self.sell)(0.01)
'''
ACCOUNTS = ("main", "second", "third")


class Place:
    """A system with three accounts, and its bus."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (folder / "turner.py").write_text(STRATEGY)
        self.config = folder / "gcg_quant.toml"
        self.config.write_text(SETTINGS.format(folder=folder))
        self.system = System(self.home, "--config", str(self.config))
        self.bus = EventBus(self.home / "bus", source="test", create=False)

    def events(self, kind: Any) -> list[Any]:
        """Return the events of a kind."""
        with self.bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    def fills(self, account: str) -> int:
        """Return how many fills an account has."""
        return sum(1 for one in self.events(Fill) if one.account == account)

    def wait_for_more(self, *accounts: str, count: int = 3) -> None:
        """Wait until each of the accounts has so many more fills."""
        before = {account: self.fills(account) for account in accounts}
        wait_for(lambda: all(self.fills(one) >= before[one] + count for one in accounts), f"fills of {', '.join(accounts)}")

    def pids(self) -> dict[str, int]:
        """Return the processes of the groups."""
        return {one.component: one.data["pid"] for one in self.events(SystemEvent) if one.action == "group_started"}

    def console(self, *words: str, code: int = 0) -> str:
        """Run a console command and return what it printed."""
        result = call(self.home, *words)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    def answer(self, event: ColdEvent) -> Applied:
        """Publish a command and return its answer."""
        control = self.bus.publish(event)
        found: list[Applied] = wait_for(lambda: [one for one in self.events(Applied) if one.control == control], "an answer")
        return found[0]

    def close(self) -> None:
        """End all."""
        self.bus.close()
        self.system.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start the system."""
    opened = Place(tmp_path_factory.mktemp("accounts"))
    try:
        wait_for(lambda: all(opened.fills(account) for account in ACCOUNTS), "every account trades")
        yield opened
    finally:
        opened.close()


def test_each_strategy_trades_on_its_account(place: Place) -> None:
    """Orders, fills and money of each are apart; each engine that wants one has a process of its own."""
    assert set(place.pids()) == {"market", "strategies", "account-second", "account-third"}
    for kind in (OrderEvent, Fill):
        assert {(one.account, one.strategy) for one in place.events(kind)} == {(name, f"of-{name}") for name in ACCOUNTS}
    first = {one.account: one.cash for one in reversed(place.events(AccountEvent)) if one.currency == "USDT"}
    assert {name: round(cash, -5) for name, cash in first.items()} == {"main": 1e6, "second": 5e5, "third": 1e6}
    rows = json.loads(place.console("accounts", "--json"))
    assert {row["account"] for row in rows["accounts"]} == set(ACCOUNTS)
    assert {(row["account"], row["strategy"]) for row in rows["strategies"]} == {(name, f"of-{name}") for name in ACCOUNTS}


def test_a_strategy_of_an_unknown_account_is_refused(place: Place) -> None:
    """The sentence names the accounts that there are, and the nearest."""
    file = str(place.config.parent / "turner.py")
    answer = place.answer(StrategyControlEvent(action="load", strategy="lost", file=file, account="secnd"))
    assert (answer.ok, answer.detail) == (
        False,
        "Strategy 'lost' cannot trade on 'secnd': there is no such account (known: main, second, third). Did you mean 'second'?",
    )
    assert not [one for one in place.events(StrategyStatusEvent) if one.strategy == "lost" and one.state == "loaded"]


def test_a_killed_account_comes_back_and_the_others_trade_on(place: Place) -> None:
    """The process of one account is killed: the others do not notice, it goes on with what it had, and every account adds up."""
    pids = place.pids()
    os.kill(pids["account-second"], signal.SIGKILL)
    place.wait_for_more("main", "third")
    wait_for(lambda: place.pids()["account-second"] != pids["account-second"], "the next process of the account")
    place.wait_for_more("second")
    after = place.pids()
    assert {name: pid for name, pid in after.items() if name != "account-second"} == {
        name: pid for name, pid in pids.items() if name != "account-second"
    }
    found = {one.account: one for one in audit(place.bus)}
    assert set(found) == set(ACCOUNTS)
    assert all(one.fills and one.compared for one in found.values())


def test_the_kill_switch_of_one_account_leaves_the_others_trading(place: Place) -> None:
    """It survives the process of its account; only that account's orders are refused; then the switch for all, which none leaves alone."""
    said = place.console("risk", "kill", "on", "--account", "third")
    assert said.startswith("kill switch on for account third from event #")
    killed = place.fills("third")
    place.wait_for_more("main", "second")
    assert place.fills("third") == killed
    shown = place.console("risk")
    assert "kill switch: ON for third since" in shown
    assert json.loads(place.console("risk", "--json"))["kill_switch"]["accounts"] == ["third"]
    assert "kill switch: on for third" in place.console("status")
    before = place.pids()["account-third"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: place.pids()["account-third"] != before, "the next process of the account")
    place.wait_for_more("main", "second")
    assert place.fills("third") == killed
    assert "There is no account 'thrid' that trades" in place.console("risk", "kill", "on", "--account", "thrid", code=1)

    place.console("risk", "kill", "on")
    fills = {name: place.fills(name) for name in ACCOUNTS}
    assert "kill switch: ON since" in place.console("risk")
    refused = place.console("risk", "kill", "off", "--account", "third", code=1)
    assert "The kill switch is on for all accounts: switch it off for all" in refused
    assert {name: place.fills(name) for name in ACCOUNTS} == fills
    place.console("risk", "kill", "off")
    place.wait_for_more(*ACCOUNTS)
    assert "kill switch: off" in place.console("risk")


def test_an_account_has_limits_of_its_own(place: Place) -> None:
    """A limit of one account is refused there and passes elsewhere; "default" takes it back."""
    said = place.console("risk", "set", "max_order_quantity=0.001", "--account", "second")
    assert said.startswith("max_order_quantity = 0.001 for account second: in force from event #")
    refused = place.fills("second")
    place.wait_for_more("main", "third")
    assert place.fills("second") <= refused + 1  # what was on its way
    wait_for(lambda: any(not one.passed for one in place.events(RiskVerdict) if one.account == "second"), "a refusal")
    assert {"account": "second", "max_order_quantity": 0.001} in json.loads(place.console("risk", "--json"))["overrides"]
    place.console("risk", "set", "max_order_quantity=default", "--account", "second")
    place.wait_for_more("second")
