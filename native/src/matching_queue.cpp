// Where a resting limit order stands in the queue at its price. The models are described in matching.h.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "gcg/matching.h"

namespace gcg {

namespace {

__extension__ using Wide = __int128;  // a product of two sizes

// x to the power of halves / 2. Products and roots are rounded alike on every machine, as pow() is not.
double power_of(double x, int halves) {
    double product = halves % 2 ? std::sqrt(x) : 1;
    for (int i = 0; i < halves / 2; ++i) product *= x;
    return product;
}

// ln(1 + x) for x >= 0, alike on every machine, as log1p() is not: of 1 + x = m * 2^n with m near 1,
// ln m = 2 atanh(z) for z = (m - 1) / (m + 1), of which 11 terms are exact to the last bits.
double log_of_one_and(double x) {
    int exponent = 0;
    double m = std::frexp(1 + x, &exponent);  // from 1/2 to 1
    if (m < 0.70710678118654752) m *= 2, --exponent;
    const double z = (m - 1) / (m + 1), square = z * z;
    double sum = 0;
    for (int odd = 21; odd >= 1; odd -= 2) sum = sum * square + 1.0 / odd;
    return exponent * 0.69314718055994531 + 2 * z * sum;
}

}  // namespace

MatchingEngine::MatchingEngine(MatchingModel model) : model_(model) {
    const double halves = model.queue_power * 2;
    if (!(halves >= 1 && halves <= 16) || halves != std::floor(halves))
        throw std::invalid_argument("The queue's power must be a multiple of 0.5 from 0.5 to 8.");
}

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

// How many of the cancelled lots were ahead of an order, of whose queue so many were ahead and behind.
int64_t MatchingEngine::cancelled_ahead(const Market& market, int64_t cancelled, int64_t ahead, int64_t behind) const {
    if (model_.queue == QueueModel::proportional)
        return static_cast<int64_t>(static_cast<Wide>(cancelled) * ahead / (ahead + behind));
    auto weight = [&](int64_t lots) {
        const double size = static_cast<double>(lots) * market.grid.lot_size;
        return model_.queue == QueueModel::power ? power_of(size, static_cast<int>(model_.queue_power * 2))
                                                 : log_of_one_and(size);
    };
    const double front = weight(ahead), both = front + weight(behind);
    // What rounding leaves behind is no lot lost.
    return both > 0 ? static_cast<int64_t>(static_cast<double>(cancelled) * (front / both) + 1e-9) : 0;
}

// The display at the order's price is new.
void MatchingEngine::look_at_queue(const Market& market, Order& order) const {
    const int64_t shown = displayed(market, order);
    if (shown < 0) return;
    if (order.ahead >= kUnlimited) {
        order.ahead = order.joined = shown;
    } else {
        const int64_t stayed = order.shown - order.traded;  // what would be there if nobody had cancelled
        if (model_.queue >= QueueModel::proportional && order.shown < kUnlimited && stayed > shown) {
            const int64_t ahead = std::min(order.ahead, stayed);
            order.ahead -= std::min(ahead, cancelled_ahead(market, stayed - shown, ahead, stayed - ahead));
        }
        order.ahead = std::min(order.ahead, shown);
    }
    order.shown = shown;
    order.traded = 0;
}

}  // namespace gcg
