#include "gcg/risk.h"

#include <algorithm>
#include <cmath>

namespace gcg {

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 86'400 * kSecondNs;

bool is_set(double value) {
    return value == value;
}
bool is_limit(double value) {
    return is_set(value) && value != kOff;
}

void add(RiskResult& result, uint64_t reason, double value, double limit) {
    result.findings[static_cast<std::size_t>(result.count++)] = {reason, value, limit};
}

}  // namespace

// ---- what it knows

void RiskEngine::set_terms(uint32_t instrument, const RiskTerms& terms) {
    if (instrument >= assets_.size()) assets_.resize(instrument + 1);
    assets_[instrument].terms = terms;
    assets_[instrument].known = true;
}

bool RiskEngine::knows(uint32_t instrument) const {
    return instrument < assets_.size() && assets_[instrument].known;
}

void RiskEngine::set_limits(uint32_t strategy, uint32_t instrument, const RiskLimits& limits) {
    limits_[key(strategy, instrument)] = limits;
}

void RiskEngine::set_ledger(uint32_t currency, double amount) {
    if (currency >= ledgers_.size()) ledgers_.resize(currency + 1, 0.0);
    ledgers_[currency] = amount;
}

void RiskEngine::set_rate(uint32_t currency, double to_account_currency) {
    if (currency >= rates_.size()) rates_.resize(currency + 1, 1.0);
    rates_[currency] = to_account_currency;
}

void RiskEngine::set_last_price(uint32_t instrument, double price) {
    if (knows(instrument) && !is_set(assets_[instrument].last)) assets_[instrument].last = price;
}

// ---- what happens

int RiskEngine::on_tick(const Tick& tick) {
    double price = tick.last_price;
    if (!is_set(price)) {
        price = (tick.bid_price + tick.ask_price) / 2;
        if (!is_set(price)) price = is_set(tick.bid_price) ? tick.bid_price : tick.ask_price;
    }
    return this->price(tick.instrument, price, tick.event_ns, true);
}

int RiskEngine::on_trade(const TradeTick& trade) {
    return price(trade.instrument, trade.price, trade.event_ns, true);
}

int RiskEngine::on_depth(const Depth& depth) {
    // A book says something new only of an instrument that nobody trades.
    if (knows(depth.instrument) && is_set(assets_[depth.instrument].last)) return new_day(depth.event_ns);
    return price(depth.instrument, (depth.bid_prices[0] + depth.ask_prices[0]) / 2, depth.event_ns, false);
}

int RiskEngine::on_bar(const Bar& bar) {
    if (knows(bar.instrument) && assets_[bar.instrument].fine) return new_day(bar.event_ns);
    return price(bar.instrument, bar.close, bar.event_ns, false);
}

int RiskEngine::price(uint32_t instrument, double price, int64_t event_ns, bool fine) {
    if (!knows(instrument)) return market_signal::kUnknown;
    Asset& asset = assets_[instrument];
    int signals = new_day(event_ns);
    asset.fine |= fine;
    if (!is_set(price)) return signals;
    asset.last = price;
    if (asset.holders > 0 && price != asset.marked &&
        (asset.mark_ns == kNoPrice || event_ns - asset.mark_ns >= mark_interval_ns_)) {
        asset.marked = price;
        asset.mark_ns = event_ns;
        signals |= market_signal::kMark;
    }
    return signals;
}

int RiskEngine::new_day(int64_t event_ns) {
    clock_ns_ = std::max(clock_ns_, event_ns);
    const int64_t day = event_ns / kDayNs;
    if (day <= day_) return 0;
    day_ = day;
    return market_signal::kNewDay;
}

void RiskEngine::activate(uint32_t instrument) {
    if (!knows(instrument) || assets_[instrument].active) return;
    assets_[instrument].active = true;
    active_.push_back(instrument);
}

template <typename Change>
void RiskEngine::each_scope(uint32_t strategy, uint32_t instrument, Change change) {
    change(exposures_[key(strategy, instrument)], true);
    change(exposures_[key(0, instrument)], true);
    change(exposures_[key(strategy, 0)], false);  // lots of different instruments have no sum
    change(exposures_[key(0, 0)], false);
}

void RiskEngine::count_order(uint32_t strategy, uint32_t instrument, int64_t now_ns) {
    for (const uint64_t scope : {key(strategy, 0), key(strategy, instrument)}) {
        auto& times = times_[scope];
        times.push_back(now_ns);
        while (times.front() <= now_ns - kSecondNs) times.pop_front();
    }
}

void RiskEngine::open_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots) {
    activate(instrument);
    each_scope(strategy, instrument, [&](Exposure& exposure, bool counts_lots) {
        ++exposure.open_orders;
        if (counts_lots) (side == Side::buy ? exposure.open_buys : exposure.open_sells) += lots;
    });
}

