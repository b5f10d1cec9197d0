"""The risk check: each rule on and off, with the sentence it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gcg_quant.errors import SettingsError
from gcg_quant.events import OrderRequest, OrderType, RiskReason, Side, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.risk.engine import Finding, RiskEngine, read_terms, summary
from gcg_quant.strategy_engine.risk.limits import RiskLimits, RiskOverride, RiskRules

COIN = Instrument(symbol="BTC/USDT", venue="SIM", kind="crypto", currency="USDT", tick_size=0.01, lot_size=0.001, min_quantity=0.01)
DAY = 86_400 * 1_000_000_000


def request(quantity: float = 1.0, price: float | None = 100.0, side: Side = Side.BUY, strategy: str = "s", **fields: Any) -> OrderRequest:
    """Return an order for BTC/USDT."""
    kind = OrderType.MARKET if price is None else OrderType.LIMIT
    terms = {"order_type": kind, **fields}
    return OrderRequest(symbol="BTC/USDT", venue="SIM", strategy=strategy, quantity=quantity, price=price, side=side, **terms)


def engine(limits: RiskLimits | None = None, *overrides: RiskOverride, price: float | None = 100.0) -> RiskEngine:
    """Return a risk engine with a million in cash, and a last price."""
    made = RiskEngine(RiskRules(limits=limits or RiskLimits(), overrides=overrides), currency="USDT")
    made.set_terms(1, COIN)
    made.native.set_ledger(0, 1_000_000.0)
    if price is not None:
        made.on_market(Tick(event_ns=DAY, instrument=1, last_price=price))
    return made


def check(risk: RiskEngine, order: OrderRequest) -> list[tuple[RiskReason, str]]:
    """Return reason and sentence of everything against an order."""
    whole, findings = read_terms(order, COIN)
    if whole.lots:
        findings += risk.check(order, 1, whole, DAY)[1]
    return [(finding.reason, finding.sentence) for finding in findings]


RULES = [
    (
        {"max_order_quantity": 0.5},
        RiskReason.ORDER_SIZE,
        "order quantity 1 is above max_order_quantity 0.5",
    ),
    ({"max_order_value": 99.0}, RiskReason.ORDER_VALUE, "order value 100 is above max_order_value 99"),
    ({"max_position_quantity": 0.9}, RiskReason.POSITION_SIZE, "position would be 1, above max_position_quantity 0.9"),
    ({"max_position_value": 50.0}, RiskReason.POSITION_VALUE, "position value would be 100, above max_position_value 50"),
    (
        {"max_concentration": 0.00008},
        RiskReason.CONCENTRATION,
        "position would be 0.01% of the equity, above max_concentration 0.01%",
    ),
    ({"kill_switch": True}, RiskReason.KILL_SWITCH, "kill switch is on"),
]


@pytest.mark.parametrize(("limits", "reason", "sentence"), RULES)
def test_rule_refuses_when_on_and_passes_when_off(limits: dict[str, Any], reason: RiskReason, sentence: str) -> None:
    """One limit, one reason, one sentence with value and limit; without the limit the order passes."""
    assert check(engine(RiskLimits(**limits)), request()) == [(reason, sentence)]
    assert check(engine(), request()) == []


def test_price_band_says_how_far_the_price_is_away() -> None:
    """The band is a fraction of the last price, on both sides."""
    risk = engine(RiskLimits(price_band=0.1))
    assert check(risk, request(price=110.0)) == []
    assert check(risk, request(price=125.0)) == [(RiskReason.PRICE_BAND, "price is 25.00% of the last price away, above price_band 10.00%")]
    assert check(risk, request(price=None)) == []


def test_order_rate_counts_a_strategy_s_own_orders() -> None:
    """Two orders in a second are two too many for a limit of one, but not another strategy's."""
    risk = engine(RiskLimits(max_orders_per_second=1))
    risk.native.count_order(risk.strategy_number("s"), 1, DAY)
    expected = (RiskReason.ORDER_RATE, "2 orders within a second are above max_orders_per_second 1")
    assert check(risk, request()) == [expected]
    assert check(risk, request(strategy="t")) == []


