// The risk check, rule by rule (those of the venue's day are in test_risk_day.cpp). The generated comparison with a
// slow model is in tests/strategy_engine/test_risk_model.py.

#include <cmath>

#include "risk_desk.h"

using namespace gcg;

TEST(order_within_all_limits_passes) {
    Desk desk;
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 100)), uint64_t{0});
}

TEST(unknown_instrument_and_kill_switch_refuse_together) {
    Desk desk;
    desk.engine.set_kill_switch(true);
    RiskOrder order = desk.order(Side::buy, 1);
    CHECK_EQUAL(desk.reasons(order), risk_reason::kKillSwitch);
    order.instrument = 99;
    CHECK_EQUAL(desk.reasons(order), risk_reason::kKillSwitch | risk_reason::kUnknownInstrument);
}

TEST(order_size_and_value_are_measured_at_the_limit_price) {
    Desk desk;
    desk.engine.set_limits(0, 0, {.order_quantity = 10, .order_value = 1000});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 10, 10000)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 10, 10001)), risk_reason::kOrderValue);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 11, 9000)), risk_reason::kOrderSize);
    const RiskResult result = desk.engine.check(desk.order(Side::buy, 11));
    CHECK_EQUAL(result.findings[0].value, 11.0);
    CHECK_EQUAL(result.findings[1].value, 1100.0);
    CHECK_EQUAL(result.rules, 3);
}

TEST(position_limit_counts_open_orders_and_lets_closing_pass) {
    Desk desk;
    desk.limit(&RiskLimits::position_quantity, 100);
    desk.engine.move_position(1, kShare, 60);
    desk.engine.open_order(2, kShare, Side::buy, 30);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 10)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 11)), risk_reason::kPositionSize);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 160)), uint64_t{0});
    desk.engine.move_position(1, kShare, 1000);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 500)), uint64_t{0});
    desk.limit(&RiskLimits::position_quantity, 5, 2);  // strategy 2's own position is flat, but for its open order
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, kNoPrice, 2)), risk_reason::kPositionSize);
    desk.engine.close_order(2, kShare, Side::buy, 30);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 5, kNoPrice, 2)), uint64_t{0});
}

TEST(most_special_limit_wins_and_can_switch_a_rule_off) {
    Desk desk;
    desk.limit(&RiskLimits::order_quantity, 10);
    desk.limit(&RiskLimits::order_quantity, 20, 1);
    desk.limit(&RiskLimits::order_quantity, 30, 0, kShare);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 30)), uint64_t{0});
    desk.limit(&RiskLimits::order_quantity, kOff, 1, kShare);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1000)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1000, kNoPrice, 2)), risk_reason::kOrderSize);
}

TEST(order_rate_looks_one_second_back) {
    Desk desk;
    desk.limit(&RiskLimits::orders_per_second, 2);
    desk.engine.count_order(1, kShare, desk.now_ns);
    desk.engine.count_order(1, kShare, desk.now_ns);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), risk_reason::kOrderRate);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, kNoPrice, 2)), uint64_t{0});
    desk.now_ns += kSecond;
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});
}

TEST(open_orders_and_price_band_are_bounded) {
    Desk desk;
    desk.engine.set_limits(0, 0, {.open_orders = 1, .price_band = 0.1});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 9000)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 11001)), risk_reason::kPriceBand);
    desk.engine.open_order(1, kShare, Side::buy, 1);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 8999)), risk_reason::kPriceBand | risk_reason::kOpenOrders);
}

TEST(market_order_needs_a_market) {
    Desk desk;
    desk.engine.set_terms(2, {.grid = {0.01, 1.0}});
    RiskOrder order = desk.order(Side::buy, 1);
    order.instrument = 2;
    CHECK_EQUAL(desk.reasons(order), risk_reason::kNoMarket);
    order.price_ticks = 10000;
    CHECK_EQUAL(desk.reasons(order), uint64_t{0});
}

