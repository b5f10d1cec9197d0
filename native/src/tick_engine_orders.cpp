// What strategies ask of the tick engine: orders, cancels, changes. Read in tick_engine_asks.cpp, here checked and
// sent.
#include <algorithm>

#include "gcg/tick_engine.h"

namespace gcg {

RiskResult TickEngine::check(const TickOrder& order, int64_t lots, int64_t price_ticks, int64_t stop_ticks,
                             int64_t replaces, const HeldPlan& plan) const {
    const bool legs = has_legs(order);
    RiskOrder asked;
    asked.strategy = order.strategy;
    asked.instrument = order.instrument;
    asked.side = order.asked.side;
    asked.lots = lots;
    asked.price_ticks = price_ticks;
    asked.stop_ticks = order.triggered ? kNoPrice : stop_ticks;
    asked.replaces_lots = replaces;
    asked.now_ns = now_ns_;
    const TickInstrument& instrument = instruments_[order.instrument - 1];
    if (instrument.risk.t_plus_one || is_set(instrument.risk.price_limit))
        asked.trading_day = instrument.days.at(now_ns_);
    asked.opens = legs ? plan.opens : lots;
    asked.adds = legs ? plan.adds : lots - replaces;
    return risk_.check(asked);
}

Refusal TickEngine::held_refusal(const TickOrder& order, const HeldPlan& plan) const {
    Refusal refusal;
    if (!plan.passed())
        refusal.add(plan.reason(), held_book_.words(held(order), plan, instruments_[order.instrument - 1].symbol));
    return refusal;
}

HeldOrder TickEngine::held(const TickOrder& order) const {
    return {.strategy = order.strategy,
            .instrument = order.instrument,
            .side = order.asked.side,
            .offset = order.asked.offset,
            .reduce_only = order.asked.reduce_only,
            .lots = order.left()};
}

void TickEngine::tell_sides(const TickOrder& order) {
    if (!has_legs(order)) return;
    const HeldSides sides = held_book_.sides(order.strategy, order.instrument);
    risk_.set_sides(order.strategy, order.instrument, sides.longs, sides.shorts, sides.opening_buys,
                    sides.opening_sells);
}

uint64_t TickEngine::send(uint32_t strategy, const OrderAsk& ask) {
    TickOrder read_order = read(strategy, ask);
    read_order.id = orders_.size() + 1;
    read_order.sent_ns = now_ns_;
    HeldPlan plan;
    plan.lots = read_order.lots;
    if (has_legs(read_order) || ask.reduce_only) {
        plan = held_book_.plan(held(read_order), instruments_[ask.instrument - 1].days.at(now_ns_));
        if (plan.lots > 0) read_order.lots = plan.lots;
        if (plan.passed()) read_order.asked.offset = plan.offset;
    }
    TickOrder& order = orders_.emplace_back(std::move(read_order));
    const uint64_t id = order.id;
    Refusal refusal = held_refusal(order, plan);
    if (plan.passed() || plan.lots > 0)
        refusal.add(check(order, order.lots, order.price_ticks, order.stop_ticks, 0, plan),
                    instruments_[ask.instrument - 1].symbol);
    if (!refusal.empty()) {
        order.reasons = refusal.reasons();
        order.done_ns = now_ns_;
        say(order, OrderStatus::rejected, now_ns_, refusal.words());
        return id;
    }
    risk_.count_order(strategy, order.instrument, now_ns_);
    open_.push_back(id);
    risk_.open_order(strategy, order.instrument, ask.side, order.lots);
    held_book_.on_order(held(order));
    tell_sides(order);
    say(order, OrderStatus::submitting, now_ns_, "");
    rest(order);
    SimulatedOrder sent;
    sent.key = id;
    sent.instrument = order.instrument;
    sent.side = ask.side;
    sent.type = ask.type;
    sent.time_in_force = ask.time_in_force;
    sent.post_only = ask.post_only;
    sent.lots = order.lots;
    sent.price_ticks = order.price_ticks;
    sent.stop_ticks = order.stop_ticks;
    if (ask.time_in_force == TimeInForce::day) sent.expire_ns = instruments_[order.instrument - 1].days.close(now_ns_);
    if (ask.time_in_force == TimeInForce::gtd) sent.expire_ns = ask.expire_ns;
    sent.trail_ticks = order.trail_ticks;
    sent.trail_millionths = order.trail_millionths;
    matching_.submit(sent, now_ns_);
    settle_sent();
    return id;
}

// What a command has led to at once, or when it will arrive.
void TickEngine::settle_sent() {
    if (matching_.has_reports()) collect();
    quiet_ns_ = std::min(quiet_ns_, matching_.next_due_ns());
}

// Tell the risk check at which price an order may be found in the book by our other orders, if it rests at all.
void TickEngine::rest(TickOrder& order) {
    if (order.is_final() || order.price_ticks == kNoPrice) return;
    const TimeInForce force = order.asked.time_in_force;
    if (force == TimeInForce::ioc || force == TimeInForce::fok) return;
    if (!order.triggered && order.asked.type != OrderType::limit) return;
    int64_t nearest = order.price_ticks;  // until the venue answers a change, any of its prices may be the one
    for (const TickOrder::Change& change : order.changes)
        nearest = order.asked.side == Side::buy ? std::max(nearest, change.price_ticks)
                                                : std::min(nearest, change.price_ticks);
    risk_.rest(order.id, order.instrument, order.asked.side, nearest);
}

TickOrder* TickEngine::own(uint32_t strategy, uint64_t id) {
    if (id == 0 || id > orders_.size() || orders_[id - 1].strategy != strategy) return nullptr;
    return &orders_[id - 1];
}

const TickOrder* TickEngine::order(uint64_t id) const {
    return id == 0 || id > orders_.size() ? nullptr : &orders_[id - 1];
}

std::vector<uint64_t> TickEngine::open_orders(uint32_t strategy) const {
    std::vector<uint64_t> found;
    for (const uint64_t id : open_)
        if (orders_[id - 1].strategy == strategy) found.push_back(id);
    return found;
}

bool TickEngine::cancel(uint32_t strategy, uint64_t id) {
    TickOrder* order = own(strategy, id);
    if (!order || order->is_final() || order->status == OrderStatus::cancelling) return false;
    say(*order, OrderStatus::cancelling, now_ns_, "");
    matching_.cancel(id, now_ns_);
    settle_sent();
    return true;
}

bool TickEngine::modify(uint32_t strategy, uint64_t id, double quantity, double price, double stop_price) {
    TickOrder* order = own(strategy, id);
    if (!order || order->is_final() || order->status == OrderStatus::cancelling) return false;
    const TickInstrument& instrument = instruments_[order->instrument - 1];
    const TickOrder::Change wanted = read_change(*order, quantity, price, stop_price);
    const int64_t open = order->counted();
    const int64_t left = wanted.lots - order->filled;
    HeldPlan plan;
    if (has_legs(*order) || order->asked.reduce_only)
        plan = held_book_.plan_change(held(*order), open, left, instrument.days.at(now_ns_));
    Refusal refusal = held_refusal(*order, plan);
    refusal.add(check(*order, left, wanted.price_ticks, wanted.stop_ticks, open, plan), instrument.symbol);
    if (!refusal.empty()) {
        say(*order, order->status, now_ns_, "change refused: " + refusal.words());
        return true;
    }
    order->changes.push_back(wanted);
    count_open(*order, open);
    rest(*order);
    matching_.modify(id, is_set(quantity) ? wanted.lots : 0, is_set(price) ? wanted.price_ticks : kNoPrice,
                     is_set(stop_price) ? wanted.stop_ticks : kNoPrice, now_ns_);
    settle_sent();
    return true;
}

// Count the lots of an open order of which so many counted before: the venue is asked for others, or no longer.
void TickEngine::count_open(const TickOrder& order, int64_t before) {
    const int64_t lots = order.counted() - before;
    if (lots == 0) return;
    risk_.reduce_order(order.strategy, order.instrument, order.asked.side, -lots);
    held_book_.expect(held(order), lots);
    tell_sides(order);
}

double TickEngine::position(uint32_t strategy, uint32_t instrument) const {
    return account_.quantity(instrument, seen_lots_[strategy - 1][instrument]);
}

}  // namespace gcg
