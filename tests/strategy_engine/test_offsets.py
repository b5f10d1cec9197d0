"""Offsets of China's futures: checked against what may be closed, chosen where none is given, and settled side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.events import (
    CancelRequest,
    Fill,
    LogEvent,
    ModifyRequest,
    Offset,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    RiskReason,
    RiskVerdict,
    Side,
    Tick,
    World,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.base import GatewayReport, ReportKind

DAY = 86_400_000_000_000
NOW = 1_790_000_000_000_000_000 // DAY * DAY
LONG, SHORT, NET = PositionSide.LONG, PositionSide.SHORT, PositionSide.NET
BUY, SELL = Side.BUY, Side.SELL
NO_LIMITS = RiskLimits(self_trade=False)  # nothing but offsets refuses an order


class Venue(PaperGateway):
    """A venue that wants every order to say what it does, as a real one does."""

    nets: ClassVar[bool] = False
    order_flags: ClassVar[OrderFlag] = OrderFlag.POST_ONLY | OrderFlag.OCO


class Pit:
    """A bus with futures and an engine that is driven by hand."""

    def __init__(
        self,
        path: Path,
        gateway: PaperGateway | None = None,
        *instruments: Instrument,
        limits: RiskLimits = NO_LIMITS,
        cash: float = 1e8,
    ) -> None:
        self.bus = EventBus(path, world=World.PAPER, source="test", page_mb=0.25, sync="none")
        for terms in instruments or (
            preset("cn_future", "rb2501", "SHFE", calendar="24/7"),
            preset("cn_future", "IF2412", "CFFEX", calendar="24/7"),
        ):
            self.bus.instruments.add(terms)
        self.gateway = gateway or Venue()
        self.engine = TradingEngine(TradingConfig(currency="CNY", cash=cash), limits, self.gateway)
        self.engine.start(self.bus, threaded=False)
        self.now_ns = NOW
        self.venues = {one.symbol: one.venue for one in self.bus.instruments}

    def say(self, event: Any) -> int:
        """Publish an event and let the engine handle it."""
        number = self.bus.publish(event, cause=0)
        while self.engine.turn():
            pass
        return number

    def tick(self, symbol: str, price: float = 4000.0, ns: int = 0) -> None:
        """Show a market at a price on both sides."""
        self.now_ns = max(self.now_ns + 1_000_000, ns)
        names = {"symbol": symbol, "venue": self.venues[symbol], "event_ns": self.now_ns}
        self.say(Tick(**names, last_price=price, bid_price=price, bid_size=100.0, ask_price=price, ask_size=100.0))

    def next_day(self) -> None:
        """Let a day pass, with a first tick of each instrument."""
        begin = (self.now_ns // DAY + 1) * DAY
        for symbol in self.venues:
            self.tick(symbol, 4010.0, begin)

    def order(self, symbol: str, side: Side, lots: float, offset: Offset = Offset.NONE, **fields: Any) -> tuple[str, Offset | None]:
        """Ask for an order; return why it was refused, or "", and the offset that it was sent with."""
        terms = {"order_type": OrderType.MARKET if fields.get("price") is None else OrderType.LIMIT, "strategy": "s", **fields}
        names = {"symbol": symbol, "venue": self.venues[symbol], "event_ns": self.now_ns, "account": "paper"}
        request = self.say(OrderRequest(**names, side=side, quantity=lots, offset=offset, **terms))
        verdict = next(one for one in self.read(RiskVerdict) if one.request == request)
        commands = [one.offset for one in self.read(OrderCommand) if one.request == request]
        return verdict.message, commands[0] if commands else None

    def read(self, *kinds: type) -> list[Any]:
        """Return all events of some classes."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def held(self, symbol: str, strategy: str = "s") -> dict[PositionSide, tuple[float, float, float]]:
        """Return the quantity held, today's part and what is frozen, by side, as told last."""
        found = {}
        for one in self.read(PositionEvent):
            if (one.symbol, one.strategy) == (symbol, strategy):
                found[one.position_side] = (one.quantity, one.today, one.frozen)
        return found

    def close(self) -> None:
        """End it."""
        self.engine.stop()
        self.bus.close()


@pytest.fixture
def dig(tmp_path: Path) -> Iterator[Callable[..., Pit]]:
    """Return a function that makes pits, which are closed at the end."""
    made: list[Pit] = []

    def make(*arguments: Any) -> Pit:
        pit = Pit(tmp_path / f"bus{len(made)}", *arguments)
        made.append(pit)
        for symbol in pit.venues:
            pit.tick(symbol)
        return pit

    yield make
    for pit in made:
        pit.close()


