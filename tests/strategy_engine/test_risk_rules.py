"""The rules that need to know the market's day, its sessions and the account's own orders, on an engine over a real bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.errors import SettingsError
from gcg_quant.events import (
    Applied,
    CancelRequest,
    ConfigChangeEvent,
    Event,
    ModifyRequest,
    OrderRequest,
    OrderType,
    RiskReason,
    RiskVerdict,
    Side,
    Tick,
    TimeInForce,
    World,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.risk.limits import RiskRules, overrides_from

from .mortal import Killed, Mortal

MONDAY = from_iso("2026-11-23T10:00:00+08:00")
HOUR = 3_600 * 1_000_000_000
DAY = 24 * HOUR


class Floor:
    """A bus with one instrument and an engine without a thread; `say` publishes, lets it answer, and returns the newest verdict."""

    def __init__(self, bus: EventBus, instrument: Instrument, limits: RiskLimits | None = None, **gateway: Any) -> None:
        self.bus, self.instrument, self.now_ns, self._limits, self._gateway = bus, instrument, MONDAY, limits, gateway
        self.names: dict[str, Any] = {"symbol": instrument.symbol, "venue": instrument.venue}
        bus.instruments.add(instrument)
        self.engine = self.begin()

    def begin(self) -> TradingEngine:
        """Start a new engine on what the journal holds."""
        self.engine = TradingEngine(TradingConfig(cash=1_000_000.0, currency="CNY"), self._limits, PaperGateway(**self._gateway))
        self.engine.start(self.bus, threaded=False)
        while self.engine.turn():
            pass
        return self.engine

    def restart(self) -> None:
        """Stop the engine and start another one."""
        assert self.engine.stop()
        self.begin()

    def say(self, event: Event) -> RiskVerdict | None:
        """Publish an event and let it be handled."""
        self.bus.publish(event, cause=0)
        while self.engine.turn():
            pass
        with self.bus.reader(start="begin", events=[RiskVerdict]) as reader:
            verdicts = [one for one in reader if isinstance(one, RiskVerdict)]
        return verdicts[-1] if verdicts else None

    def tick(self, price: float, **fields: Any) -> None:
        """Show a market with a spread of a tick."""
        step = self.instrument.tick_size
        quotes = {"bid_price": price, "bid_size": 1e6, "ask_price": self.instrument.round_price(price + step), "ask_size": 1e6}
        self.say(Tick(**self.names, event_ns=self.now_ns, last_price=price, **quotes, **fields))

    def order(self, side: Side, quantity: float, price: float | None = None, strategy: str = "s", **fields: Any) -> str:
        """Ask for an order; return "" or what risk says against it."""
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        terms = {"order_type": kind, "side": side, "quantity": quantity, "price": price, "strategy": strategy, **fields}
        verdict = self.say(OrderRequest(**self.names, event_ns=self.now_ns, account="paper", **terms))
        assert verdict is not None
        return "" if verdict.passed else verdict.message

    def change(self, client_id: str, **fields: Any) -> str:
        """Ask for a change of an order; return "" or what risk says against it."""
        verdict = self.say(ModifyRequest(**self.names, event_ns=self.now_ns, account="paper", client_id=client_id, **fields))
        assert verdict is not None
        return "" if verdict.passed else verdict.message

    def cancel(self, client_id: str) -> None:
        """Cancel an order."""
        self.say(CancelRequest(**self.names, event_ns=self.now_ns, account="paper", client_id=client_id))


Open = Callable[..., Floor]


@pytest.fixture
def open_floor(bus: EventBus) -> Iterator[Open]:
    """Return a function that opens a trading floor for an instrument."""
    made: list[Floor] = []

    def open_(instrument: Instrument, limits: RiskLimits | None = None, **gateway: Any) -> Floor:
        made.append(Floor(bus, instrument, limits, **gateway))
        return made[-1]

    yield open_
    for floor in made:
        assert floor.engine.stop()


SHARE = preset("cn_stock", "600519", "SSE")
COIN = preset("crypto", "BTC/USDT", "SIM", currency="CNY")


def test_share_bought_today_is_sold_tomorrow(open_floor: Open) -> None:
    """Purchases of the day stay, whichever strategy asks, and also after a restart; the next day they go."""
    floor = open_floor(SHARE)
    floor.tick(10.0)
    assert floor.order(Side.BUY, 300.0) == ""
    floor.now_ns += DAY
    floor.tick(10.0)
    assert floor.order(Side.BUY, 200.0, strategy="t") == ""
    refused = "sells 400 and 300 of what was bought before today is left (T+1)"
    assert floor.order(Side.SELL, 400.0) == refused
    floor.restart()
    assert floor.order(Side.SELL, 400.0) == refused
    assert floor.order(Side.SELL, 200.0, strategy="t") == ""  # the account's shares of the day before
    assert floor.order(Side.SELL, 200.0).endswith("and 100 of what was bought before today is left (T+1)")
    assert floor.order(Side.SELL, 100.0, 11.0, client_id="rests") == ""
    assert floor.order(Side.SELL, 100.0).endswith("and 0 of what was bought before today is left (T+1)")
    assert floor.change("rests", price=10.9) == ""  # what it sells already counts once
    floor.now_ns += DAY
    floor.tick(10.0)
    assert floor.order(Side.SELL, 200.0) == ""


def test_flat_strategy_does_not_free_what_was_bought(open_floor: Open) -> None:
    """A strategy that bought and sold today is flat, but what it sold was yesterday's: nothing more may go."""
    floor = open_floor(SHARE)
    floor.tick(10.0)
    floor.order(Side.BUY, 100.0, strategy="old")
    floor.now_ns += DAY
    floor.tick(10.0)
    assert floor.order(Side.BUY, 100.0, strategy="new") == ""
    assert floor.order(Side.SELL, 100.0, strategy="new") == ""
    assert "and 0 of what" in floor.order(Side.SELL, 100.0, strategy="old")
    floor.restart()
    assert "and 0 of what" in floor.order(Side.SELL, 100.0, strategy="old")


