"""The fake Binance's orders and accounts, driven by the real ccxt client: REST, user data streams and the WebSocket API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from websockets.sync.client import connect

from fakes.clients import drive
from fakes.process import FakeVenue

ccxt = pytest.importorskip("ccxt")
PAIR = "BTC/USDT"


@pytest.fixture(scope="module")
def venue() -> Iterator[FakeVenue]:
    """Yield a fake Binance in which nothing moves by itself."""
    with FakeVenue("binance", "--step-ms", "0", "--balance", "USDT=1000000", "--balance", "BTC=5") as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(venue: FakeVenue) -> Iterator[None]:
    """Begin each test around 60,000, and leave no faults to the next one."""
    venue.do("wake", symbols=[PAIR])
    venue.do("move", symbol=PAIR, price=60000)
    yield
    venue.do("heal")
    drive("binance", venue.port, leave_nothing)


async def leave_nothing(exchange: Any) -> None:
    """Cancel what is open."""
    for order in await exchange.fetch_open_orders(PAIR):
        await exchange.cancel_order(order["id"], PAIR)


def held(venue: FakeVenue, currency: str) -> Decimal:
    """Return what open orders hold."""
    return Decimal(next(iter(venue.state["accounts"].values()))["locked"].get(currency, "0"))


def total(venue: FakeVenue, currency: str) -> Decimal:
    """Return a balance."""
    return Decimal(next(iter(venue.state["accounts"].values()))["total"].get(currency, "0"))


def test_a_limit_order_rests_fills_in_parts_and_is_paid(venue: FakeVenue) -> None:
    """It holds its money while it rests; the crowd fills a part, then all; the commission is taken from what was bought."""
    coins, money = total(venue, "BTC"), total(venue, "USDT")

    async def steps(exchange: Any) -> None:
        order = await exchange.create_order(PAIR, "limit", "buy", 0.5, 59000, {"clientOrderId": "mine-1"})
        assert (order["status"], order["filled"], order["clientOrderId"]) == ("open", 0, "mine-1")
        assert held(venue, "USDT") == 29500
        venue.do("move", symbol=PAIR, price=59001)
        venue.do("take", symbol=PAIR, side="sell", quantity="0")
        best = venue.state["markets"][PAIR]["bid"]
        while Decimal(best) > 59000:  # what stands before it
            best = venue.do("take", symbol=PAIR, side="sell", quantity="0.001")["bid"]
        venue.do("take", symbol=PAIR, side="sell", quantity="0.2")
        found = await exchange.fetch_order(order["id"], PAIR)
        assert (found["status"], found["filled"], found["cost"]) == ("open", pytest.approx(0.2, abs=0.001), pytest.approx(11800, abs=60))
        venue.do("move", symbol=PAIR, price=58000)
        found = await exchange.fetch_order(order["id"], PAIR)
        assert (found["status"], found["filled"], found["average"]) == ("closed", 0.5, 59000)
        trades = await exchange.fetch_my_trades(PAIR)
        mine = [one for one in trades if one["order"] == order["id"]]
        assert sum(one["amount"] for one in mine) == pytest.approx(0.5)
        assert {one["takerOrMaker"] for one in mine} == {"maker"}
        assert sum(one["fee"]["cost"] for one in mine) == pytest.approx(0.0005)
        assert mine[0]["fee"]["currency"] == "BTC"

    drive("binance", venue.port, steps)
    assert held(venue, "USDT") == 0
    assert total(venue, "BTC") - coins == Decimal("0.4995")
    assert money - total(venue, "USDT") == 29500


def test_market_and_immediate_orders(venue: FakeVenue) -> None:
    """Market, IOC and FOK fill against the book or go; post-only is refused when it would take."""

    async def steps(exchange: Any) -> None:
        sold = await exchange.create_order(PAIR, "market", "sell", 0.01)
        assert (sold["status"], sold["filled"]) == ("closed", 0.01)
        assert sold["fee"]["currency"] == "USDT"
        spent = await exchange.create_market_buy_order_with_cost(PAIR, 600)
        assert spent["status"] == "closed"
        assert 590 < spent["cost"] <= 600
        some = await exchange.create_order(PAIR, "limit", "buy", 1.5, 60010, {"timeInForce": "IOC"})
        assert (some["status"], 0 < some["filled"] < 1.5) == ("expired", True)
        venue.do("move", symbol=PAIR, price=60000)
        none = await exchange.create_order(PAIR, "limit", "buy", 1.5, 60010, {"timeInForce": "FOK"})
        assert (none["status"], none["filled"]) == ("expired", 0)
        with pytest.raises(ccxt.BaseError, match="immediately match and take"):
            await exchange.create_order(PAIR, "limit", "buy", 0.01, 60100, {"postOnly": True})
        rests = await exchange.create_order(PAIR, "limit", "buy", 0.01, 59900, {"postOnly": True})
        assert (rests["status"], rests["postOnly"]) == ("open", True)

    drive("binance", venue.port, steps)


@pytest.mark.parametrize(
    ("amount", "price", "text"),
    [
        ("0.000011", "60000", "-1013.*LOT_SIZE"),
        ("0.001", "60000.001", "-1013.*PRICE_FILTER"),
        ("0.00001", "60000", "-1013.*NOTIONAL"),
        ("50", "59000", "insufficient balance"),
        ("0.1", "0", "-1013.*PRICE_FILTER"),
        ("0.1234567891", "60000", "-1111.*precision"),
    ],
)
def test_filters_refuse(venue: FakeVenue, amount: str, price: str, text: str) -> None:
    """What breaks a filter, or costs more than there is, is refused with Binance's code."""

    async def steps(exchange: Any) -> None:
        terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": amount, "price": price}
        with pytest.raises(ccxt.BaseError, match=text):
            await exchange.privatePostOrder(terms)

    drive("binance", venue.port, steps)


