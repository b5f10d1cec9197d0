// Bars: the cautious reading of open, high, low and close. The rules are in matching.h.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "gcg/matching.h"

namespace gcg {

namespace {

constexpr uint8_t kBid = 1, kAsk = 2;  // BarBasis

// How long a bar is by its period, such as "15m"; a trading day is longer or shorter by its night session or the change
// of the clocks. Without a period that is one, it is as long as it says.
int64_t nominal_ns(const Bar& bar) {
    const std::string_view text(bar.period, strnlen(bar.period, sizeof bar.period));
    int64_t number = 0;
    const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || unit + 1 != text.data() + text.size()) return bar.event_ns - bar.start_ns;
    constexpr int64_t kSecond = 1'000'000'000;
    switch (*unit) {
        case 's':
            return number * kSecond;
        case 'm':
            return number * kSecond * 60;
        case 'h':
            return number * kSecond * 3600;
        case 'd':
            return number * kSecond * 86'400;
        case 'w':
            return number * kSecond * 604'800;
        default:
            return bar.event_ns - bar.start_ns;
    }
}

}  // namespace

// One bar in ticks, each price rounded against the side that trades at it, and the volume that is left for us.
struct MatchingEngine::BarPath {
    int64_t start_ns, end_ns;
    int64_t open_up, open_down, close_up, close_down, high, low;
    int64_t room;
    bool buys, sells;

    [[nodiscard]] bool serves(const Order& order) const { return order.buys() ? buys : sells; }
    [[nodiscard]] bool whole(const Order& order) const { return serves(order) && order.sent_ns <= start_ns; }
    [[nodiscard]] bool late(const Order& order) const {
        return serves(order) && order.sent_ns > start_ns && order.sent_ns < end_ns;
    }
    [[nodiscard]] int64_t open(const Order& order) const { return order.buys() ? open_up : open_down; }
    // The end of the range that an order's stop is triggered by.
    [[nodiscard]] int64_t worst(const Order& order) const { return order.buys() ? high : low; }
    [[nodiscard]] int64_t close(const Order& order) const { return order.buys() ? close_up : close_down; }
};

void MatchingEngine::on_bar(const Bar& bar) {
    begin(bar.event_ns);
    Market* market = this->market(bar.instrument);
    const int64_t period_ns = nominal_ns(bar);
    const bool complete = bar.open == bar.open && bar.high == bar.high && bar.low == bar.low && bar.close == bar.close;
    if (market && !market->fine && complete && bar.event_ns > bar.start_ns &&
        (market->bar_ns == 0 || period_ns <= market->bar_ns) && overlaps_session(*market, bar.start_ns, bar.event_ns)) {
        const Grid& grid = market->grid;
        market->bar_ns = period_ns;
        if (bar.trading_day != 0) market->trading_day = bar.trading_day;
        BarPath path{bar.start_ns,          bar.event_ns,         grid.up(bar.open),   grid.down(bar.open),
                     grid.up(bar.close),    grid.down(bar.close), grid.down(bar.high), grid.up(bar.low),
                     grid.lots(bar.volume), bar.basis != kBid,    bar.basis != kAsk};
        if (!market->idle()) {
            bar_open(*market, path);
            bar_range(*market, path);
            bar_close(*market, path);
            sweep(*market);
        }
        market->last = grid.nearest(bar.close);
    }
    end(bar.event_ns);
}

bool MatchingEngine::overlaps_session(const Market& market, int64_t start_ns, int64_t end_ns) {
    if (!market.sessions) return true;
    const auto& [opens, closes] = *market.sessions;
    const auto row = std::lower_bound(opens.begin(), opens.end(), end_ns) - opens.begin() - 1;
    return row >= 0 && closes[static_cast<std::size_t>(row)] > start_ns;
}

void MatchingEngine::bar_take(Market& market, Order& order, int64_t ticks, BarPath& path) {
    const int64_t limit = order.limit();
    if (limit != kNoPrice && (order.buys() ? ticks > limit : ticks < limit)) return;
    const int64_t lots = std::min(order.left(), path.room);
    if (lots <= 0 || (order.terms.time_in_force == TimeInForce::fok && lots < order.left())) return;
    if (order.terms.post_only && order.terms.type == OrderType::limit)
        fill(market, order, limit, lots, true, path.end_ns);
    else
        fill(market, order, slipped(market, order, ticks), lots, false, path.end_ns);
    if (path.room != kUnlimited) path.room -= lots;
}