void RiskEngine::reduce_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots) {
    each_scope(strategy, instrument, [&](Exposure& exposure, bool counts_lots) {
        if (counts_lots) (side == Side::buy ? exposure.open_buys : exposure.open_sells) -= lots;
    });
}

void RiskEngine::close_order(uint32_t strategy, uint32_t instrument, Side side, int64_t left) {
    reduce_order(strategy, instrument, side, left);
    each_scope(strategy, instrument, [](Exposure& exposure, bool) { --exposure.open_orders; });
}

void RiskEngine::move_position(uint32_t strategy, uint32_t instrument, int64_t signed_lots) {
    activate(instrument);
    int64_t& own = exposures_[key(strategy, instrument)].position;
    const bool held = own != 0;
    own += signed_lots;
    exposures_[key(0, instrument)].position += signed_lots;
    if (knows(instrument)) assets_[instrument].holders += static_cast<int>(own != 0) - static_cast<int>(held);
}

// ---- what it says

double RiskEngine::last_price(uint32_t instrument) const {
    return knows(instrument) ? assets_[instrument].last : kNaN;
}

const RiskEngine::Exposure& RiskEngine::exposure(uint32_t strategy, uint32_t instrument) const {
    static const Exposure none;
    const auto found = exposures_.find(key(strategy, instrument));
    return found == exposures_.end() ? none : found->second;
}

int64_t RiskEngine::position(uint32_t strategy, uint32_t instrument) const {
    return exposure(strategy, instrument).position;
}

int64_t RiskEngine::open_orders(uint32_t strategy, uint32_t instrument) const {
    return exposure(strategy, instrument).open_orders;
}

int64_t RiskEngine::open_lots(uint32_t strategy, uint32_t instrument, Side side) const {
    const Exposure& open = exposure(strategy, instrument);
    return side == Side::buy ? open.open_buys : open.open_sells;
}

double RiskEngine::rate(uint32_t currency) const {
    return currency < rates_.size() ? rates_[currency] : 1.0;
}

double RiskEngine::unit(const Asset& asset) const {
    return asset.terms.grid.lot_size * asset.terms.multiplier * rate(asset.terms.currency);
}

double RiskEngine::equity() const {
    double sum = 0;
    for (uint32_t currency = 0; currency < ledgers_.size(); ++currency) sum += ledgers_[currency] * rate(currency);
    for (const uint32_t instrument : active_) {
        const int64_t lots = position(0, instrument);
        const Asset& asset = assets_[instrument];
        if (lots != 0) sum += static_cast<double>(lots) * unit(asset) * asset.last;
    }
    return sum;
}

double RiskEngine::tied_up_by(uint32_t instrument) const {
    const Asset& asset = assets_[instrument];
    if (!is_set(asset.last)) return 0;
    const auto worst = static_cast<double>(exposure(0, instrument).worst());
    return worst * unit(asset) * std::fabs(asset.last) * asset.terms.margin_rate;
}

double RiskEngine::tied_up() const {
    double sum = 0;
    for (const uint32_t instrument : active_) sum += tied_up_by(instrument);
    return sum;
}

double RiskEngine::daily_profit() const {
    return equity() - day_base_;
}

RiskEngine::Rule RiskEngine::rule(double RiskLimits::* member, const RiskOrder& order) const {
    const uint32_t scopes[4][2] = {
        {order.strategy, order.instrument}, {0, order.instrument}, {order.strategy, 0}, {0, 0}};
    for (const auto& [strategy, instrument] : scopes) {
        const auto found = limits_.find(key(strategy, instrument));
        if (found != limits_.end() && is_set(found->second.*member))
            return {found->second.*member, strategy, instrument};
    }
    return {kNaN, 0, 0};
}

RiskResult RiskEngine::check(const RiskOrder& order) const {
    RiskResult result;
    if (!knows(order.instrument)) {
        if (kill_switch_) add(result, risk_reason::kKillSwitch, kNaN, kNaN);
        add(result, risk_reason::kUnknownInstrument, kNaN, kNaN);
        return result;
    }
    const Asset& asset = assets_[order.instrument];
    const bool has_limit = order.price_ticks != kNoPrice;
    const double price = has_limit ? static_cast<double>(order.price_ticks) * asset.terms.grid.tick_size : asset.last;
    const Exposure& all = exposure(0, order.instrument);
    const int64_t open = (order.side == Side::buy ? all.open_buys : all.open_sells) - order.replaces_lots;
    const bool reduces = order.lots <= (order.side == Side::buy ? -all.position : all.position) - open;
    check_size(order, price, result);
    check_position(order, price, result);
    check_flow(order, reduces, result);
    check_money(order, price, result);
    if (kill_switch_) add(result, risk_reason::kKillSwitch, kNaN, kNaN);
    if (!has_limit && !is_set(asset.last)) add(result, risk_reason::kNoMarket, kNaN, kNaN);
    return result;
}

