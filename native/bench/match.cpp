// What one market record costs the simulated venue while ten orders rest on each side: a tick, a trade, a book, a
// change of a book; and while none does.
//
// A regression here is a regression of every paper account and backtest, which match each record of the journal.
// Medians of several runs. It does not show the fills: nothing here reaches the resting orders.

#include "gcg/matching.h"
#include "measure.h"

using namespace bench;

namespace {

constexpr uint32_t kShare = 1;

void rest(MatchingEngine& engine, bool idle) {
    engine.set_grid(kShare, {0.01, 1.0});
    for (uint64_t key = 1; key <= 20 && !idle; ++key) {
        SimulatedOrder order;
        order.key = key, order.instrument = kShare, order.lots = 5;
        order.type = OrderType::limit, order.side = key % 2 ? Side::buy : Side::sell;
        order.price_ticks = key % 2 ? 9900 - static_cast<int64_t>(key) : 10100 + static_cast<int64_t>(key);
        engine.submit(order, 0);
    }
}

template <typename Feed>
double each(int events, MatchingModel model, bool idle, Feed feed) {
    MatchingEngine engine(model);
    rest(engine, idle);
    const int64_t from = monotonic_ns();
    for (int i = 0; i < events; ++i) feed(engine, i);
    return static_cast<double>(monotonic_ns() - from) / events;
}

void tick(MatchingEngine& engine, int i) {
    Tick tick;
    tick.instrument = kShare, tick.event_ns = i;
    tick.bid_price = 99.99 - 0.01 * (i % 7), tick.bid_size = 10 + i % 5;
    tick.ask_price = tick.bid_price + 0.02, tick.ask_size = 12;
    tick.last_price = tick.bid_price, tick.volume = i, tick.volume_kind = 1;
    engine.on_tick(tick);
}

void trade(MatchingEngine& engine, int i) {
    TradeTick trade;
    trade.instrument = kShare, trade.event_ns = i;
    trade.price = 99.99 - 0.01 * (i % 7), trade.size = 3;
    engine.on_trade(trade);
}

void depth(MatchingEngine& engine, int i) {
    Depth depth;
    depth.instrument = kShare, depth.event_ns = i;
    for (std::size_t level = 0; level < kDepthLevels; ++level) {
        depth.bid_prices[level] = 99.99 - 0.01 * static_cast<double>(level + static_cast<std::size_t>(i % 7));
        depth.ask_prices[level] = 100.06 + 0.01 * static_cast<double>(level);
        depth.bid_sizes[level] = depth.ask_sizes[level] = 10;
    }
    engine.on_depth(depth);
}

// Changes of a book that comes to a thousand levels a side: as many near the touch as at each power of two away from
// it.
void delta(MatchingEngine& engine, int i) {
    uint64_t drawn = static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15;
    drawn ^= drawn >> 29;
    const auto away = static_cast<int64_t>(drawn >> 20 & ((1u << (drawn % 12)) - 1));
    BookDelta delta;
    delta.instrument = kShare, delta.event_ns = i;
    delta.side = i % 2 ? 1 : 2, delta.action = drawn >> 40 & 1;
    delta.price = 0.01 * static_cast<double>(i % 2 ? 100'000 - away : 100'001 + away);
    delta.size = 5;
    delta.is_last = i % 30 == 0;
    engine.on_delta(delta);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options(argc, argv);
    const int events = options.count(2'000'000);
    auto show = [&](const char* name, MatchingModel model, auto feed, bool idle = false) {
        if (!options.wants(name)) return;
        std::vector<double> figures;
        for (int run = 0; run < options.runs(); ++run) figures.push_back(each(events, model, idle, feed));
        std::sort(figures.begin(), figures.end());
        char text[32];
        std::snprintf(text, sizeof text, "%.1f ns", figures[figures.size() / 2]);
        options.row(name, text);
    };
    show("match a tick", {}, tick);
    show("match a trade", {}, trade);
    show("match a depth of 10 levels", {}, depth);
    show("match a change of a book", {}, delta);
    show("keep a tick, without orders", {}, tick, true);
    show("keep a trade, without orders", {}, trade, true);
    show("keep a depth of 10 levels, without orders", {}, depth, true);
#ifndef GCG_PLAIN_MATCHING
    show("match a quote, with queues", {.queue = QueueModel::proportional}, tick);
#endif
    return 0;
}
