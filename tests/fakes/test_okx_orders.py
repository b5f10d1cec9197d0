"""The fake OKX's orders, accounts and positions, driven by the real ccxt client: REST, private channels and operations on the socket."""

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
PAIR, SWAP = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def venue() -> Iterator[FakeVenue]:
    """Yield a fake OKX in which nothing moves by itself."""
    with FakeVenue("okx", "--step-ms", "0", "--balance", "USDT=1000000", "--balance", "BTC=5") as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(venue: FakeVenue) -> Iterator[None]:
    """Begin each test around 60,000, and leave no faults to the next one."""
    for symbol in (PAIR, SWAP):
        venue.do("wake", symbols=[symbol])
        venue.do("move", symbol=symbol, price=60000)
    yield
    venue.do("heal")
    drive("okx", venue.port, leave_nothing)


async def leave_nothing(exchange: Any) -> None:
    """Cancel what is open."""
    for order in await exchange.fetch_open_orders():
        await exchange.cancel_order(order["id"], order["symbol"])


def account(venue: FakeVenue) -> dict[str, Any]:
    """Return the one account as the control endpoint tells it."""
    found: dict[str, Any] = next(iter(venue.state["accounts"].values()))
    return found


def test_a_limit_order_rests_fills_in_parts_and_is_paid(venue: FakeVenue) -> None:
    """It holds its money while it rests; the crowd fills a part, then all; the fee is taken from what was bought."""
    before = Decimal(account(venue)["total"]["BTC"])

    async def steps(exchange: Any) -> None:
        made = await exchange.create_order(PAIR, "limit", "buy", 0.5, 59000, {"clientOrderId": "mine1"})
        order = await exchange.fetch_order(made["id"], PAIR)
        assert (order["status"], order["filled"], order["clientOrderId"]) == ("open", 0, "mine1")
        assert account(venue)["locked"] == {"USDT": "29500.000000"}
        assert (await exchange.fetch_balance())["USDT"]["used"] == 29500
        venue.do("move", symbol=PAIR, price=59000.1)
        while Decimal(venue.state["markets"][PAIR]["bid"]) > 59000:
            venue.do("take", symbol=PAIR, side="sell", quantity="0.05")
        venue.do("take", symbol=PAIR, side="sell", quantity="0.2")
        order = await exchange.fetch_order(made["id"], PAIR)
        assert order["status"] == "open"
        assert 0.15 < order["filled"] < 0.5
        venue.do("move", symbol=PAIR, price=58000)
        order = await exchange.fetch_order(made["id"], PAIR)
        assert (order["status"], order["filled"], order["average"]) == ("closed", 0.5, 59000)
        mine = [one for one in await exchange.fetch_my_trades(PAIR) if one["order"] == made["id"]]
        assert sum(one["amount"] for one in mine) == pytest.approx(0.5)
        assert {one["takerOrMaker"] for one in mine} == {"maker"}
        assert sum(one["fee"]["cost"] for one in mine) == pytest.approx(0.0004)
        assert mine[0]["fee"]["currency"] == "BTC"
        assert [one["id"] for one in await exchange.fetch_closed_orders(PAIR)][-1] == made["id"]

    drive("okx", venue.port, steps)
    assert account(venue)["locked"] == {}
    assert Decimal(account(venue)["total"]["BTC"]) - before == Decimal("0.4996")


def test_market_and_immediate_orders(venue: FakeVenue) -> None:
    """Market, IOC and FOK fill against the book or go; a post-only order that would take is taken and cancelled at once."""

    async def steps(exchange: Any) -> None:
        async def outcome(*words: Any) -> Any:
            return await exchange.fetch_order((await exchange.create_order(PAIR, *words))["id"], PAIR)

        sold = await outcome("market", "sell", 0.01)
        assert (sold["status"], sold["filled"], sold["fee"]["currency"]) == ("closed", 0.01, "USDT")
        spent = await outcome("market", "buy", 600, None, {"tgtCcy": "quote_ccy", "createMarketBuyOrderRequiresPrice": False})
        assert 590 < spent["cost"] <= 600
        some = await outcome("limit", "buy", 5, 60010, {"timeInForce": "IOC"})
        assert (some["status"], 0 < some["filled"] < 5, some["info"]["cancelSource"]) == ("canceled", True, "14")
        venue.do("move", symbol=PAIR, price=60000)
        none = await outcome("limit", "buy", 5, 60010, {"timeInForce": "FOK"})
        assert (none["status"], none["filled"], none["info"]["cancelSource"]) == ("canceled", 0, "13")
        taken = await outcome("limit", "buy", 0.01, 60100, {"postOnly": True})
        assert (taken["status"], taken["filled"], taken["info"]["cancelSource"]) == ("canceled", 0, "31")
        assert (await outcome("limit", "buy", 0.01, 59900, {"postOnly": True}))["status"] == "open"

    drive("okx", venue.port, steps)


