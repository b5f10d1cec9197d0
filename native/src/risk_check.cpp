// The rules of the risk check, each of which is measured and adds its reason if it is broken.
#include <algorithm>
#include <cmath>

#include "gcg/risk.h"

namespace gcg {

namespace {

constexpr int64_t kRateNs = 1'000'000'000;  // what a rate of orders is counted over

bool is_limit(double value) {
    return is_set(value) && value != kOff;
}
// An event time for a finding, in seconds since the epoch.
double seconds(int64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

}  // namespace

void RiskEngine::Case::refuse(uint64_t reason, double value, double limit) const {
    result.findings[static_cast<std::size_t>(result.count++)] = {reason, value, limit};
}

RiskEngine::Rule RiskEngine::Case::rule(double RiskLimits::* member) const {
    const uint32_t strategies[] = {order.strategy, 0, order.strategy, 0};
    const uint32_t instruments[] = {order.instrument, order.instrument, 0, 0};
    for (std::size_t i = 0; i < scopes.size(); ++i)
        if (scopes[i] && is_set(scopes[i]->*member)) return {scopes[i]->*member, strategies[i], instruments[i]};
    return {kNaN, 0, 0};
}

// A rule without a number that is on counts as measured.
bool RiskEngine::Case::is_on(double RiskLimits::* member) const {
    if (!is_limit(rule(member).limit)) return false;
    ++result.rules;
    return true;
}

const RiskLimits* RiskEngine::limits_of(uint32_t strategy, uint32_t instrument) const {
    const auto found = limits_.find(key(strategy, instrument));
    return found == limits_.end() ? nullptr : &found->second;
}

RiskResult RiskEngine::check(const RiskOrder& order) const {
    RiskResult result;
    if (!knows(order.instrument)) {
        if (kill_switch_) result.findings[static_cast<std::size_t>(result.count++)] = {risk_reason::kKillSwitch};
        result.findings[static_cast<std::size_t>(result.count++)] = {risk_reason::kUnknownInstrument};
        return result;
    }
    const Asset& asset = assets_[order.instrument];
    const int64_t ticks = order.price_ticks != kNoPrice ? order.price_ticks : order.stop_ticks;
    const double price = ticks != kNoPrice ? static_cast<double>(ticks) * asset.terms.grid.tick_size : asset.last;
    const int64_t held = order.side == Side::buy ? -asset.all.position : asset.all.position;
    const int64_t open = order.side == Side::buy ? asset.all.open_buys : asset.all.open_sells;
    const bool reduces =
        asset.terms.sides == Sides::net ? order.lots <= held - (open - order.replaces_lots) : order.opens <= 0;
    const std::array<const RiskLimits*, 4> scopes = {limits_of(order.strategy, order.instrument),
                                                     limits_of(0, order.instrument), limits_of(order.strategy, 0),
                                                     limits_of(0, 0)};
    const Case one{order, asset, scopes, price, reduces, sums(), result};
    check_size(one);
    check_position(one);
    check_loss(one);
    check_rate(one);
    check_concentration(one);
    check_open_orders(one);
    check_price_band(one);
    check_self_trade(one);
    check_session(one);
    check_money(one);
    check_t_plus_one(one);
    if (kill_switch_) one.refuse(risk_reason::kKillSwitch, kNaN, kNaN);
    if (order.price_ticks == kNoPrice && !is_set(asset.last)) one.refuse(risk_reason::kNoMarket, kNaN, kNaN);
    check_price_limit(one);
    return result;
}

void RiskEngine::check_size(const Case& one) const {
    const RiskTerms& terms = one.asset.terms;
    const double quantity = static_cast<double>(one.order.lots) * terms.grid.lot_size;
    if (const Rule most = one.rule(&RiskLimits::order_quantity); is_limit(most.limit)) {
        ++one.result.rules;
        if (one.order.lots > terms.grid.lots(most.limit)) one.refuse(risk_reason::kOrderSize, quantity, most.limit);
    }
    if (const Rule most = one.rule(&RiskLimits::order_value); is_limit(most.limit)) {
        ++one.result.rules;
        const double value = quantity * terms.multiplier * std::fabs(terms.worth(one.price));
        if (value > most.limit) one.refuse(risk_reason::kOrderValue, value, most.limit);
    }
}

// The position where a limit was set if this order and all open ones of its side fill, positive in the order's
// direction: what only closes is negative or 0, and so below every limit. Where sides are held apart and the venue
// margins both, the other side and what may open there count as well.
int64_t RiskEngine::after(const Case& one, const Rule& most) const {
    const Exposure& held = exposure(most.strategy, one.order.instrument);
    if (const Sides sides = one.asset.terms.sides; sides != Sides::net) {
        if (one.order.opens <= 0) return 0;
        const int64_t high = held.longs + held.opening_buys, low = held.shorts + held.opening_sells;
        return one.order.adds + (sides == Sides::both ? high + low : one.buys() ? high : low);
    }
    const int64_t before = one.buys() ? held.position + held.open_buys : -held.position + held.open_sells;
    return before - one.order.replaces_lots + one.order.lots;
}

void RiskEngine::check_position(const Case& one) const {
    const RiskTerms& terms = one.asset.terms;
    if (const Rule most = one.rule(&RiskLimits::position_quantity); is_limit(most.limit)) {
        ++one.result.rules;
        const int64_t lots = after(one, most);
        if (lots > terms.grid.lots(most.limit))
            one.refuse(risk_reason::kPositionSize, static_cast<double>(lots) * terms.grid.lot_size, most.limit);
    }
    if (const Rule most = one.rule(&RiskLimits::position_value); is_limit(most.limit)) {
        ++one.result.rules;
        const double reference = std::fabs(terms.worth(is_set(one.asset.last) ? one.asset.last : one.price));
        const double value = static_cast<double>(after(one, most)) * terms.grid.lot_size * terms.multiplier * reference;
        if (value > most.limit) one.refuse(risk_reason::kPositionValue, value, most.limit);
    }
}

void RiskEngine::check_loss(const Case& one) const {
    if (!is_limit(daily_loss_) || !is_set(day_base_)) return;
    ++one.result.rules;
    const double loss = -(one.sums.equity - day_base_);
    if (!one.reduces && loss >= daily_loss_) one.refuse(risk_reason::kDailyLoss, loss, daily_loss_);
}

void RiskEngine::check_rate(const Case& one) const {
    const Rule most = one.rule(&RiskLimits::orders_per_second);
    if (!is_limit(most.limit)) return;
    ++one.result.rules;
    const auto scope = times_.find(key(one.order.strategy, most.instrument));
    double count = 1;
    if (scope != times_.end()) {
        const auto& times = scope->second;
        const auto recent = std::upper_bound(times.begin(), times.end(), one.order.now_ns - kRateNs);
        count += static_cast<double>(times.end() - recent);
    }
    if (count > most.limit) one.refuse(risk_reason::kOrderRate, count, most.limit);
}

void RiskEngine::check_concentration(const Case& one) const {
    const Rule most = one.rule(&RiskLimits::concentration);
    if (!is_limit(most.limit)) return;
    ++one.result.rules;
    const double reference = std::fabs(one.asset.terms.worth(is_set(one.asset.last) ? one.asset.last : one.price));
    const double value = static_cast<double>(after(one, most)) * unit(one.asset) * reference, equity = one.sums.equity;
    if (!(value > 0)) return;  // it closes, or there is no price, which is a reason of its own
    const double share = equity > 0 ? value / equity : std::numeric_limits<double>::infinity();
    if (share > most.limit) one.refuse(risk_reason::kConcentration, share, most.limit);
}

void RiskEngine::check_open_orders(const Case& one) const {
    const Rule most = one.rule(&RiskLimits::open_orders);
    if (!is_limit(most.limit) || one.order.replaces_lots != 0) return;
    ++one.result.rules;
    const auto count = static_cast<double>(exposure(most.strategy, most.instrument).open_orders) + 1;
    if (count > most.limit) one.refuse(risk_reason::kOpenOrders, count, most.limit);
}

void RiskEngine::check_price_band(const Case& one) {
    const Rule most = one.rule(&RiskLimits::price_band);
    const int64_t ticks = one.order.price_ticks;
    if (!is_limit(most.limit) || ticks == kNoPrice || !is_set(one.asset.last)) return;
    ++one.result.rules;
    const int64_t last = one.asset.terms.grid.nearest(one.asset.last);
    const auto reach = static_cast<int64_t>(most.limit * std::fabs(static_cast<double>(last)) + 1e-6);
    if (std::llabs(ticks - last) > reach) {
        const double distance = std::fabs(static_cast<double>(ticks - last) / static_cast<double>(last));
        one.refuse(risk_reason::kPriceBand, distance, most.limit);
    }
}

// A limit order trades with whatever it reaches; a market order is taken to reach the opposite quote. A stop that was
// not triggered is in no book: it neither finds nor is found.
void RiskEngine::check_self_trade(const Case& one) {
    if (one.order.stop_ticks != kNoPrice || !one.is_on(&RiskLimits::self_trade)) return;
    const auto& own = one.buys() ? one.asset.sells : one.asset.buys;
    if (own.empty()) return;
    const int64_t nearest = one.buys() ? own.front() : own.back();
    int64_t reach = one.order.price_ticks;
    if (reach == kNoPrice) {
        const double quote = one.buys() ? one.asset.ask : one.asset.bid;
        reach = one.asset.terms.grid.nearest(is_set(quote) ? quote : one.asset.last);
        if (reach == kNoPrice) return;  // no market at all, which is a reason of its own
    }
    if (one.buys() ? nearest <= reach : nearest >= reach)
        one.refuse(risk_reason::kSelfTrade, one.at(reach), one.at(nearest));
}

void RiskEngine::check_session(const Case& one) const {
    if (one.asset.terms.calendar == 0 || !one.is_on(&RiskLimits::session)) return;
    Sessions& sessions = sessions_[one.asset.terms.calendar];
    const auto& opens = sessions.opens;
    const int64_t now_ns = one.order.now_ns;
    const std::size_t count = opens.size();
    std::size_t& row = sessions.row;  // of the last opening that is not later than now; `count` if there is none
    const bool same = row < count && opens[row] <= now_ns && (row + 1 == count || now_ns < opens[row + 1]);
    if (!same) {
        const auto after = std::upper_bound(opens.begin(), opens.end(), now_ns);
        row = after == opens.begin() ? count : static_cast<std::size_t>(after - opens.begin()) - 1;
    }
    if (row < count && now_ns < sessions.closes[row]) return;
    const std::size_t next = row == count ? 0 : row + 1;
    one.refuse(risk_reason::kSessionClosed, seconds(now_ns), next < count ? seconds(opens[next]) : kNaN);
}

void RiskEngine::check_money(const Case& one) const {
    if (!buying_power_) return;
    ++one.result.rules;
    const Asset& asset = one.asset;
    Exposure then = asset.all;
    (one.buys() ? then.open_buys : then.open_sells) += one.order.lots - one.order.replaces_lots;
    (one.buys() ? then.opening_buys : then.opening_sells) += one.order.adds;
    const int64_t more = then.worst(asset.terms.sides) - asset.all.worst(asset.terms.sides);
    if (more <= 0) return;
    const double each =
        unit(asset) * std::fabs(asset.terms.worth(one.price)) * (asset.terms.margin_rate + asset.terms.fee_rate);
    const double needed = static_cast<double>(more) * each, available = one.sums.equity - one.sums.tied_up;
    if (needed > available) one.refuse(risk_reason::kBuyingPower, needed, available);
}

// What may be sold is what the account held when the day began, less what was sold since and what open sells may sell.
void RiskEngine::check_t_plus_one(const Case& one) {
    const Asset& asset = one.asset;
    if (!asset.terms.t_plus_one || one.buys() || !one.is_on(&RiskLimits::t_plus_one)) return;
    const int32_t today = one.order.trading_day != 0 ? one.order.trading_day : asset.trading_day;
    const int64_t bought = asset.bought_day >= today ? asset.bought : 0;
    const int64_t free = asset.all.position - bought - (asset.all.open_sells - one.order.replaces_lots);
    const double lot = asset.terms.grid.lot_size;
    if (one.order.lots > free) {
        const double left = static_cast<double>(std::max<int64_t>(free, 0)) * lot;
        one.refuse(risk_reason::kTPlusOne, static_cast<double>(one.order.lots) * lot, left);
    }
}

// Only a limit price can be outside: market orders take what there is, and a stop may be triggered on a later day.
void RiskEngine::check_price_limit(const Case& one) {
    const Asset& asset = one.asset;
    const int64_t ticks = one.order.price_ticks;
    if (ticks == kNoPrice || (asset.lowest == kNoPrice && asset.highest == kNoPrice)) return;
    if (asset.trading_day != 0 && one.order.trading_day > asset.trading_day) return;  // today's are not told yet
    if (!one.is_on(&RiskLimits::price_limit)) return;
    if (asset.lowest != kNoPrice && ticks < asset.lowest)
        one.refuse(risk_reason::kPriceLimit, one.at(ticks), one.at(asset.lowest));
    else if (asset.highest != kNoPrice && ticks > asset.highest)
        one.refuse(risk_reason::kPriceLimit, one.at(ticks), one.at(asset.highest));
}

}  // namespace gcg
