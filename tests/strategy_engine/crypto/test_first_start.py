"""The first start on an account that holds something: cash is taken as it is, a position in contracts is for a person to accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.clients import drive
from fakes.process import FakeVenue

from gcg_quant.events import ConfigChangeEvent, Side

from .floor import ACCOUNT, Floor

SYMBOL = "BTC/USDT:USDT"


@pytest.mark.parametrize(("exchange", "client"), [("binance", "binanceusdm"), ("okx", "okx")])
def test_a_position_of_before_halts_until_it_is_accepted(exchange: str, client: str, tmp_path: Path) -> None:
    """The alert names symbol and both figures; after `accounts resume` orders go out, and the order of somebody else is left alone."""
    with FakeVenue(exchange, "--step-ms", "0", "--balance", "USDT=1000000") as fake:
        fake.do("wake", symbols=[SYMBOL])
        fake.do("move", symbol=SYMBOL, price=60000)

        async def by_hand(venue: Any) -> None:
            venue.options["defaultType"] = "swap"
            venue.has["fetchCurrencies"] = False
            await venue.create_order(SYMBOL, "market", "buy", 2.0)
            await venue.create_order(SYMBOL, "limit", "buy", 1.0, 58_000.0)

        trade = {"options": {"fetchMarkets": {"types": ["linear" if exchange == "binance" else "swap"]}}}
        drive(client, fake.port, by_hand, **trade)
        floor = Floor(tmp_path, exchange, "swap", fake.port, 1_000_000.0)
        try:
            floor.start()
            floor.wait(lambda: any(f"{SYMBOL}@{exchange}: 2 at the venue, 0 here" in one for one in floor.alerts()), "the halt")
            refused = floor.order(Side.BUY, 1.0, 59_000.0)
            assert "halted" in floor.wait_for(refused, "REJECTED").reason
            floor.bus.publish(ConfigChangeEvent(revision=2, changes={"trading.resume": ACCOUNT}))
            floor.wait_connected()
            mine = floor.order(Side.BUY, 1.0, 59_000.0)
            floor.wait_for(mine, "ACCEPTED")
            assert any("are not ours and are left alone" in one for one in floor.alerts())
            assert len(floor.gateway.query_orders()) == 2
            assert floor.gateway.query_positions() == {(SYMBOL, exchange): 2.0}
        finally:
            floor.close()