TEST(buying_power_counts_what_open_orders_may_need) {
    Desk desk;
    desk.engine.set_ledger(0, 10'000);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 100, 10000)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 101, 10000)), risk_reason::kBuyingPower);
    desk.engine.open_order(1, kShare, Side::buy, 60);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 41, 10000)), risk_reason::kBuyingPower);
    desk.engine.move_position(1, kShare, 60);
    desk.engine.close_order(1, kShare, Side::buy, 0);
    desk.engine.reduce_order(1, kShare, Side::buy, 60);
    desk.engine.set_ledger(0, 10'000 - 60 * 100);
    CHECK_EQUAL(desk.engine.equity(), 10'000.0);
    CHECK_EQUAL(desk.engine.tied_up(), 6'000.0);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 60)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 41, 10000)), risk_reason::kBuyingPower);
    desk.engine.set_buying_power(false);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 41, 10000)), uint64_t{0});
}

TEST(daily_loss_leaves_only_closing_orders) {
    Desk desk;
    desk.engine.set_daily_loss(1000);
    desk.engine.set_ledger(0, 1'000'000 - 100 * 100);
    desk.engine.move_position(1, kShare, 100);
    desk.engine.set_day_base(1'000'000);
    desk.price(90.01);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});
    desk.price(90.0);
    CHECK_EQUAL(desk.engine.daily_profit(), -1000.0);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), risk_reason::kDailyLoss);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 100)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 101)), risk_reason::kDailyLoss);
}

TEST(marks_are_asked_for_once_a_second_while_something_is_held) {
    Desk desk;
    CHECK_EQUAL(desk.signals, market_signal::kNewDay);
    desk.price(101);
    CHECK_EQUAL(desk.signals, 0);
    desk.engine.move_position(1, kShare, 1);
    desk.price(102);
    CHECK_EQUAL(desk.signals, market_signal::kMark);
    desk.now_ns += kSecond - 1;
    desk.price(103);
    CHECK_EQUAL(desk.signals, 0);
    desk.now_ns += 1;
    desk.price(103);
    CHECK_EQUAL(desk.signals, market_signal::kMark);
    desk.now_ns += kSecond;
    desk.price(103);
    CHECK_EQUAL(desk.signals, 0);
    desk.engine.move_position(1, kShare, -1);
    desk.price(104);
    CHECK_EQUAL(desk.signals, 0);
}

TEST(concentration_is_a_share_of_the_equity_and_lets_closing_pass) {
    Desk desk;
    desk.limit(&RiskLimits::concentration, 0.25);
    desk.engine.set_ledger(0, 100'000 - 100 * 100);  // 100'000 of equity, 10'000 of it in the share
    desk.engine.move_position(1, kShare, 100);
    desk.engine.open_order(2, kShare, Side::buy, 100);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 50)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 51)), risk_reason::kConcentration);
    const RiskResult result = desk.engine.check(desk.order(Side::buy, 150));
    CHECK_EQUAL(result.findings[0].value, 0.35);
    CHECK_EQUAL(result.findings[0].limit, 0.25);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 350)), uint64_t{0});  // closes, then is short of 250
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 351)), risk_reason::kConcentration);
    desk.engine.set_buying_power(false);
    desk.engine.set_ledger(0, -100'000);  // nothing is left: only closing passes
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), risk_reason::kConcentration);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 100)), uint64_t{0});
    desk.limit(&RiskLimits::concentration, 10, 2);  // a strategy's own counts its own position
    desk.engine.set_ledger(0, 0);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 900, kNoPrice, 2)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 901, kNoPrice, 2)), risk_reason::kConcentration);
}

TEST(self_trade_is_what_reaches_an_own_resting_order) {
    Desk desk;
    desk.limit(&RiskLimits::self_trade, kOn);
    desk.engine.rest(1, kShare, Side::sell, 10100);
    desk.engine.rest(2, kShare, Side::sell, 10200);
    desk.engine.rest(3, kShare, Side::buy, 9900);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10099)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10100, 2)), risk_reason::kSelfTrade);  // any strategy's
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 1, 9901)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 1, 9900)), risk_reason::kSelfTrade);
    const RiskResult result = desk.engine.check(desk.order(Side::buy, 1, 10300));
    CHECK_EQUAL(result.findings[0].value, 103.0);
    CHECK_EQUAL(result.findings[0].limit, 101.0);
    desk.engine.rest(1, kShare, Side::sell, 10300);  // it was changed
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10199)), uint64_t{0});
    desk.engine.lift(2);
    desk.engine.lift(2);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10299)), uint64_t{0});
    desk.limit(&RiskLimits::self_trade, kOff, 1);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10300)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 10300, 2)), risk_reason::kSelfTrade);
}

