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
        market->bids.clear(), market->asks.clear();
        for (std::size_t i = 0; i < kDepthLevels; ++i) {
            const int64_t bid = market->grid.down(depth.bid_prices[i]),
                          bid_lots = market->grid.lots(depth.bid_sizes[i]);
            const int64_t ask = market->grid.up(depth.ask_prices[i]), ask_lots = market->grid.lots(depth.ask_sizes[i]);
            if (bid != kNoPrice && bid_lots > 0) market->bids.push_back({bid, bid_lots});
            if (ask != kNoPrice && ask_lots > 0) market->asks.push_back({ask, ask_lots});
        }
        match(*market, {}, true, depth.event_ns);
    }
    end(depth.event_ns);
}

void MatchingEngine::on_delta(const BookDelta& delta) {
    begin(delta.event_ns);
    if (Market* market = this->market(delta.instrument)) {
        market->fine = true;
        market->depth_ns = delta.event_ns;
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
    if (ticks != kNoPrice) set_level(bids ? market.bids : market.asks, bids, ticks, lots);
}

void MatchingEngine::set_level(Levels& levels, bool bids, int64_t ticks, int64_t lots) {
    const auto at = std::lower_bound(levels.begin(), levels.end(), ticks, [bids](const Level& level, int64_t price) {
        return bids ? level.ticks > price : level.ticks < price;
    });
    const bool there = at != levels.end() && at->ticks == ticks;
    if (lots == 0) {
        if (there) levels.erase(at);
    } else if (there) {
        at->lots = lots;
    } else {
        levels.insert(at, {ticks, lots});
    }
}

MatchingEngine::Quotes MatchingEngine::quotes(uint32_t instrument) const {
    Quotes found;
    if (!knows(instrument)) return found;
    const Market& market = markets_[instrument];
    if (!market.bids.empty()) found.bid = market.bids.front().ticks, found.bid_lots = market.bids.front().lots;
    if (!market.asks.empty()) found.ask = market.asks.front().ticks, found.ask_lots = market.asks.front().lots;
    return found;
}

std::vector<std::pair<int64_t, int64_t>> MatchingEngine::levels(uint32_t instrument, Side side,
                                                                std::size_t most) const {
    std::vector<std::pair<int64_t, int64_t>> found;
    if (!knows(instrument)) return found;
    const Levels& levels = side == Side::buy ? markets_[instrument].bids : markets_[instrument].asks;
    for (std::size_t i = 0; i < levels.size() && i < most; ++i) found.emplace_back(levels[i].ticks, levels[i].lots);
    return found;
}

}  // namespace gcg
