"""The fake Binance's USD-M futures: orders, positions and their user stream, driven by the real ccxt client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.clients import drive
from fakes.process import FakeVenue

ccxt = pytest.importorskip("ccxt")
SWAP = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def venue() -> Iterator[FakeVenue]:
    """Yield a fake Binance in which nothing moves by itself."""
    with FakeVenue("binance", "--step-ms", "0") as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(venue: FakeVenue) -> None:
    """Begin each test around 60,000."""
    venue.do("wake", symbols=[SWAP])
    venue.do("move", symbol=SWAP, price=60000)


def test_orders_make_positions(venue: FakeVenue) -> None:
    """A position is opened, valued at the mark price and closed; its profit is realised and the fees are paid in the margin currency."""

    async def steps(exchange: Any) -> None:
        before = (await exchange.fetch_balance())["USDT"]["total"]
        bought = await exchange.create_order(SWAP, "market", "buy", 0.1)
        assert (bought["status"], bought["filled"]) == ("closed", 0.1)
        venue.do("move", symbol=SWAP, price=61000)
        position = (await exchange.fetch_positions([SWAP]))[0]
        assert (position["side"], position["contracts"]) == ("long", 0.1)
        assert position["unrealizedPnl"] == pytest.approx(100, rel=0.1)
        rests = await exchange.create_order(SWAP, "limit", "sell", 0.1, 62000, {"reduceOnly": True, "clientOrderId": "mine"})
        moved = await exchange.edit_order(rests["id"], SWAP, "limit", "sell", 0.1, 61500)
        assert (moved["price"], moved["status"]) == (61500, "open")
        assert [one["clientOrderId"] for one in await exchange.fetch_open_orders(SWAP)] == ["mine"]
        venue.do("move", symbol=SWAP, price=61600)
        done = await exchange.fetch_order(rests["id"], SWAP)
        assert (done["status"], done["average"]) == ("closed", 61500)
        assert await exchange.fetch_positions([SWAP]) == []
        trades = await exchange.fetch_my_trades(SWAP)
        assert {one["fee"]["currency"] for one in trades} == {"USDT"}
        assert (trades[-1]["takerOrMaker"], float(trades[-1]["info"]["realizedPnl"])) == ("maker", pytest.approx(150, rel=0.05))
        gained = sum(float(one["info"]["realizedPnl"]) - one["fee"]["cost"] for one in trades)
        assert (await exchange.fetch_balance())["USDT"]["total"] - before == pytest.approx(gained, abs=1e-6)

    drive("binanceusdm", venue.port, steps)


def test_funding_is_told_and_listed(venue: FakeVenue) -> None:
    """A short position is paid a rate above 0: ACCOUNT_UPDATE names the reason, the income history the payment, once it is listed."""

    async def steps(exchange: Any) -> None:
        await exchange.create_order(SWAP, "market", "sell", 0.1)
        before = (await exchange.fetch_balance())["USDT"]["total"]
        told = asyncio.ensure_future(exchange.watch_balance())
        while not any(one["account"] for one in venue.state["sessions"]):
            await asyncio.sleep(0.02)
        assert venue.do("fund", symbol=SWAP, rate="0.0001") == {"accounts": 1}
        update = (await asyncio.wait_for(told, 10))["info"]["a"]
        assert (update["m"], update["P"]) == ("FUNDING_FEE", [])
        venue.do("fund", symbol=SWAP, rate="0.0001", late_ms=3_600_000, times=0)
        (one,) = await exchange.fetch_funding_history()
        assert (one["symbol"], one["code"], one["amount"]) == (SWAP, "USDT", pytest.approx(0.6, rel=0.05))
        assert float(update["B"][0]["bc"]) == one["amount"]
        assert (await exchange.fetch_balance())["USDT"]["total"] - before == pytest.approx(2 * one["amount"])
        assert await exchange.fetch_funding_history(None, one["timestamp"] + 1) == []
        await exchange.create_order(SWAP, "market", "buy", 0.1)

    drive("binanceusdm", venue.port, steps)


@pytest.mark.parametrize(
    ("words", "params", "code"),
    [
        (("limit", "buy", 0.1, 61000), {"postOnly": True}, "-5022"),
        (("market", "buy", 0.1), {"reduceOnly": True}, "-2022"),
        (("limit", "buy", 900, 59000), {}, "-2019"),
        (("limit", "buy", 0.001, 1000), {}, "-4164"),
    ],
)
def test_what_is_wrong_is_refused(venue: FakeVenue, words: tuple[Any, ...], params: dict[str, Any], code: str) -> None:
    """Post-only that would take, nothing to reduce, too little margin, too small: each has its code."""

    async def steps(exchange: Any) -> None:
        with pytest.raises(ccxt.BaseError, match=code):
            await exchange.create_order(SWAP, *words, params=params)

    drive("binanceusdm", venue.port, steps)


def test_cancel_and_unknown(venue: FakeVenue) -> None:
    """An order is cancelled once; what nobody knows gives -2011 and -2013."""

    async def steps(exchange: Any) -> None:
        order = await exchange.create_order(SWAP, "limit", "buy", 0.1, 50000)
        assert (await exchange.cancel_order(order["id"], SWAP))["status"] == "canceled"
        with pytest.raises(ccxt.BaseError, match="-2011"):
            await exchange.cancel_order(order["id"], SWAP)
        with pytest.raises(ccxt.BaseError, match="-2013"):
            await exchange.fetch_order("77", SWAP)

    drive("binanceusdm", venue.port, steps)


def test_user_stream_tells_all(venue: FakeVenue) -> None:
    """ccxt's watch_orders, watch_my_trades, watch_balance and watch_positions see a fill."""

    async def steps(exchange: Any) -> None:
        exchange.options["watchPositions"] = {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False}
        tasks = [
            asyncio.ensure_future(one)
            for one in (
                exchange.watch_orders(SWAP),
                exchange.watch_my_trades(SWAP),
                exchange.watch_balance(),
                exchange.watch_positions([SWAP]),
            )
        ]
        while not any(one["account"] for one in venue.state["sessions"]):
            await asyncio.sleep(0.02)
        order = await exchange.create_order(SWAP, "limit", "buy", 0.01, 60500)
        orders, trades, balance, positions = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        while orders[-1]["status"] != "closed":
            orders = await exchange.watch_orders(SWAP)
        assert orders[-1]["id"] == trades[-1]["order"] == order["id"]
        assert balance["USDT"]["total"] > 0
        assert positions[0]["contracts"] > 0
        venue.do("expire", what="listen_key")
        with pytest.raises(ccxt.NetworkError):
            await exchange.watch_orders(SWAP)

    drive("binanceusdm", venue.port, steps)
