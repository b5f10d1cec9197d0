"""Two live accounts at one exchange, each with its own key and process: orders go out under the right key, and one may fall alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.process import FakeVenue

from gcg_quant.bus import EventBus
from gcg_quant.events import Fill, GatewayStatus, SystemEvent

from .conftest import System
from .test_kill_switch import wait_for

SETTINGS = """
[system]
world = "live"
[system.groups]
market = ["collectors", "trading"]
strategies = ["strategies"]
[trading]
account = "one"
currency = "USDT"
cash = 1000
gateway = "ccxt"
hold_s = 10
[gateway]
exchange = "binance"
credentials = "first"
[[trading.accounts]]
name = "two"
gateway = "ccxt"
exchange = "binance"
credentials = "second"
process = true
[[collectors.run]]
name = "binance"
kind = "ccxt"
symbols = ["BTC/USDT"]
options = {{ streams = ["quotes", "trades"] }}
[strategies]
folders = ["{folder}"]
[[strategies.load]]
file = "{folder}/buyer.py"
id = "of-one"
parameters = {{ quantity = 0.001 }}
[[strategies.load]]
file = "{folder}/buyer.py"
id = "of-two"
account = "two"
parameters = {{ quantity = 0.002 }}
"""
LEFT = 0.002  # what an order may have bought of which nobody heard any more
STRATEGY = '''"""Buys once in a while."""

from gcg_quant.strategy_engine import Parameter, Strategy


class Buyer(Strategy):
    """A market order every ten quotes."""

    symbols = ["BTC/USDT"]
    quantity = Parameter(0.001)

    def on_start(self):
        """Begin to count."""
        self.ticks = 0

    def on_tick(self, tick):
        """Buy."""
        self.ticks += 1
        if self.ticks % 10 == 0 and not self.orders:
            self.buy(self.quantity)
'''


class Place:
    """The system and the exchange."""

    def __init__(self, folder: Path) -> None:
        self.venue = FakeVenue("binance", "--account", "key-1:secret-1", "--account", "key-2:secret-2")
        (folder / "buyer.py").write_text(STRATEGY)
        config = folder / "gcg_quant.toml"
        config.write_text(SETTINGS.format(folder=folder))
        url = f"http://127.0.0.1:{self.venue.port}"
        config.write_text(
            config.read_text()
            .replace('credentials = "first"', f'credentials = "first"\nurl = "{url}"')
            .replace('credentials = "second"', f'credentials = "second"\nurl = "{url}"')
        )
        variables = {"GCG_QUANT_COLLECTORS__URLS": f'{{"binance": "{url}"}}'}
        for name, number in (("FIRST", 1), ("SECOND", 2)):
            variables[f"GCG_QUANT_CREDENTIALS__{name}__API_KEY"] = f"key-{number}"
            variables[f"GCG_QUANT_CREDENTIALS__{name}__SECRET"] = f"secret-{number}"
        try:
            self.system = System(folder / "home", "--config", str(config), variables=variables)
        except BaseException:
            self.venue.kill()
            raise
        self.bus = EventBus(folder / "home" / "bus", source="test", create=False)

    def events(self, kind: Any) -> list[Any]:
        """Return the events of a kind."""
        with self.bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    def bought(self, account: str) -> float:
        """Return what an account's fills add up to."""
        return sum(one.quantity for one in self.events(Fill) if one.account == account)

    def close(self) -> None:
        """End all."""
        self.bus.close()
        self.system.close()
        self.venue.kill()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Start both."""
    opened = Place(tmp_path)
    yield opened
    opened.close()


@pytest.mark.slow
def test_each_account_trades_under_its_own_key(place: Place) -> None:
    """What each account bought is what its key has at the exchange; when the second one's process dies, it comes back."""
    wait_for(lambda: place.bought("one") > 0 and place.bought("two") > 0, "fills of both")
    pids = {one.component: one.data["pid"] for one in place.events(SystemEvent) if one.action == "group_started"}
    own = next(name for name in pids if "two" in name)
    os.kill(pids[own], signal.SIGKILL)
    one, two = place.bought("one"), place.bought("two")
    wait_for(lambda: place.bought("one") > one and place.bought("two") > two, "both go on")
    wait_for(lambda: place.bought("one") > LEFT and place.bought("two") > LEFT, "more is bought than may be missing")
    assert {status.account for status in place.events(GatewayStatus) if status.status == "connected"} == {"one", "two"}
    assert not [status for status in place.events(GatewayStatus) if status.status == "halted"]
    assert place.system.stop(signal.SIGTERM)[0] == 0
    lots = {account: {one.quantity for one in place.events(Fill) if one.account == account} for account in ("one", "two")}
    assert max(lots["one"]) <= 0.001
    assert max(lots["two"]) <= 0.002
    held = place.venue.state["accounts"]
    for key, account in (("key-1", "one"), ("key-2", "two")):
        fees = sum(fill.fee for fill in place.events(Fill) if fill.account == account and fill.fee_currency == "BTC")
        # One more order may have filled when nobody listened any more.
        assert float(held[key]["total"]["BTC"]) == pytest.approx(1 + place.bought(account) - fees, abs=LEFT)
