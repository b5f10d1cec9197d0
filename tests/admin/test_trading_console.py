"""The console and REST side of trading on a real run: what is shown, what is changed, and what a stopped system has left."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import CancelRequest, ConfigChangeEvent, OrderEvent, OrderStatus

from .conftest import Console, System, call
from .test_kill_switch import request

RUN = ("--one-process",)  # starts in half the work
PATIENT = """from gcg_quant.strategy_engine import Strategy


class Patient(Strategy):
    '''Waits for a price that does not come.'''

    symbols = ("BTC/USDT",)

    def on_start(self):
        self.sent = False

    def on_tick(self, tick):
        if not self.sent:
            self.sent = True
            self.buy(0.01, price=round(tick.last_price * 0.95))
"""


def answer(system: System, *words: str) -> Any:
    """Run a command with --json and return what it says."""
    result = call(system.home, *words, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def rest(system: System, path: str) -> Any:
    """Return what the REST interface answers."""
    code, found = request(system, "GET", path)
    assert code == 200, found
    return found


def eventually(look: Any, timeout_s: float = 60.0) -> Any:
    """Return the first answer of `look` that is not empty, or fail."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing within {timeout_s} s"
        time.sleep(0.1)
    return found


def test_orders_are_shown_as_table_json_and_over_rest(system: System) -> None:
    """Open orders of all or of a strategy or symbol; with --all those that are done, too."""
    rows = eventually(lambda: answer(system, "orders", "--strategy", "grid-btc"))
    assert {row["strategy"] for row in rows} == {"grid-btc"}
    assert {row["status"] for row in rows} <= {"submitting", "accepted", "partly_filled", "cancelling"}
    assert all(row["client_id"] and row["gateway"] == "paper" for row in rows)
    words = ("client id", "grid-btc", "BTC/USDT", "limit", "accepted")  # an order may still be "submitting" when it is asked for
    eventually(lambda: all(word in call(system.home, "orders", "--symbol", "BTC/*").stdout for word in words))
    assert call(system.home, "orders", "--symbol", "NOTHING").stdout == "No open orders.\n"
    every = eventually(lambda: [row for row in answer(system, "orders", "--all") if row["status"] == "filled"])
    assert all(row["filled_quantity"] == row["quantity"] for row in every)
    over_rest = eventually(lambda: rest(system, "/api/v1/orders?strategy=grid-btc&symbol=BTC/USDT@SIM"))  # the server may be behind
    assert {row["strategy"] for row in over_rest} == {"grid-btc"}
    eventually(lambda: any(row["status"] == "filled" for row in rest(system, "/api/v1/orders?open=false")))
    assert request(system, "GET", "/api/v1/orders?open=perhaps")[0] == 422


def test_orders_are_cancelled_one_by_one(system: System) -> None:
    """The answer is what the engine has done; an order that is done or unknown is refused with a sentence and exit code 1."""
    # An order of the grid might be filled before it is cancelled.
    file = httpx.put(f"{system.url}/api/v1/strategies/files/patient.py", content=PATIENT).json()["file"]
    assert request(system, "POST", "/api/v1/strategies", {"file": file, "strategy": "patient"})[0] == 201
    (row,) = eventually(lambda: [one for one in answer(system, "orders", "--strategy", "patient") if one["status"] == "accepted"])
    with EventBus(system.home / "bus", create=False, read_only=True) as bus, bus.reader(events=[CancelRequest], start="end") as reader:
        result = call(system.home, "orders", "cancel", row["client_id"])
        asked = next(event for event in reader if isinstance(event, CancelRequest) and event.source == "console")
    assert (result.returncode, result.stdout) == (0, f"order {row['client_id']} cancelled\n")
    assert (asked.request, asked.client_id) == (row["request"], row["client_id"])
    again = call(system.home, "orders", "cancel", row["client_id"])
    assert again.returncode == 1
    assert again.stderr.endswith(f"order {row['client_id']} not cancelled: cancel refused: the order is CANCELLED\n")
    unknown = call(system.home, "orders", "cancel", "nobody-knows")
    assert unknown.returncode == 1
    assert unknown.stderr.endswith("order nobody-knows not cancelled: cancel refused: there is no such order\n")
    code, problem = request(system, "DELETE", "/api/v1/orders/nobody-knows")
    assert (code, problem["detail"]) == (409, "Order nobody-knows is not cancelled: cancel refused: there is no such order.")


