"""China's futures in the native engine beside the trading engine and its paper gateway: offsets, frozen lots, reduce-only orders."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant._native import TickDesk, TickEngine
from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import CancelRequest, Fill, ModifyRequest, Offset, OrderEvent, OrderFlag, OrderRequest, OrderType, Side, Tick, World
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine.gateways import PaperGateway
from gcg_quant.strategy_engine.risk.limits import LIMIT_NAMES, RULE_NAMES, RiskLimits, native_limits
from gcg_quant.strategy_engine.trading import TradingConfig, TradingEngine

from ...strategy_engine.test_native_account import terms_of

# Of SHFE, which wants today's lots told apart, of CFFEX, of which the larger side ties up margin, and of DCE, of which both do.
INSTRUMENTS = [
    preset("cn_future", "rb2501", "SHFE", calendar="24/7"),
    preset("cn_future", "IF2412", "CFFEX", calendar="24/7", price_limit=None),
    preset("cn_future", "jd2501", "DCE", calendar="24/7"),
]
NUMBERS = {one.symbol: number for number, one in enumerate(INSTRUMENTS, start=1)}
STRATEGIES = ("a", "b")
BEGIN = 1_700_000_000_000_000_000
STEP = 900_000_000_000  # a quarter of an hour: 200 of them are two days
COUNT = 200
CASH = 6e6  # not enough for everything that is asked
LIMITS = RiskLimits(self_trade=False, max_position_quantity=25.0)
HELD_WORDS = ("may be closed", "one order cannot", "reduce-only", "the oldest lots")
# The native engine returns False or raises instead.
ANSWERS_ONLY_ON_PAPER = ("cancel refused: the order is", "change refused: the order is", "change refused: nothing", "filled already")


@dataclass(frozen=True)
class Ask:
    """What a strategy does when it has seen a tick; `target` counts the orders of all strategies."""

    strategy: str
    kind: str
    symbol: str
    side: Side
    offset: Offset
    lots: int
    away: int | None  # ticks from the bid; None: at the market
    reduce_only: bool
    target: int


def script_of(seed: int) -> dict[int, list[Ask]]:
    """Return what is asked after which tick."""
    chance = random.Random(seed)
    script: dict[int, list[Ask]] = {}
    for at in range(COUNT * len(INSTRUMENTS)):
        for strategy in STRATEGIES:
            if chance.random() < 0.35:
                ask = Ask(
                    strategy,
                    chance.choices(("order", "cancel", "modify"), (7, 1, 2))[0],
                    chance.choice(INSTRUMENTS).symbol,
                    chance.choice((Side.BUY, Side.SELL)),
                    chance.choices(list(Offset), (40, 20, 20, 10, 10))[0],
                    chance.randint(1, 9),
                    chance.choice((None, -2, -1, 0, 1, 2)),
                    chance.random() < 0.15,
                    chance.randint(1, 12),
                )
                script.setdefault(at, []).append(ask)
    return script


def ticks_of(number: int, seed: int) -> np.ndarray:
    """Return a walk of quotes of an instrument."""
    chance = np.random.default_rng([seed, number])
    instrument = INSTRUMENTS[number - 1]
    rows = np.zeros(COUNT, Tick.dtype)
    rows[:] = np.frombuffer(memoryview(Tick(symbol=instrument.symbol, venue=instrument.venue)), Tick.dtype)[0]
    bids = instrument.ticks(3600.0) + np.cumsum(chance.integers(-2, 3, COUNT))
    rows["event_ns"] = rows["recv_ns"] = BEGIN + STEP * np.arange(COUNT) + number * 1_000_000
    rows["bid_price"] = rows["last_price"] = [instrument.price(int(one)) for one in bids]
    rows["ask_price"] = [instrument.price(int(one) + 1) for one in bids]
    rows["bid_size"], rows["ask_size"] = chance.integers(1, 15, COUNT), chance.integers(1, 15, COUNT)
    return rows


def told(event: OrderEvent | Fill) -> tuple[Any, ...]:
    """Return what both must say of an order or a fill."""
    if isinstance(event, Fill):
        return "fill", event.event_ns, event.price, event.quantity, event.fee, event.side, event.offset
    numbers = (event.quantity, event.filled_quantity, event.average_price, event.price)
    # What risk refuses each has its own words for.
    words = [one for one in event.reason.split("; ") if any(known in one for known in HELD_WORDS)]
    return event.status.name, event.event_ns, event.offset, *(None if one != one else one for one in numbers), words


def note(event: OrderEvent | Fill, said: dict[str, list[Any]]) -> None:
    """Write down what was said of an order, but for answers that only one of them gives."""
    if isinstance(event, Fill) or not any(words in event.reason for words in ANSWERS_ONLY_ON_PAPER):
        said.setdefault(event.client_id, []).append(told(event))


def price_of(ask: Ask, tick: np.void, symbol: str) -> float:
    """Return the limit price that it means, NaN at the market."""
    instrument = INSTRUMENTS[NUMBERS[symbol] - 1]
    bid = instrument.ticks(float(tick["bid_price"]))
    return nan if ask.away is None else instrument.price(bid + ask.away)


class Script:
    """Asks for the orders of a script, however it is carried out; the ids are equal in both engines."""

    def __init__(self, seed: int, latency_ns: int) -> None:
        self.latency_ns = latency_ns
        self.script = script_of(seed)
        self.rows = [ticks_of(number, seed) for number in range(1, len(INSTRUMENTS) + 1)]
        self.sent: list[tuple[str, str, str]] = []  # id, strategy, symbol

    def quote(self, at: int, symbol: str) -> np.void:
        """Return the newest tick of a symbol after so many ticks of all."""
        number = NUMBERS[symbol]
        return self.rows[number - 1][max(0, (at - number + 1) // len(INSTRUMENTS))]

    def carry_out(self, at: int, strategy: str) -> None:
        """Do what a strategy asks for after a tick."""
        for ask in self.script.get(at, ()):
            if ask.strategy != strategy:
                continue
            if ask.kind == "order":
                self.sent.append((f"{strategy}-{len(self.sent) + 1}", strategy, ask.symbol))
                self.order(ask, price_of(ask, self.quote(at, ask.symbol), ask.symbol))
                continue
            recent = [one for one in self.sent[-ask.target :] if one[1] == strategy]
            if recent and ask.kind == "cancel":
                self.cancel(recent[0])
            elif recent:
                self.modify(recent[0], ask.lots)

    def order(self, ask: Ask, price: float) -> None:
        """Send an order."""
        raise NotImplementedError

    def cancel(self, order: tuple[str, str, str]) -> None:
        """Cancel an order."""
        raise NotImplementedError

    def modify(self, order: tuple[str, str, str], lots: int) -> None:
        """Ask for another quantity."""
        raise NotImplementedError


class Native(Script):
    """The script in the native engine."""

    def run(self) -> tuple[dict[str, list[Any]], float, float]:
        """Return {order: what was said of it}, the cash and the equity at the end."""
        engine = TickEngine(cash=CASH, sample_ns=0, order_latency_ns=self.latency_ns)
        for instrument, rows in zip(INSTRUMENTS, self.rows, strict=True):
            number = NUMBERS[instrument.symbol]
            terms = {**terms_of(instrument), "currency_number": 0, "sides": 2 if instrument.larger_side else 1}
            engine.add_instrument(number, instrument.symbol, instrument.venue, terms)
            engine.add_rows(number, Tick, rows)
        limits = {name: getattr(LIMITS, name) for name in (*LIMIT_NAMES, *RULE_NAMES)}
        engine.risk.set_limits(strategy=0, instrument=0, **native_limits(limits, everywhere=True))
        self.desks: dict[str, TickDesk] = {}
        said: dict[str, list[Any]] = {}
        for name in STRATEGIES:
            self.desks[name] = engine.add_strategy(name, self.callbacks(name, said))
        engine.run()
        return said, engine.cash(), engine.equity_now()

    def callbacks(self, name: str, said: dict[str, list[Any]]) -> dict[str, Any]:
        """Return what a strategy is called for."""
        at = iter(range(COUNT * len(INSTRUMENTS)))

        def hear(event: OrderEvent | Fill) -> None:
            note(event, said)

        return {"on_tick": lambda _: self.carry_out(next(at), name), "on_order": hear, "on_fill": hear}

    def order(self, ask: Ask, price: float) -> None:
        """Send an order."""
        kind = OrderType.MARKET if ask.away is None else OrderType.LIMIT
        desk = self.desks[ask.strategy]
        sent = desk.send_order(ask.symbol, ask.side, price, ask.lots, kind, offset=ask.offset, reduce_only=ask.reduce_only)
        assert sent == self.sent[-1][0]

    def cancel(self, order: tuple[str, str, str]) -> None:
        """Cancel an order."""
        self.desks[order[1]].cancel(order[0])

    def modify(self, order: tuple[str, str, str], lots: int) -> None:
        """Ask for another quantity."""
        try:
            self.desks[order[1]].modify(order[0], quantity=lots)
        except GcgQuantError as error:
            assert "would change" in str(error) or "filled already" in str(error)  # noqa: PT017


class Paper(Script):
    """The script on a bus of its own, through the trading engine."""

    def run(self, folder: Path) -> tuple[dict[str, list[Any]], float, float]:
        """Return the same."""
        with EventBus(folder, world=World.PAPER, page_mb=1, sync="none") as self.bus:
            self.numbers = [self.bus.instruments.add(one) for one in INSTRUMENTS]
            config = TradingConfig(account="a", currency="CNY", cash=CASH)
            self.engine = TradingEngine(config, LIMITS, PaperGateway(latency_ns=self.latency_ns))
            self.engine.start(self.bus, threaded=False)
            for at in range(COUNT * len(INSTRUMENTS)):
                place = at % len(INSTRUMENTS)
                row = self.rows[place][at // len(INSTRUMENTS) :][:1].copy()
                row["instrument"] = self.numbers[place]
                self.now_ns = int(row["event_ns"][0])
                self.bus.publish_batch(row)
                self.settle()
                for name in STRATEGIES:
                    self.carry_out(at, name)
            accounts = self.engine.desk.books.accounts
            for number in self.numbers:
                accounts.mark(number, self.engine.desk.last_price(number))
            cash, equity = accounts.in_currency("CNY").cash, accounts.equity("CNY")
            self.engine.stop()
            said: dict[str, list[Any]] = {}
            with self.bus.reader(start="begin", events=[OrderEvent, Fill]) as reader:
                for event in reader:
                    note(event, said)
        return said, cash, equity

    def settle(self) -> None:
        """Let the engine handle all that there is."""
        while self.engine.turn():
            pass

    def say(self, kind: type[Any], order: tuple[str, str, str], **fields: Any) -> None:
        """Publish a request and let the engine handle it."""
        client_id, strategy, symbol = order
        names = {"symbol": symbol, "venue": INSTRUMENTS[NUMBERS[symbol] - 1].venue, "account": "a", "strategy": strategy}
        self.bus.publish(kind(**names, client_id=client_id, event_ns=self.now_ns, **fields))
        self.settle()

    def order(self, ask: Ask, price: float) -> None:
        """Send an order."""
        kind = OrderType.MARKET if ask.away is None else OrderType.LIMIT
        flags = OrderFlag.REDUCE_ONLY if ask.reduce_only else OrderFlag.NONE
        fields = {"side": ask.side, "offset": ask.offset, "order_type": kind, "order_flags": flags}
        self.say(OrderRequest, self.sent[-1], price=price, quantity=float(ask.lots), **fields)

    def cancel(self, order: tuple[str, str, str]) -> None:
        """Cancel an order."""
        self.say(CancelRequest, order)

    def modify(self, order: tuple[str, str, str], lots: int) -> None:
        """Ask for another quantity."""
        self.say(ModifyRequest, order, quantity=float(lots))


@pytest.mark.parametrize(("seed", "latency_ns"), [(1, 0), (2, 0), (3, STEP // 3 + 5)])
def test_futures_are_traded_as_on_paper(tmp_path: Path, seed: int, latency_ns: int) -> None:
    """Every order gets the same offset, cut, refusal and fills; cash and equity are equal to the last bit."""
    here, cash, equity = Native(seed, latency_ns).run()
    there, paper_cash, paper_equity = Paper(seed, latency_ns).run(tmp_path / "bus")
    assert here.keys() == there.keys()
    for order, said in there.items():
        assert here[order] == said, order
    words = {known for lines in there.values() for line in lines for known in HELD_WORDS if known in str(line[-1])}
    assert words >= {"may be closed", "one order cannot", "reduce-only"}
    assert (cash, equity) == (paper_cash, paper_equity)