def test_open_orders_are_counted_over_all_strategies() -> None:
    """The limit is the account's."""
    risk = engine(RiskLimits(max_open_orders=1))
    risk.native.open_order(risk.strategy_number("t"), 1, Side.BUY, 1)
    assert check(risk, request()) == [(RiskReason.OPEN_ORDERS, "2 open orders are above max_open_orders 1")]


def test_daily_loss_lets_closing_orders_pass() -> None:
    """After the loss only what reduces the position passes."""
    risk = engine(RiskLimits(max_daily_loss=500.0))
    risk.native.set_day_base(1_000_600.0)
    risk.native.move_position(risk.strategy_number("s"), 1, 1000)
    risk.native.set_ledger(0, 999_900.0)
    expected = "loss of the day 600 has reached max_daily_loss 500: only closing orders pass"
    assert check(risk, request()) == [(RiskReason.DAILY_LOSS, expected)]
    assert check(risk, request(side=Side.SELL)) == []


def test_buying_power_can_be_switched_off() -> None:
    """What the account cannot pay is refused, unless the rule is off."""
    risk = engine()
    assert check(risk, request(20_000.0)) == [(RiskReason.BUYING_POWER, "needs 2000000 and 1000000 is available")]
    assert check(engine(RiskLimits(buying_power=False)), request(20_000.0)) == []


def test_market_order_needs_a_price() -> None:
    """Without any market there is nothing to measure a market order with; a limit order can wait for one."""
    risk = engine(price=None)
    assert check(risk, request(price=None)) == [(RiskReason.NO_MARKET, "no price of BTC/USDT is known yet")]
    assert check(risk, request()) == []


@pytest.mark.parametrize(
    ("order", "reason", "words"),
    [
        (request(0.0005), RiskReason.BAD_QUANTITY, "not a multiple of its lot size"),
        (request(0.005), RiskReason.BAD_QUANTITY, "below its minimum"),
        (request(-1.0), RiskReason.BAD_QUANTITY, "must be above 0"),
        (request(float("nan")), RiskReason.BAD_QUANTITY, "must be a number"),
        (request(price=100.005), RiskReason.BAD_PRICE, "not a multiple of its tick size"),
        (request(price=-1.0), RiskReason.BAD_PRICE, "must be above 0"),
        (request(price=None, order_type=OrderType.LIMIT), RiskReason.BAD_PRICE, "needs a limit price"),
        (request(price=None, order_type=OrderType.STOP), RiskReason.BAD_PRICE, "needs a stop price"),
    ],
)
def test_bad_quantity_or_price_is_a_sentence(order: OrderRequest, reason: RiskReason, words: str) -> None:
    """What is no whole lot or tick is refused with what is wrong, never rounded."""
    found = check(engine(), order)
    assert [one for one, _ in found] == [reason]
    assert words in found[0][1]


def test_all_reasons_stand_in_one_verdict() -> None:
    """Every reason is a bit and part of the message; value and limit are those of the first."""
    risk = engine(RiskLimits(max_order_quantity=0.5, max_order_value=50.0, kill_switch=True))
    order = request()
    rules, findings = risk.check(order, 1, read_terms(order, COIN)[0], DAY)
    verdict = risk.verdict(order, "paper", "c", 7, DAY, rules, findings)
    assert verdict.passed == 0
    assert verdict.reasons == RiskReason.ORDER_SIZE | RiskReason.ORDER_VALUE | RiskReason.KILL_SWITCH
    assert (verdict.value, verdict.limit) == (1.0, 0.5)
    assert verdict.message == (
        "order quantity 1 is above max_order_quantity 0.5; order value 100 is above max_order_value 50; kill switch is on"
    )
    assert risk.verdict(order, "paper", "c", 7, DAY, 2, []).passed == 1


def test_message_falls_back_to_names_and_numbers_when_long() -> None:
    """A message that would not fit names each rule with value and limit."""
    findings = [Finding(reason, 12.0, 3.0, "x" * 60) for reason in (RiskReason.ORDER_SIZE, RiskReason.ORDER_VALUE, RiskReason.ORDER_RATE)]
    assert summary(findings) == "order_size 12>3; order_value 12>3; order_rate 12>3"