@pytest.fixture
def pit(dig: Callable[..., Pit]) -> Pit:
    """Return a pit whose venue wants offsets."""
    return dig()


def test_long_and_short_are_held_apart(pit: Pit) -> None:
    """A sale that opens leaves the long side alone; each side has its own price, profit and margin."""
    pit.order("IF2412", BUY, 3, Offset.OPEN)
    pit.tick("IF2412", 4010.0)
    pit.order("IF2412", SELL, 2, Offset.OPEN)
    assert {side: row[0] for side, row in pit.held("IF2412").items()} == {LONG: 3.0, SHORT: -2.0}
    pit.tick("IF2412", 4020.0)
    pit.order("IF2412", SELL, 1, Offset.CLOSE)
    pit.order("IF2412", BUY, 2, Offset.CLOSE)
    last = {one.position_side: one for one in pit.read(PositionEvent)}
    assert (last[LONG].quantity, last[LONG].average_price, last[LONG].realised_pnl) == (2.0, 4000.0, 20.0 * 300)
    assert (last[SHORT].quantity, last[SHORT].realised_pnl, last[SHORT].margin) == (0.0, -10.0 * 300 * 2, 0.0)
    assert last[LONG].margin == pytest.approx(2 * 4020 * 300 * 0.12)
    fills = pit.read(Fill)
    assert [(one.offset, one.position_side) for one in fills] == [
        (Offset.OPEN, LONG),
        (Offset.OPEN, SHORT),
        (Offset.CLOSE, LONG),
        (Offset.CLOSE, SHORT),
    ]


def test_offset_is_chosen_closing_first(pit: Pit) -> None:
    """Without an offset an order closes the other side if there is one, the oldest lots first, and opens otherwise."""
    assert pit.order("rb2501", BUY, 5) == ("", Offset.OPEN)
    assert pit.order("rb2501", SELL, 1) == ("", Offset.CLOSE_TODAY)
    pit.next_day()
    assert pit.order("rb2501", BUY, 3) == ("", Offset.OPEN)
    assert pit.order("rb2501", SELL, 4) == ("", Offset.CLOSE_YESTERDAY)
    assert pit.order("rb2501", SELL, 2) == ("", Offset.CLOSE_TODAY)
    assert pit.held("rb2501") == {LONG: (1.0, 1.0, 0.0)}
    assert pit.order("IF2412", SELL, 2) == ("", Offset.OPEN)
    assert pit.order("IF2412", BUY, 2) == ("", Offset.CLOSE)
    assert pit.order("IF2412", BUY, 2) == ("", Offset.OPEN)


def test_what_one_order_cannot_say_is_refused_with_the_orders_that_can(pit: Pit) -> None:
    """Closing on two days, or closing and opening, needs several orders; the refusal names them."""
    pit.order("rb2501", BUY, 3)
    pit.next_day()
    pit.order("rb2501", BUY, 2)
    words, sent = pit.order("rb2501", SELL, 6)
    assert words == "one order cannot close and open: send 3 CLOSE_YESTERDAY, 2 CLOSE_TODAY, 1 OPEN"
    assert sent is None
    assert (
        pit.order("rb2501", SELL, 5)[0] == "one order cannot close lots of today and lots of before: send 3 CLOSE_YESTERDAY, 2 CLOSE_TODAY"
    )
    assert pit.order("rb2501", SELL, 5, Offset.CLOSE)[0].startswith("one order cannot close lots of today")
    pit.order("IF2412", SELL, 2)
    assert pit.order("IF2412", BUY, 3)[0] == "one order cannot close and open: send 2 CLOSE, 1 OPEN"
    assert {one.reasons for one in pit.read(RiskVerdict) if not one.passed} == {RiskReason.UNSUPPORTED}


def test_gateway_that_nets_takes_an_order_that_closes_and_opens(dig: Callable[..., Pit]) -> None:
    """On paper a plain strategy turns round in one order: it closes the long side and opens the short one, in one fill."""
    pit = dig(PaperGateway())
    pit.order("rb2501", BUY, 2)
    assert pit.order("rb2501", SELL, 5) == ("", Offset.NONE)
    assert {side: row[0] for side, row in pit.held("rb2501").items()} == {LONG: 0.0, SHORT: -3.0}
    assert len(pit.read(Fill)) == 2
    assert pit.order("rb2501", BUY, 1, price=3900.0) == ("", Offset.CLOSE_TODAY)
    words, _ = pit.order("rb2501", BUY, 5)  # of the three short lots one is being closed
    assert words == "one order cannot close and open while others are open that close: send 2 CLOSE_TODAY, 3 OPEN"


