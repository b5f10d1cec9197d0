"""Orders changed and positions closed on a running system, over REST and from the console; fills, pages, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from .conftest import System, call
from .test_rest_strategies import eventually, refused

RUN = ("--one-process",)  # starts in half the work
HOLDER = """from gcg_quant.strategy_engine import Strategy


class Holder(Strategy):
    '''Buys once, and wants more far below.'''

    symbols = ("BTC/USDT",)

    def on_start(self):
        self.sent = False

    def on_tick(self, tick):
        if not self.sent:
            self.sent = True
            self.buy(0.02)
            self.buy(0.01, price=round(tick.last_price * 0.95))
"""


@pytest.fixture(scope="module")
def rest(system: System) -> Iterator[httpx.Client]:
    """Return a client of the running system's REST interface, beside strategies that hold something."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as client:
        file = client.put("/strategies/files/holder.py", content=HOLDER).json()["file"]
        for name in ("one", "two"):
            assert client.post("/strategies", json={"file": file, "strategy": name}).status_code == 201
        eventually(lambda: all(client.get(f"/positions?strategy={name}").json() for name in ("one", "two")))
        eventually(lambda: all(client.get(f"/orders?strategy={name}").json() for name in ("one", "two")))
        yield client


def test_an_order_is_changed(system: System, rest: httpx.Client) -> None:
    """Price and quantity, judged by the risk check; what makes no sense and what is unknown is told."""
    (order,) = rest.get("/orders?strategy=one").json()
    path = f"/orders/{order['client_id']}"
    changed = rest.patch(path, json={"price": order["price"] - 10, "quantity": 0.03})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["price"], changed.json()["quantity"]) == (order["price"] - 10, 0.03)
    assert rest.get("/orders?strategy=one").json()[0]["quantity"] == 0.03
    words = ("orders", "change", order["client_id"], "--quantity", "0.04")
    assert call(system.home, *words, say="n\n").returncode == 1
    assert call(system.home, *words, "--yes").stdout == f"order {order['client_id']} is changed to quantity 0.04\n"
    eventually(lambda: rest.get("/orders?strategy=one").json()[0]["quantity"] == 0.04)  # the server may be behind
    assert "nothing would change" in call(system.home, *words, "--yes").stderr
    assert "There is no order 'nobody'." in call(system.home, "orders", "change", "nobody", "--price", "1", "--yes").stderr
    assert call(system.home, "orders", "change", "nobody").returncode == 2
    refused(rest.patch(path, json={"price": order["price"] - 10}), 409, "nothing would change")
    refused(rest.patch(path, json={"price": 1e-9}), 409, "is not changed")
    refused(rest.patch(path, json={}), 422, "at least one of quantity, price and stop")
    refused(rest.patch("/orders/nobody", json={"price": 1}), 404, "There is no order 'nobody'.")


def test_positions_are_closed(system: System, rest: httpx.Client) -> None:
    """Over REST that of one strategy, from the console that of another; the switch that stops everything stops this, too."""
    assert rest.put("/risk/kill", json={"on": True}).status_code == 200
    refused(rest.post("/positions/close", json={"strategy": "one"}), 409, "kill switch is on")
    assert rest.put("/risk/kill", json={"on": False}).status_code == 200
    for name in ("one", "two"):
        rest.post(f"/strategies/{name}/stop")
    (answer,) = rest.post("/positions/close", json={"strategy": "one", "symbol": "BTC/USDT@SIM"}).json()
    assert (answer["status"], answer["quantity"], answer["filled_quantity"]) == ("closed", 0.02, 0.02)
    assert rest.get("/positions?strategy=one").json() == []
    assert rest.post("/positions/close", json={"strategy": "one"}).json() == []
    fill = rest.get("/fills?strategy=one").json()[0]
    assert (fill["client_id"], fill["side"]) == (answer["client_id"], "sell")
    assert fill["price"] == pytest.approx(answer["average_price"])

    result = call(system.home, "positions", "close", "--strategy", "two", say="n\n")
    assert result.returncode == 1
    assert "Close at the market: 0.02 BTC/USDT of two?" in result.stderr
    assert len(rest.get("/positions?strategy=two").json()) == 1
    result = call(system.home, "positions", "close", "--strategy", "two", "--yes")
    assert (result.returncode, result.stdout.startswith("0.02 BTC/USDT of two: closed at ")) == (0, True), result.stderr
    assert call(system.home, "positions", "close", "--strategy", "two", "--yes").stdout == "no positions\n"
    assert json.loads(call(system.home, "positions", "--strategy", "two", "--json").stdout)["positions"] == []
    assert call(system.home, "positions", "close").returncode == 2


def test_lists_come_in_pages(rest: httpx.Client) -> None:
    """Each list has its total, and links to the next page with what was asked for."""
    fills = rest.get("/fills?symbol=BTC/*&limit=1")
    assert int(fills.headers["x-total-count"]) > 1
    assert fills.headers["link"] == '</api/v1/fills?symbol=BTC%2F%2A&limit=1&offset=1>; rel="next"'
    accounts = ("/accounts", "/accounts/strategies", "/accounts/funding", "/accounts/halts")
    for path in ("/orders", "/positions", *accounts, "/gateways", "/strategies", "/backtests"):
        answer = rest.get(path)
        assert (answer.status_code, int(answer.headers["x-total-count"])) == (200, len(answer.json())), path
        refused(rest.get(f"{path}?limit=0"), 422, "limit")
        refused(rest.get(f"{path}?limit=1001"), 422, "limit")
    assert rest.get("/positions?by=instrument&open=false").json()[0]["strategies"] >= 1