void MatchingEngine::bar_open(Market& market, BarPath& path) {
    for (auto* side : {&market.buys, &market.sells}) {
        for (Order* order : *side)
            if (order && path.whole(*order)) bar_take(market, *order, path.open(*order), path);
    }
    for (Order*& order : market.stops) {
        if (!order || !path.whole(*order)) continue;
        const int64_t open = path.open(*order);
        if (order->stopped_at(open))
            bar_trigger(market, order, open, path);
        else if (order->trails())
            follow(*order, open, path.end_ns);
    }
    bar_at_once(market, path, true);
}

void MatchingEngine::bar_range(Market& market, BarPath& path) {
    for (Order*& order : market.stops) {
        if (!order || !path.whole(*order)) continue;
        if (order->stopped_at(path.worst(*order)))
            bar_trigger(market, order, order->terms.stop_ticks, path);
        else if (order->trails())
            bar_trail(market, order, path);
    }
    for (auto* side : {&market.buys, &market.sells}) {
        for (Order* order : *side) {
            if (!order || order->done || !path.whole(*order)) continue;
            const int64_t limit = order->limit(), lots = std::min(order->left(), path.room);
            const bool through = limit != kNoPrice && (order->buys() ? path.low < limit : path.high > limit);
            if (!through || lots <= 0) continue;
            fill(market, *order, limit, lots, true, path.end_ns);
            if (path.room != kUnlimited) path.room -= lots;
        }
    }
}

void MatchingEngine::bar_close(Market& market, BarPath& path) {
    for (auto* side : {&market.buys, &market.sells}) {
        for (Order* order : *side)
            if (order && !order->done && path.late(*order)) bar_take(market, *order, path.close(*order), path);
    }
    for (Order*& order : market.stops) {
        if (!order || !path.late(*order)) continue;
        const int64_t close = path.close(*order);
        if (order->stopped_at(close))
            bar_trigger(market, order, close, path);
        else if (order->trails())
            follow(*order, close, path.end_ns);
    }
    bar_at_once(market, path, false);
}

// A trailing stop that the range does not reach from where it stood. Had the best price of the range come first, the
// stop would have followed it; if the range goes back to there, the worst price at which it can have triggered is the
// range's.
void MatchingEngine::bar_trail(Market& market, Order*& slot, BarPath& path) {
    Order& order = *slot;
    const int64_t best = order.buys() ? path.low : path.high, worst = path.worst(order);
    const int64_t away = order.trail_at(best);
    if (order.buys() ? best + away > worst : best - away < worst) {
        follow(order, best, path.end_ns);
        return;
    }
    SimulatedOrder& terms = order.terms;
    if (terms.price_ticks != kNoPrice) terms.price_ticks += worst - terms.stop_ticks;
    terms.stop_ticks = worst;
    report(order, ReportKind::trailed, ReportReason::none, path.end_ns);
    bar_trigger(market, slot, worst, path);
}

// A stop is reached at `ticks`; it trades there if it can, and otherwise not before the next bar.
void MatchingEngine::bar_trigger(Market& market, Order*& slot, int64_t ticks, BarPath& path) {
    Order& order = *slot;
    slot = nullptr;
    market.untidy = true;
    order.terms.triggered = true;
    report(order, ReportKind::triggered, ReportReason::none, path.end_ns);
    bar_take(market, order, ticks, path);
    const bool served = order.sent_ns <= path.start_ns;
    if (served) order.sent_ns = path.end_ns;
    work(market, order);
}

// Immediate orders had their chance: at the open those sent before, at the close those sent later.
void MatchingEngine::bar_at_once(Market& market, const BarPath& path, bool at_open) {
    for (auto* side : {&market.buys, &market.sells}) {
        for (Order* order : *side) {
            if (!order || order->done || !(at_open ? path.whole(*order) : path.late(*order))) continue;
            const TimeInForce force = order->terms.time_in_force;
            if (force != TimeInForce::ioc && force != TimeInForce::fok) continue;
            finish(market, *order, ReportKind::cancelled,
                   force == TimeInForce::fok ? ReportReason::not_all : ReportReason::nothing_left, path.end_ns);
        }
    }
    sweep(market);
}

}  // namespace gcg