def test_more_than_is_held_cannot_be_closed(pit: Pit) -> None:
    """Each offset is measured against its own lots, less what open orders close already."""
    assert pit.order("rb2501", SELL, 1, Offset.CLOSE)[0] == "CLOSE 1: 0 of the long rb2501 may be closed"
    pit.order("rb2501", BUY, 3)
    assert pit.order("rb2501", SELL, 1, Offset.CLOSE_YESTERDAY)[0] == "CLOSE_YESTERDAY 1: 0 of the long rb2501 may be closed"
    assert pit.order("rb2501", SELL, 4, Offset.CLOSE_TODAY)[0] == "CLOSE_TODAY 4: 3 of the long rb2501 may be closed"
    assert pit.order("rb2501", SELL, 2, Offset.CLOSE_TODAY, price=4100.0, client_id="rest") == ("", Offset.CLOSE_TODAY)
    words, _ = pit.order("rb2501", SELL, 2, Offset.CLOSE_TODAY)
    assert words == "CLOSE_TODAY 2: 1 of the long rb2501 may be closed, open orders close the other 2"
    assert {one.reasons for one in pit.read(RiskVerdict) if not one.passed} == {RiskReason.BAD_QUANTITY}
    assert pit.order("rb2501", SELL, 1)[1] == Offset.CLOSE_TODAY
    assert pit.held("rb2501")[LONG] == (2.0, 2.0, 2.0)
    assert pit.order("rb2501", SELL, 1)[1] == Offset.OPEN  # all that is long is being closed
    names = {"symbol": "rb2501", "venue": "SHFE", "account": "paper", "strategy": "s", "client_id": "rest"}
    pit.say(CancelRequest(**names))
    assert pit.order("rb2501", SELL, 2, Offset.CLOSE)[1] == Offset.CLOSE_TODAY


def test_closing_order_cannot_grow_beyond_what_is_held(pit: Pit) -> None:
    """A change of an order's quantity is measured as the order was."""
    pit.order("IF2412", BUY, 3)
    pit.order("IF2412", SELL, 1, price=4100.0, client_id="rest")
    names = {"symbol": "IF2412", "venue": "CFFEX", "account": "paper", "strategy": "s", "client_id": "rest"}
    pit.say(ModifyRequest(**names, quantity=4.0))
    assert pit.read(OrderEvent)[-1].reason == "change refused: CLOSE 4: 3 of the long IF2412 may be closed"
    pit.say(ModifyRequest(**names, quantity=3.0))
    assert pit.read(OrderEvent)[-1].reason == "modified"


def test_exchange_that_closes_the_oldest_first_cannot_be_told_to_close_today(pit: Pit) -> None:
    """Outside SHFE and INE an order says CLOSE; today's lots are meant only where there are no others."""
    pit.order("IF2412", BUY, 2)
    assert pit.order("IF2412", SELL, 1, Offset.CLOSE_TODAY) == ("", Offset.CLOSE)
    pit.next_day()
    pit.order("IF2412", BUY, 2)
    assert (
        pit.order("IF2412", SELL, 1, Offset.CLOSE_TODAY)[0]
        == "IF2412: the oldest lots are closed first, and 1 are of before today: use CLOSE"
    )
    assert pit.order("IF2412", SELL, 1, Offset.CLOSE_YESTERDAY) == ("", Offset.CLOSE)
    assert pit.held("IF2412")[LONG] == (2.0, 2.0, 0.0)


def test_side_of_the_position_says_the_offset(pit: Pit) -> None:
    """Who thinks in sides buys LONG to open and sells LONG to close; a contradiction is refused."""
    assert pit.order("rb2501", BUY, 2, position_side=LONG) == ("", Offset.OPEN)
    assert pit.order("rb2501", SELL, 1, position_side=SHORT) == ("", Offset.OPEN)
    assert pit.order("rb2501", SELL, 1, position_side=LONG) == ("", Offset.CLOSE_TODAY)
    assert pit.order("rb2501", SELL, 1, Offset.OPEN, position_side=LONG)[0] == "SELL OPEN is no order of the LONG side"
    assert {side: row[0] for side, row in pit.held("rb2501").items()} == {LONG: 1.0, SHORT: -1.0}


