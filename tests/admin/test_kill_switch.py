"""The kill switch on a real run: each of its ways cancels all, refuses the rest, and only switching it off ends it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.admin.config import ConfigPublisher
from gcg_quant.admin.running.kill_file import KillFile
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, ConfigChangeEvent, OrderCommand, OrderEvent, OrderStatus, RiskReason, RiskVerdict
from gcg_quant.kill_switch import KillSwitch, applied_changes, kill_change, kill_file
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.orders.states import FINAL_STATES

from .conftest import System, call, rewrite

RUN = ("--one-process",)  # starts in half the work
SEQ = (1 << 60) - 1


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Return the first true answer of a condition, or fail."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)
    return answer


class Watcher:
    """Follows the orders of a run."""

    def __init__(self, home: Path) -> None:
        self.bus = EventBus(home / "bus", create=False, read_only=True)
        self.reader = self.bus.reader(start="begin", events=[OrderEvent, OrderCommand, RiskVerdict, Applied])
        self.last: dict[int, OrderEvent] = {}
        self.events: list[Any] = []

    def look(self) -> None:
        """Take in what has come."""
        for event in self.reader:
            self.events.append(event)
            if isinstance(event, OrderEvent) and event.request:
                self.last[event.request] = event

    def open(self) -> list[OrderEvent]:
        """Return the orders that work."""
        self.look()
        return [order for order in self.last.values() if order.status not in FINAL_STATES]

    def switched(self) -> list[tuple[int, bool]]:
        """Return when engines have applied the switch: the answer's place in the market lane, and the state."""
        self.look()
        answers = [(one.id & SEQ, applied_changes(one).get("risk.kill_switch")) for one in self.events if isinstance(one, Applied)]
        return [(place, on) for place, on in answers if on is not None]

    def after(self, place: int, kind: type[Any]) -> list[Any]:
        """Return the events of a kind behind a place in the market lane."""
        self.look()
        return [event for event in self.events if isinstance(event, kind) and event.id & SEQ > place]

    def wait_until_stopped(self) -> int:
        """Wait until the switch is on, nothing works any more and an order was refused; return the place where it went on."""
        place = wait_for(lambda: [at for at, on in self.switched()[-1:] if on], "the switch is on")[0]
        wait_for(lambda: not self.open(), "all orders are cancelled")
        refused = RiskReason.KILL_SWITCH
        wait_for(lambda: any(one.reasons & refused for one in self.after(place, RiskVerdict)), "an order is refused")
        assert self.after(place, OrderCommand) == [], "nothing is sent once the switch is on"
        assert not any(one.passed for one in self.after(place, RiskVerdict))
        return place

    def wait_until_trading(self) -> None:
        """Wait until the switch is off and orders work again."""
        wait_for(lambda: self.switched()[-1:] and not self.switched()[-1][1], "the switch is off")
        wait_for(lambda: len(self.open()) > 2, "orders work again")

    def close(self) -> None:
        """Release the bus."""
        self.bus.close()


@pytest.fixture
def watcher(system: System) -> Iterator[Watcher]:
    """Return a watcher of a run that has orders in the market: the demo's grid keeps some at all times."""
    watching = Watcher(system.home)
    wait_for(lambda: len(watching.open()) > 2, "orders work")
    # It asks again soon after a refusal: by itself it would wait for five seconds.
    assert request(system, "PATCH", "/api/v1/strategies/grid-btc", {"retry_seconds": 0.2})[0] == 200
    yield watching
    watching.close()