def test_override_loosens_tightens_and_switches_off() -> None:
    """A strategy's or symbol's own limit wins over the one for all."""
    risk = engine(
        RiskLimits(max_order_quantity=1.0, max_order_value=100.0),
        RiskOverride(strategy="big", limits={"max_order_quantity": 5.0, "max_order_value": None}),
        RiskOverride(strategy="small", symbol="BTC/USDT@SIM", limits={"max_order_quantity": 0.5}),
    )
    assert check(risk, request(5.0, strategy="big")) == []
    assert [reason for reason, _ in check(risk, request(1.0, strategy="small"))] == [RiskReason.ORDER_SIZE]
    assert [reason for reason, _ in check(risk, request(2.0))] == [RiskReason.ORDER_SIZE, RiskReason.ORDER_VALUE]


def test_rules_change_as_a_whole_or_not_at_all() -> None:
    """A change gives new rules; one that makes no sense names its key and changes nothing."""
    rules = RiskRules().changed({"max_order_value": 500, "price_band": "off", "kill_switch": True})
    assert (rules.limits.max_order_value, rules.limits.price_band, rules.limits.kill_switch) == (500.0, None, True)
    rules = rules.changed({"overrides": [{"strategy": "s", "max_order_value": "off", "price_band": 0.5}]})
    assert rules.overrides == (RiskOverride(strategy="s", limits={"max_order_value": None, "price_band": 0.5}),)
    assert (rules.uses("self_trade"), rules.uses("session")) == (True, False)
    rules = rules.changed({"self_trade": False, "overrides": [{"symbol": "A", "session": True, "self_trade": False}]})
    assert rules.overrides == (RiskOverride(symbol="A", limits={"session": True, "self_trade": False}),)
    assert (rules.uses("self_trade"), rules.uses("session")) == (False, True)


def test_settings_file_switches_rules_by_symbol(tmp_path: Path) -> None:
    """What `[risk]` and its overrides say of the rules without a number reaches the engine."""
    path = tmp_path / "gcg_quant.toml"
    general = "[risk]\nt_plus_one = false\nmax_concentration = 0.5\n"
    path.write_text(general + '[[risk.overrides]]\nsymbol = "600519"\nt_plus_one = true\nmax_concentration = "off"\n')
    rules = RiskRules().changed(Settings.load(path, environ={}).risk.model_dump())
    assert (rules.limits.t_plus_one, rules.limits.max_concentration, rules.limits.price_limit) == (False, 0.5, True)
    assert rules.overrides == (RiskOverride(symbol="600519", limits={"t_plus_one": True, "max_concentration": None}),)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_order_valu": 5}, "There is no setting risk.max_order_valu. Did you mean 'max_order_value'?"),
        ({"max_order_value": -5}, 'risk.max_order_value must be a number above 0 or "off", found -5.'),
        ({"max_order_value": True}, 'risk.max_order_value must be a number above 0 or "off", found True.'),
        ({"kill_switch": 1}, "risk.kill_switch must be true or false, found 1."),
        ({"session": "off"}, "risk.session must be true or false, found 'off'."),
        ({"overrides": [{"symbol": "A", "t_plus_one": 1}]}, "risk.overrides item 1, t_plus_one must be true or false, found 1."),
        ({"overrides": 5}, "risk.overrides must be a list of tables, found 5."),
        ({"overrides": [5]}, "risk.overrides item 1 must be a table, found 5."),
        ({"overrides": [{"max_order_value": 5}]}, "names neither an account nor a strategy nor a symbol"),
        ({"overrides": [{"strategy": "s", "price_bandd": 5}]}, "Did you mean 'price_band'?"),
    ],
)
def test_bad_limit_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    """The error names the key, the value and the nearest known key."""
    with pytest.raises(SettingsError) as caught:
        RiskRules().changed(changes)
    assert sentence in str(caught.value)


def test_only_market_data_moves_prices() -> None:
    """Other records are passed over, and what is no record is a mistake of the caller."""
    risk = engine(price=None)
    assert risk.on_market(OrderRequest()) == 0  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="hot record"):
        risk.on_market("tick")  # type: ignore[arg-type]