void RiskEngine::check_size(const RiskOrder& order, double price, RiskResult& result) const {
    const RiskTerms& terms = assets_[order.instrument].terms;
    const double quantity = static_cast<double>(order.lots) * terms.grid.lot_size;
    if (const Rule most = rule(&RiskLimits::order_quantity, order); is_limit(most.limit)) {
        ++result.rules;
        if (order.lots > terms.grid.lots(most.limit)) add(result, risk_reason::kOrderSize, quantity, most.limit);
    }
    if (const Rule most = rule(&RiskLimits::order_value, order); is_limit(most.limit)) {
        ++result.rules;
        const double value = quantity * terms.multiplier * std::fabs(price);
        if (value > most.limit) add(result, risk_reason::kOrderValue, value, most.limit);
    }
}

void RiskEngine::check_position(const RiskOrder& order, double price, RiskResult& result) const {
    const Asset& asset = assets_[order.instrument];
    // The position if this order and all open ones of its side fill, positive in the order's direction.
    auto after = [&](const Rule& most) {
        const Exposure& held = exposure(most.strategy, order.instrument);
        return order.side == Side::buy ? held.position + held.open_buys - order.replaces_lots + order.lots
                                       : -held.position + held.open_sells - order.replaces_lots + order.lots;
    };
    if (const Rule most = rule(&RiskLimits::position_quantity, order); is_limit(most.limit)) {
        ++result.rules;
        const int64_t lots = after(most);
        if (lots > asset.terms.grid.lots(most.limit))
            add(result, risk_reason::kPositionSize, static_cast<double>(lots) * asset.terms.grid.lot_size, most.limit);
    }
    if (const Rule most = rule(&RiskLimits::position_value, order); is_limit(most.limit)) {
        ++result.rules;
        const double reference = std::fabs(is_set(asset.last) ? asset.last : price);
        const double value =
            static_cast<double>(after(most)) * asset.terms.grid.lot_size * asset.terms.multiplier * reference;
        if (value > most.limit) add(result, risk_reason::kPositionValue, value, most.limit);
    }
}

void RiskEngine::check_flow(const RiskOrder& order, bool reduces, RiskResult& result) const {
    if (is_limit(daily_loss_) && is_set(day_base_)) {
        ++result.rules;
        const double loss = -daily_profit();
        if (!reduces && loss >= daily_loss_) add(result, risk_reason::kDailyLoss, loss, daily_loss_);
    }
    if (const Rule most = rule(&RiskLimits::orders_per_second, order); is_limit(most.limit)) {
        ++result.rules;
        const auto scope = times_.find(key(order.strategy, most.instrument));
        const double count = scope == times_.end() ? 1 : 1 + recent_orders(scope->second, order.now_ns);
        if (count > most.limit) add(result, risk_reason::kOrderRate, count, most.limit);
    }
    if (const Rule most = rule(&RiskLimits::open_orders, order); is_limit(most.limit) && order.replaces_lots == 0) {
        ++result.rules;
        const auto count = static_cast<double>(open_orders(most.strategy, most.instrument)) + 1;
        if (count > most.limit) add(result, risk_reason::kOpenOrders, count, most.limit);
    }
    const Asset& asset = assets_[order.instrument];
    if (const Rule most = rule(&RiskLimits::price_band, order);
        is_limit(most.limit) && order.price_ticks != kNoPrice && is_set(asset.last)) {
        ++result.rules;
        const int64_t last = asset.terms.grid.nearest(asset.last);
        const auto reach = static_cast<int64_t>(most.limit * std::fabs(static_cast<double>(last)) + 1e-6);
        if (std::llabs(order.price_ticks - last) > reach) {
            const double distance =
                std::fabs(static_cast<double>(order.price_ticks - last) / static_cast<double>(last));
            add(result, risk_reason::kPriceBand, distance, most.limit);
        }
    }
}

double RiskEngine::recent_orders(const std::deque<int64_t>& times, int64_t now_ns) {
    double count = 0;
    for (auto at = times.rbegin(); at != times.rend() && *at > now_ns - kSecondNs; ++at) ++count;
    return count;
}

void RiskEngine::check_money(const RiskOrder& order, double price, RiskResult& result) const {
    if (!buying_power_) return;
    ++result.rules;
    const Asset& asset = assets_[order.instrument];
    const Exposure& now = exposure(0, order.instrument);
    Exposure then = now;
    (order.side == Side::buy ? then.open_buys : then.open_sells) += order.lots - order.replaces_lots;
    const int64_t more = then.worst() - now.worst();
    if (more <= 0) return;
    const double each = unit(asset) * std::fabs(price) * (asset.terms.margin_rate + asset.terms.fee_rate);
    const double needed = static_cast<double>(more) * each, available = equity() - tied_up();
    if (needed > available) add(result, risk_reason::kBuyingPower, needed, available);
}

}  // namespace gcg
