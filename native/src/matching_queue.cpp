// Where a resting limit order stands in the queue at its price. The models are described in matching.h.
#include <algorithm>

#include "gcg/matching.h"

namespace gcg {

namespace {

__extension__ using Wide = __int128;  // a product of two sizes

}  // namespace

// The open order of a key that may stand in a queue: it has arrived, waits for no stop and has a limit; else null.
const MatchingEngine::Order* MatchingEngine::resting(uint64_t key) const {
    const auto found = orders_.find(key);
    if (found == orders_.end()) return nullptr;
    const Order& order = found->second;
    return order.arrived && !order.waits_for_stop() && order.limit() != kNoPrice ? &order : nullptr;
}

int64_t MatchingEngine::queue_ahead(uint64_t key) const {
    const Order* order = resting(key);
    return order ? order->ahead : -1;
}

int64_t MatchingEngine::queue_joined(uint64_t key) const {
    const Order* order = resting(key);
    return order ? order->joined : -1;
}

// The size displayed at an order's price on its own side: 0 where nobody is, -1 beyond all that is displayed.
int64_t MatchingEngine::displayed(const Market& market, const Order& order) {
    if (!market.quoted) return -1;
    return (order.buys() ? market.bids : market.asks).lots_at(order.limit());
}

// A trade at the order's price: those ahead are first, the rest is for us.
void MatchingEngine::trade_in_queue(Market& market, Order& order, Trade& trade, int64_t now_ns) {
    if (trade.size >= kUnlimited || trade.aggressor == order.terms.side) return;
    order.traded += trade.size;
    if (order.ahead >= kUnlimited) return;
    const int64_t before_us = std::min(order.ahead, trade.lots);
    order.ahead -= before_us;
    const int64_t lots = std::min(order.left(), trade.lots - before_us);
    if (lots <= 0) return;
    fill(market, order, order.limit(), lots, true, now_ns);
    trade.lots -= lots;
}

// The display at the order's price is new.
void MatchingEngine::look_at_queue(const Market& market, Order& order) const {
    const int64_t shown = displayed(market, order);
    if (shown < 0) return;
    if (order.ahead >= kUnlimited) {
        order.ahead = order.joined = shown;
    } else {
        const int64_t stayed = order.shown - order.traded;  // what would be there if nobody had cancelled
        if (model_.queue == QueueModel::proportional && order.shown < kUnlimited && stayed > shown) {
            const Wide cancelled = stayed - shown;
            order.ahead -= static_cast<int64_t>(cancelled * std::min(order.ahead, stayed) / stayed);
        }
        order.ahead = std::min(order.ahead, shown);
    }
    order.shown = shown;
    order.traded = 0;
}

}  // namespace gcg