def request(system: System, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Call the REST interface; return status and answer."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(system.url.rstrip("/") + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_console_stops_and_releases_trading(system: System, watcher: Watcher) -> None:
    """`risk kill on` cancels all and refuses the rest; `risk`, `status` and the JSON show it; `risk kill off` ends it."""
    result = call(system.home, "risk", "kill", "on")
    assert (result.returncode, result.stderr) == (0, "")
    place = watcher.wait_until_stopped()
    assert result.stdout == f"kill switch on from event #{place} of the market lane on: no order is open any more, new ones are refused\n"
    shown = call(system.home, "risk").stdout
    assert "kill switch: ON since" in shown
    assert "asked for by the console: every order is refused" in shown
    assert "kill_switch" in shown.partition("Refused lately")[2]
    assert json.loads(call(system.home, "risk", "--json").stdout)["kill_switch"]["on"] is True
    assert "kill switch: on" in call(system.home, "status").stdout
    again = call(system.home, "risk", "kill", "on")
    assert again.returncode == 0
    off = call(system.home, "risk", "kill", "off")
    assert off.returncode == 0
    assert off.stdout.endswith("orders pass again\n")
    watcher.wait_until_trading()
    assert "kill switch: off" in call(system.home, "risk").stdout


def test_rest_stops_and_releases_trading(system: System, watcher: Watcher) -> None:
    """PUT /risk/kill does the same; what is no true or false is refused."""
    assert request(system, "PUT", "/api/v1/risk/kill", {"on": True})[0] == 200
    watcher.wait_until_stopped()
    wait_for(lambda: request(system, "GET", "/api/v1/risk")[1]["kill_switch"]["on"], "GET shows it")
    assert request(system, "GET", "/api/v1/risk")[1]["kill_switch"]["origin"] == "REST interface"
    for body in ({"on": "yes"}, {"on": 1}, {}, {"on": True, "now": True}):
        assert request(system, "PUT", "/api/v1/risk/kill", body)[0] == 422
    assert request(system, "PUT", "/api/v1/risk/kill", {"on": False})[0] == 200
    watcher.wait_until_trading()


def test_page_stops_and_releases_trading(system: System, watcher: Watcher, own_chromium: Any) -> None:
    """The page's button, by keyboard alone: K, Enter; the button is red while it is on."""
    page = own_chromium.new_page()
    page.goto(system.url)
    page.wait_for_selector("#kill-button[data-state=off]", timeout=20_000)
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector("#kill-button[data-state=on]", timeout=20_000)
    watcher.wait_until_stopped()
    page.click("#kill-button")
    page.click("#kill-question .yes")
    page.wait_for_selector("#kill-button[data-state=off]", timeout=20_000)
    watcher.wait_until_trading()


def test_file_stops_trading_and_nobody_releases_it_meanwhile(system: System, watcher: Watcher) -> None:
    """While the file is there no way switches off; its end switches nothing off; then `risk kill off` does."""
    file = system.home / "KILL"
    file.touch()
    watcher.wait_until_stopped()
    assert "asked for by the file KILL" in call(system.home, "risk").stdout
    refused = call(system.home, "risk", "kill", "off")
    assert refused.returncode == 1
    assert "KILL keeps the kill switch on: remove it, then switch off." in refused.stderr
    code, answer = request(system, "PUT", "/api/v1/risk/kill", {"on": False})
    assert (code, "remove it, then switch off" in answer["detail"]) == (409, True)
    file.unlink()
    system.wait_for_line("the kill switch stays on until it is switched off")
    place = watcher.wait_until_stopped()
    assert json.loads(call(system.home, "risk", "--json").stdout)["kill_switch"]["on"] is True
    assert watcher.after(place, OrderCommand) == []
    assert call(system.home, "risk", "kill", "off").returncode == 0
    watcher.wait_until_trading()


def test_file_switches_on_again_whoever_switches_off(bus: EventBus) -> None:
    """An event that nobody checked switches off for a moment at most: the supervisor asks again, once until it is answered."""
    said: list[str] = []
    path = bus.path / "KILL"
    path.touch()
    watched = KillFile(path, bus, said.append)
    with bus.reader(events=KillSwitch.EVENTS, start="end") as reader:

        def asked() -> list[ConfigChangeEvent]:
            watched.look()
            watched.look()
            return [event for event in reader if isinstance(event, ConfigChangeEvent) and event.origin == "file KILL"]

        (first,) = asked()
        assert first.changes == {"risk.kill_switch": True}
        bus.publish(Applied(control=first.id, component="t", detail='{"risk.kill_switch":true}'))
        assert asked() == []
        off = bus.publish(kill_change(False, "somebody"))
        bus.publish(Applied(control=off, component="t", detail='{"risk.kill_switch":false}'))
        (again,) = asked()
        assert again.changes == {"risk.kill_switch": True}
        path.unlink()
        assert asked() == []
    watched.close()
    assert said == [
        f"the file {path} is there: the kill switch is on",
        f"the file {path} is gone; the kill switch stays on until it is switched off",
    ]


def test_settings_of_a_run_obey_the_file(bus: EventBus, tmp_path: Path) -> None:
    """A run that begins beside the file begins with the switch on; an edit of the settings from true to false changes nothing then."""
    config, home, said = tmp_path / "gcg_quant.toml", tmp_path / "home", list[str]()
    home.mkdir()
    kill_file(home).touch()
    config.write_text("[risk]\nkill_switch = true\n")
    with bus.reader(events=[ConfigChangeEvent], start="end") as reader:
        publisher = ConfigPublisher(bus, Settings.load(config, home, {}), config, said.append)
        assert publisher.settings.risk.kill_switch
        rewrite(config, "[risk]\nkill_switch = false\nmax_open_orders = 7\n")
        first, second = reader.read(60), reader.read(60)
        publisher.stop()
        rewrite(config, "")
        beside = ConfigPublisher(bus, Settings.load(config, home, {}), None, said.append)
        beside.stop()
        third = reader.read(60)
    assert isinstance(first, ConfigChangeEvent)
    assert isinstance(second, ConfigChangeEvent)
    assert isinstance(third, ConfigChangeEvent)
    assert (first.changes["risk.kill_switch"], third.changes["risk.kill_switch"]) == (True, True)
    assert second.changes == {"risk.kill_switch": True, "risk.max_open_orders": 7}
    assert said[0] == f"the file {kill_file(home)} keeps the kill switch on"


def test_first_run_with_the_file_sends_nothing(tmp_path: Path) -> None:
    """With each part in a process of its own nothing is sent, either, from the first order on."""
    home = tmp_path / "home"
    home.mkdir()
    kill_file(home).touch()
    system = System(home)
    watcher = Watcher(home)
    try:
        system.wait_for_line("is there: the kill switch is on")
        wait_for(lambda: watcher.after(0, RiskVerdict), "a strategy has asked")
    finally:
        system.close()
    assert not any(one.passed for one in watcher.after(0, RiskVerdict))
    assert watcher.after(0, OrderCommand) == []
    watcher.close()


@pytest.mark.slow
@pytest.mark.no_rerun("whether the switch or the clock is first after a start is not on the journal")
def test_start_with_the_file_and_without_it(tmp_path: Path) -> None:
    """A system that starts with the file cancels the orders of the last run and sends none; the switch outlives the next start, too."""
    home = tmp_path / "home"
    first = System(home, "--one-process")
    watcher = Watcher(home)
    try:
        wait_for(lambda: len(watcher.open()) > 2, "orders work")
    finally:
        first.close()
    try:
        assert watcher.open(), "orders are open between the runs"
        place = watcher.bus.head(OrderCommand.LANE) - 1
        kill_file(home).touch()
        for run in (1, 2):
            system = System(home, "--one-process")
            try:
                wait_for(lambda: not watcher.open(), "the orders of the last run are cancelled")
                wait_for(lambda place=place: watcher.after(place, RiskVerdict), "a strategy has asked")  # type: ignore[misc]
                assert json.loads(call(home, "risk", "--json").stdout)["kill_switch"]["on"] is True
            finally:
                system.close()
            assert watcher.after(place, OrderCommand) == []
            assert not any(one.passed for one in watcher.after(place, RiskVerdict))
            if run == 1:
                kill_file(home).unlink()  # only switching it off ends it, not a start
                place = watcher.bus.head(OrderCommand.LANE) - 1
        stopped = call(home, "risk")
        assert "The system is stopped" in stopped.stdout
        assert "kill switch: ON" in stopped.stdout
        assert call(home, "risk", "kill", "off").returncode == 1  # nobody is there to do it
    finally:
        watcher.close()
    assert {order.status for order in watcher.last.values()} <= FINAL_STATES | {OrderStatus.REJECTED}