def test_orders_are_cancelled_all_at_once(system: System) -> None:
    """--all cancels what it names, and the last events of those orders say so; without an order to name, the usage is told."""
    for words in ((), ("some-id", "--all"), ("some-id", "--symbol", "BTC/USDT")):
        result = call(system.home, "orders", "cancel", *words)
        assert result.returncode == 2
        assert "Say which order" in result.stderr
    eventually(lambda: answer(system, "orders", "--symbol", "BTC/USDT"))
    result = call(system.home, "orders", "cancel", "--all", "--symbol", "BTC/USDT")
    lines = [line for line in result.stdout.splitlines() if line.endswith(" cancelled")]
    assert lines, result.stdout + result.stderr
    ids = {line.split()[1] for line in lines}
    with EventBus(system.home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[OrderEvent]) as reader:
        last = {event.client_id: event.status for event in reader if isinstance(event, OrderEvent)}
    assert {last[one] for one in ids} == {OrderStatus.CANCELLED}
    assert call(system.home, "orders", "cancel", "--all", "--symbol", "NOTHING").stdout == "no open orders\n"

    def cancelled() -> list[dict[str, Any]]:
        code, answers = request(system, "POST", "/api/v1/orders/cancel", {"strategy": "grid-btc"})
        assert code == 200
        return answers

    answers = eventually(cancelled)  # its orders come and go, and the server sees new ones a moment later
    assert {one["status"] for one in answers} <= {"cancelled", "cancelling", "refused"}
    assert request(system, "POST", "/api/v1/orders/cancel", {"strategi": "x"})[0] == 422


def test_positions_accounts_and_gateways_are_shown(system: System) -> None:
    """What is held by strategy and together, the books by currency, what each strategy made, and the gateway with its latency."""
    held = eventually(lambda: answer(system, "positions")["positions"])
    assert all(abs(row["today"] + row["yesterday"] - abs(row["quantity"])) < 1e-9 for row in held)
    shown = call(system.home, "positions", "--all").stdout
    for word in ("By strategy", "quantity", "yesterday", "frozen", held[0]["symbol"]):
        assert word in shown
    totals = eventually(lambda: rest(system, "/api/v1/positions?by=instrument"))
    assert all(total["strategies"] >= 1 for total in totals)
    assert request(system, "GET", "/api/v1/positions?by=colour")[0] == 422
    books = answer(system, "accounts")
    assert {row["account"] for row in books["accounts"]} == {"paper"}
    assert "USD" in {row["currency"] for row in books["accounts"]}
    made = eventually(lambda: {row["strategy"]: row for row in answer(system, "accounts")["strategies"] if row["strategy"] == "grid-btc"})
    assert made["grid-btc"]["profit"] == pytest.approx(
        made["grid-btc"]["realised_pnl"] + made["grid-btc"]["unrealised_pnl"] - made["grid-btc"]["fees"]
    )
    shown = call(system.home, "accounts").stdout
    for word in ("equity", "today", "USDT", "grid-btc"):
        assert word in shown
    eventually(lambda: {row["strategy"] for row in rest(system, "/api/v1/accounts/strategies")} >= {"grid-btc"})
    assert all("profit_today" in row for row in eventually(lambda: rest(system, "/api/v1/accounts")))
    (gateway,) = eventually(lambda: [one for one in answer(system, "gateways") if one["answers"]])
    assert (gateway["gateway"], gateway["account"], gateway["status"]) == ("paper", "paper", "connected")
    assert 0 <= gateway["latency_p50_ms"] <= gateway["latency_p99_ms"]
    assert "connected" in call(system.home, "gateways").stdout
    eventually(lambda: [one["status"] for one in rest(system, "/api/v1/gateways")] == ["connected"])


