// Matching, rule by rule. The generated comparison with a slow model is in
// tests/strategy_engine/test_matching_model.py.

#include <cmath>

#include "check.h"
#include "gcg/matching.h"

using namespace gcg;

namespace {

constexpr uint32_t kShare = 1;
constexpr int64_t kSecond = 1'000'000'000;

// A market with a tick of 0.01 and a lot of 1; prices below are in ticks.
struct Venue {
    explicit Venue(MatchingModel model = {}) : engine(model) { engine.set_grid(kShare, {0.01, 1.0}); }

    void quote(int64_t bid, double bid_size, int64_t ask, double ask_size) {
        Tick tick = at(++now_ns);
        tick.bid_price = static_cast<double>(bid) / 100, tick.bid_size = bid_size;
        tick.ask_price = static_cast<double>(ask) / 100, tick.ask_size = ask_size;
        engine.on_tick(tick);
    }
    void last(int64_t price, double volume = kNaN) {
        Tick tick = at(++now_ns);
        tick.last_price = static_cast<double>(price) / 100;
        tick.volume = volume;
        tick.volume_kind = 1;
        engine.on_tick(tick);
    }
    void trade(int64_t price, double size) {
        TradeTick trade;
        trade.instrument = kShare;
        trade.event_ns = ++now_ns;
        trade.price = static_cast<double>(price) / 100;
        trade.size = size;
        engine.on_trade(trade);
    }
    void bar(int64_t open, int64_t high, int64_t low, int64_t close, double volume = kNaN) {
        Bar bar;
        bar.instrument = kShare;
        bar.start_ns = now_ns;
        bar.event_ns = now_ns += kSecond;
        bar.open = static_cast<double>(open) / 100, bar.high = static_cast<double>(high) / 100;
        bar.low = static_cast<double>(low) / 100, bar.close = static_cast<double>(close) / 100;
        bar.volume = volume;
        engine.on_bar(bar);
    }
    void send(uint64_t key, Side side, OrderType type, int64_t lots, int64_t price = kNoPrice, int64_t stop = kNoPrice,
              TimeInForce force = TimeInForce::gtc, bool post_only = false, int64_t expire_ns = -1) {
        SimulatedOrder order;
        order.key = key, order.instrument = kShare, order.side = side, order.type = type;
        order.time_in_force = force, order.post_only = post_only, order.lots = lots;
        order.price_ticks = price, order.stop_ticks = stop, order.expire_ns = expire_ns;
        engine.submit(order, now_ns);
    }
    void buy(uint64_t key, int64_t lots, int64_t price) { send(key, Side::buy, OrderType::limit, lots, price); }
    void sell(uint64_t key, int64_t lots, int64_t price) { send(key, Side::sell, OrderType::limit, lots, price); }

    // What happened since the last call, one word a report: "1+" accepted, "1:5@100" filled 5 at 100 (taker), "1=5@100"
    // maker.
    std::string happened() {
        std::string text;
        for (const Report& report : engine.take_reports()) {
            if (!text.empty()) text += ' ';
            text += std::to_string(report.key);
            if (report.kind == ReportKind::filled)
                text += (report.maker ? '=' : ':') + std::to_string(report.lots) + '@' + std::to_string(report.ticks);
            else
                text += "+!txemcrR"[static_cast<int>(report.kind)];
        }
        return text;
    }

    MatchingEngine engine;
    int64_t now_ns = 1000;

 private:
    static Tick at(int64_t event_ns) {
        Tick tick;
        tick.instrument = kShare;
        tick.event_ns = event_ns;
        return tick;
    }
};

}  // namespace

// The letters of happened(): + accepted, ! rejected, t triggered, (x: filled), e cancelled, m expired, c modified, r
// cancel refused, R change refused.

TEST(market_order_takes_the_displayed_sizes_and_waits_for_more) {
    Venue venue;
    venue.quote(9990, 10, 10000, 4);
    venue.send(1, Side::buy, OrderType::market, 10);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:4@10000"));
    venue.quote(9990, 10, 10001, 5);
    CHECK_EQUAL(venue.happened(), std::string("1:5@10001"));
    venue.quote(9990, 10, 10003, kNaN);
    CHECK_EQUAL(venue.happened(), std::string("1:1@10003"));
    CHECK_EQUAL(venue.engine.open_orders(), std::size_t{0});
}

TEST(marketable_limit_takes_at_the_quote_and_rests_at_its_own_price) {
    Venue venue;
    venue.quote(9990, 10, 10000, 4);
    venue.buy(1, 10, 10005);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:4@10000"));
    venue.quote(9990, 10, 10002, 3);  // the quote comes to the resting order: its own price
    CHECK_EQUAL(venue.happened(), std::string("1=3@10005"));
}

