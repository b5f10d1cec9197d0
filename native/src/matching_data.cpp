// Ticks and trades, and what of ours a new market fills. Books are in matching_book.cpp.
#include <algorithm>
#include <cmath>
#include <utility>

#include "gcg/matching.h"

namespace gcg {

namespace {

constexpr int64_t kPreferredNs = 10'000'000'000;  // how long depth and trades outrank what ticks say
constexpr uint8_t kRolling = 2, kSingle = 3;      // VolumeKind

bool recent(int64_t then_ns, int64_t now_ns) {
    return then_ns != kNoPrice && now_ns - then_ns < kPreferredNs;
}

bool tells_quotes(const Tick& tick) {
    return tick.bid_price == tick.bid_price || tick.ask_price == tick.ask_price;
}

}  // namespace

// Whether a tick's quotes are worth less than the book: that is young, or is one of deltas that says the same.
bool MatchingEngine::book_outranks(const Market& market, const Tick& tick) {
    if (recent(market.depth_ns, tick.event_ns)) return true;
    if (!market.deltas || market.bids.empty() || market.asks.empty()) return false;
    return market.bids.best().ticks == market.grid.down(tick.bid_price) &&
           market.asks.best().ticks == market.grid.up(tick.ask_price);
}

// ---- a market without orders

// A tick that nobody's order meets leaves behind what match_tick() would, but for the counting.
inline void MatchingEngine::note(Market& market, const Tick& tick) {
    if (tells_quotes(tick) && !book_outranks(market, tick)) {
        market.quoted = true;
        market.booked = market.deltas = false;
        Told& told = market.told;
        told.book = Told::Book::quotes;
        told.bid_price = tick.bid_price, told.bid_size = tick.bid_size;
        told.ask_price = tick.ask_price, told.ask_size = tick.ask_size;
    }
    market.volume = tick.volume;
    note_last(market, tick.last_price);
    if (market.sessions) enter_session(market, tick.event_ns);
}

inline void MatchingEngine::note_last(Market& market, double price) {
    if (std::fabs(price) < market.countable) {
        market.told.last = true;
        market.told.last_price = price;
    } else if (price == price) {  // too large to be sure that it counts
        settle(market);
        last_price(market, market.grid.nearest(price));
    }
}

// Whether a tick has nothing new for read_limits(): most have not.
inline bool MatchingEngine::same_limits(const Market& market, const Tick& tick) {
    if (tick.trading_day != 0 && tick.trading_day != market.trading_day) return false;
    if (tick.upper_limit == market.told_upper && tick.lower_limit == market.told_lower) return true;
    const bool told = tick.upper_limit == tick.upper_limit || tick.lower_limit == tick.lower_limit;
    return !told && market.limit_millionths <= 0;
}

void MatchingEngine::on_tick(const Tick& tick) {
    begin(tick.event_ns);
    if (Market* market = this->market(tick.instrument)) {
        market->fine = true;
        if (!same_limits(*market, tick)) read_limits(*market, tick);
        if (market->idle())
            note(*market, tick);
        else
            match_tick(*market, tick);
    }
    end(tick.event_ns);
}

void MatchingEngine::match_tick(Market& market, const Tick& tick) {
    const bool fresh = tells_quotes(tick) && !book_outranks(market, tick);
    if (fresh) {
        market.quoted = true;
        market.booked = market.deltas = false;
        set_quotes(market, tick.bid_price, tick.bid_size, tick.ask_price, tick.ask_size);
    }
    const int64_t last = market.grid.nearest(tick.last_price);
    const Trade trade = implied_trade(market, tick, last);
    last_price(market, last);
    match(market, trade, fresh, tick.event_ns);
}

void MatchingEngine::on_trade(const TradeTick& tick) {
    begin(tick.event_ns);
    if (Market* market = this->market(tick.instrument)) {
        market->fine = true;
        if (tick.trading_day != 0) market->trading_day = tick.trading_day;
        market->trade_ns = tick.event_ns;
        if (market->idle()) {
            note_last(*market, tick.price);
            if (market->sessions) enter_session(*market, tick.event_ns);
        } else {
            const Trade trade{market->grid.nearest(tick.price), market->grid.lots(tick.size),
                              static_cast<Side>(tick.aggressor)};
            last_price(*market, trade.ticks);
            match(*market, trade, false, tick.event_ns);
        }
    }
    end(tick.event_ns);
}

void MatchingEngine::set_quotes(Market& market, double bid_price, double bid_size, double ask_price, double ask_size) {
    const int64_t bid = market.grid.down(bid_price), ask = market.grid.up(ask_price);
    const int64_t bid_lots = market.grid.lots(bid_size), ask_lots = market.grid.lots(ask_size);
    market.bids.clear(), market.asks.clear();
    if (bid != kNoPrice) market.bids.set(bid, bid_lots);
    if (ask != kNoPrice) market.asks.set(ask, ask_lots);
}

void MatchingEngine::last_price(Market& market, int64_t ticks) {
    if (ticks == kNoPrice) return;
    market.last = ticks;
    if (market.quoted) return;
    market.bids.assign(ticks, kUnlimited), market.asks.assign(ticks, kUnlimited);
}

// An order is about to arrive: count what the market was told.
void MatchingEngine::settle(Market& market) {
    Told& told = market.told;
    if (told.book == Told::Book::quotes)
        set_quotes(market, told.bid_price, told.bid_size, told.ask_price, told.ask_size);
    else if (told.book == Told::Book::depth)
        set_depth(market, told.bid_prices, told.bid_sizes, told.ask_prices, told.ask_sizes);
    told.book = Told::Book::none;
    if (std::exchange(told.last, false)) last_price(market, market.grid.nearest(told.last_price));
}

// ---- matching

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

void MatchingEngine::match(Market& market, Trade trade, bool fresh, int64_t now_ns) {
    if (market.sessions && !enter_session(market, now_ns)) return;
    if (market.idle()) return;
    const Trade seen = trade;
    match_side(market, market.buys, trade, fresh, now_ns);
    match_side(market, market.sells, trade, fresh, now_ns);
    trigger_stops(market, seen, now_ns);
    sweep(market);
}

void MatchingEngine::match_side(Market& market, std::vector<Order*>& side, Trade& trade, bool fresh, int64_t now_ns) {
    const bool buys = &side == &market.buys, queues = model_.queue != QueueModel::back;
    const BookSide& opposite = buys ? market.asks : market.bids;
    for (Order* order : side) {
        if (!order || order->done) continue;
        const int64_t limit = order->limit();
        if (limit == kNoPrice) {
            take(market, *order, now_ns);
            continue;
        }
        const bool through = trade.ticks != kNoPrice && (buys ? trade.ticks < limit : trade.ticks > limit);
        const bool crossed = market.quoted && !opposite.empty() && order->reaches(opposite.best().ticks);
        if (through || crossed) {
            match_limit(market, *order, trade, through, crossed, now_ns);
        } else if (!queues || (!fresh && trade.ticks != limit)) {
            break;  // those behind it ask for a better price still
        } else {
            if (trade.ticks == limit) trade_in_queue(market, *order, trade, now_ns);
            if (fresh && !order->done) look_at_queue(market, *order);
        }
    }
}

// A trade went through a resting limit order, or the opposite quote has come to it: nobody is ahead of it any more.
void MatchingEngine::match_limit(Market& market, Order& order, Trade& trade, bool through, bool crossed,
                                 int64_t now_ns) {
    const int64_t limit = order.limit();
    if (crossed && market.opening && !order.terms.post_only) take(market, order, now_ns);
    if (through && !order.done) {
        const int64_t lots = std::min(order.left(), trade.lots);
        if (lots > 0) fill(market, order, limit, lots, true, now_ns);
        if (trade.lots != kUnlimited) trade.lots -= lots;
    }
    if (crossed) {
        for (BookSide::Level& level : market.opposite(order)) {
            if (order.done || !order.reaches(level.ticks)) break;
            const int64_t lots = std::min(order.left(), level.lots);
            if (lots > 0) fill(market, order, limit, lots, true, now_ns);
            if (level.lots != kUnlimited) level.lots -= lots;
        }
    }
    order.ahead = order.shown = order.traded = 0;
}

}  // namespace gcg
