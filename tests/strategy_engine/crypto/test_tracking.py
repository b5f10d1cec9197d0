"""Rows of orders and trades, in whatever order and however often: each thing is reported once, and the end last."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.events import Liquidity, OrderStatus
from gcg_quant.strategy_engine.gateways import GatewayReport, ReportKind
from gcg_quant.strategy_engine.gateways.crypto.binance import Binance
from gcg_quant.strategy_engine.gateways.crypto.client_ids import venue_client_id
from gcg_quant.strategy_engine.gateways.crypto.okx import Okx
from gcg_quant.strategy_engine.gateways.crypto.options import CryptoOptions
from gcg_quant.strategy_engine.gateways.crypto.tracking import TrackedOrder, Tracking
from gcg_quant.strategy_engine.gateways.crypto.venue import Venue

BUS = "b" * 32


class Told:
    """A tracking with what it reported."""

    def __init__(self, venue: Venue | None = None) -> None:
        self.reports: list[GatewayReport] = []
        self.incomplete: list[TrackedOrder] = []
        self.tracking = Tracking(venue or Binance(CryptoOptions()), "binance", self.reports.append, self.incomplete.append)
        self.tracking.bus_id = BUS

    @property
    def kinds(self) -> list[str]:
        """What was reported."""
        return [one.kind.name for one in self.reports]


def order_row(status: str = "open", filled: float = 0.0, client_id: str = "o1", **more: Any) -> dict[str, Any]:
    """Return an order's row."""
    own = venue_client_id(BUS, client_id)
    row = {"id": "77", "clientOrderId": own, "symbol": "BTC/USDT", "status": status, "filled": filled, "amount": 5.0, "price": 100.0}
    return row | {"timestamp": 1_700_000_000_000, "info": {}} | more


def trade_row(number: int, amount: float, **more: Any) -> dict[str, Any]:
    """Return a trade's row."""
    row = {
        "id": str(number),
        "order": "77",
        "symbol": "BTC/USDT",
        "amount": amount,
        "price": 100.0,
        "timestamp": 1_700_000_000_000 + number,
    }
    return row | {"takerOrMaker": "maker", "fee": {"cost": 0.1, "currency": "BNB"}, "info": {}} | more


@given(st.lists(st.integers(1, 9), min_size=0, max_size=8), st.sampled_from(["closed", "canceled", "expired"]), st.randoms())
def test_any_order_of_rows_tells_the_same(sizes: list[int], status: str, chance: random.Random) -> None:
    """Streams and answers overtake and repeat each other: every trade once, one acknowledgement, one end, and that behind all trades."""
    told = Told()
    told.tracking.expect("o1", "BTC/USDT", sell=False, amount=5.0, price=100.0)
    total = sum(sizes) / 10
    rows: list[tuple[str, dict[str, Any]]] = [("trade", trade_row(number, size / 10)) for number, size in enumerate(sizes, 1)]
    rows += [("order", order_row()), ("order", order_row(filled=total / 2)), ("order", order_row(status, total))]
    rows += [chance.choice(rows) for _ in range(4)]
    chance.shuffle(rows)
    for kind, row in rows:
        getattr(told.tracking, kind)(row)
    fills = [one for one in told.reports if one.kind == ReportKind.FILLED]
    assert sorted(one.trade_id for one in fills) == sorted(str(number) for number in range(1, len(sizes) + 1))
    assert told.kinds.count("ACCEPTED") == 1
    ends = [kind for kind in told.kinds if kind in ("CANCELLED", "EXPIRED")]
    assert ends == ([] if status == "closed" else [{"canceled": "CANCELLED", "expired": "EXPIRED"}[status]])
    if ends:
        assert told.kinds[-1] in (ends[0], "ACCEPTED")
        assert told.kinds.index(ends[0]) > max((place for place, kind in enumerate(told.kinds) if kind == "FILLED"), default=-1)
    assert told.tracking.live() == []