TEST(touch_does_not_fill_and_trade_through_does) {
    Venue venue;
    venue.quote(9990, 10, 10000, 10);
    venue.buy(1, 10, 9995);
    venue.happened();
    venue.trade(9995, 100);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.trade(9994, 4);
    CHECK_EQUAL(venue.happened(), std::string("1=4@9995"));
    venue.quote(9990, 10, 9995, 2);
    CHECK_EQUAL(venue.happened(), std::string("1=2@9995"));
}

TEST(taken_size_is_gone_until_the_next_quote) {
    Venue venue;
    venue.quote(9990, 10, 10000, 5);
    venue.send(1, Side::buy, OrderType::market, 3);
    venue.send(2, Side::buy, OrderType::market, 3);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:3@10000 2+ 2:2@10000"));
}

TEST(tick_is_a_trade_only_if_its_volume_grew) {
    Venue venue;
    venue.last(10000, 500);
    venue.sell(1, 10, 10010);
    venue.happened();
    venue.last(10020, 500);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.last(10020, 504);
    CHECK_EQUAL(venue.happened(), std::string("1=4@10010"));
    venue.last(10020, 3);  // a new day
    CHECK_EQUAL(venue.happened(), std::string("1=3@10010"));
}

TEST(without_quotes_the_last_price_stands_in) {
    Venue venue;
    venue.last(10000);
    venue.buy(1, 10, 10001);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:10@10000"));
    venue.buy(2, 10, 9999);
    venue.last(9999);
    CHECK_EQUAL(venue.happened(), std::string("2+"));
    venue.last(9998);
    CHECK_EQUAL(venue.happened(), std::string("2=10@9999"));
}