def test_a_swap_has_positions(venue: FakeVenue) -> None:
    """Contracts bought are a position with its profit; closed again, the difference is realised and the fee paid."""

    async def steps(exchange: Any) -> None:
        await exchange.set_leverage(5, SWAP)
        await exchange.create_order(SWAP, "market", "buy", 10)
        position = (await exchange.fetch_positions([SWAP]))[0]
        assert (position["side"], position["contracts"], position["contractSize"], position["leverage"]) == ("long", 10, 0.01, 5)
        assert position["entryPrice"] == pytest.approx(60000, rel=0.001)
        venue.do("move", symbol=SWAP, price=61000)
        position = (await exchange.fetch_positions([SWAP]))[0]
        assert position["unrealizedPnl"] == pytest.approx(100, rel=0.1)
        closing = await exchange.create_order(SWAP, "market", "sell", 10, None, {"reduceOnly": True})
        order = await exchange.fetch_order(closing["id"], SWAP)
        assert float(order["info"]["pnl"]) == pytest.approx(100, rel=0.1)
        assert await exchange.fetch_positions([SWAP]) == []
        with pytest.raises(ccxt.BaseError, match="51169"):
            await exchange.create_order(SWAP, "market", "sell", 10, None, {"reduceOnly": True})

    drive("okx", venue.port, steps)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"sz": "0.000011", "px": "60000"}, "51121"),
        ({"sz": "0", "px": "60000"}, "51020"),
        ({"sz": "0.1", "px": "60000.05"}, "51000"),
        ({"sz": "50", "px": "59000"}, "51008"),
        ({"sz": "0.1", "px": "60000", "instId": "NO-SUCH"}, "51001"),
        ({"sz": "0.1", "px": "60000", "ordType": "nonsense"}, "51000"),
        ({"sz": "0.1", "px": "60000", "clOrdId": "with-dash"}, "51000"),
    ],
)
def test_what_is_wrong_is_refused(venue: FakeVenue, terms: dict[str, str], code: str) -> None:
    """A wrong size, price, type or name, or too little money, has its code in the item of the answer."""

    async def steps(exchange: Any) -> None:
        whole = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", **terms}
        with pytest.raises(ccxt.BaseError, match=code):
            await exchange.privatePostTradeOrder(whole)

    drive("okx", venue.port, steps)


def test_cancel_amend_and_their_refusals(venue: FakeVenue) -> None:
    """An open order is amended and cancelled by either id, once; a double id of one's own and unknown orders are refused."""

    async def steps(exchange: Any) -> None:
        made = await exchange.create_order(PAIR, "limit", "sell", 0.01, 70000, {"clientOrderId": "mine2"})
        with pytest.raises(ccxt.BaseError, match="51016"):
            await exchange.create_order(PAIR, "limit", "sell", 0.01, 70000, {"clientOrderId": "mine2"})
        await exchange.edit_order(made["id"], PAIR, "limit", "sell", 0.02, 71000)
        order = await exchange.fetch_order(made["id"], PAIR)
        assert (order["price"], order["amount"]) == (71000, 0.02)
        await exchange.cancel_order(None, PAIR, {"clientOrderId": "mine2"})
        assert (await exchange.fetch_order(made["id"], PAIR))["status"] == "canceled"
        with pytest.raises(ccxt.BaseError, match="51400"):
            await exchange.cancel_order(made["id"], PAIR)
        with pytest.raises(ccxt.OrderNotFound, match="51603"):
            await exchange.fetch_order("77", PAIR)

    drive("okx", venue.port, steps)


def test_who_signs_wrongly_is_turned_away(venue: FakeVenue) -> None:
    """A wrong secret, key or passphrase, and a wrong clock, each have their code, by REST and on the socket."""
    wrong = {"secret": ("50113", "60007"), "apiKey": ("50111", "60005"), "password": ("50105", "60024")}
    for name, codes in wrong.items():

        async def ask(exchange: Any, codes: tuple[str, str] = codes) -> None:
            with pytest.raises(ccxt.BaseError, match=codes[0]):
                await exchange.fetch_balance()
            with pytest.raises(ccxt.BaseError, match=codes[1]):
                await exchange.authenticate()

        drive("okx", venue.port, ask, **{name: "wrong"})

    async def late(exchange: Any) -> None:
        venue.do("clock", ms=60_000)
        with pytest.raises(ccxt.BaseError, match="50102"):
            await exchange.fetch_balance()
        venue.do("clock", ms=-60_000)

    drive("okx", venue.port, late)


