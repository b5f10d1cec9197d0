// A risk check with one share on one account, for the tests of its rules.
#pragma once

#include "check.h"
#include "gcg/risk.h"

namespace gcg {

inline constexpr uint32_t kShare = 1;
inline constexpr int64_t kSecond = 1'000'000'000;

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
    // A tick with what it tells of the day.
    void day(int32_t trading_day, double prev_close = kNaN, double low = kNaN, double high = kNaN) {
        Tick tick;
        tick.instrument = kShare;
        tick.event_ns = ++now_ns;
        tick.last_price = 100.0;
        tick.trading_day = trading_day;
        tick.prev_close = prev_close, tick.lower_limit = low, tick.upper_limit = high;
        engine.on_tick(tick);
    }
    void quote(double bid, double ask) {
        Tick tick;
        tick.instrument = kShare;
        tick.event_ns = now_ns;
        tick.bid_price = bid, tick.ask_price = ask;
        engine.on_tick(tick);
    }
    void terms(RiskTerms terms) {
        terms.grid = {0.01, 1.0};
        engine.set_terms(kShare, terms);
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

}  // namespace gcg
