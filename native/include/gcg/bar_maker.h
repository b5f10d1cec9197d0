// Bars of one instrument, one period and one basis, made event by event: the bars of gcg_quant/bars.py, to the last
// bit.
//
// docs/bars.md has the rules. In short: a bar holds what happened from its start until before its end, in event time;
// the first event of a later interval closes it, or close_until(); an interval in which nothing happened has no bar. An
// event that is older than the newest, but of the same interval, moves high and low and adds its own volume. One of an
// interval that is closed is late: dropped, or (`revise`) the bar closed last comes again with it, as its next
// revision.
//
// Which events count: ticks with the price of the basis, trades (basis LAST), shorter bars of the same basis. Feed one
// kind only, or volume counts twice. No locks, no clock, no allocation but that of closed().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "gcg/bar_grid.h"
#include "gcg/records.h"

namespace gcg {

enum class BarBasis : uint8_t { last = 0, bid = 1, ask = 2, mid = 3 };  // as in gcg_quant/enumerations.py

// Return the length of a period such as "5m", or 0 if it is none (a number and s, m, h, d or w, 8 characters at most).
[[nodiscard]] int64_t bar_period_ns(std::string_view period);

// What was traded since the tick before, from the totals that venues tell (gcg_quant/traded.py).
struct BarTotals {
    double volume = kNaN, turnover = kNaN;  // of the tick before
    int32_t trading_day = 0;

    // Set `volume` and `turnover` to what the tick adds, NaN where that cannot be told. `whole`: the day began here.
    void take(const Tick& tick, bool whole, double& volume, double& turnover);
};

// A bar in the making and the interval that it is of.
struct OpenBar {
    Bar bar;
    BarInterval interval;
};

class BarMaker {
 public:
    // All that the next event meets.
    struct State {
        OpenBar open;    // being made, if `is_open`
        OpenBar before;  // closed last, if `has_before`: it may be revised
        bool is_open = false, has_before = false;
        BarTotals totals;
        int64_t start_ns = kLongAgo;  // of the newest interval
        int64_t last_ns = kLongAgo;   // of the newest event that counted
        uint64_t late = 0;            // events of intervals that were closed
        uint64_t outside = 0;         // events at times that belong to no bar
    };

    // `instrument` is what the bars carry. Throws std::invalid_argument if the period is none, or the grid is of
    // another.
    BarMaker(std::string_view period, std::shared_ptr<const BarGrid> grid, BarBasis basis = BarBasis::last,
             uint32_t instrument = 0, bool revise = false);

    // Go on with another stretch of the same grid.
    void set_grid(std::shared_ptr<const BarGrid> grid);

    // Take an event; true if bars were closed by it (or revised): they are in closed().
    bool on_tick(const Tick& tick) {
        const double price = price_of(tick);
        if (price != price || tick.quality) return false;
        if (tick.event_ns < from_ns_ || tick.event_ns >= until_ns_) return enter_tick(tick, price);
        add_tick(state_.open, tick, price);
        return false;
    }
    bool on_trade(const TradeTick& trade) {
        if (basis_ != BarBasis::last || trade.price != trade.price || trade.quality) return false;
        if (trade.event_ns < from_ns_ || trade.event_ns >= until_ns_) return enter_trade(trade);
        add_trade(state_.open, trade);
        return false;
    }
    // A shorter bar; one that completes a bar closes it. Throws std::invalid_argument if it is longer than ours.
    bool on_bar(const Bar& bar);
    // Close the bar whose last prices have come by `now_ns` (due_ns()).
    bool close_until(int64_t now_ns) {
        if (!state_.is_open || now_ns < state_.open.interval.due_ns) return false;
        close();
        return true;
    }

    // What was closed since clear_closed(), in order.
    [[nodiscard]] const std::vector<Bar>& closed() const { return closed_; }
    void clear_closed() { closed_.clear(); }

    // The bar in the making, or nullptr; valid until the next call.
    [[nodiscard]] const Bar* current() const { return state_.is_open ? &state_.open.bar : nullptr; }
    // When its last prices have come, a little after a session's close; the largest number if there is none.
    [[nodiscard]] int64_t due_ns() const { return state_.is_open ? state_.open.interval.due_ns : kNever; }
    [[nodiscard]] const State& state() const { return state_; }
    // Go on where another maker of the same arguments was.
    void set_state(const State& state);

 private:
    static constexpr int64_t kLongAgo = INT64_MIN, kNever = INT64_MAX;

    [[nodiscard]] double price_of(const Tick& tick) const {
        switch (basis_) {
            case BarBasis::last:
                return tick.last_price;
            case BarBasis::bid:
                return tick.bid_price;
            case BarBasis::ask:
                return tick.ask_price;
            default:
                return (tick.bid_price + tick.ask_price) / 2;
        }
    }
    bool enter_tick(const Tick& tick, double price);
    bool enter_trade(const TradeTick& trade);
    OpenBar* enter(int64_t ns, int64_t end_ns, bool& revised);
    void add_tick(OpenBar& open, const Tick& tick, double price);
    void add_trade(OpenBar& open, const TradeTick& trade);
    void add_bar(OpenBar& open, const Bar& bar);
    void give_again();
    void close();

    std::shared_ptr<const BarGrid> grid_;
    Bar blank_;  // what every bar begins as
    BarBasis basis_;
    bool revise_;
    std::size_t hint_ = 0;                              // of the grid
    int64_t from_ns_ = kLongAgo, until_ns_ = kLongAgo;  // what happens in between belongs to the open bar for certain
    State state_;
    std::vector<Bar> closed_;
};

}  // namespace gcg