def test_cancel_and_its_refusals(venue: FakeVenue) -> None:
    """An open order is cancelled by either id, once; one that nobody knows gives -2011, or -2013 to a question."""

    async def steps(exchange: Any) -> None:
        order = await exchange.create_order(PAIR, "limit", "sell", 0.01, 70000, {"clientOrderId": "mine-2"})
        with pytest.raises(ccxt.BaseError, match=r"-2010.*Duplicate"):
            await exchange.create_order(PAIR, "limit", "sell", 0.01, 70000, {"clientOrderId": "mine-2"})
        gone = await exchange.cancel_order(order["id"], PAIR)
        assert gone["status"] == "canceled"
        with pytest.raises(ccxt.BaseError, match="-2011"):
            await exchange.cancel_order(order["id"], PAIR)
        with pytest.raises(ccxt.BaseError, match="-2013"):
            await exchange.fetch_order("77", PAIR)
        for number in range(3):
            await exchange.create_order(PAIR, "limit", "sell", 0.01, 70000 + number)
        assert len(await exchange.fetch_open_orders(PAIR)) == 3
        moved = await exchange.edit_order((await exchange.fetch_open_orders(PAIR))[0]["id"], PAIR, "limit", "sell", 0.02, 71000)
        assert (moved["price"], moved["amount"]) == (71000, 0.02)
        assert len(await exchange.cancel_all_orders(PAIR)) == 3
        assert held(venue, "BTC") == 0

    drive("binance", venue.port, steps)


def test_who_signs_wrongly_is_turned_away(venue: FakeVenue) -> None:
    """A wrong secret, an unknown key, and a clock too far behind or ahead each have their code."""
    for config, code in (({"secret": "wrong"}, "-1022"), ({"apiKey": "nobody"}, "-2015")):

        async def ask(exchange: Any, code: str = code) -> None:
            with pytest.raises(ccxt.AuthenticationError, match=code):
                await exchange.fetch_balance()

        drive("binance", venue.port, ask, **config)

    async def late(exchange: Any) -> None:
        for jump in (20_000, -20_000):
            venue.do("clock", ms=jump)
            with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                await exchange.fetch_balance()
            venue.do("clock", ms=-jump)
        await exchange.fetch_balance()

    drive("binance", venue.port, late)


