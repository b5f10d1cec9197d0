// A market without orders only keeps what it is told. What it makes of that when an order arrives is compared with an
// engine in which an order rests from the start, so that it counts everything at once.
#include <random>

#include "check.h"
#include "gcg/matching.h"

using namespace gcg;

namespace {

constexpr uint32_t kShare = 1;
constexpr uint64_t kAnchor = 1'000'000;  // the key of the order that never fills

struct Flow {
    explicit Flow(uint32_t seed) : random(seed) {}

    int64_t below(int64_t bound) { return static_cast<int64_t>(random() % static_cast<uint64_t>(bound)); }
    double price(int64_t width) { return below(40) == 0 ? kNaN : static_cast<double>(9990 + below(width)) / 100; }

    template <typename Feed>
    void tick(Feed feed) {
        Tick tick;
        tick.instrument = kShare, tick.event_ns = now_ns;
        if (below(5) > 0) {
            tick.bid_price = price(12), tick.ask_price = tick.bid_price + 0.01 * static_cast<double>(1 + below(4));
            tick.bid_size = static_cast<double>(below(9)), tick.ask_size = static_cast<double>(below(9));
        }
        if (below(3) > 0) tick.last_price = below(50) == 0 ? 1e30 : price(14);
        tick.volume_kind = static_cast<uint8_t>(below(4));
        if (below(4) > 0) tick.volume = static_cast<double>(volume += below(6));
        if (below(2) > 0) tick.last_size = static_cast<double>(below(5));
        tick.trading_day = now_ns / 400 % 3 == 0 ? 0 : static_cast<int32_t>(20210104 + now_ns / 3000 % 5);
        if (below(4) == 0) tick.prev_close = 99.95 + 0.01 * static_cast<double>(below(3));
        if (now_ns / 1000 % 2) tick.upper_limit = 100.02, tick.lower_limit = below(9) ? 99.9 : kNaN;
        feed([&](MatchingEngine& engine) { engine.on_tick(tick); });
    }
    template <typename Feed>
    void trade(Feed feed) {
        TradeTick trade;
        trade.instrument = kShare, trade.event_ns = now_ns;
        trade.price = price(14), trade.size = static_cast<double>(below(9));
        trade.aggressor = static_cast<uint8_t>(below(3));
        feed([&](MatchingEngine& engine) { engine.on_trade(trade); });
    }
    template <typename Feed>
    void depth(Feed feed) {
        Depth depth;
        depth.instrument = kShare, depth.event_ns = now_ns;
        const int64_t bid = 9990 + below(12), spread = 1 + below(4);
        for (std::size_t i = 0; i < static_cast<std::size_t>(below(kDepthLevels)); ++i) {
            depth.bid_prices[i] = static_cast<double>(bid - static_cast<int64_t>(i)) / 100;
            depth.ask_prices[i] = static_cast<double>(bid + spread + static_cast<int64_t>(i)) / 100;
            depth.bid_sizes[i] = static_cast<double>(below(9)), depth.ask_sizes[i] = static_cast<double>(below(9));
        }
        feed([&](MatchingEngine& engine) { engine.on_depth(depth); });
    }
    template <typename Feed>
    void delta(Feed feed) {
        BookDelta delta;
        delta.instrument = kShare, delta.event_ns = now_ns;
        delta.action = static_cast<uint8_t>(below(8) ? below(2) : below(4));
        delta.side = static_cast<uint8_t>(1 + below(2));
        delta.price = static_cast<double>(delta.side == 1 ? 9985 + below(12) : 9993 + below(12)) / 100;
        delta.size = static_cast<double>(below(9));
        delta.is_last = below(3) > 0;
        feed([&](MatchingEngine& engine) { engine.on_delta(delta); });
    }
    SimulatedOrder order(uint64_t key) {
        SimulatedOrder order;
        order.key = key, order.instrument = kShare, order.lots = 1 + below(9);
        order.side = below(2) ? Side::buy : Side::sell;
        order.type = static_cast<OrderType>(1 + below(6));
        order.time_in_force = below(3) ? TimeInForce::gtc : below(2) ? TimeInForce::ioc : TimeInForce::fok;
        order.price_ticks = 9988 + below(16), order.stop_ticks = 9988 + below(16);
        order.trail_ticks = 1 + below(5);
        order.post_only = below(4) == 0;
        return order;
    }

