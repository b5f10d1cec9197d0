// Ticks, trades and depth: how they move a simulated market, and what of ours they fill.
#include <algorithm>
#include <utility>

#include "gcg/matching.h"

namespace gcg {

namespace {

constexpr int64_t kPreferredNs = 10'000'000'000;  // how long depth and trades outrank what ticks say
constexpr uint8_t kRolling = 2, kSingle = 3;      // VolumeKind

bool recent(int64_t then_ns, int64_t now_ns) {
    return then_ns != kNoPrice && now_ns - then_ns < kPreferredNs;
}

}  // namespace

void MatchingEngine::on_tick(const Tick& tick) {
    begin(tick.event_ns);
    if (Market* market = this->market(tick.instrument)) {
        market->fine = true;
        if (tick.trading_day != 0) market->trading_day = tick.trading_day;
        const bool has_quotes = tick.bid_price == tick.bid_price || tick.ask_price == tick.ask_price;
        if (has_quotes && !recent(market->depth_ns, tick.event_ns)) {
            const int64_t bid = market->grid.down(tick.bid_price), ask = market->grid.up(tick.ask_price);
            const int64_t bid_lots = market->grid.lots(tick.bid_size), ask_lots = market->grid.lots(tick.ask_size);
            market->quoted = true;
            market->bids.count = bid != kNoPrice && bid_lots > 0;
            market->asks.count = ask != kNoPrice && ask_lots > 0;
            market->bids.at[0] = {bid, bid_lots};
            market->asks.at[0] = {ask, ask_lots};
        }
        const int64_t last = market->grid.nearest(tick.last_price);
        const Trade trade = implied_trade(*market, tick, last);
        last_price(*market, last);
        if (!market->idle()) match(*market, trade, tick.event_ns);
    }
    end(tick.event_ns);
}

void MatchingEngine::on_trade(const TradeTick& tick) {
    begin(tick.event_ns);
    if (Market* market = this->market(tick.instrument)) {
        market->fine = true;
        if (tick.trading_day != 0) market->trading_day = tick.trading_day;
        market->trade_ns = tick.event_ns;
        const Trade trade{market->grid.nearest(tick.price), market->grid.lots(tick.size)};
        last_price(*market, trade.ticks);
        if (!market->idle()) match(*market, trade, tick.event_ns);
    }
    end(tick.event_ns);
}

void MatchingEngine::on_depth(const Depth& depth) {
    begin(depth.event_ns);
    if (Market* market = this->market(depth.instrument)) {
        market->fine = true;
        if (depth.trading_day != 0) market->trading_day = depth.trading_day;
        market->quoted = true;
        market->depth_ns = depth.event_ns;
        market->bids.count = market->asks.count = 0;
        for (int i = 0; i < kDepthLevels; ++i) {
            const int64_t bid = market->grid.down(depth.bid_prices[i]),
                          bid_lots = market->grid.lots(depth.bid_sizes[i]);
            const int64_t ask = market->grid.up(depth.ask_prices[i]), ask_lots = market->grid.lots(depth.ask_sizes[i]);
            if (bid != kNoPrice && bid_lots > 0) market->bids.at[market->bids.count++] = {bid, bid_lots};
            if (ask != kNoPrice && ask_lots > 0) market->asks.at[market->asks.count++] = {ask, ask_lots};
        }
        if (!market->idle()) match(*market, {}, depth.event_ns);
    }
    end(depth.event_ns);
}

void MatchingEngine::last_price(Market& market, int64_t ticks) {
    if (ticks == kNoPrice) return;
    market.last = ticks;
    if (market.quoted) return;
    market.bids.count = market.asks.count = 1;
    market.bids.at[0] = market.asks.at[0] = {ticks, kUnlimited};
}

// The trade that a tick tells of, with no ticks if it tells of none. The first last price ever seen counts as a trade
// of no size: it may trigger a stop and fills nothing.
MatchingEngine::Trade MatchingEngine::implied_trade(Market& market, const Tick& tick, int64_t last) {
    const double before = std::exchange(market.volume, tick.volume);
    if (last == kNoPrice || recent(market.trade_ns, tick.event_ns)) return {};
    if (market.last == kNoPrice) return {last, 0};
    const int64_t one_trade = market.grid.lots(tick.last_size);
    if (tick.volume_kind == kSingle && tick.volume == tick.volume)
        return tick.volume > 0 ? Trade{last, market.grid.lots(tick.volume)} : Trade{};
    if (!(tick.volume == tick.volume) || !(before == before))
        return last != market.last ? Trade{last, one_trade} : Trade{};
    if (tick.volume == before) return {};
    if (tick.volume_kind == kRolling) return {last, one_trade};
    // A smaller day volume is that of a new day.
    return {last, market.grid.lots(tick.volume > before ? tick.volume - before : tick.volume)};
}

void MatchingEngine::match(Market& market, Trade trade, int64_t now_ns) {
    const Trade seen = trade;
    match_side(market, market.buys, trade, now_ns);
    match_side(market, market.sells, trade, now_ns);
    trigger_stops(market, seen, now_ns);
    sweep(market);
}

void MatchingEngine::match_side(Market& market, std::vector<Order*>& side, Trade& trade, int64_t now_ns) {
    const bool buys = &side == &market.buys;
    Levels& opposite = buys ? market.asks : market.bids;
    for (Order* order : side) {
        if (!order || order->done) continue;
        const int64_t limit = order->limit();
        if (limit == kNoPrice) {
            take(market, *order, now_ns);
            continue;
        }
        const bool through = trade.ticks != kNoPrice && (buys ? trade.ticks < limit : trade.ticks > limit);
        auto crosses = [&](const Level& level) { return buys ? level.ticks <= limit : level.ticks >= limit; };
        const bool crossed = market.quoted && opposite.count > 0 && crosses(opposite.at[0]);
        if (!through && !crossed) break;  // those behind it ask for a better price still
        if (through) {
            const int64_t lots = std::min(order->left(), trade.lots);
            if (lots > 0) fill(market, *order, limit, lots, true, now_ns);
            if (trade.lots != kUnlimited) trade.lots -= lots;
        }
        for (int i = 0; crossed && i < opposite.count && !order->done && crosses(opposite.at[i]); ++i) {
            const int64_t lots = std::min(order->left(), opposite.at[i].lots);
            if (lots > 0) fill(market, *order, limit, lots, true, now_ns);
            if (opposite.at[i].lots != kUnlimited) opposite.at[i].lots -= lots;
        }
    }
}

void MatchingEngine::trigger_stops(Market& market, Trade trade, int64_t now_ns) {
    const std::size_t waiting = market.stops.size();  // whatever is triggered goes elsewhere, nothing is added here
    for (std::size_t i = 0; i < waiting; ++i) {
        Order* order = market.stops[i];
        if (!order) continue;
        const int64_t stop = order->terms.stop_ticks;
        const bool traded = trade.ticks != kNoPrice && (order->buys() ? trade.ticks >= stop : trade.ticks <= stop);
        if (!traded && (market.last != kNoPrice || !trigger_met(market, *order))) continue;
        order->terms.triggered = true;
        market.stops[i] = nullptr;
        report(*order, ReportKind::triggered, ReportReason::none, now_ns);
        enter(market, *order, now_ns);
    }
}

}  // namespace gcg
