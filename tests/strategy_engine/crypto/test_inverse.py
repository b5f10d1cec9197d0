"""Inverse swaps of OKX: orders in contracts, profit, fees and funding in coins, as the exchange's own ledger has them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes.process import FakeVenue

from gcg_quant.bus import EventBus
from gcg_quant.events import FundingPayment, Side
from gcg_quant.strategy_engine.accounts.audit import audit

from .floor import Floor

SYMBOL = "BTC/USD:BTC"


def test_contracts_are_traded_and_paid_in_coins(tmp_path: Path) -> None:
    """Bought, funded, sold dearer: cash and position are the exchange's, the journal adds up, and an order is changed and cancelled."""
    with FakeVenue("okx", "--inverse", "--step-ms", "0", "--balance", "USDT=1000000", "--balance", "BTC=50") as fake:
        fake.do("wake", symbols=[SYMBOL])
        fake.do("move", symbol=SYMBOL, price=60000)
        floor = Floor(tmp_path, "okx", "inverse", fake.port, 1_000_000.0)
        try:
            floor.start(poll_s=0.1)
            floor.wait_connected()

            def coins() -> float:
                account: dict[str, Any] = fake.state["accounts"]["fake-key"]
                return float(Decimal(account["total"]["BTC"]) - 50)

            assert sum(fill.quantity for fill in floor.fills(_done(floor, Side.BUY, 600.0))) == 600.0
            fake.do("fund", symbol=SYMBOL, rate="0.001")
            with floor.bus.reader(start="begin", events=[FundingPayment]) as reader:
                paid: list[FundingPayment] = []
                floor.wait(lambda: paid.extend(one for one in reader if isinstance(one, FundingPayment)) or paid, "the payment")
            assert paid[0].currency == "BTC"
            assert paid[0].payments[0][2:] == (600.0, pytest.approx(-0.001, rel=0.01))  # of one coin
            fake.do("move", symbol=SYMBOL, price=61000)
            _done(floor, Side.SELL, 400.0)
            assert floor.engine is not None
            accounts = floor.engine.desk.books.accounts
            (position,) = accounts.positions.values()
            assert position.lots == 200
            assert position.realised == pytest.approx(400 * 100 * (1 / 60000 - 1 / 61000) - 0.001, rel=0.05)
            assert accounts.money["BTC"].cash == pytest.approx(coins(), abs=1e-7)
            rests = floor.order(Side.BUY, 10.0, 55_000.0)
            floor.wait_for(rests, "ACCEPTED")
            floor.change(rests, price=54_000.0)
            floor.wait(lambda: getattr(floor.of(rests), "price", 0.0) == 54_000.0, "the change")
            floor.cancel(rests)
            floor.wait_for(rests, "CANCELLED")
            assert floor.gateway.query_positions() == {(SYMBOL, "okx"): 200.0}
            fake.do("hang_up", what="all")  # the next connection finds cash and position as they should be
            floor.wait(lambda: not floor.gateway.connected, "the end of the connection")
            floor.wait_connected()
            assert [one for one in floor.alerts() if "halted" in one] == []
            with EventBus(floor.bus.path, source="audit") as bus:
                audit(bus)
        finally:
            floor.close()


def _done(floor: Floor, side: Side, quantity: float) -> str:
    name = floor.order(side, quantity)
    floor.wait_for(name, "FILLED")
    return name
