#include "gcg/bar_maker.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace gcg {

namespace {

constexpr uint8_t kDay = 1, kSingle = 3;  // VolumeKind
constexpr uint8_t kAggregated = 2;        // BarOrigin
constexpr std::size_t kMostDigits = 7;

bool known(double value) {
    return value == value;
}

std::string_view period_of(const Bar& bar) {
    return {bar.period, strnlen(bar.period, sizeof bar.period)};
}

// One price; an older one moves high and low only. Amounts that are NaN are not known.
void add(Bar& bar, double price, double volume, double turnover, bool newest) {
    if (price > bar.high)
        bar.high = price;
    else if (price < bar.low)
        bar.low = price;
    else if (!known(bar.open))
        bar.open = bar.high = bar.low = price;
    if (newest) bar.close = price;
    if (known(volume)) bar.volume = known(bar.volume) ? volume + bar.volume : volume;
    if (known(turnover)) bar.turnover = known(bar.turnover) ? turnover + bar.turnover : turnover;
    ++bar.count;
}

// What the newest event says of these, as far as it does.
void note(Bar& bar, double open_interest, double quote_size, int32_t trading_day) {
    if (known(open_interest)) bar.open_interest = open_interest;
    if (known(quote_size)) bar.quote_size = quote_size;
    if (trading_day) bar.trading_day = trading_day;
}

// The part of a total since `before`, which becomes the total to remember.
double part(double total, double& before, bool new_day, bool day_told, bool whole) {
    if (!known(total)) {
        if (new_day) before = 0.0;
        return kNaN;
    }
    const double last = std::exchange(before, total);
    if (new_day) return total;
    if (!known(last)) return whole ? total : kNaN;
    if (day_told && total == 0.0) {
        before = last;
        return 0.0;
    }
    if (total < last) return day_told ? 0.0 : total;
    return total - last;
}

}  // namespace

int64_t bar_period_ns(std::string_view period) {
    if (period.size() < 2 || period.size() > kMostDigits + 1 || period[0] == '0') return 0;
    int64_t count = 0;
    for (const char digit : period.substr(0, period.size() - 1)) {
        if (digit < '0' || digit > '9') return 0;
        count = count * 10 + (digit - '0');
    }
    constexpr int64_t kSecond = 1'000'000'000;
    switch (period.back()) {
        case 's':
            return count * kSecond;
        case 'm':
            return count * 60 * kSecond;
        case 'h':
            return count * 3'600 * kSecond;
        case 'd':
            return count * 86'400 * kSecond;
        case 'w':
            return count * 604'800 * kSecond;
        default:
            return 0;
    }
}

void BarTotals::take(const Tick& tick, bool whole, double& more_volume, double& more_turnover) {
    if (tick.volume_kind != kDay) {
        const bool single = tick.volume_kind == kSingle;
        more_volume = single ? tick.volume : kNaN;
        more_turnover = single ? tick.turnover : kNaN;
        return;
    }
    const int32_t day = tick.trading_day;
    if (tick.volume >= volume && tick.turnover >= turnover && (day == trading_day || !day)) {
        more_volume = tick.volume - volume;  // the usual tick; NaN is never the larger one
        more_turnover = tick.turnover - turnover;
        volume = tick.volume;
        turnover = tick.turnover;
        return;
    }
    const bool told = day != 0, new_day = told && trading_day != 0 && trading_day != day;
    more_volume = part(tick.volume, volume, new_day, told, whole);
    more_turnover = part(tick.turnover, turnover, new_day, told, whole);
    if (told) trading_day = day;
}

BarMaker::BarMaker(std::string_view period, std::shared_ptr<const BarGrid> grid, BarBasis basis, uint32_t instrument,
                   bool revise)
    : basis_(basis), revise_(revise) {
    if (bar_period_ns(period) == 0)
        throw std::invalid_argument("'" + std::string(period) +
                                    "' is not a bar period; expected a number and s, m, h, d or w, such as '5m'.");
    std::memcpy(blank_.period, period.data(), period.size());
    set_grid(std::move(grid));
    blank_.instrument = instrument;
    blank_.basis = static_cast<uint8_t>(basis);
    blank_.origin = kAggregated;
    blank_.count = 0;
}

void BarMaker::set_grid(std::shared_ptr<const BarGrid> grid) {
    if (!grid || grid->length_ns() != bar_period_ns(period_of(blank_)))
        throw std::invalid_argument("The grid of " + std::string(period_of(blank_)) +
                                    " bars must be made for this period.");
    grid_ = std::move(grid);
    hint_ = 0;
}

bool BarMaker::enter_tick(const Tick& tick, double price) {
    const std::size_t before = closed_.size();
    bool revised = false;
    OpenBar* open = enter(tick.event_ns, 0, revised);
    if (open) add_tick(*open, tick, price);
    if (revised) give_again();
    return closed_.size() > before;
}

