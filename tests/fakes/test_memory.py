"""What a fake venue knows after kill -9, and that the market went on meanwhile."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fakes.clients import drive
from fakes.process import FakeVenue

pytest.importorskip("ccxt")
PAIR = "BTC/USDT"


@pytest.mark.parametrize("name", ["binance", "okx"])
def test_orders_balances_and_trades_survive(tmp_path: Path, name: str) -> None:
    """All that was is there again on the same port; ids go on, and a killed order book is built anew around the old price."""
    with FakeVenue(name, "--state", str(tmp_path / "state"), "--step-ms", "0") as venue:

        async def before(exchange: Any) -> tuple[Any, ...]:
            await exchange.load_markets()
            venue.do("move", symbol=PAIR, price=60000)
            done = await exchange.create_order(PAIR, "limit", "buy", 0.01, 60500)
            venue.do("take", symbol=PAIR, side="sell", quantity="0.02")
            rests = await exchange.create_order(PAIR, "limit", "buy", 0.02, 59000, {"clientOrderId": "rests"})
            gone = await exchange.create_order(PAIR, "limit", "buy", 0.03, 58000)
            await exchange.cancel_order(gone["id"], PAIR)
            return done["id"], rests["id"], await seen(exchange)

        async def seen(exchange: Any) -> dict[str, Any]:
            balance = await exchange.fetch_balance()
            return {
                "money": balance["total"],
                "used": balance["used"],
                "fills": [(one["id"], one["price"], one["amount"]) for one in await exchange.fetch_my_trades(PAIR)],
                "open": [(one["id"], one["clientOrderId"]) for one in await exchange.fetch_open_orders(PAIR)],
                "trades": [one["id"] for one in await exchange.fetch_trades(PAIR, limit=20)],
                "closed": sorted(one["id"] for one in await exchange.fetch_closed_orders(PAIR)),
            }

        done_id, rests_id, was = drive(name, venue.port, before)
        port, update_id = venue.port, venue.state["markets"][PAIR]["update_id"]
        venue.start()
        venue.start()
        assert venue.port == port
        assert drive(name, venue.port, seen) == was
        assert venue.state["markets"][PAIR]["update_id"] > update_id

        async def after(exchange: Any) -> None:
            book = await exchange.fetch_order_book(PAIR)
            assert book["bids"][0][0] < book["asks"][0][0]
            fresh = await exchange.create_order(PAIR, "limit", "buy", 0.01, 50000)
            assert int(fresh["id"]) > int(rests_id) > int(done_id)
            venue.do("move", symbol=PAIR, price=58500)
            assert (await exchange.fetch_order(rests_id, PAIR))["filled"] == 0.02
            assert int((await exchange.fetch_trades(PAIR))[-1]["id"]) > int(was["trades"][-1])

        drive(name, venue.port, after)


def test_the_market_goes_on_while_nobody_serves(tmp_path: Path) -> None:
    """A venue that lives has trades, under ids that follow, from the time when its process was dead."""
    with FakeVenue("binance", "--state", str(tmp_path / "state"), "--step-ms", "50", "--moves", "25") as venue:
        venue.do("wake", symbols=[PAIR])
        while (last := venue.state["markets"].get(PAIR, {"trade_id": 0})["trade_id"]) < 20:
            pass
        died = int(time.time() * 1000)
        venue.start()
        born = int(time.time() * 1000)

        async def missed(exchange: Any) -> list[Any]:
            return list(await exchange.publicGetAggTrades({"symbol": "BTCUSDT", "fromId": last, "limit": 1000}))

        found = drive("binance", venue.port, missed)
        ids = [int(one["a"]) for one in found]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        times = [died, *(at for one in found if died < (at := int(one["T"])) < born)]
        assert len(times) > 2
        assert max(later - earlier for earlier, later in pairwise(times)) < 500


def test_a_venue_ends_with_the_test_that_began_it() -> None:
    """A test that is killed leaves no venue behind."""
    tests = Path(__file__).resolve().parent.parent
    code = f"import sys; sys.path.insert(0, {str(tests)!r}); from fakes.process import FakeVenue; print(FakeVenue('okx').port); input()"
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as test:
        assert test.stdout is not None
        port = int(test.stdout.readline())
        assert answers(port)
        test.kill()
    deadline = time.monotonic() + 60
    while answers(port):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Return whether anybody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except OSError:
        return False
    return True
