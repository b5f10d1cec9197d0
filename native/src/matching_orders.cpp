// The life of a simulated order: arrived, working, changed, taken, done.
#include <algorithm>
#include <utility>

#include "gcg/matching.h"

namespace gcg {

// ---- arrival

void MatchingEngine::arrive(Order& order, int64_t now_ns) {
    order.arrived = true;
    order.rank = ++ranks_given_;
    const SimulatedOrder& terms = order.terms;
    Market* known = market(terms.instrument);
    const bool supported = terms.type >= OrderType::market && terms.type <= OrderType::trailing_stop_limit &&
                           (!order.trails() || terms.trail_ticks > 0 || terms.trail_millionths > 0);
    if (!known || !supported || terms.lots <= 0) {
        report(order, ReportKind::rejected, ReportReason::unsupported_type, now_ns);
        forget(order);
        return;
    }
    Market& market = *known;
    settle(market);
    if (terms.expire_ns >= 0 && terms.expire_ns <= now_ns) {
        finish(market, order, ReportKind::expired, ReportReason::none, now_ns);
    } else if (!within_limits(market, terms)) {
        finish(market, order, ReportKind::rejected, ReportReason::outside_limits, now_ns);
    } else if (terms.post_only && terms.type == OrderType::limit && is_open(market, now_ns) &&
               available(market, order) > 0) {
        finish(market, order, ReportKind::rejected, ReportReason::would_take, now_ns);
    } else {
        report(order, ReportKind::accepted, ReportReason::none, now_ns);
        if (terms.expire_ns >= 0) schedule(ActionKind::expire, terms.key, terms.expire_ns);
        start(market, order, now_ns);
    }
    sweep(market);
}

// A new or changed order waits for its stop, or may trade from now on.
void MatchingEngine::start(Market& market, Order& order, int64_t now_ns) {
    if (order.waits_for_stop()) {
        const int64_t price = watched(market, order, market.last);
        if (order.trails()) follow(order, price, now_ns);
        if (price == kNoPrice || !order.stopped_at(price) || !is_open(market, now_ns)) {
            market.stops.push_back(&order);
            return;
        }
        order.terms.triggered = true;
        report(order, ReportKind::triggered, ReportReason::none, now_ns);
    }
    enter(market, order, now_ns);
}

// An order that may trade from now on: it takes what it can, then rests.
void MatchingEngine::enter(Market& market, Order& order, int64_t now_ns) {
    const TimeInForce force = order.terms.time_in_force;
    const bool at_once = force == TimeInForce::ioc || force == TimeInForce::fok;
    if (!market.fine && market.bar_ns > 0) {  // bars alone: the next one's open is the first price to trade at
        work(market, order);
        return;
    }
    if (!is_open(market, now_ns)) {
        if (at_once)
            finish(market, order, ReportKind::cancelled, ReportReason::closed, now_ns);
        else
            work(market, order);
        return;
    }
    if (force == TimeInForce::fok && available(market, order) < order.left()) {
        finish(market, order, ReportKind::cancelled, ReportReason::not_all, now_ns);
        return;
    }
    take(market, order, now_ns);
    if (order.done)
        forget(order);
    else if (at_once)
        finish(market, order, ReportKind::cancelled, ReportReason::nothing_left, now_ns);
    else
        work(market, order);
}

void MatchingEngine::work(Market& market, Order& order) {
    order.ahead = order.joined = kUnlimited;
    if (model_.queue != QueueModel::back && order.limit() != kNoPrice) look_at_queue(market, order);
    auto& side = order.buys() ? market.buys : market.sells;
    auto before = [](const Order* a, const Order* b) {
        const int64_t x = a->limit(), y = b->limit();
        if (x == y) return a->rank < b->rank;
        if (x == kNoPrice || y == kNoPrice) return x == kNoPrice;  // market orders first
        return a->buys() ? x > y : x < y;
    };
    side.insert(std::upper_bound(side.begin(), side.end(), &order, before), &order);
}

void MatchingEngine::apply_change(Order& order, const Action& action) {
    SimulatedOrder changed = order.terms;
    if (action.lots > 0) changed.lots = action.lots;
    if (action.price_ticks != kNoPrice) changed.price_ticks = action.price_ticks;
    if (action.stop_ticks != kNoPrice) changed.stop_ticks = action.stop_ticks;
    Market& market = markets_[changed.instrument];
    if (changed.lots <= changed.filled) {
        report(order, ReportKind::modify_refused, ReportReason::below_filled, action.due_ns);
        return;
    }
    if (!within_limits(market, changed)) {
        report(order, ReportKind::modify_refused, ReportReason::outside_limits, action.due_ns);
        return;
    }
    const SimulatedOrder before = std::exchange(order.terms, changed);
    if (changed.post_only && changed.type == OrderType::limit && is_open(market, action.due_ns) &&
        available(market, order) > 0) {
        order.terms = before;
        report(order, ReportKind::modify_refused, ReportReason::would_take, action.due_ns);
        return;
    }
    report(order, ReportKind::modified, ReportReason::none, action.due_ns);
    const bool keeps_place = changed.lots <= before.lots && changed.price_ticks == before.price_ticks &&
                             changed.stop_ticks == before.stop_ticks;
    if (keeps_place) return;
    withdraw(market, order);
    sweep(market);
    order.rank = ++ranks_given_;
    start(market, order, action.due_ns);
    sweep(market);
}

// ---- the end

void MatchingEngine::finish(Market& market, Order& order, ReportKind kind, ReportReason reason, int64_t now_ns) {
    report(order, kind, reason, now_ns);
    order.done = true;
    withdraw(market, order);
    forget(order);
}

void MatchingEngine::forget(const Order& order) {
    const uint64_t key = order.terms.key;  // a copy: it goes with the order
    orders_.erase(key);
}

void MatchingEngine::withdraw(Market& market, Order& order) {
    market.untidy = true;
    for (auto* list : {&market.buys, &market.sells, &market.stops}) {
        // Whoever walks over the list at this moment must not lose his place: leave a hole, sweep() closes it.
        std::replace(list->begin(), list->end(), &order, static_cast<Order*>(nullptr));
    }
}

void MatchingEngine::sweep(Market& market) {
    if (!market.untidy) return;
    market.untidy = false;
    for (auto* list : {&market.buys, &market.sells, &market.stops}) {
        for (Order*& order : *list) {
            if (order && order->done) {
                forget(*order);
                order = nullptr;
            }
        }
        std::erase(*list, nullptr);
    }
}

void MatchingEngine::report(const Order& order, ReportKind kind, ReportReason reason, int64_t now_ns) {
    const bool terms = kind == ReportKind::modified || kind == ReportKind::trailed;
    reports_.push_back({kind, reason, false, order.terms.key, now_ns, terms ? order.terms.price_ticks : kNoPrice, 0,
                        order.left(), 0, terms ? order.terms.stop_ticks : kNoPrice});
}

void MatchingEngine::fill(Market& market, Order& order, int64_t ticks, int64_t lots, bool maker, int64_t now_ns) {
    order.terms.filled += lots;
    order.done = order.left() == 0;
    market.untidy |= order.done;
    reports_.push_back({ReportKind::filled, ReportReason::none, maker, order.terms.key, now_ns, ticks, lots,
                        order.left(), market.trading_day});
}

// ---- taking

int64_t MatchingEngine::slipped(const Market& market, const Order& order, int64_t ticks) const {
    const int64_t limit = order.limit(), slippage = model_.slippage_ticks;
    if (slippage == 0) return ticks;  // whoever asks has seen that the limit is not passed
    if (order.buys()) {
        int64_t worse = ticks + slippage;
        if (market.upper != kNoPrice) worse = std::max(ticks, std::min(worse, market.upper));
        return limit == kNoPrice ? worse : std::min(worse, limit);
    }
    int64_t worse = ticks - slippage;
    if (market.lower != kNoPrice) worse = std::min(ticks, std::max(worse, market.lower));
    return limit == kNoPrice ? worse : std::max(worse, limit);
}

int64_t MatchingEngine::available(const Market& market, const Order& order) const {
    int64_t lots = 0;
    for (const BookSide::Level& level : market.opposite(order)) {
        if (lots >= kUnlimited || !order.reaches(level.ticks)) break;
        lots += level.lots;
    }
    return lots;
}

void MatchingEngine::take(Market& market, Order& order, int64_t now_ns) {
    for (BookSide::Level& level : market.opposite(order)) {
        if (order.done || !order.reaches(level.ticks)) break;
        const int64_t lots = std::min(order.left(), level.lots);
        if (lots == 0) continue;
        fill(market, order, slipped(market, order, level.ticks), lots, false, now_ns);
        if (level.lots != kUnlimited) level.lots -= lots;
    }
}

}  // namespace gcg