def test_limits_are_shown_and_changed(system: System) -> None:
    """A limit goes in force at a named event, shows in `risk`, refuses orders with its reason, and can be taken back."""
    limits = {row["limit"]: row for row in answer(system, "risk")["limits"]}
    assert limits["max_open_orders"]["value"] == 200
    assert limits["max_daily_loss"]["used"] >= 0
    result = call(system.home, "risk", "set", "max_order_value=1000000", "max_open_orders=150")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("max_order_value = 1000000, max_open_orders = 150: in force from event #")
    special = call(system.home, "risk", "set", "max_order_quantity=0.000001", "--strategy", "grid-btc", "--symbol", "BTC/USDT")
    assert special.stdout.startswith("max_order_quantity = 0.000001 for strategy grid-btc for symbol BTC/USDT: in force from event #")
    report = answer(system, "risk")
    limits = {row["limit"]: row["value"] for row in report["limits"]}
    assert (limits["max_order_value"], limits["max_open_orders"]) == (1_000_000.0, 150)
    assert report["overrides"] == [{"strategy": "grid-btc", "symbol": "BTC/USDT", "max_order_quantity": 1e-6}]
    call(system.home, "orders", "cancel", "--all", "--strategy", "grid-btc")  # so that it asks for new ones
    refused = eventually(lambda: [one for one in answer(system, "risk")["refusals"] if one["strategy"] == "grid-btc"])
    assert "order_size" in refused[-1]["reasons"]
    shown = call(system.home, "risk").stdout
    for word in ("For all orders", "max_daily_loss", "Refused lately", "order_size", "max_order_quantity 0.000001"):
        assert word in shown
    back = {"limits": {"max_order_quantity": "default"}, "strategy": "grid-btc", "symbol": "BTC/USDT"}
    code, answered = request(system, "PATCH", "/api/v1/risk", back)
    assert (code, answered["limits"]) == (200, {"max_order_quantity": "default"})
    eventually(lambda: rest(system, "/api/v1/risk")["overrides"] == [])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["max_order_valu=5"], "There is no limit 'max_order_valu'. Did you mean 'max_order_value'?"),
        (["max_order_value=-5"], 'risk.max_order_value must be a number above 0 or "off", found -5.'),
        (["max_order_value"], "A limit is written KEY=VALUE, for example max_order_value=5000, found 'max_order_value'."),
        (["max_open_orders=2.5"], "[risk] max_open_orders: "),
        (["kill_switch=true"], "The kill switch has a command of its own"),
        (["max_daily_loss=5", "--strategy", "grid-btc"], "max_daily_loss is of the whole account"),
        (["price_band=0.5", "--symbol", "BTC/USD"], "There is no instrument 'BTC/USD'. Did you mean 'BTC/USDT'?"),
        (["buying_power=perhaps"], "risk.buying_power must be true or false, found 'perhaps'."),
    ],
)
def test_bad_limit_is_a_sentence_and_changes_nothing(system: System, words: list[str], sentence: str) -> None:
    """What makes no sense never reaches the bus."""
    with EventBus(system.home / "bus", create=False, read_only=True) as bus, bus.reader(events=[ConfigChangeEvent], start="end") as reader:
        result = call(system.home, "risk", "set", *words)
        assert list(reader) == []
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_bad_limit_over_rest_is_refused(system: System) -> None:
    """An unknown limit, a wrong value and an unknown field are 422 with a sentence."""
    for body in (
        {"limits": {"max_order_valu": 5}},
        {"limits": {"max_order_value": -5}},
        {"limits": {}},
        {"limits": {"price_band": 0.5}, "symbol": "NOTHING"},
        {"limits": {"price_band": 0.5}, "strategies": "x"},
    ):
        code, problem = request(system, "PATCH", "/api/v1/risk", body)
        assert code == 422, body
        assert problem["detail"].endswith((".", "?"))


def test_changes_at_the_same_time_undo_none_of_each_other(system: System) -> None:
    """Special limits of several strategies, set by console and REST at once, are all in force afterwards."""
    names = [f"strategy-{number}" for number in range(6)]

    def over_rest(name: str) -> int:
        return request(system, "PATCH", "/api/v1/risk", {"limits": {"price_band": 0.5}, "strategy": name})[0]

    with ThreadPoolExecutor() as pool:
        codes = [pool.submit(over_rest, name) for name in names[1:]]
        assert call(system.home, "risk", "set", "price_band=0.5", "--strategy", names[0]).returncode == 0
        assert [code.result() for code in codes] == [200] * 5
    assert {one.get("strategy") for one in answer(system, "risk")["overrides"]} >= set(names)


@pytest.mark.parametrize(
    "words", [("orders",), ("positions",), ("accounts",), ("risk",), ("gateways",), ("orders", "cancel", "x"), ("risk", "kill", "on")]
)
def test_command_where_nothing_ever_ran(console: Console, words: tuple[str, ...]) -> None:
    """An empty home is one sentence that says how to start."""
    result = console(*words)
    assert result.returncode == 1
    assert "No system runs on" in result.stderr


@pytest.mark.slow
def test_stopped_system_answers_from_its_journal(system: System) -> None:
    """After the end, orders, positions, accounts, risk and gateways are as the journal has them; nothing can be changed."""
    home = system.home
    eventually(lambda: answer(system, "positions")["positions"])
    eventually(lambda: answer(system, "orders"))
    system.close()  # no other test of this module comes after
    assert answer(system, "orders")
    assert answer(system, "positions")["positions"]
    assert answer(system, "accounts")["accounts"]
    assert {row["limit"] for row in answer(system, "risk")["limits"]} >= {"max_order_value", "max_daily_loss"}
    assert answer(system, "gateways")[0]["status"] == "down"
    for command in ("orders", "positions", "accounts", "risk", "gateways"):
        assert "The system is stopped: this is what its journal says." in call(home, command).stdout
    refused = call(home, "risk", "set", "price_band=0.5")
    assert refused.returncode == 1
    assert "No system runs on" in refused.stderr