TEST(missing_side_has_nobody_to_trade_with) {
    Venue venue;
    venue.last(10000);
    venue.quote(10000, 10, 10100, 0);
    venue.send(1, Side::buy, OrderType::market, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.quote(10000, 10, 10010, 1);
    CHECK_EQUAL(venue.happened(), std::string("1:1@10010"));
}

TEST(slippage_never_passes_a_limit) {
    Venue venue({.slippage_ticks = 3});
    venue.quote(9990, 10, 10000, 10);
    venue.send(1, Side::buy, OrderType::market, 1);
    venue.buy(2, 1, 10002);
    venue.send(3, Side::sell, OrderType::market, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:1@10003 2+ 2:1@10002 3+ 3:1@9987"));
}

TEST(better_price_is_first_then_arrival) {
    Venue venue;
    venue.quote(9990, 10, 10000, 10);
    venue.buy(1, 5, 9995);
    venue.buy(2, 5, 9996);
    venue.buy(3, 5, 9995);
    venue.happened();
    venue.trade(9990, 12);
    CHECK_EQUAL(venue.happened(), std::string("2=5@9996 1=5@9995 3=2@9995"));
}

TEST(time_in_force_ends_orders) {
    Venue venue;
    venue.quote(9990, 10, 10000, 4);
    venue.send(1, Side::buy, OrderType::limit, 10, 10000, kNoPrice, TimeInForce::ioc);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:4@10000 1e"));
    venue.quote(9990, 10, 10000, 4);
    venue.send(2, Side::buy, OrderType::limit, 5, 10000, kNoPrice, TimeInForce::fok);
    venue.send(3, Side::buy, OrderType::limit, 4, 10000, kNoPrice, TimeInForce::fok);
    CHECK_EQUAL(venue.happened(), std::string("2+ 2e 3+ 3:4@10000"));
    venue.send(4, Side::buy, OrderType::limit, 5, 9000, kNoPrice, TimeInForce::gtd, false, venue.now_ns + 10);
    venue.now_ns += 20;
    venue.quote(8000, 1, 8001, 100);  // it expired before this
    CHECK_EQUAL(venue.happened(), std::string("4+ 4m"));
    venue.send(5, Side::buy, OrderType::limit, 1, 8001, kNoPrice, TimeInForce::gtc, true);
    venue.send(6, Side::buy, OrderType::limit, 1, 8000, kNoPrice, TimeInForce::gtc, true);
    CHECK_EQUAL(venue.happened(), std::string("5! 6+"));
}

TEST(latency_lets_the_market_move_first) {
    Venue venue({.latency_ns = 10});
    venue.quote(9990, 10, 10000, 10);
    venue.send(1, Side::buy, OrderType::market, 1);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.quote(9990, 10, 10005, 10);  // still on its way
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.now_ns += 20;
    venue.quote(9990, 10, 10020, 10);  // it arrived before this, and met the quote of before
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:1@10005"));
    venue.buy(2, 1, 9000);
    venue.engine.cancel(2, venue.now_ns);
    venue.engine.cancel(77, venue.now_ns);
    venue.engine.advance(venue.now_ns + 10);
    CHECK_EQUAL(venue.happened(), std::string("2+ 2e 77r"));
}

TEST(stop_triggers_on_trades_and_becomes_a_market_order) {
    Venue venue;
    venue.last(10000, 1);
    venue.quote(9990, 10, 10000, 10);
    venue.send(1, Side::buy, OrderType::stop, 2, kNoPrice, 10010);
    venue.send(2, Side::sell, OrderType::stop_limit, 2, 9985, 9990);
    venue.quote(10015, 10, 10020, 10);
    CHECK_EQUAL(venue.happened(), std::string("1+ 2+"));
    venue.trade(10010, 1);
    CHECK_EQUAL(venue.happened(), std::string("1t 1:2@10020"));
    venue.quote(9980, 10, 9990, 10);
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("2t"));
    venue.quote(9985, 1, 9990, 10);
    CHECK_EQUAL(venue.happened(), std::string("2=1@9985"));
}

TEST(depth_is_swept_level_by_level) {
    Venue venue;
    Depth depth;
    depth.instrument = kShare;
    depth.event_ns = ++venue.now_ns;
    for (int i = 0; i < 3; ++i) depth.ask_prices[i] = 100 + 0.01 * i, depth.ask_sizes[i] = 2;
    venue.engine.on_depth(depth);
    venue.quote(9000, 1, 20000, 1);  // ticks do not replace a fresh book
    venue.buy(1, 5, 10001);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:2@10000 1:2@10001"));
}

TEST(change_loses_its_place_unless_it_only_shrinks) {
    Venue venue;
    venue.quote(9990, 10, 10000, 10);
    venue.buy(1, 5, 9995);
    venue.buy(2, 5, 9995);
    venue.engine.modify(1, 4, kNoPrice, kNoPrice, venue.now_ns);
    venue.happened();
    venue.trade(9994, 2);
    CHECK_EQUAL(venue.happened(), std::string("1=2@9995"));
    venue.engine.modify(1, 9, kNoPrice, kNoPrice, venue.now_ns);
    venue.engine.modify(1, 2, kNoPrice, kNoPrice, venue.now_ns);
    venue.trade(9994, 5);
    CHECK_EQUAL(venue.happened(), std::string("1c 1R 2=5@9995"));
    venue.quote(9990, 10, 10000, 3);
    venue.engine.modify(1, 0, 10000, kNoPrice, venue.now_ns);
    CHECK_EQUAL(venue.happened(), std::string("1c 1:3@10000"));
}

TEST(bar_fills_at_the_open_then_stops_then_limits_it_goes_through) {
    Venue venue;
    venue.bar(10000, 10010, 9990, 10000);
    venue.send(1, Side::buy, OrderType::market, 1);
    venue.buy(2, 1, 9990);
    venue.buy(3, 1, 9989);
    venue.buy(4, 1, 10020);
    venue.send(5, Side::sell, OrderType::stop, 1, kNoPrice, 9995);
    CHECK_EQUAL(venue.happened(), std::string("1+ 2+ 3+ 4+ 5+"));
    venue.bar(10002, 10008, 9989, 10000);
    CHECK_EQUAL(venue.happened(), std::string("1:1@10002 4:1@10002 5t 5:1@9995 2=1@9990"));
    venue.bar(10000, 10000, 9988, 9990, 0);  // nothing was traded
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.bar(9985, 10000, 9980, 9990);
    CHECK_EQUAL(venue.happened(), std::string("3:1@9985"));
}

TEST(bar_volume_bounds_our_fills_and_late_orders_wait_for_the_close) {
    Venue venue;
    venue.bar(10000, 10000, 10000, 10000);
    venue.send(1, Side::buy, OrderType::market, 10);
    venue.now_ns += kSecond / 2;
    venue.engine.advance(venue.now_ns);
    venue.send(2, Side::buy, OrderType::market, 1);
    venue.now_ns -= kSecond / 2;
    venue.happened();
    venue.bar(10005, 10010, 9990, 10007, 7);
    CHECK_EQUAL(venue.happened(), std::string("1:7@10005"));
    venue.bar(10008, 10010, 9990, 10009, 100);
    CHECK_EQUAL(venue.happened(), std::string("1:3@10008 2:1@10008"));
}

TEST(bars_do_not_count_beside_ticks_and_longer_ones_not_beside_shorter) {
    Venue venue;
    venue.quote(9990, 10, 10000, 10);
    venue.buy(1, 1, 9995);
    venue.happened();
    venue.bar(10000, 10000, 9900, 9990);
    CHECK_EQUAL(venue.happened(), std::string(""));
}

TEST(restored_order_works_on_in_its_old_state) {
    Venue venue;
    venue.quote(9990, 10, 10000, 10);
    SimulatedOrder order;
    order.key = 7, order.instrument = kShare, order.side = Side::buy, order.type = OrderType::stop_limit;
    order.lots = 10, order.filled = 4, order.price_ticks = 9995, order.stop_ticks = 9999, order.triggered = true;
    venue.engine.restore(order);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.trade(9990, 100);
    CHECK_EQUAL(venue.happened(), std::string("7=6@9995"));
}