bool BarMaker::enter_trade(const TradeTick& trade) {
    const std::size_t before = closed_.size();
    bool revised = false;
    OpenBar* open = enter(trade.event_ns, 0, revised);
    if (open) add_trade(*open, trade);
    if (revised) give_again();
    return closed_.size() > before;
}

bool BarMaker::on_bar(const Bar& bar) {
    if (bar.basis != static_cast<uint8_t>(basis_)) return false;
    if (bar_period_ns(period_of(bar)) > grid_->length_ns())
        throw std::invalid_argument("A bar of " + std::string(period_of(bar)) + " cannot be part of a bar of " +
                                    std::string(period_of(blank_)) + ".");
    if (!known(bar.open + bar.high + bar.low + bar.close)) return false;
    const std::size_t before = closed_.size();
    bool revised = false;
    OpenBar* open = &state_.open;
    if (bar.start_ns < from_ns_ || bar.start_ns >= until_ns_) open = enter(bar.start_ns, bar.event_ns, revised);
    if (open) {
        add_bar(*open, bar);
        if (revised)
            give_again();
        else if (bar.event_ns >= open->interval.end_ns)
            close();
    }
    return closed_.size() > before;
}

// Go to the interval of a moment, closing the one before; null if the event belongs to no bar any more.
OpenBar* BarMaker::enter(int64_t ns, int64_t end_ns, bool& revised) {
    BarInterval interval;
    if (!grid_->at(ns, end_ns, hint_, interval)) {
        ++state_.outside;
        return nullptr;
    }
    if (interval.start_ns < state_.start_ns || (interval.start_ns == state_.start_ns && !state_.is_open)) {
        ++state_.late;
        revised = state_.has_before && state_.before.interval.start_ns == interval.start_ns;
        return revised ? &state_.before : nullptr;
    }
    if (interval.start_ns > state_.start_ns) {
        if (state_.is_open) close();
        state_.open.bar = blank_;
        state_.open.bar.start_ns = interval.start_ns;
        state_.open.bar.event_ns = interval.end_ns;
        state_.open.bar.trading_day = interval.trading_day;
        state_.open.interval = interval;
        state_.is_open = true;
        state_.start_ns = interval.start_ns;
    }
    from_ns_ = interval.from_ns;
    until_ns_ = interval.until_ns;
    return &state_.open;
}

void BarMaker::add_tick(OpenBar& open, const Tick& tick, double price) {
    const bool of_last = basis_ == BarBasis::last;
    if (tick.event_ns < state_.last_ns) {
        const bool single = of_last && tick.volume_kind == kSingle;
        add(open.bar, price, single ? tick.volume : kNaN, single ? tick.turnover : kNaN, false);
        return;
    }
    state_.last_ns = tick.event_ns;
    double volume = kNaN, turnover = kNaN, size = kNaN;
    if (of_last)
        state_.totals.take(tick, open.interval.whole, volume, turnover);
    else if (basis_ != BarBasis::mid)
        size = basis_ == BarBasis::bid ? tick.bid_size : tick.ask_size;
    add(open.bar, price, volume, turnover, true);
    note(open.bar, tick.open_interest, size, tick.trading_day);
}

void BarMaker::add_trade(OpenBar& open, const TradeTick& trade) {
    const bool newest = trade.event_ns >= state_.last_ns;
    add(open.bar, trade.price, trade.size, trade.turnover, newest);
    if (!newest) return;
    state_.last_ns = trade.event_ns;
    note(open.bar, kNaN, kNaN, trade.trading_day);
}

void BarMaker::add_bar(OpenBar& open, const Bar& bar) {
    Bar& made = open.bar;
    const bool first = !known(made.open), newest = bar.start_ns >= state_.last_ns;
    const int64_t count = made.count;
    add(made, bar.close, bar.volume, bar.turnover, newest);
    if (first) made.open = bar.open;
    made.high = std::max(made.high, bar.high);
    made.low = std::min(made.low, bar.low);
    made.count = bar.count < 0 || count < 0 ? -1 : count + bar.count;  // one that does not know it makes it unknown
    if (newest) note(made, bar.open_interest, bar.quote_size, bar.trading_day);
    state_.last_ns = std::max(state_.last_ns, bar.start_ns);
}

void BarMaker::give_again() {
    ++state_.before.bar.revision;
    closed_.push_back(state_.before.bar);
}

void BarMaker::close() {
    closed_.push_back(state_.open.bar);
    state_.is_open = false;
    state_.has_before = revise_;
    if (revise_) state_.before = state_.open;
    from_ns_ = until_ns_ = kLongAgo;
}

void BarMaker::set_state(const State& state) {
    state_ = state;
    from_ns_ = until_ns_ = kLongAgo;  // found anew with the next event
}

}  // namespace gcg