class MortalEngine(Mortal):
    """An engine that dies before it publishes event number `life`."""

    def __init__(self, life: int) -> None:
        super().__init__(TradingConfig(cash=1_000_000.0, currency="CNY"), RiskLimits(max_orders_per_second=100), PaperGateway())
        self.life = life

    def live(self, bus: EventBus) -> None:
        """Handle all there is, or die on the way."""
        try:
            self.start(bus, threaded=False)
            while self.turn():
                pass
            assert self.stop()
        except Killed:
            self._release()  # as the kernel would


def verdicts_after_death(path: Path, life: int) -> tuple[list[str], list[tuple[int, int, int]]]:
    """Return what risk said of a day's orders, and the purchases known at the end, when the first engine dies at some event."""
    with EventBus(path, world=World.PAPER, source="test", page_mb=0.0625, sync="none") as bus:
        bus.instruments.add(SHARE)
        names = {"symbol": SHARE.symbol, "venue": SHARE.venue}
        quotes = {"last_price": 10.0, "bid_price": 10.0, "bid_size": 1e6, "ask_price": 10.01, "ask_size": 1e6}
        sell, buy = Side.SELL, Side.BUY
        orders = [(buy, 100.0, None), (buy, 100.0, None), (sell, 100.0, None), (sell, 100.0, None), (buy, 100.0, 9.0), (sell, 100.0, 9.0)]
        for number, (side, quantity, price) in enumerate(orders):
            now_ns = MONDAY + min(number, 1) * DAY + 2 * number
            bus.publish(Tick(**names, **quotes, event_ns=now_ns, prev_close=9.5), cause=0)
            kind = OrderType.MARKET if price is None else OrderType.LIMIT
            terms: dict[str, Any] = {"side": side, "quantity": quantity, "price": price, "order_type": kind, "strategy": f"s{number}"}
            bus.publish(OrderRequest(**names, event_ns=now_ns, account="paper", **terms), cause=0)
            bus.publish(Tick(**names, **quotes, event_ns=now_ns + 1), cause=0)  # what was under way meets the same day
        MortalEngine(life).live(bus)
        last = MortalEngine(-1)
        last.live(bus)
        with bus.reader(start="begin", events=[RiskVerdict]) as reader:
            said = {one.request: one.message for one in reader if isinstance(one, RiskVerdict)}
        return list(said.values()), last.desk.books.accounts.bought.rows()


def test_rules_hold_wherever_the_engine_dies(tmp_path: Path) -> None:
    """What was bought today, and what rests, is known again by an engine whose predecessor died before any of its events."""
    said, bought = verdicts_after_death(tmp_path / "whole", -1)
    none_left = "sells 100 and 0 of what was bought before today is left (T+1)"
    assert said == ["", "", "", none_left, "", f"would trade at 9 with an own order at 9; {none_left}"]
    assert [row[1:] for row in bought] == [(20261124, 1)]  # a lot of 100
    for life in range(50):
        assert verdicts_after_death(tmp_path / f"bus{life}", life) == (said, bought)


