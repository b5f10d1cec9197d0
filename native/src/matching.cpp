// What the simulated venue is told by us, and the passing of time. The life of an order is in matching_orders.cpp,
// market data in matching_data.cpp and matching_bars.cpp.
#include "gcg/matching.h"

#include <algorithm>
#include <utility>

namespace gcg {

namespace {

// Mix 64 bits so that each of them depends on all (the finisher of SplitMix64).
uint64_t mixed(uint64_t bits) {
    bits += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
}

}  // namespace

void MatchingEngine::set_grid(uint32_t instrument, Grid grid) {
    if (instrument >= markets_.size()) markets_.resize(instrument + 1);
    Market& market = markets_[instrument];
    settle(market);  // what was told before was of the grid before
    market.grid = grid;
    market.countable = 1e18 * grid.tick_size;
    market.told_lower = market.told_upper = kNaN;
    market.known = true;
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
    schedule(ActionKind::arrive, order.key, due(ActionKind::arrive, order.key));
}

void MatchingEngine::cancel(uint64_t key, int64_t now_ns) {
    advance(now_ns);
    schedule(ActionKind::cancel, key, due(ActionKind::cancel, key));
}

void MatchingEngine::modify(uint64_t key, int64_t lots, int64_t price_ticks, int64_t stop_ticks, int64_t now_ns) {
    advance(now_ns);
    schedule(ActionKind::modify, key, due(ActionKind::modify, key), lots, price_ticks, stop_ticks);
}

void MatchingEngine::restore(const SimulatedOrder& terms) {
    Market* market = this->market(terms.instrument);
    const auto [at, fresh] = orders_.try_emplace(terms.key);
    if (!market || !fresh) return;
    settle(*market);
    Order& order = at->second;
    order.terms = terms;
    order.sent_ns = clock_ns_;
    order.arrived = true;
    order.rank = ++ranks_given_;
    if (terms.expire_ns >= 0) schedule(ActionKind::expire, terms.key, terms.expire_ns);
    // The event that the venue died in may have told others first: what it had for this order happens now. A stop looks
    // at the last price; what trades at the market and has not yet, takes what is displayed.
    const bool at_market = terms.type == OrderType::market || terms.triggered;
    const bool at_once = terms.time_in_force == TimeInForce::ioc || terms.time_in_force == TimeInForce::fok;
    if (order.waits_for_stop() || (at_market && terms.filled == 0))
        start(*market, order, clock_ns_);
    else if (at_once && (market->fine || market->bar_ns == 0))  // it had its chance; only bars let it wait for the next
        finish(*market, order, ReportKind::cancelled, ReportReason::nothing_left, clock_ns_);
    else
        work(*market, order);
    sweep(*market);
}

// ---- time

// When a command of an order that is sent now arrives: never before an earlier one of the same order.
int64_t MatchingEngine::due(ActionKind kind, uint64_t key) {
    const bool as_orders = kind == ActionKind::arrive || model_.cancel_latency_ns < 0;
    int64_t due_ns = clock_ns_ + (as_orders ? model_.latency_ns : model_.cancel_latency_ns);
    if (model_.jitter_ns > 0) {
        const uint64_t drawn = mixed(mixed(model_.seed ^ key) + static_cast<uint64_t>(kind));
        due_ns += static_cast<int64_t>(drawn % (static_cast<uint64_t>(model_.jitter_ns) + 1));
    }
    const auto found = orders_.find(key);
    if (found == orders_.end()) return due_ns;
    return found->second.due_ns = std::max(due_ns, found->second.due_ns);
}

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

}  // namespace gcg
