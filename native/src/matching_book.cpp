// Depth and book deltas: the displayed book of a simulated market.
#include <algorithm>

#include "gcg/matching.h"

namespace gcg {

namespace {

constexpr uint8_t kDelete = 1, kClear = 2, kSnapshot = 3;  // BookAction

}  // namespace

void MatchingEngine::on_depth(const Depth& depth) {
    begin(depth.event_ns);
    if (Market* market = this->market(depth.instrument)) {
        market->fine = true;
        if (depth.trading_day != 0) market->trading_day = depth.trading_day;
        market->quoted = market->booked = true;
        market->deltas = false;
        market->depth_ns = depth.event_ns;
        if (market->idle()) {
            note(*market, depth);
        } else {
            set_depth(*market, depth.bid_prices, depth.bid_sizes, depth.ask_prices, depth.ask_sizes);
            match(*market, {}, true, depth.event_ns);
        }
    }
    end(depth.event_ns);
}

void MatchingEngine::set_depth(Market& market, const Ten& bid_prices, const Ten& bid_sizes, const Ten& ask_prices,
                               const Ten& ask_sizes) {
    market.bids.clear(), market.asks.clear();
    for (std::size_t i = 0; i < kDepthLevels; ++i) {
        const int64_t bid = market.grid.down(bid_prices[i]), ask = market.grid.up(ask_prices[i]);
        if (bid != kNoPrice) market.bids.set(bid, market.grid.lots(bid_sizes[i]));
        if (ask != kNoPrice) market.asks.set(ask, market.grid.lots(ask_sizes[i]));
    }
}

// A depth that nobody's order meets, as it was told.
void MatchingEngine::note(Market& market, const Depth& depth) {
    Told& told = market.told;
    told.book = Told::Book::depth;
    told.bid_prices = depth.bid_prices;
    told.bid_sizes = depth.bid_sizes;
    told.ask_prices = depth.ask_prices;
    told.ask_sizes = depth.ask_sizes;
    if (market.sessions) enter_session(market, depth.event_ns);
}

void MatchingEngine::on_delta(const BookDelta& delta) {
    begin(delta.event_ns);
    if (Market* market = this->market(delta.instrument)) {
        market->fine = true;
        market->depth_ns = delta.event_ns;
        if (market->idle()) settle(*market);
        apply_delta(*market, delta);
        if (delta.is_last) match(*market, {}, true, delta.event_ns);
    }
    if (delta.is_last) end(delta.event_ns);  // between two deltas of a group the book is none
}

void MatchingEngine::apply_delta(Market& market, const BookDelta& delta) {
    const bool snapshot = delta.action == kSnapshot, begins = snapshot && market.snapshot_ns != delta.event_ns;
    // What stood in for a book, or the quotes of ticks, are no part of it.
    const bool clears = begins || !market.booked || delta.action == kClear;
    const auto side = static_cast<Side>(delta.side);
    const bool one_side = delta.action == kClear && market.booked && side != Side::none;
    if (clears && !(one_side && side == Side::sell)) market.bids.clear();
    if (clears && !(one_side && side == Side::buy)) market.asks.clear();
    market.quoted = market.booked = market.deltas = true;
    if (snapshot) market.snapshot_ns = delta.event_ns;
    if (delta.action == kClear || side == Side::none) return;
    const bool bids = side == Side::buy;
    const int64_t ticks = bids ? market.grid.down(delta.price) : market.grid.up(delta.price);
    const int64_t lots = delta.action == kDelete ? 0 : market.grid.lots(delta.size);
    if (ticks != kNoPrice) (bids ? market.bids : market.asks).set(ticks, lots);
}

MatchingEngine::Quotes MatchingEngine::quotes(uint32_t instrument) {
    Quotes found;
    if (!knows(instrument)) return found;
    Market& market = markets_[instrument];
    settle(market);
    if (!market.bids.empty()) found.bid = market.bids.best().ticks, found.bid_lots = market.bids.best().lots;
    if (!market.asks.empty()) found.ask = market.asks.best().ticks, found.ask_lots = market.asks.best().lots;
    return found;
}

std::vector<std::pair<int64_t, int64_t>> MatchingEngine::levels(uint32_t instrument, Side side, std::size_t most) {
    std::vector<std::pair<int64_t, int64_t>> found;
    if (!knows(instrument)) return found;
    Market& market = markets_[instrument];
    settle(market);
    for (const BookSide::Level& level : side == Side::buy ? market.bids : market.asks) {
        if (found.size() == most) break;
        found.emplace_back(level.ticks, level.lots);
    }
    return found;
}

}  // namespace gcg