def test_user_stream_tells_all(venue: FakeVenue) -> None:
    """ccxt's watch_orders, watch_my_trades and watch_balance, on the WebSocket API, see an order's life and the money move."""

    async def steps(exchange: Any) -> None:
        seen: list[tuple[str, float]] = []

        async def follow() -> None:
            while not seen or seen[-1][0] != "closed":
                for order in await exchange.watch_orders(PAIR):
                    seen.append((order["status"], order["filled"]))

        watching = asyncio.ensure_future(follow())
        fills = asyncio.ensure_future(exchange.watch_my_trades(PAIR))
        money = asyncio.ensure_future(exchange.watch_balance())
        while not any(one["account"] for one in venue.state["sessions"]):
            await asyncio.sleep(0.02)
        order = await exchange.create_order(PAIR, "limit", "buy", 0.01, 50000)  # two states at once come as the newer one
        while not seen:
            await asyncio.sleep(0.02)
        assert set(seen) == {("open", 0)}
        await exchange.cancel_order(order["id"], PAIR)
        await exchange.create_order(PAIR, "limit", "buy", 0.01, 60100)
        await asyncio.wait_for(watching, 30)
        assert seen[-1] == ("closed", 0.01)
        assert (await fills)[-1]["side"] == "buy"
        assert (await money)["BTC"]["total"] > 0

    drive("binance", venue.port, steps)


def test_orders_by_the_websocket_api(venue: FakeVenue) -> None:
    """Orders can be placed, asked for and cancelled on the socket as well."""

    async def steps(exchange: Any) -> None:
        order = await exchange.create_order_ws(PAIR, "limit", "buy", 0.01, 50000)
        assert order["status"] == "open"
        assert (await exchange.fetch_order_ws(order["id"], PAIR))["id"] == order["id"]
        assert (await exchange.cancel_order_ws(order["id"], PAIR))["status"] == "canceled"
        with pytest.raises(ccxt.BaseError, match="-2011"):
            await exchange.cancel_order_ws(order["id"], PAIR)

    drive("binance", venue.port, steps)


def test_an_answer_that_never_comes(venue: FakeVenue) -> None:
    """With `silent` the order has been placed, with `lost` it has not, and the client cannot tell them apart."""

    async def steps(exchange: Any) -> None:
        await exchange.load_markets()
        patience = exchange.timeout
        for fault, known in (("silent", True), ("lost", False)):
            venue.do(fault, method="POST", path="order")
            before = venue.state["happened"].get(fault, 0)
            exchange.timeout = 300
            with pytest.raises(ccxt.RequestTimeout):
                await exchange.create_order(PAIR, "limit", "buy", 0.01, 50000, {"clientOrderId": fault})
            exchange.timeout = patience
            while venue.state["happened"].get(fault, 0) == before:  # a slow venue has not read it yet
                await asyncio.sleep(0.02)
            found = [one["clientOrderId"] for one in await exchange.fetch_open_orders(PAIR)]
            assert (fault in found) is known
        venue.do("reject", code=-2010, path="order", method="POST")
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(PAIR, "limit", "buy", 0.01, 50000)

    drive("binance", venue.port, steps)


def test_what_expires_is_said(venue: FakeVenue) -> None:
    """A listen key lives until it is expired; a subscription's end is told on the stream."""

    async def steps(exchange: Any) -> None:
        key = (await exchange.publicPostUserDataStream())["listenKey"]
        assert (await exchange.publicPostUserDataStream())["listenKey"] == key
        await exchange.publicPutUserDataStream({"listenKey": key})
        assert venue.do("expire", what="listen_key")["expired"] == 1
        with pytest.raises(ccxt.BaseError, match="-1125"):
            await exchange.publicPutUserDataStream({"listenKey": key})
        with connect(f"ws://127.0.0.1:{venue.port}/ws-api/v3") as socket:
            method = "userDataStream.subscribe.signature"
            socket.send(json.dumps({"id": 1, "method": method, "params": exchange.sign_params({})}))
            assert json.loads(socket.recv(10))["result"] == {"subscriptionId": 0}
            assert venue.do("expire", what="login")["expired"] == 1
            assert json.loads(socket.recv(10))["event"]["e"] == "eventStreamTerminated"

    drive("binance", venue.port, steps)