def test_told_trading_day_wins_over_the_local_date(open_floor: Open) -> None:
    """An evening session belongs to the next day; before a day's first record the local date begins it."""
    floor = open_floor(SHARE)
    floor.tick(10.0, trading_day=20261124)
    assert floor.order(Side.BUY, 100.0) == ""
    floor.now_ns = from_iso("2026-11-24T09:31:00+08:00")
    assert "T+1" in floor.order(Side.SELL, 100.0)
    floor.now_ns = from_iso("2026-11-25T09:31:00+08:00")
    assert floor.order(Side.SELL, 100.0) == ""


def test_rule_is_off_where_the_settings_say_so(open_floor: Open, bus: EventBus) -> None:
    """The rules are switched while running, for all and for a strategy; a wrong value changes nothing."""
    floor = open_floor(SHARE)
    floor.tick(10.0)
    floor.order(Side.BUY, 100.0)
    assert "T+1" in floor.order(Side.SELL, 100.0)
    changes = {"risk.overrides": [{"strategy": "free", "t_plus_one": False}]}
    floor.say(ConfigChangeEvent(revision=1, changes=changes))
    assert floor.order(Side.SELL, 100.0, strategy="free") == ""
    assert "T+1" in floor.order(Side.SELL, 100.0)
    floor.say(ConfigChangeEvent(revision=2, changes={"risk.t_plus_one": "no"}))
    assert "T+1" in floor.order(Side.SELL, 100.0)
    floor.say(ConfigChangeEvent(revision=3, changes={"risk.t_plus_one": False}))
    assert floor.order(Side.SELL, 100.0) == ""
    with bus.reader(start="begin", events=[Applied]) as reader:
        answers = [(one.ok, one.detail) for one in reader if isinstance(one, Applied)]
    assert answers[1] == (False, "risk.t_plus_one must be true or false, found 'no'.")
    assert [ok for ok, _ in answers] == [True, False, True]


def test_order_that_would_meet_an_own_one_is_refused(open_floor: Open) -> None:
    """The account's resting orders count, at the price they have now, as long as they rest, and after a restart."""
    floor = open_floor(COIN)
    floor.tick(100.0)
    assert floor.order(Side.SELL, 1.0, 105.0, client_id="high") == ""
    assert floor.order(Side.BUY, 1.0, 104.99, strategy="t", time_in_force=TimeInForce.IOC) == ""
    words = "would trade at 105 with an own order at 105"
    assert floor.order(Side.BUY, 1.0, 105.0, strategy="t") == words
    floor.restart()
    assert floor.order(Side.BUY, 1.0, 105.0, strategy="t") == words
    assert floor.change("high", price=110.0) == ""
    assert floor.order(Side.BUY, 1.0, 105.0, strategy="t") == ""
    assert floor.order(Side.BUY, 1.0, 110.0).endswith("with an own order at 110")
    floor.cancel("high")
    assert floor.order(Side.BUY, 1.0, 110.0) == ""


def test_change_on_its_way_may_rest_at_either_price(open_floor: Open) -> None:
    """Until the venue has answered, an own order counts at the nearer of its prices."""
    floor = open_floor(COIN, latency_ns=1_000_000)
    floor.tick(100.0)
    floor.order(Side.SELL, 1.0, 105.0, client_id="a")
    floor.now_ns += HOUR
    floor.tick(100.0)
    floor.change("a", price=103.0)
    assert floor.order(Side.BUY, 1.0, 103.0).endswith("with an own order at 103")
    floor.now_ns += HOUR
    floor.tick(100.0)
    floor.change("a", price=110.0)
    assert floor.order(Side.BUY, 1.0, 103.0).endswith("with an own order at 103")
    floor.now_ns += HOUR
    floor.tick(100.0)
    assert floor.order(Side.BUY, 1.0, 103.0) == ""


def test_stop_meets_nobody_until_it_is_triggered(open_floor: Open) -> None:
    """A stop-limit order is no resting one before, and one after."""
    floor = open_floor(COIN)
    floor.tick(100.0)
    stop = {"order_type": OrderType.STOP_LIMIT, "stop_price": 99.0, "client_id": "stop"}
    assert floor.order(Side.SELL, 1.0, 101.0, **stop) == ""
    assert floor.order(Side.BUY, 1.0, 101.0) == ""
    floor.now_ns += HOUR
    floor.tick(98.0, volume=5.0)
    floor.now_ns += HOUR
    floor.tick(98.5, volume=6.0)
    assert floor.order(Side.BUY, 1.0, 101.0) == "would trade at 101 with an own order at 101"
    floor.restart()
    assert floor.order(Side.BUY, 1.0, 101.0) == "would trade at 101 with an own order at 101"