TEST(market_order_reaches_the_quote_and_a_stop_nobody) {
    Desk desk;
    desk.limit(&RiskLimits::self_trade, kOn);
    desk.engine.rest(1, kShare, Side::sell, 10100);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});  // the last price is 100
    desk.quote(100.0, 100.5);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});
    desk.quote(100.0, 101.0);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), risk_reason::kSelfTrade);
    RiskOrder stop = desk.order(Side::buy, 1, 10200);
    stop.stop_ticks = 10200;
    CHECK_EQUAL(desk.reasons(stop), uint64_t{0});
}

TEST(all_reasons_at_once_come_in_the_order_of_their_bits) {
    Desk desk;
    desk.engine.set_limits(0, 0,
                           {.order_quantity = 1,
                            .order_value = 1,
                            .position_quantity = 1,
                            .position_value = 1,
                            .orders_per_second = 1,
                            .open_orders = 1,
                            .price_band = 0.01,
                            .concentration = 0.01,
                            .self_trade = kOn,
                            .session = kOn,
                            .t_plus_one = kOn,
                            .price_limit = kOn});
    desk.terms({.calendar = 1, .t_plus_one = true});
    desk.day(20260105, 100, 95, 105);
    desk.engine.set_daily_loss(1);
    desk.engine.set_day_base(1'000'001);
    desk.engine.set_kill_switch(true);
    desk.engine.rest(1, kShare, Side::buy, 9000);
    desk.engine.count_order(1, kShare, desk.now_ns);
    desk.engine.open_order(1, kShare, Side::sell, 1);
    const RiskResult result = desk.engine.check(desk.order(Side::sell, 1'000'000, 9000));
    CHECK_EQUAL(result.count, 15);
    CHECK_EQUAL(result.rules, 14);
    for (int i = 1; i < result.count; ++i)
        CHECK(result.findings[static_cast<std::size_t>(i - 1)].reason <
              result.findings[static_cast<std::size_t>(i)].reason);
}

TEST(sides_held_apart_count_as_the_venue_margins_them) {
    for (const Sides sides : {Sides::both, Sides::larger}) {
        Desk desk;
        desk.terms({.margin_rate = 0.1, .sides = sides});
        desk.engine.set_sides(1, kShare, 4, 3, 2, 1);  // what opens may make it 6 and 4
        const int64_t most = sides == Sides::both ? 10 : 6;
        CHECK_EQUAL(desk.engine.tied_up(), static_cast<double>(most) * 100 * 0.1);
        desk.limit(&RiskLimits::position_quantity, static_cast<double>(most) + 1);
        RiskOrder order = desk.order(Side::buy, 2);
        CHECK_EQUAL(desk.reasons(order), uint64_t{0});  // it closes
        order.opens = order.adds = 2;
        CHECK_EQUAL(desk.reasons(order), risk_reason::kPositionSize);
        order.opens = order.adds = 1;
        CHECK_EQUAL(desk.reasons(order), uint64_t{0});
        order.side = Side::sell;
        order.opens = order.adds = 2;
        CHECK_EQUAL(desk.reasons(order), sides == Sides::both ? risk_reason::kPositionSize : uint64_t{0});
        desk.engine.set_daily_loss(1);
        desk.engine.set_day_base(1'000'001);
        CHECK((desk.reasons(order) & risk_reason::kDailyLoss) != 0);
        order.opens = order.adds = 0;
        CHECK_EQUAL(desk.reasons(order), uint64_t{0});
        desk.engine.set_sides(1, kShare, 0, 0, 0, 0);
        CHECK_EQUAL(desk.engine.tied_up(), 0.0);
    }
}

TEST(locked_position_asks_for_marks) {
    Desk desk;
    desk.terms({.margin_rate = 0.1, .sides = Sides::both});
    desk.engine.move_position(1, kShare, 3);
    desk.engine.set_sides(1, kShare, 3, 0, 0, 0);
    desk.engine.move_position(1, kShare, -3);
    desk.engine.set_sides(1, kShare, 3, 3, 0, 0);
    desk.now_ns += 10 * kSecond;
    desk.price(101.0);
    CHECK((desk.signals & market_signal::kMark) != 0);
    desk.engine.set_sides(1, kShare, 0, 0, 0, 0);
    desk.now_ns += 10 * kSecond;
    desk.price(102.0);
    CHECK((desk.signals & market_signal::kMark) == 0);
}
