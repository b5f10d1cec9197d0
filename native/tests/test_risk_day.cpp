// What the day of a venue allows: sessions, T+1, price limits.

#include <cmath>

#include "risk_desk.h"

using namespace gcg;

TEST(session_is_open_from_its_opening_until_before_its_closing) {
    Desk desk;
    desk.limit(&RiskLimits::session, kOn);
    desk.engine.set_sessions(1, {1000 * kSecond, 3000 * kSecond}, {2000 * kSecond, 4000 * kSecond});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});  // no calendar: always open
    desk.terms({.calendar = 1});
    auto at = [&](int64_t ns) {
        desk.now_ns = ns;
        return desk.reasons(desk.order(Side::buy, 1));
    };
    CHECK_EQUAL(at(999 * kSecond), risk_reason::kSessionClosed);
    CHECK_EQUAL(at(1000 * kSecond), uint64_t{0});
    CHECK_EQUAL(at(2000 * kSecond - 1), uint64_t{0});
    CHECK_EQUAL(at(2000 * kSecond), risk_reason::kSessionClosed);
    const RiskResult result = desk.engine.check(desk.order(Side::buy, 1));
    CHECK_EQUAL(result.findings[0].value, 2000.0);
    CHECK_EQUAL(result.findings[0].limit, 3000.0);
    CHECK_EQUAL(at(3500 * kSecond), uint64_t{0});
    CHECK_EQUAL(at(1500 * kSecond), uint64_t{0});  // back again
    CHECK_EQUAL(at(4000 * kSecond), risk_reason::kSessionClosed);
    CHECK(std::isnan(desk.engine.check(desk.order(Side::buy, 1)).findings[0].limit));
    desk.terms({.calendar = 2});  // one that nobody could read
    CHECK_EQUAL(at(1500 * kSecond), risk_reason::kSessionClosed);
}

TEST(t_plus_one_leaves_what_was_held_before_the_day) {
    Desk desk;
    desk.engine.set_buying_power(false);
    desk.limit(&RiskLimits::t_plus_one, kOn);
    desk.terms({.t_plus_one = true});
    desk.day(20260105);
    desk.engine.move_position(1, kShare, 100);
    desk.engine.move_position(2, kShare, 50);
    desk.engine.set_bought(kShare, 20260105, 50);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 100, kNoPrice, 2)),
                uint64_t{0});  // the account's, whoever holds it
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 101)), risk_reason::kTPlusOne);
    desk.engine.open_order(1, kShare, Side::sell, 30);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 70)), uint64_t{0});
    const RiskResult result = desk.engine.check(desk.order(Side::sell, 71));
    CHECK_EQUAL(result.findings[0].value, 71.0);
    CHECK_EQUAL(result.findings[0].limit, 70.0);
    RiskOrder change = desk.order(Side::sell, 100);
    change.replaces_lots = 30;
    CHECK_EQUAL(desk.reasons(change), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1000)), uint64_t{0});
    desk.day(20260106);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 120)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 121)), risk_reason::kTPlusOne);
    RiskOrder early = desk.order(Side::sell, 120);
    early.trading_day = 20260105;
    CHECK_EQUAL(desk.reasons(early), risk_reason::kTPlusOne);
    desk.limit(&RiskLimits::t_plus_one, kOff, 0, kShare);
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 1000)), uint64_t{0});
}

TEST(price_limits_are_told_or_reckoned_from_the_previous_close) {
    Desk desk;
    desk.limit(&RiskLimits::price_limit, kOn);
    desk.terms({.price_limit = 0.1});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 12000)), uint64_t{0});  // nothing is known
    desk.day(20260105, 10.05);
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{905}, int64_t{1106}));  // halves go up
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 1, 905)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::sell, 1, 904)), risk_reason::kPriceLimit);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 1106)), uint64_t{0});
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1, 1107)), risk_reason::kPriceLimit);
    const RiskResult result = desk.engine.check(desk.order(Side::buy, 1, 1107));
    CHECK_EQUAL(result.findings[0].value, 11.07);
    CHECK_EQUAL(result.findings[0].limit, 11.06);
    CHECK_EQUAL(desk.reasons(desk.order(Side::buy, 1)), uint64_t{0});  // a market order takes what there is
    desk.day(20260105, 10.05, 9.5, 10.5);
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{950}, int64_t{1050}));
    desk.day(20260105);  // tells nothing: as before
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{950}, int64_t{1050}));
    RiskOrder tomorrow = desk.order(Side::buy, 1, 1107);
    tomorrow.trading_day = 20260106;
    CHECK_EQUAL(desk.reasons(tomorrow), uint64_t{0});  // tomorrow's are not known yet
    desk.day(20260106);
    CHECK(desk.engine.price_limits(kShare) == std::pair(kNoPrice, kNoPrice));
    desk.day(20260105, 10.05);  // a late record of the day before
    CHECK(desk.engine.price_limits(kShare) == std::pair(kNoPrice, kNoPrice));
}

TEST(futures_limits_are_reckoned_from_the_settlement) {
    Desk desk;
    desk.terms({.price_limit = 0.1, .by_settlement = true});
    Tick tick;
    tick.instrument = kShare;
    tick.event_ns = desk.now_ns;
    tick.prev_close = 10.0;
    desk.engine.on_tick(tick);
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{900}, int64_t{1100}));
    tick.prev_settlement = 20.0;
    desk.engine.on_tick(tick);
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{1800}, int64_t{2200}));
    desk.engine.set_terms(kShare, {.grid = {0.1, 1.0}, .price_limit = 0.1, .by_settlement = true});
    CHECK(desk.engine.price_limits(kShare) == std::pair(int64_t{180}, int64_t{220}));
}
