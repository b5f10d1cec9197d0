#include "gcg/held.h"

#include <algorithm>

namespace gcg {

namespace {

constexpr uint64_t kBadQuantity = 1u << 14, kUnsupported = 1u << 19;  // of RiskReason

bool is_close(Offset offset) {
    return offset >= Offset::close;
}

Offset asked(const HeldOrder& order) {
    return order.reduce_only && order.offset == Offset::none ? Offset::close : order.offset;
}

// What an order does to margin: a reduce-only one closes, whatever else it says.
Offset said(const HeldOrder& order) {
    return order.reduce_only ? Offset::close : order.offset;
}

PositionSide closes(Side side) {
    return side == Side::buy ? PositionSide::shorts : PositionSide::longs;
}

int64_t limit(Offset offset, const Closable& found) {
    return offset == Offset::close_today       ? found.today
           : offset == Offset::close_yesterday ? found.yesterday
                                               : found.lots();
}

}  // namespace

uint64_t HeldPlan::reason() const {
    switch (refusal) {
        case HeldRefusal::none:
            return 0;
        case HeldRefusal::nothing_left:
        case HeldRefusal::too_much:
        case HeldRefusal::too_large:
            return kBadQuantity;
        default:
            return kUnsupported;
    }
}

HeldPlan HeldBook::plan(const HeldOrder& order, int32_t trading_day) const {
    HeldPlan plan{.lots = order.lots, .offset = order.offset};
    const bool legs = account_.terms(order.instrument).legs;
    if (!legs && !order.reduce_only) return plan;
    const Open others = open(order.strategy, order.instrument, order.side);
    if (order.reduce_only) cut(order, others, trading_day, plan);
    if (!legs) return plan;
    if (plan.passed()) choose(order, others, trading_day, plan);
    measure(order, others, others, plan);
    return plan;
}

HeldPlan HeldBook::plan_change(const HeldOrder& order, int64_t counted, int64_t left, int32_t trading_day) const {
    HeldPlan plan{.lots = left, .offset = order.offset};
    const bool legs = account_.terms(order.instrument).legs;
    if (!legs && !order.reduce_only) return plan;
    const Open before = open(order.strategy, order.instrument, order.side);
    Open others = before;
    others.add(order, -order.lots, -counted);
    if (legs) {
        if (is_close(order.offset)) {
            plan.found = closable(order, others, trading_day);
            if (left > limit(order.offset, plan.found)) plan.refusal = HeldRefusal::too_much;
        }
        measure(order, others, before, plan);
    } else if (left > order.lots) {
        plan.found.yesterday = std::max<int64_t>(0, held(order.strategy, order.instrument, order.side) - others.all);
        if (left > plan.found.yesterday) plan.refusal = HeldRefusal::too_large;
    }
    return plan;
}

int64_t HeldBook::closing(uint32_t strategy, uint32_t instrument, Side side) const {
    const Open orders = open(strategy, instrument, side);
    return orders.unsaid + orders.closing;
}

HeldSides HeldBook::sides(uint32_t strategy, uint32_t instrument) const {
    const int64_t longs = held(strategy, instrument, Side::sell), shorts = held(strategy, instrument, Side::buy);
    const bool larger = account_.terms(instrument).larger_side;
    return {longs, shorts, opening(open(strategy, instrument, Side::buy), shorts, larger),
            opening(open(strategy, instrument, Side::sell), longs, larger)};
}

Closable HeldBook::closable(uint32_t strategy, uint32_t instrument, Side side, int32_t trading_day) const {
    return closable({.strategy = strategy, .instrument = instrument, .side = side}, open(strategy, instrument, side),
                    trading_day);
}

// ---- inside

void HeldBook::Open::add(const HeldOrder& order, int64_t left, int64_t counted) {
    all += left;
    if (order.offset == Offset::close_today)
        today += left;
    else if (order.offset == Offset::close_yesterday)
        yesterday += left;
    else if (order.offset != Offset::open)
        either += left;
    const Offset does = said(order);
    (does == Offset::open ? opening : does == Offset::none ? unsaid : closing) += counted;
}

void HeldBook::add(const HeldOrder& order, int64_t left, int64_t counted) {
    if (order.instrument >= rows_.size()) rows_.resize(std::size_t{order.instrument} + 1);
    std::vector<Row>& rows = rows_[order.instrument];
    if (order.strategy >= rows.size()) rows.resize(std::size_t{order.strategy} + 1);
    rows[order.strategy].sides[order.side == Side::sell].add(order, left, counted);
}

HeldBook::Open HeldBook::open(uint32_t strategy, uint32_t instrument, Side side) const {
    if (instrument >= rows_.size() || strategy >= rows_[instrument].size()) return {};
    return rows_[instrument][strategy].sides[side == Side::sell];
}

// The lots that orders of a side would close; below 0 if a net position is on the other side.
int64_t HeldBook::held(uint32_t strategy, uint32_t instrument, Side side) const {
    if (!account_.terms(instrument).legs) {
        const int64_t net = account_.net_lots(strategy, instrument);
        return side == Side::sell ? net : -net;
    }
    const HeldPosition* position = account_.position(strategy, instrument, closes(side));
    return position ? position->size() : 0;
}

Closable HeldBook::closable(const HeldOrder& order, const Open& others, int32_t trading_day) const {
    const HeldPosition* position = account_.position(order.strategy, order.instrument, closes(order.side));
    if (!position || position->lots == 0) return {};
    const int64_t held_today = position->today_at(trading_day), held_yesterday = position->size() - held_today;
    // The oldest lots go first. What an order was to close on the day that is over, it closes of what is older now.
    const int64_t either = others.either + std::max<int64_t>(0, others.today - held_today);
    const int64_t today = std::max<int64_t>(0, held_today - others.today);
    const int64_t yesterday = std::max<int64_t>(0, held_yesterday - others.yesterday);
    const int64_t rest = std::max<int64_t>(0, either - yesterday);
    return {std::max<int64_t>(0, today - rest), std::max<int64_t>(0, yesterday - either), held_today, held_yesterday};
}

// An order without an offset closes first. Where both sides tie up margin, what it closes makes room for as much again.
int64_t HeldBook::opening(const Open& orders, int64_t held, bool larger_side) const {
    const int64_t free = std::max<int64_t>(0, held - orders.closing);
    return orders.opening + std::max<int64_t>(0, orders.unsaid - (larger_side ? free : 2 * free));
}

// What the risk check has to know: `others` are the open orders without what the order replaces, which is in `before`.
void HeldBook::measure(const HeldOrder& order, const Open& others, const Open& before, HeldPlan& plan) const {
    const int64_t held = this->held(order.strategy, order.instrument, order.side);
    const bool larger = account_.terms(order.instrument).larger_side;
    Open with = others;
    with.add(order, 0, plan.lots);
    plan.adds = opening(with, held, larger) - opening(before, held, larger);
    const Offset does = said(order);
    if (does == Offset::none)
        plan.opens = std::max<int64_t>(0, plan.lots - std::max<int64_t>(0, held - others.closing));
    else
        plan.opens = does == Offset::open ? plan.lots : 0;
}

// A reduce-only order gets what is left to close at most.
void HeldBook::cut(const HeldOrder& order, const Open& others, int32_t trading_day, HeldPlan& plan) const {
    if (account_.terms(order.instrument).legs) {
        plan.found = closable(order, others, trading_day);
    } else {
        const int64_t held = this->held(order.strategy, order.instrument, order.side);
        plan.found = {0, held - others.all, 0, held};
    }
    const int64_t left = plan.found.lots();
    if (left <= 0)
        plan.refusal = HeldRefusal::nothing_left;
    else
        plan.lots = std::min(plan.lots, left);
}

void HeldBook::choose(const HeldOrder& order, const Open& others, int32_t trading_day, HeldPlan& plan) const {
    const Offset wanted = asked(order);
    if (wanted == Offset::open) {
        if (order.reduce_only) plan.refusal = HeldRefusal::would_open;
        return;
    }
    const Closable found = plan.found = closable(order, others, trading_day);
    const bool nets = nets_ && found.lots() == found.held();  // else it would close what other orders are to close
    auto only_if_nets = [&] {
        plan.offset = Offset::none;
        if (!nets) plan.refusal = HeldRefusal::two_orders;
    };
    if (wanted == Offset::none && found.lots() == 0) {
        plan.offset = Offset::open;
    } else if (wanted == Offset::none && plan.lots > found.lots()) {
        only_if_nets();
    } else if (plan.lots > limit(wanted, found)) {
        plan.refusal = HeldRefusal::too_much;
    } else if (!account_.terms(order.instrument).today_apart) {
        plan.offset = Offset::close;
        if (wanted == Offset::close_today && found.held_yesterday) plan.refusal = HeldRefusal::oldest_first;
    } else if (wanted == Offset::close_today || wanted == Offset::close_yesterday) {
        plan.offset = wanted;
    } else if (plan.lots <= found.yesterday) {
        plan.offset = Offset::close_yesterday;
    } else if (plan.lots <= found.today) {
        plan.offset = Offset::close_today;
    } else {
        only_if_nets();
    }
}

}  // namespace gcg