def test_price_outside_of_the_day_s_limits_is_refused(open_floor: Open) -> None:
    """Limits are the market's, or what the terms make of the previous close; they are found again after a restart."""
    floor = open_floor(SHARE, RiskLimits(t_plus_one=False))
    floor.tick(10.0, prev_close=10.05)
    assert floor.order(Side.BUY, 100.0, 11.06) == ""
    assert floor.order(Side.BUY, 100.0, 11.07) == "price 11.07 is outside of the day's limits, of which 11.06 is the nearest"
    floor.now_ns += 1
    floor.tick(10.0)
    floor.restart()
    assert floor.order(Side.SELL, 100.0, 9.04) == "price 9.04 is outside of the day's limits, of which 9.05 is the nearest"
    floor.tick(10.0, prev_close=10.05, lower_limit=9.5, upper_limit=10.5)
    assert floor.order(Side.SELL, 100.0, 9.49).endswith("9.5 is the nearest")


def test_closed_market_is_refused_when_the_rule_is_on(open_floor: Open) -> None:
    """By the calendar and the event's time; the sentence says until when."""
    floor = open_floor(SHARE)
    floor.tick(10.0)
    floor.now_ns = from_iso("2026-11-23T12:00:00+08:00")
    assert floor.order(Side.BUY, 100.0, 9.9) == ""  # off unless it is asked for
    floor.say(ConfigChangeEvent(revision=1, changes={"risk.session": True}))
    assert floor.order(Side.BUY, 100.0, 9.9) == "the market of 600519 is closed until 2026-11-23 13:00 Asia/Shanghai"
    floor.now_ns = from_iso("2026-11-23T14:59:59+08:00")
    assert floor.order(Side.BUY, 100.0, 9.9) == ""
    floor.now_ns = from_iso("2026-11-27T15:00:00+08:00")
    assert floor.order(Side.BUY, 100.0, 9.9) == "the market of 600519 is closed until 2026-11-30 09:30 Asia/Shanghai"


def test_calendar_that_nobody_knows_counts_as_closed(open_floor: Open) -> None:
    """An order is refused rather than sent into an unknown market, and the sentence names the calendar."""
    floor = open_floor(preset("us", "AAPL", "X", calendar="XNYZ", currency="CNY"), RiskLimits(session=True))
    floor.tick(100.0)
    message = floor.order(Side.BUY, 1.0)
    assert message.startswith("AAPL counts as closed: There is no calendar 'XNYZ'.")


def test_verdict_has_all_reasons_with_the_value_and_limit_of_the_first(open_floor: Open) -> None:
    """Bits, numbers and words agree."""
    floor = open_floor(SHARE, RiskLimits(max_concentration=0.25))
    floor.tick(10.0, prev_close=10.0)
    verdict = floor.say(
        OrderRequest(
            **floor.names,
            event_ns=floor.now_ns,
            account="paper",
            strategy="s",
            side=Side.SELL,
            quantity=50_000.0,
            price=8.0,
            order_type=OrderType.LIMIT,
        )
    )
    assert verdict is not None
    assert verdict.reasons == RiskReason.CONCENTRATION | RiskReason.T_PLUS_ONE | RiskReason.PRICE_LIMIT
    assert (verdict.value, verdict.limit, verdict.rules) == (0.5, 0.25, 5)
    assert verdict.message == "concentration 0.5>0.25; t_plus_one 50000>0; price_limit 8>9"


def test_limits_of_an_account_win_over_those_of_all() -> None:
    """What names an account holds there alone, for all orders or for a strategy or symbol; max_daily_loss is of a whole account."""
    tables = [
        {"account": "b", "max_order_value": 7, "max_daily_loss": 100},
        {"account": "b", "symbol": "A", "max_order_value": 3},
        {"symbol": "A", "max_order_value": 5, "price_band": 0.5},
    ]
    rules = RiskRules().changed({"max_order_value": 9, "max_daily_loss": 900, "overrides": tables})
    other, own = rules.of_account("a"), rules.of_account("b")
    assert (other.limits.max_order_value, other.limits.max_daily_loss) == (9.0, 900.0)
    assert [one.limits for one in other.overrides] == [{"max_order_value": 5.0, "price_band": 0.5}]
    assert (own.limits.max_order_value, own.limits.max_daily_loss) == (7.0, 100.0)
    assert [one.limits["max_order_value"] for one in own.overrides] == [5.0, 3.0]  # of equals the last wins
    assert rules.changed({"max_order_value": 20}).of_account("b").limits.max_order_value == 7.0
    with pytest.raises(SettingsError, match="item 1: max_daily_loss is of a whole account: leave strategy and symbol out"):
        overrides_from([{"account": "b", "symbol": "A", "max_daily_loss": 5}])
