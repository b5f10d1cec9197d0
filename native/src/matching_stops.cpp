// Stops and trailing stops: when they trigger, and how the trailing ones follow the market.
#include <algorithm>

#include "gcg/matching.h"

namespace gcg {

int64_t MatchingEngine::Order::trail_at(int64_t ticks) const {
    if (terms.trail_ticks > 0) return terms.trail_ticks;
    // Whole and rest are multiplied apart, so that no product leaves 64 bits.
    constexpr int64_t kMillion = 1'000'000;
    const int64_t size = ticks < 0 ? -ticks : ticks;
    const int64_t away =
        size / kMillion * terms.trail_millionths + (size % kMillion * terms.trail_millionths + kMillion / 2) / kMillion;
    return std::max<int64_t>(away, 1);
}

// The price that an order's stop looks at: that of the trade, else, where none was ever seen, the quote it would take.
int64_t MatchingEngine::watched(const Market& market, const Order& order, int64_t traded) {
    if (traded != kNoPrice || market.last != kNoPrice) return traded;
    const BookSide& opposite = market.opposite(order);
    return opposite.empty() ? kNoPrice : opposite.best().ticks;
}

// Let a trailing stop follow the market to a price that has not triggered it.
void MatchingEngine::follow(Order& order, int64_t ticks, int64_t now_ns) {
    if (ticks == kNoPrice) return;
    SimulatedOrder& terms = order.terms;
    const int64_t away = order.trail_at(ticks), stop = order.buys() ? ticks + away : ticks - away;
    if (terms.stop_ticks != kNoPrice) {
        if (order.buys() ? stop >= terms.stop_ticks : stop <= terms.stop_ticks) return;
        if (terms.price_ticks != kNoPrice) terms.price_ticks += stop - terms.stop_ticks;
    }
    terms.stop_ticks = stop;
    report(order, ReportKind::trailed, ReportReason::none, now_ns);
}

void MatchingEngine::trigger_stops(Market& market, Trade trade, int64_t now_ns) {
    const std::size_t waiting = market.stops.size();  // whatever is triggered goes elsewhere, nothing is added here
    for (std::size_t i = 0; i < waiting; ++i) {
        Order* order = market.stops[i];
        if (!order) continue;
        const int64_t price = watched(market, *order, trade.ticks);
        if (price == kNoPrice) continue;
        if (!order->stopped_at(price)) {
            if (order->trails()) follow(*order, price, now_ns);
            continue;
        }
        order->terms.triggered = true;
        market.stops[i] = nullptr;
        market.untidy = true;
        report(*order, ReportKind::triggered, ReportReason::none, now_ns);
        enter(market, *order, now_ns);
    }
}

}  // namespace gcg