    std::mt19937_64 random;
    int64_t now_ns = 1000, volume = 0;
};

bool same(const Report& a, const Report& b) {
    return a.kind == b.kind && a.reason == b.reason && a.maker == b.maker && a.key == b.key &&
           a.event_ns == b.event_ns && a.ticks == b.ticks && a.lots == b.lots && a.left == b.left &&
           a.trading_day == b.trading_day && a.stop_ticks == b.stop_ticks;
}

// Some events of a few kinds, then an order that is soon cancelled, and so on; return how many fills there were.
int compare(uint32_t seed) {
    Flow flow(seed);
    const MatchingModel model{.latency_ns = seed % 3 ? 0 : 4,
                              .slippage_ticks = seed % 2,
                              .jitter_ns = seed % 4 ? 0 : 3,
                              .seed = seed,
                              .queue = static_cast<QueueModel>(seed % 3)};
    MatchingEngine idle(model), busy(model);
    const auto sessions = std::make_shared<Sessions>(std::vector<int64_t>{1000, 2000, 4200},
                                                     std::vector<int64_t>{1700, 4100, 1'000'000'000'000'000});
    for (MatchingEngine* engine : {&idle, &busy}) {
        engine->set_grid(kShare, {0.01, 1.0});
        if (seed % 5 == 0) engine->set_price_limit(kShare, 1000);
        if (seed % 2 == 0) engine->set_sessions(kShare, sessions);
    }
    SimulatedOrder anchor;
    anchor.key = kAnchor, anchor.instrument = kShare, anchor.side = Side::buy, anchor.type = OrderType::limit;
    anchor.lots = 1, anchor.price_ticks = 1;
    busy.submit(anchor, 0);
    busy.advance(flow.now_ns);
    (void)busy.take_reports();

    auto both = [&](auto act) { act(idle), act(busy); };
    int fills = 0;
    uint64_t key = 0;
    for (int round = 0; round < 60; ++round) {
        const int64_t kinds = flow.below(4), events = flow.below(round % 4 ? 12 : 60);
        for (int64_t i = 0; i < events; ++i) {
            const int64_t kind = kinds == 0 ? 0 : kinds == 1 ? flow.below(2) : flow.below(4);
            flow.now_ns += flow.below(40) ? flow.below(12) : 11'000'000'000;
            kind == 0   ? flow.tick(both)
            : kind == 1 ? flow.trade(both)
            : kind == 2 ? flow.depth(both)
                        : flow.delta(both);
        }
        const SimulatedOrder order = flow.order(++key);
        both([&](MatchingEngine& engine) { engine.submit(order, flow.now_ns); });
        for (int64_t i = flow.below(4); i > 0; --i) {
            flow.now_ns += flow.below(12);
            flow.below(2) ? flow.tick(both) : flow.trade(both);
        }
        both([&](MatchingEngine& engine) { engine.cancel(key, flow.now_ns), engine.advance(flow.now_ns + 20); });
        flow.now_ns += 20;
        const std::vector<Report> said = idle.take_reports(), wanted = busy.take_reports();
        CHECK_EQUAL(said.size(), wanted.size());
        for (std::size_t i = 0; i < said.size(); ++i) {
            CHECK(same(said[i], wanted[i]));
            fills += said[i].kind == ReportKind::filled;
        }
        CHECK_EQUAL(idle.open_orders() + 1, busy.open_orders());
    }
    return fills;
}

}  // namespace

TEST(idle_market_makes_of_what_it_was_told_what_a_busy_one_does) {
    int fills = 0;
    for (uint32_t seed = 1; seed <= 200; ++seed) fills += compare(seed);
    CHECK(fills > 2000);
}

TEST(idle_market_counts_in_the_grid_of_the_time) {
    MatchingEngine engine;
    engine.set_grid(kShare, {0.01, 1.0});
    Tick tick;
    tick.instrument = kShare, tick.event_ns = 1, tick.bid_price = 99.99, tick.ask_price = 100.01;
    tick.bid_size = tick.ask_size = 5;
    engine.on_tick(tick);
    engine.set_grid(kShare, {0.1, 1.0});
    SimulatedOrder order;
    order.key = 1, order.instrument = kShare, order.side = Side::buy, order.type = OrderType::market, order.lots = 1;
    engine.submit(order, 1);
    CHECK_EQUAL(engine.reports().back().ticks, 10001);  // the quote was told in hundredths
}