def test_private_channels_tell_all(venue: FakeVenue) -> None:
    """ccxt's watch_orders, watch_my_trades, watch_balance and watch_positions see an order's life, the money and the position."""

    async def steps(exchange: Any) -> None:
        seen: list[tuple[str, float]] = []

        async def follow() -> None:
            while not seen or seen[-1][0] not in ("closed", "canceled"):
                for order in await exchange.watch_orders(SWAP):
                    seen.append((order["status"], order["filled"]))

        watching = asyncio.ensure_future(follow())
        fills = asyncio.ensure_future(exchange.watch_my_trades(SWAP))
        money = await exchange.watch_balance()
        assert money["USDT"]["total"] > 0
        while "private" not in str(venue.state["sessions"]):
            await asyncio.sleep(0.02)
        order = await exchange.create_order(SWAP, "limit", "buy", 1, 50000)  # two states at once come as the newer one
        while not seen:
            await asyncio.sleep(0.02)
        assert set(seen) == {("open", 0)}
        await exchange.edit_order(order["id"], SWAP, "limit", "buy", 1, 60100)
        await asyncio.wait_for(watching, 30)
        assert seen[-1] == ("closed", 1)
        assert (await fills)[-1]["side"] == "buy"
        assert (await exchange.watch_positions([SWAP]))[0]["contracts"] == 1
        await exchange.create_order(SWAP, "market", "sell", 1, None, {"reduceOnly": True})

    drive("okx", venue.port, steps)


def test_orders_on_the_socket(venue: FakeVenue) -> None:
    """Orders can be placed, amended and cancelled by operations, too."""

    async def steps(exchange: Any) -> None:
        made = await exchange.create_order_ws(PAIR, "limit", "buy", 0.01, 50000)
        await exchange.edit_order_ws(made["id"], PAIR, "limit", "buy", 0.01, 50001)
        assert (await exchange.fetch_order(made["id"], PAIR))["price"] == 50001
        await exchange.cancel_order_ws(made["id"], PAIR)
        with pytest.raises(ccxt.BaseError, match="51400"):
            await exchange.cancel_order_ws(made["id"], PAIR)

    drive("okx", venue.port, steps)


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
        venue.do("reject", code=51008, method="POST")
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(PAIR, "limit", "buy", 0.01, 50000)

    drive("okx", venue.port, steps)


def test_private_channels_need_a_login_that_may_end(venue: FakeVenue) -> None:
    """Who has not logged in gets 60011; an expired login is said, and the socket closed."""
    with connect(f"ws://127.0.0.1:{venue.port}/ws/v5/private") as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "account"}]}))
        assert json.loads(socket.recv(10))["code"] == "60011"
        socket.send(json.dumps({"op": "login", "args": []}))
        assert json.loads(socket.recv(10))["code"] == "60009"

    async def steps(exchange: Any) -> None:
        await exchange.watch_balance()
        assert venue.do("expire")["expired"] == 1
        with pytest.raises(ccxt.AuthenticationError, match="60009"):
            await exchange.watch_balance()
        await exchange.close()  # else ccxt subscribes on a new connection without a login, is told so (60011), and waits for ever
        assert (await exchange.watch_balance())["USDT"]["total"] > 0

    drive("okx", venue.port, steps)


def test_funding_is_in_the_bills(venue: FakeVenue) -> None:
    """A long position pays a rate above 0 and is paid one below: bills of type 8, the newest first, page by page."""

    async def steps(exchange: Any) -> None:
        await exchange.create_order(SWAP, "market", "buy", 10)
        for rate in ("0.0001", "-0.0002"):
            venue.do("fund", symbol=SWAP, rate=rate)
        asked = {"type": "swap"}
        paid, got = sorted(await exchange.fetch_funding_history(None, None, None, asked), key=lambda one: int(one["id"]))
        assert (paid["symbol"], paid["code"], paid["amount"]) == (SWAP, "USDT", pytest.approx(-0.6, rel=0.05))
        assert (paid["info"]["subType"], got["info"]["subType"]) == ("173", "174")
        assert got["amount"] == pytest.approx(-2 * paid["amount"])
        assert [one["id"] for one in await exchange.fetch_funding_history(None, None, 1, asked)] == [got["id"]]
        assert [one["id"] for one in await exchange.fetch_funding_history(None, None, 1, {**asked, "after": got["id"]})] == [paid["id"]]
        assert await exchange.fetch_funding_history(None, None, None, {**asked, "begin": str(got["timestamp"] + 1)}) == []
        await exchange.create_order(SWAP, "market", "sell", 10)

    drive("okx", venue.port, steps)