def test_an_end_waits_for_the_trades_that_it_tells_of() -> None:
    """A cancel that says that more was filled than is known is not reported, and the trades are asked for."""
    told = Told()
    told.tracking.expect("o1", "BTC/USDT", sell=False, amount=5.0, price=100.0)
    told.tracking.order(order_row("canceled", 2.0))
    assert told.kinds == ["ACCEPTED"]
    assert [one.client_id for one in told.incomplete] == ["o1"]
    told.tracking.trade(trade_row(1, 2.0))
    assert told.kinds == ["ACCEPTED", "FILLED", "CANCELLED"]
    fill = told.reports[1]
    assert (fill.quantity, fill.price, fill.fee, fill.fee_currency, fill.liquidity) == (2.0, 100.0, 0.1, "BNB", Liquidity.MAKER)
    assert fill.event_ns == 1_700_000_000_001_000_000


def test_what_was_missed_is_told_as_it_happened() -> None:
    """After a break trades of several orders come order by order, and the stream goes on: they are reported by time, ends behind them."""
    told = Told()
    for name in ("o1", "o2"):
        told.tracking.expect(name, "BTC/USDT", sell=False, amount=5.0, price=100.0)
    told.tracking.hold()
    ids = {name: {"clientOrderId": venue_client_id(BUS, name), "order": number} for name, number in (("o1", "77"), ("o2", "78"))}
    told.tracking.trade(trade_row(9, 1.0, **ids["o2"]))  # of the stream, after the break
    told.tracking.order(order_row("canceled", 2.0))
    for number, name in ((2, "o1"), (10, "o1"), (3, "o2"), (2, "o1")):
        told.tracking.trade(trade_row(number, 1.0, **ids[name]))
    assert told.reports == []
    told.tracking.release()
    assert [one.trade_id for one in told.reports if one.kind == ReportKind.FILLED] == ["2", "3", "9", "10"]
    assert told.kinds[-2:] == ["ACCEPTED", "CANCELLED"]
    told.tracking.release()
    assert len(told.reports) == 6


def test_others_orders_are_nobodys() -> None:
    """Rows of orders that are not ours report nothing, and as open orders they show the id that they have."""
    told = Told()
    foreign = order_row("open", 1.0) | {"id": "88", "clientOrderId": "web_1"}
    assert told.tracking.order(foreign) is None
    assert told.tracking.trade(trade_row(1, 1.0) | {"order": "88"}) is None
    assert told.reports == []
    shown = told.tracking.venue_order(foreign)
    assert (shown.client_id, shown.status, shown.filled_quantity) == ("web_1", OrderStatus.PARTLY_FILLED, 1.0)
    told.tracking.expect("o1", "BTC/USDT", sell=False, amount=5.0, price=100.0)
    assert told.tracking.venue_order(order_row()).client_id == "o1"


def test_a_refusal_is_told_once() -> None:
    """An order that the venue does not want ends, and no row of it says anything any more."""
    told = Told()
    order = told.tracking.expect("o1", "BTC/USDT", sell=False, amount=5.0, price=100.0)
    told.tracking.refuse(order, "too small")
    told.tracking.order(order_row("rejected"))
    assert told.kinds == ["REJECTED"]
    assert told.reports[0].reason == "too small"


@pytest.mark.parametrize(("fee", "cost"), [("-0.25", 0.25), ("0.1", -0.1), ("", 0.0)])
def test_fees_of_the_order_channel_of_okx_are_costs(fee: str, cost: float) -> None:
    """OKX writes a charge as a negative number, and ccxt leaves that in the stream's trades: here it is what was paid."""
    told = Told(Okx(CryptoOptions()))
    told.tracking.expect("o1", "BTC/USDT", sell=False, amount=5.0, price=100.0)
    told.tracking.order(order_row())
    told.tracking.trade(trade_row(1, 5.0, info={"fillFee": fee, "fillFeeCcy": "BTC"}))
    assert told.reports[-1].fee == pytest.approx(cost)
    assert told.reports[-1].fee_currency == "BTC"
