"""What orders open and close, in C++, beside the trading desk: the same verdicts, offsets, cuts and counts."""

from __future__ import annotations

import random
from math import nan
from pathlib import Path
from typing import Any

import pytest

from gcg_quant._native import Account, HeldBook
from gcg_quant.events import (
    CancelRequest,
    Fill,
    ModifyRequest,
    Offset,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderType,
    RiskVerdict,
    Side,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine import PaperGateway
from gcg_quant.strategy_engine.orders.states import FINAL_STATES

from .test_native_account import terms_of
from .test_offsets import BUY, SELL, Pit, Venue

# SHFE wants today's lots told apart; of CFFEX the larger side ties up margin, of DCE both do; the last one has net positions.
INSTRUMENTS = [
    preset("cn_future", "rb2501", "SHFE", calendar="24/7"),
    preset("cn_future", "IF2412", "CFFEX", calendar="24/7"),
    preset("cn_future", "jd2501", "DCE", calendar="24/7"),
    Instrument(symbol="NET", venue="SIM", kind="crypto", currency="CNY", tick_size=1.0, lot_size=0.5),
]
SYMBOLS = [one.symbol for one in INSTRUMENTS]
STRATEGIES = ("a", "b")
PRICES = (3980.0, 3990.0, 4000.0, 4010.0, 4020.0)


class Twin:
    """A pit with a trading desk, and a native book that is told what the desk tells."""

    def __init__(self, path: Path, gateway: PaperGateway) -> None:
        self.pit = Pit(path, gateway, *INSTRUMENTS)
        self.desk = self.pit.engine.desk
        self.numbers = {one.symbol: self.pit.bus.instruments.number(one.symbol, one.venue) for one in INSTRUMENTS}
        self.account = Account(0, 1e8)
        for one in INSTRUMENTS:
            self.account.set_terms(self.numbers[one.symbol], terms_of(one))
        self.book = HeldBook(self.account, gateway.nets)
        self.reader = self.pit.bus.reader(start="begin", events=[RiskVerdict, OrderCommand, OrderEvent, Fill])
        self.asked: dict[str, OrderRequest] = {}  # by client id
        self.open: dict[str, tuple[int, int, int, int, bool, int]] = {}  # by client id, as the native book has them
        self.counted: dict[str, int] = {}
        self.filled: dict[str, int] = {}
        self.verdicts: dict[int, RiskVerdict] = {}
        self.commands: dict[int, OrderCommand] = {}
        for symbol in SYMBOLS:
            self.tick(symbol, 4000.0)

    def step(self, what: str, *arguments: Any) -> None:
        """Do a step in the pit, follow it, and compare what is open."""
        getattr(self, what)(*arguments)
        self.follow()
        claims = self.desk.books._claims
        for instrument in INSTRUMENTS[:3]:
            number = self.numbers[instrument.symbol]
            for place, strategy in enumerate(STRATEGIES, start=1):
                opening = [claims.opening(strategy, number, instrument, side) for side in (BUY, SELL)]
                closing = [claims.closing(strategy, number, side) for side in (BUY, SELL)]
                held = [self.desk.books.accounts.position(strategy, number, side) for side in (1, 2)]
                lots = [0 if one is None else abs(one.lots) for one in held]
                assert self.book.sides(place, number) == (*lots, *opening)
                assert [self.book.closing(place, number, side) for side in (BUY, SELL)] == closing

    # ---- what is done

    def order(self, symbol: str, strategy: str, side: Side, offset: Offset, lots: int, price: float | None, reduce_only: bool) -> None:
        """Send an order: refused with the same words, or sent with the same offset and quantity."""
        number, instrument = self.numbers[symbol], INSTRUMENTS[SYMBOLS.index(symbol)]
        request = OrderRequest(
            **self.names(symbol, strategy),
            client_id=f"k{len(self.asked)}",
            instrument=number,
            side=side,
            offset=offset,
            quantity=instrument.quantity(lots),
            order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
            price=nan if price is None else price,
            order_flags=OrderFlag.REDUCE_ONLY if reduce_only else OrderFlag.NONE,
        )
        row = (STRATEGIES.index(strategy) + 1, number, side, offset, reduce_only, lots)
        cut, sent, opens, adds, reason, words = self.book.plan(row, self.today(instrument), symbol)
        _, whole, _ = self.desk.read(request, instrument, self.pit.now_ns)
        assert whole.lots == cut
        assert self.desk.books.measure(request, number, instrument, whole.lots) == ((opens, adds) if instrument.legs else None)
        self.asked[request.client_id] = request
        asked = self.say(request)
        verdict = self.verdicts[asked]
        assert (verdict.reasons, verdict.message) == (reason, words)
        command = self.commands.get(asked)
        assert (command is None) == bool(words)
        if command is not None:
            assert (command.offset, command.quantity) == (sent, instrument.quantity(cut))

    def tick(self, symbol: str, price: float) -> None:
        """Show another price."""
        self.pit.tick(symbol, price)

    def day(self) -> None:
        """Begin a day; what is open stays open."""
        self.pit.next_day()

    def cancel(self, number: int) -> None:
        """Cancel one of the open orders."""
        if self.open:
            one = self.asked[list(self.open)[number % len(self.open)]]
            self.say(CancelRequest(**self.names(one.symbol, one.strategy), client_id=one.client_id))

    def modify(self, number: int, lots: int) -> None:
        """Ask for another quantity of an open order: refused with the same words, or asked of the venue."""
        if not self.open:
            return
        client_id = list(self.open)[number % len(self.open)]
        one, row = self.asked[client_id], self.open[client_id]
        instrument = INSTRUMENTS[SYMBOLS.index(one.symbol)]
        left = lots - self.filled[client_id]
        *_, opens, adds, reason, words = self.book.plan_change(row, self.counted[client_id], left, self.today(instrument), one.symbol)
        order = self.desk.orders.find(client_id=client_id)
        if instrument.legs and left > 0:
            assert self.desk.books.measure(order.terms, row[1], instrument, left, order) == (opens, adds)
        names = self.names(one.symbol, one.strategy)
        asked = self.say(ModifyRequest(**names, client_id=client_id, quantity=instrument.quantity(lots)))
        verdict = self.verdicts.get(asked)
        if verdict is not None:
            assert (verdict.reasons, verdict.message) == (reason, words)

    def names(self, symbol: str, strategy: str) -> dict[str, Any]:
        """Return what all requests name."""
        return {
            "symbol": symbol,
            "venue": self.pit.venues[symbol],
            "event_ns": self.pit.now_ns,
            "account": "paper",
            "strategy": strategy,
        }

    def say(self, request: Any) -> int:
        """Publish a request, let the desk handle it and follow what it tells; return the request's id."""
        number = self.pit.say(request)
        self.follow()
        return number

    def today(self, instrument: Instrument) -> int:
        """Return the trading day."""
        return instrument.trading_day(self.pit.now_ns)

    # ---- what the desk tells

    def follow(self) -> None:
        """Tell the native book and account what has happened since."""
        for event in self.reader:
            if isinstance(event, RiskVerdict):
                self.verdicts[event.request] = event
            elif isinstance(event, OrderCommand):
                self.commands[event.request] = event
                lots = INSTRUMENTS[SYMBOLS.index(event.symbol)].lots(event.quantity)
                reduce_only = bool(self.asked[event.client_id].order_flags & OrderFlag.REDUCE_ONLY)
                row = (STRATEGIES.index(event.strategy) + 1, event.instrument, event.side, event.offset, reduce_only, lots)
                self.open[event.client_id] = row
                self.counted[event.client_id], self.filled[event.client_id] = lots, 0
                self.book.on_order(row)
            elif isinstance(event, Fill):
                self.fill(event)
            elif event.status in FINAL_STATES and event.client_id in self.open:
                self.end(event.client_id)
        self.change()

    def fill(self, event: Fill) -> None:
        """Settle a fill."""
        instrument, row = INSTRUMENTS[SYMBOLS.index(event.symbol)], self.open[event.client_id]
        lots = instrument.lots(event.quantity)
        self.account.settle(
            strategy=row[0],
            instrument=row[1],
            side=event.side,
            lots=lots,
            ticks=instrument.ticks(event.price),
            offset=event.offset,
            trading_day=event.trading_day,
        )
        self.book.on_fill(row, lots)
        self.counted[event.client_id] -= lots
        self.filled[event.client_id] += lots
        self.open[event.client_id] = (*row[:5], row[5] - lots)

    def end(self, client_id: str) -> None:
        """Take in that an order is done; changes that were asked for are none any more."""
        row = self.open.pop(client_id)
        self.book.expect(row, row[5] - self.counted[client_id])
        self.book.on_done(row, row[5])

    def change(self) -> None:
        """Take in which changes were made, and which the venue was asked for: those count from then on."""
        for client_id, row in self.open.items():
            order = self.desk.orders.find(client_id=client_id)
            self.book.on_change(row, order.left_lots - row[5])
            self.open[client_id] = (*row[:5], order.left_lots)
            counted = max(0, self.desk.reports.expected(order).lots - order.filled_lots)
            self.book.expect(row, counted - self.counted[client_id])
            self.counted[client_id] = counted


def any_step(chance: random.Random) -> tuple[Any, ...]:
    """Return something that may happen; mostly an order, often one that closes."""
    what = chance.choices(("order", "tick", "cancel", "modify", "day"), (60, 15, 8, 12, 5))[0]
    if what == "order":
        offset = chance.choices(list(Offset), (40, 20, 15, 12, 13))[0]
        price = None if chance.random() < 0.6 else chance.choice(PRICES)
        strategy = chance.choices(STRATEGIES, (4, 1))[0]
        return (
            what,
            chance.choice(SYMBOLS),
            strategy,
            chance.choice((BUY, SELL)),
            offset,
            chance.randint(1, 6),
            price,
            chance.random() < 0.2,
        )
    if what == "tick":
        return what, chance.choice(SYMBOLS), chance.choice(PRICES)
    if what == "day":
        return (what,)
    return what, chance.randrange(100), *([chance.randint(1, 8)] if what == "modify" else [])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("latency_ns", [0, 1_500_000])
@pytest.mark.parametrize("venue", [PaperGateway, Venue])
def test_native_book_judges_as_the_desk_does(tmp_path: Path, venue: type[PaperGateway], latency_ns: int, seed: int) -> None:
    """Whatever is ordered, changed, filled and cancelled, at a venue that nets and at one that does not: the same verdict for each."""
    chance = random.Random(seed)
    twin = Twin(tmp_path / "bus", venue(latency_ns=latency_ns))
    try:
        for _ in range(100):
            twin.step(*any_step(chance))
    finally:
        twin.reader.close()
        twin.pit.close()