def test_reduce_only_closes_one_side_and_is_cut_to_it(pit: Pit) -> None:
    """A reduce-only sale closes what is long, whatever is short."""
    pit.order("rb2501", BUY, 2)
    pit.order("rb2501", SELL, 3, Offset.OPEN)
    assert pit.order("rb2501", SELL, 5, order_flags=int(OrderFlag.REDUCE_ONLY)) == ("", Offset.CLOSE_TODAY)
    assert {side: row[0] for side, row in pit.held("rb2501").items()} == {LONG: 0.0, SHORT: -3.0}
    assert "nothing of rb2501 is left to sell" in pit.order("rb2501", SELL, 5, order_flags=int(OrderFlag.REDUCE_ONLY))[0]


def test_reduce_only_order_that_opens_is_refused(pit: Pit) -> None:
    """An order cannot open and only reduce: it is refused in words, and nothing is opened."""
    pit.order("rb2501", BUY, 3, Offset.OPEN)
    words, sent = pit.order("rb2501", SELL, 2, Offset.OPEN, order_flags=int(OrderFlag.REDUCE_ONLY))
    assert words == "reduce-only: an order that opens closes nothing"
    assert sent is None
    assert pit.held("rb2501") == {LONG: (3.0, 3.0, 0.0)}


@pytest.mark.parametrize("symbol", ["rb2501", "NET"])
def test_fill_that_overtakes_a_smaller_change_freezes_nothing_negative(dig: Callable[..., Pit], symbol: str) -> None:
    """Until the venue refuses the change there is nothing left of the order; after that it counts again."""
    net = Instrument(symbol="NET", venue="SIM", kind="crypto", currency="CNY", tick_size=1.0, lot_size=1.0)
    pit = dig(Venue(latency_ns=2_500_000), preset("cn_future", "rb2501", "SHFE", calendar="24/7"), net)
    pit.order(symbol, BUY, 5)
    for _ in range(3):
        pit.tick(symbol)
    pit.order(symbol, SELL, 4, price=4010.0, client_id="out")
    for _ in range(3):
        pit.tick(symbol)
    names = {"symbol": symbol, "venue": pit.venues[symbol]}
    pit.say(ModifyRequest(**names, event_ns=pit.now_ns, account="paper", strategy="s", client_id="out", quantity=1.0))
    quote = {"bid_price": 4010.0, "bid_size": 2.0, "ask_price": 4011.0, "ask_size": 2.0}
    pit.say(Tick(**names, event_ns=pit.now_ns + 1_000_000, last_price=4010.0, **quote))
    assert [row[2] for row in pit.held(symbol).values()] == [0.0]
    pit.now_ns += DAY // 24  # the venue refuses the change, and an hour later positions are told again
    pit.tick(symbol, 4000.0)
    pit.tick(symbol, 4001.0, pit.now_ns + DAY // 24)
    assert pit.held(symbol) == {NET if symbol == "NET" else LONG: (3.0, 3.0, 2.0)}


def test_orders_of_one_oco_group_may_close_the_same_lots(pit: Pit) -> None:
    """Of a profit target and a stop only one is ever filled: they do not freeze each other's lots. A group's name alone is a name."""
    pit.order("rb2501", BUY, 2)
    pair: dict[str, Any] = {"group": "g", "order_flags": int(OrderFlag.OCO)}
    assert pit.order("rb2501", SELL, 2, price=4100.0, **pair) == ("", Offset.CLOSE_TODAY)
    assert pit.order("rb2501", SELL, 2, price=4200.0, **pair) == ("", Offset.CLOSE_TODAY)
    for fields in ({}, {"group": "g"}, {"group": "h", "order_flags": int(OrderFlag.OCO)}):
        assert "open orders close the other 2" in pit.order("rb2501", SELL, 2, Offset.CLOSE, **fields)[0]


def test_child_of_an_order_closes_what_is_there_when_it_is_sent(pit: Pit) -> None:
    """Its offset is chosen late, stands in its events, and what cannot be said then ends it with a sentence."""
    pit.order("rb2501", BUY, 2, client_id="entry")
    assert pit.order("rb2501", SELL, 1, parent="entry", client_id="exit") == ("", Offset.CLOSE_TODAY)
    assert pit.read(OrderEvent)[-1].offset == Offset.CLOSE_TODAY
    assert pit.order("rb2501", SELL, 1, Offset.CLOSE_YESTERDAY, parent="entry", group="other", client_id="late") == ("", None)
    last = pit.read(OrderEvent)[-1]
    assert last.client_id == "late"
    assert last.status in (OrderStatus.FAILED, OrderStatus.REJECTED)
    assert "CLOSE_YESTERDAY 1: 0 of the long rb2501 may be closed" in last.reason


def test_strategies_close_only_their_own(pit: Pit) -> None:
    """What another strategy holds is not there for this one."""
    pit.order("rb2501", BUY, 2, strategy="a")
    assert pit.order("rb2501", SELL, 2, strategy="b") == ("", Offset.OPEN)
    assert {name: pit.held("rb2501", name) for name in "ab"} == {"a": {LONG: (2.0, 2.0, 0.0)}, "b": {SHORT: (-2.0, 2.0, 0.0)}}


def test_closing_today_costs_what_the_schedule_says(pit: Pit) -> None:
    """A stock index future pays ten times the fee for lots of the same day, and only for those."""
    value = 4010.0 * 300
    pit.order("IF2412", BUY, 2)
    pit.next_day()
    pit.order("IF2412", BUY, 1)
    pit.order("IF2412", SELL, 3)
    assert pit.read(Fill)[-1].fee == pytest.approx(2 * value * 0.000023 + value * 0.00023)
    gold = preset("cn_future", "au2412", "SHFE")
    assert [gold.fee(2, 500.0, sell=True, today=today) for today in (0.0, 1.0, 2.0)] == [20.0, 10.0, 0.0]


def test_night_session_belongs_to_the_next_trading_day(dig: Callable[..., Pit]) -> None:
    """What was bought on Thursday is of yesterday at nine in the evening, before anybody's midnight."""
    pit = dig(Venue(), preset("cn_future", "rb2501", "SHFE"))
    pit.now_ns = from_iso("2026-11-19 14:00:00", "Asia/Shanghai")
    pit.tick("rb2501")
    pit.order("rb2501", BUY, 2)
    pit.now_ns = from_iso("2026-11-19 20:59:00", "Asia/Shanghai")
    assert pit.order("rb2501", SELL, 1) == ("", Offset.CLOSE_YESTERDAY)  # no tick of the new day has come yet
    pit.tick("rb2501", 4020.0, from_iso("2026-11-19 21:00:01", "Asia/Shanghai"))
    assert pit.held("rb2501")[LONG][:2] == (1.0, 0.0)
    assert [one.trading_day for one in pit.read(Fill)] == [20261119, 20261120]


def test_order_that_outlives_its_day_closes_what_is_older(pit: Pit) -> None:
    """Lots that a resting order was to close as today's are not closed twice as yesterday's."""
    pit.order("rb2501", BUY, 3)
    pit.order("rb2501", SELL, 2, Offset.CLOSE_TODAY, price=4100.0)
    pit.next_day()
    assert pit.order("rb2501", SELL, 2, Offset.CLOSE_YESTERDAY)[0].startswith("CLOSE_YESTERDAY 2: 1 of the long rb2501 may be closed")
    pit.tick("rb2501", 4100.0)
    assert pit.held("rb2501") == {LONG: (1.0, 0.0, 0.0)}


class Unruly(Venue):
    """A venue that also reports fills that nobody expects."""

    def overfill(self, client_id: str, event_ns: int, quantity: float) -> None:
        """Report more than was ordered."""
        assert self._listener is not None
        report = GatewayReport(
            kind=ReportKind.FILLED, client_id=client_id, event_ns=event_ns, trade_id="X1", price=4000.0, quantity=quantity
        )
        self._listener(report)


def test_fill_that_closes_more_than_is_held_opens_the_rest_and_is_told(dig: Callable[..., Pit]) -> None:
    """The sum of both sides is always what was bought and sold, whatever a venue says it was for."""
    gateway = Unruly()
    pit = dig(gateway)
    pit.order("rb2501", BUY, 2)
    pit.order("rb2501", SELL, 2, Offset.CLOSE_TODAY, client_id="close")
    gateway.overfill("close", pit.now_ns, 1.0)
    pit.tick("rb2501", 4001.0)
    assert {side: row[0] for side, row in pit.held("rb2501").items()} == {LONG: 0.0, SHORT: -1.0}
    assert any("closes more than s held" in one.message for one in pit.read(LogEvent))
    assert pit.read(OrderEvent)[-1].status == OrderStatus.FILLED
