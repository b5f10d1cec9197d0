// What the risk check knows, and what happens to it. Its rules are in risk_check.cpp.
#include "gcg/risk.h"

#include <algorithm>
#include <cmath>

namespace gcg {

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 86'400 * kSecondNs;

// Exchanges round the day's limits half up to the tick; what floating point leaves behind must not decide a half.
int64_t half_up(double exact) {
    const double whole = std::floor(exact + 0.5 + 1e-6);
    return std::fabs(whole) < kMostUnits ? static_cast<int64_t>(whole) : kNoPrice;
}

}  // namespace

// ---- what it knows

RiskEngine::Asset& RiskEngine::asset(uint32_t instrument) {
    if (instrument >= assets_.size()) assets_.resize(instrument + 1);
    return assets_[instrument];
}

void RiskEngine::set_terms(uint32_t instrument, const RiskTerms& terms) {
    Asset& asset = this->asset(instrument);
    asset.terms = terms;
    asset.known = true;
    reckon_limits(asset);
    if (terms.calendar >= sessions_.size()) sessions_.resize(terms.calendar + 1);
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

void RiskEngine::set_sessions(uint32_t calendar, std::vector<int64_t> opens, std::vector<int64_t> closes) {
    if (calendar >= sessions_.size()) sessions_.resize(calendar + 1);
    closes.resize(opens.size());
    sessions_[calendar] = {std::move(opens), std::move(closes)};
}

void RiskEngine::set_bought(uint32_t instrument, int32_t trading_day, int64_t lots) {
    Asset& asset = this->asset(instrument);
    asset.bought_day = trading_day;
    asset.bought = lots;
}

// ---- what happens

int RiskEngine::on_tick(const Tick& tick) {
    double price = tick.last_price;
    if (!is_set(price)) {
        price = (tick.bid_price + tick.ask_price) / 2;
        if (!is_set(price)) price = is_set(tick.bid_price) ? tick.bid_price : tick.ask_price;
    }
    if (knows(tick.instrument)) {
        Asset& asset = assets_[tick.instrument];
        if (is_set(tick.bid_price)) asset.bid = tick.bid_price;
        if (is_set(tick.ask_price)) asset.ask = tick.ask_price;
        if (begin_day(asset, tick.trading_day, tick.event_ns)) learn_limits(asset, tick);
    }
    return this->price(tick.instrument, price, tick.event_ns, true);
}

int RiskEngine::on_trade(const TradeTick& trade) {
    if (knows(trade.instrument)) begin_day(assets_[trade.instrument], trade.trading_day, trade.event_ns);
    return price(trade.instrument, trade.price, trade.event_ns, true);
}

int RiskEngine::on_depth(const Depth& depth) {
    if (knows(depth.instrument)) {
        Asset& asset = assets_[depth.instrument];
        if (is_set(depth.bid_prices[0])) asset.bid = depth.bid_prices[0];
        if (is_set(depth.ask_prices[0])) asset.ask = depth.ask_prices[0];
        begin_day(asset, depth.trading_day, depth.event_ns);
        // A book says a new price only of an instrument that nobody trades.
        if (is_set(asset.last)) return new_day(depth.event_ns);
    }
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

// Take in the trading day that a record tells; return whether it is the newest one, or none is told.
bool RiskEngine::begin_day(Asset& asset, int32_t trading_day, int64_t event_ns) {
    if (trading_day == 0) return true;
    if (trading_day < asset.trading_day) return false;
    if (trading_day > asset.trading_day) {
        asset.trading_day = trading_day;
        asset.close = asset.settlement = asset.low_limit = asset.high_limit = kNaN;  // yesterday's
        asset.lowest = asset.highest = kNoPrice;
    }
    asset.day_ns = std::max(asset.day_ns, event_ns);
    return true;
}

// What a tick tells of the day; what it leaves out stays as an earlier one of the day told it.
void RiskEngine::learn_limits(Asset& asset, const Tick& tick) {
    bool changed = false;
    auto take = [&changed](double& known, double told) {
        if (!is_set(told) || told == known) return;
        known = told;
        changed = true;
    };
    take(asset.close, tick.prev_close);
    take(asset.settlement, tick.prev_settlement);
    take(asset.low_limit, tick.lower_limit);
    take(asset.high_limit, tick.upper_limit);
    if (changed) reckon_limits(asset);
}

// The limits in force: those that the market told, else what the terms make of the previous day's price.
void RiskEngine::reckon_limits(Asset& asset) {
    const RiskTerms& terms = asset.terms;
    const double base = terms.by_settlement && is_set(asset.settlement) ? asset.settlement : asset.close;
    asset.lowest = asset.highest = kNoPrice;
    if (is_set(terms.price_limit) && is_set(base)) {
        asset.lowest = half_up(base * (1 - terms.price_limit) / terms.grid.tick_size);
        asset.highest = half_up(base * (1 + terms.price_limit) / terms.grid.tick_size);
    }
    if (is_set(asset.low_limit)) asset.lowest = terms.grid.nearest(asset.low_limit);
    if (is_set(asset.high_limit)) asset.highest = terms.grid.nearest(asset.high_limit);
}

void RiskEngine::activate(uint32_t instrument) {
    if (!knows(instrument) || assets_[instrument].active) return;
    assets_[instrument].active = true;
    // In the order of the numbers: sums of floats do not depend on which was first.
    active_.insert(std::lower_bound(active_.begin(), active_.end(), instrument), instrument);
}

template <typename Change>
void RiskEngine::each_scope(uint32_t strategy, uint32_t instrument, Change change) {
    change(exposures_[key(strategy, instrument)], true);
    change(asset(instrument).all, true);
    change(exposures_[key(strategy, 0)], false);  // lots of different instruments have no sum
    change(total_, false);
}

void RiskEngine::count_order(uint32_t strategy, uint32_t instrument, int64_t now_ns) {
    for (const uint64_t scope : {key(strategy, 0), key(strategy, instrument)}) {
        auto& times = times_[scope];
        const bool is_newest = times.empty() || times.back() <= now_ns;
        times.insert(is_newest ? times.end() : std::upper_bound(times.begin(), times.end(), now_ns), now_ns);
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
    Asset& asset = this->asset(instrument);
    asset.all.position += signed_lots;
    if (asset.known && asset.terms.sides == Sides::net)
        asset.holders += static_cast<int>(own != 0) - static_cast<int>(held);
}

void RiskEngine::set_sides(uint32_t strategy, uint32_t instrument, int64_t longs, int64_t shorts, int64_t opening_buys,
                           int64_t opening_sells) {
    activate(instrument);
    Exposure& own = exposures_[key(strategy, instrument)];
    Asset& asset = this->asset(instrument);
    Exposure& all = asset.all;
    const bool held = own.longs != 0 || own.shorts != 0, holds = longs != 0 || shorts != 0;
    if (asset.known) asset.holders += static_cast<int>(holds) - static_cast<int>(held);
    all.longs += longs - own.longs;
    all.shorts += shorts - own.shorts;
    all.opening_buys += opening_buys - own.opening_buys;
    all.opening_sells += opening_sells - own.opening_sells;
    own.longs = longs;
    own.shorts = shorts;
    own.opening_buys = opening_buys;
    own.opening_sells = opening_sells;
}

void RiskEngine::rest(uint64_t order, uint32_t instrument, Side side, int64_t price_ticks) {
    lift(order);
    Asset& asset = this->asset(instrument);
    auto& prices = side == Side::buy ? asset.buys : asset.sells;
    prices.insert(std::lower_bound(prices.begin(), prices.end(), price_ticks), price_ticks);
    resting_[order] = {instrument, side, price_ticks};
}

void RiskEngine::lift(uint64_t order) {
    const auto found = resting_.find(order);
    if (found == resting_.end()) return;
    Asset& asset = assets_[found->second.instrument];
    auto& prices = found->second.side == Side::buy ? asset.buys : asset.sells;
    prices.erase(std::lower_bound(prices.begin(), prices.end(), found->second.price_ticks));
    resting_.erase(found);
}

// ---- what it says

double RiskEngine::last_price(uint32_t instrument) const {
    return knows(instrument) ? assets_[instrument].last : kNaN;
}

std::pair<int32_t, int64_t> RiskEngine::trading_day(uint32_t instrument) const {
    if (!knows(instrument)) return {0, kNoPrice};
    return {assets_[instrument].trading_day, assets_[instrument].day_ns};
}

std::pair<int64_t, int64_t> RiskEngine::price_limits(uint32_t instrument) const {
    if (!knows(instrument)) return {kNoPrice, kNoPrice};
    return {assets_[instrument].lowest, assets_[instrument].highest};
}

const RiskEngine::Exposure& RiskEngine::exposure(uint32_t strategy, uint32_t instrument) const {
    static const Exposure none;
    if (strategy == 0 && instrument == 0) return total_;
    if (strategy == 0) return instrument < assets_.size() ? assets_[instrument].all : none;
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

RiskEngine::Sums RiskEngine::sums() const {
    Sums sums;
    for (uint32_t currency = 0; currency < ledgers_.size(); ++currency)
        sums.equity += ledgers_[currency] * rate(currency);
    for (const uint32_t instrument : active_) {
        const Asset& asset = assets_[instrument];
        const double each = unit(asset);
        if (asset.all.position != 0)
            sums.equity += static_cast<double>(asset.all.position) * each * asset.terms.worth(asset.last);
        if (is_set(asset.last)) {
            const auto worst = static_cast<double>(asset.all.worst(asset.terms.sides));
            sums.tied_up += worst * each * std::fabs(asset.terms.worth(asset.last)) * asset.terms.margin_rate;
        }
    }
    return sums;
}

double RiskEngine::equity() const {
    return sums().equity;
}

double RiskEngine::tied_up() const {
    return sums().tied_up;
}

double RiskEngine::daily_profit() const {
    return equity() - day_base_;
}

}  // namespace gcg
