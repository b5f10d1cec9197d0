// The life of a simulated order: sent, arrived, working, taken, done. Market data is in matching_data.cpp and
// matching_bars.cpp.
#include "gcg/matching.h"

#include <algorithm>
#include <utility>

namespace gcg {

void MatchingEngine::set_grid(uint32_t instrument, Grid grid) {
    if (instrument >= markets_.size()) markets_.resize(instrument + 1);
    markets_[instrument].grid = grid;
    markets_[instrument].known = true;
}

bool MatchingEngine::knows(uint32_t instrument) const {
    return instrument < markets_.size() && markets_[instrument].known;
}

MatchingEngine::Market* MatchingEngine::market(uint32_t instrument) {
    return knows(instrument) ? &markets_[instrument] : nullptr;
}

std::vector<Report> MatchingEngine::take_reports() {
    return std::exchange(reports_, {});
}

// ---- what the caller sends

void MatchingEngine::submit(const SimulatedOrder& order, int64_t now_ns) {
    advance(now_ns);
    const auto [at, fresh] = orders_.try_emplace(order.key);
    if (!fresh) {
        reports_.push_back(
            {ReportKind::rejected, ReportReason::duplicate_key, false, order.key, clock_ns_, kNoPrice, 0, 0});
        return;
    }
    at->second.terms = order;
    at->second.sent_ns = clock_ns_;
    schedule(ActionKind::arrive, order.key, clock_ns_ + model_.latency_ns);
}

void MatchingEngine::cancel(uint64_t key, int64_t now_ns) {
    advance(now_ns);
    schedule(ActionKind::cancel, key, clock_ns_ + model_.latency_ns);
}

void MatchingEngine::modify(uint64_t key, int64_t lots, int64_t price_ticks, int64_t stop_ticks, int64_t now_ns) {
    advance(now_ns);
    schedule(ActionKind::modify, key, clock_ns_ + model_.latency_ns, lots, price_ticks, stop_ticks);
}

void MatchingEngine::restore(const SimulatedOrder& terms) {
    Market* market = this->market(terms.instrument);
    const auto [at, fresh] = orders_.try_emplace(terms.key);
    if (!market || !fresh) return;
    Order& order = at->second;
    order.terms = terms;
    order.sent_ns = clock_ns_;
    order.arrived = true;
    order.rank = ++ranks_given_;
    if (terms.expire_ns >= 0) schedule(ActionKind::expire, terms.key, terms.expire_ns);
    if (order.waits_for_stop())
        market->stops.push_back(&order);
    else
        work(*market, order);
}

// ---- time

void MatchingEngine::schedule(ActionKind kind, uint64_t key, int64_t due_ns, int64_t lots, int64_t price,
                              int64_t stop) {
    const Action action{due_ns, ++actions_made_, kind, key, lots, price, stop};
    // Nothing waits before it: with no latency it takes effect at once.
    if (kind != ActionKind::expire && due_ns <= clock_ns_ && (actions_.empty() || actions_.top().due_ns > clock_ns_))
        run(action);
    else
        actions_.push(action);
}

void MatchingEngine::run_until(int64_t due_ns) {
    while (!actions_.empty() && actions_.top().due_ns <= due_ns) {
        const Action action = actions_.top();
        actions_.pop();
        run(action);
    }
}

void MatchingEngine::begin(int64_t event_ns) {
    if (!actions_.empty()) run_until(event_ns - 1);
    clock_ns_ = std::max(clock_ns_, event_ns);
}

void MatchingEngine::end(int64_t event_ns) {
    if (!actions_.empty()) run_until(event_ns);
}

void MatchingEngine::advance(int64_t now_ns) {
    begin(now_ns);
    end(now_ns);
}

void MatchingEngine::run(const Action& action) {
    const auto found = orders_.find(action.key);
    Order* order = found == orders_.end() ? nullptr : &found->second;
    const int64_t now_ns = action.due_ns;
    if (action.kind == ActionKind::arrive) {
        if (order) arrive(*order, now_ns);
        return;
    }
    const bool open = order && order->arrived;
    if (action.kind == ActionKind::modify && open) {
        apply_change(*order, action);
    } else if (open) {
        Market& market = markets_[order->terms.instrument];
        if (action.kind == ActionKind::cancel)
            finish(market, *order, ReportKind::cancelled, ReportReason::asked, now_ns);
        else if (order->terms.expire_ns >= 0 && order->terms.expire_ns <= now_ns)
            finish(market, *order, ReportKind::expired, ReportReason::none, now_ns);
        sweep(market);
    } else if (action.kind != ActionKind::expire) {
        const auto kind = action.kind == ActionKind::cancel ? ReportKind::cancel_refused : ReportKind::modify_refused;
        reports_.push_back({kind, ReportReason::not_open, false, action.key, now_ns, kNoPrice, 0, 0});
    }
}

// ---- arrival

void MatchingEngine::arrive(Order& order, int64_t now_ns) {
    order.arrived = true;
    order.rank = ++ranks_given_;
    const SimulatedOrder& terms = order.terms;
    Market* known = market(terms.instrument);
    const bool supported = terms.type >= OrderType::market && terms.type <= OrderType::stop_limit;
    if (!known || !supported || terms.lots <= 0) {
        report(order, ReportKind::rejected, ReportReason::unsupported_type, now_ns);
        forget(order);
        return;
    }
    Market& market = *known;
    if (terms.expire_ns >= 0 && terms.expire_ns <= now_ns) {
        finish(market, order, ReportKind::expired, ReportReason::none, now_ns);
    } else if (terms.post_only && terms.type == OrderType::limit && available(market, order) > 0) {
        finish(market, order, ReportKind::rejected, ReportReason::would_take, now_ns);
    } else {
        report(order, ReportKind::accepted, ReportReason::none, now_ns);
        if (terms.expire_ns >= 0) schedule(ActionKind::expire, terms.key, terms.expire_ns);
        if (order.waits_for_stop() && !trigger_met(market, order)) {
            market.stops.push_back(&order);
        } else {
            if (order.waits_for_stop()) {
                order.terms.triggered = true;
                report(order, ReportKind::triggered, ReportReason::none, now_ns);
            }
            enter(market, order, now_ns);
        }
    }
    sweep(market);
}

// An order that may trade from now on: it takes what it can, then rests.
void MatchingEngine::enter(Market& market, Order& order, int64_t now_ns) {
    const TimeInForce force = order.terms.time_in_force;
    const bool at_once = force == TimeInForce::ioc || force == TimeInForce::fok;
    if (!market.fine && market.bar_ns > 0) {  // bars alone: the next one's open is the first price to trade at
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
    const SimulatedOrder before = std::exchange(order.terms, changed);
    if (changed.post_only && changed.type == OrderType::limit && available(market, order) > 0) {
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
    if (order.waits_for_stop() && !trigger_met(market, order)) {
        market.stops.push_back(&order);
    } else {
        if (order.waits_for_stop()) {
            order.terms.triggered = true;
            report(order, ReportKind::triggered, ReportReason::none, action.due_ns);
        }
        enter(market, order, action.due_ns);
    }
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
    for (auto* list : {&market.buys, &market.sells, &market.stops}) {
        // Whoever walks over the list at this moment must not lose his place: leave a hole, sweep() closes it.
        std::replace(list->begin(), list->end(), &order, static_cast<Order*>(nullptr));
    }
}

void MatchingEngine::sweep(Market& market) {
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
    reports_.push_back({kind, reason, false, order.terms.key, now_ns, kNoPrice, 0, order.left()});
}

void MatchingEngine::fill(const Market& market, Order& order, int64_t ticks, int64_t lots, bool maker, int64_t now_ns) {
    order.terms.filled += lots;
    order.done = order.left() == 0;
    reports_.push_back({ReportKind::filled, ReportReason::none, maker, order.terms.key, now_ns, ticks, lots,
                        order.left(), market.trading_day});
}

// ---- taking

int64_t MatchingEngine::slipped(const Order& order, int64_t ticks) const {
    const int64_t limit = order.limit();
    if (order.buys()) {
        const int64_t worse = ticks + model_.slippage_ticks;
        return limit == kNoPrice ? worse : std::min(worse, limit);
    }
    const int64_t worse = ticks - model_.slippage_ticks;
    return limit == kNoPrice ? worse : std::max(worse, limit);
}

int64_t MatchingEngine::available(const Market& market, const Order& order) const {
    const Levels& opposite = order.buys() ? market.asks : market.bids;
    const int64_t limit = order.limit();
    int64_t lots = 0;
    for (int i = 0; i < opposite.count && lots < kUnlimited; ++i) {
        const Level& level = opposite.at[i];
        if (limit != kNoPrice && (order.buys() ? level.ticks > limit : level.ticks < limit)) break;
        lots += level.lots;
    }
    return lots;
}

void MatchingEngine::take(Market& market, Order& order, int64_t now_ns) {
    Levels& opposite = order.buys() ? market.asks : market.bids;
    const int64_t limit = order.limit();
    for (int i = 0; i < opposite.count && !order.done; ++i) {
        Level& level = opposite.at[i];
        if (limit != kNoPrice && (order.buys() ? level.ticks > limit : level.ticks < limit)) break;
        const int64_t lots = std::min(order.left(), level.lots);
        if (lots == 0) continue;
        fill(market, order, slipped(order, level.ticks), lots, false, now_ns);
        if (level.lots != kUnlimited) level.lots -= lots;
    }
}

bool MatchingEngine::trigger_met(const Market& market, const Order& order) const {
    const int64_t stop = order.terms.stop_ticks;
    if (market.last != kNoPrice) return order.buys() ? market.last >= stop : market.last <= stop;
    const Levels& opposite = order.buys() ? market.asks : market.bids;
    if (opposite.count == 0) return false;
    return order.buys() ? opposite.at[0].ticks >= stop : opposite.at[0].ticks <= stop;
}

}  // namespace gcg
