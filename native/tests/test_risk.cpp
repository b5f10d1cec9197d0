// The risk check, rule by rule. The generated comparison with a slow model is in
// tests/strategy_engine/test_risk_model.py.

#include <cmath>

#include "check.h"
#include "gcg/risk.h"

using namespace gcg;

namespace {

constexpr uint32_t kShare = 1;
constexpr int64_t kSecond = 1'000'000'000;

struct Desk {
    Desk() {
        engine.set_terms(kShare, {.grid = {0.01, 1.0}, .margin_rate = 1.0, .currency = 0});
        engine.set_ledger(0, 1'000'000);
        price(100.0);
    }
    void price(double last) {
        Tick tick;
        tick.instrument = kShare;
        tick.event_ns = now_ns;
        tick.last_price = last;
        signals = engine.on_tick(tick);
    }
    RiskOrder order(Side side, int64_t lots, int64_t price = kNoPrice, uint32_t strategy = 1) const {
        return {.strategy = strategy,
                .instrument = kShare,
                .side = side,
                .lots = lots,
                .price_ticks = price,
                .now_ns = now_ns};
    }
    uint64_t reasons(const RiskOrder& order) const {
        const RiskResult result = engine.check(order);
        uint64_t bits = 0;
        for (int i = 0; i < result.count; ++i) bits |= result.findings[static_cast<std::size_t>(i)].reason;
        return bits;
    }
    void limit(double RiskLimits::* member, double value, uint32_t strategy = 0, uint32_t instrument = 0) {
        RiskLimits limits;
        limits.*member = value;
        engine.set_limits(strategy, instrument, limits);
    }

    RiskEngine engine;
    int64_t now_ns = 86'400 * kSecond;
    int signals = 0;
};

}  // namespace

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
