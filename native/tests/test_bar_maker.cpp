// Bars from ticks, trades and shorter bars; ../../tests/gcg_quant/test_bar_maker.py holds them against Python's.
#include <sstream>
#include <stdexcept>

#include "check.h"
#include "gcg/bar_maker.h"

using namespace gcg;

namespace {

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond;

Tick tick(int64_t event_ns, double price, double total = kNaN, int32_t day = 0) {
    Tick made;
    made.event_ns = event_ns;
    made.last_price = price;
    made.volume = made.turnover = total;
    made.volume_kind = 1;
    made.trading_day = day;
    return made;
}

TradeTick trade(int64_t event_ns, double price, double size = 1) {
    TradeTick made;
    made.event_ns = event_ns;
    made.price = price;
    made.size = size;
    return made;
}

BarMaker minutes(bool revise = false) {
    return {"1m", std::make_shared<BarGrid>(kMinute), BarBasis::last, 7, revise};
}

// "start:open/high/low/close x volume" of what was closed; starts in seconds.
std::string closed(BarMaker& maker) {
    std::ostringstream text;
    for (const Bar& bar : maker.closed()) {
        text << bar.start_ns / kSecond << ":" << bar.open << "/" << bar.high << "/" << bar.low << "/" << bar.close
             << "x" << bar.volume << (bar.revision ? "r" : "") << " ";
    }
    maker.clear_closed();
    return text.str();
}

template <typename Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST(bar_is_closed_by_the_first_event_behind_it) {
    BarMaker maker = minutes();
    CHECK(!maker.on_trade(trade(0, 10)));
    CHECK(!maker.on_trade(trade(20 * kSecond, 12)));
    CHECK(!maker.on_trade(trade(kMinute - 1, 9)));
    CHECK(maker.on_trade(trade(5 * kMinute, 20)));  // minutes in which nothing happened have no bar
    CHECK_EQUAL(closed(maker), std::string("0:10/12/9/9x3 "));
    CHECK_EQUAL(maker.current()->instrument, 7u);
    CHECK_EQUAL(std::string(maker.current()->period), std::string("1m"));
    CHECK_EQUAL(maker.current()->event_ns, 6 * kMinute);
}

TEST(bar_is_closed_by_time_and_what_follows_is_late) {
    BarMaker maker = minutes(true);
    maker.on_trade(trade(0, 10));
    CHECK_EQUAL(maker.due_ns(), kMinute);
    CHECK(!maker.close_until(kMinute - 1));
    CHECK(maker.close_until(kMinute));
    CHECK(!maker.close_until(kMinute));
    CHECK(maker.current() == nullptr);
    CHECK(maker.on_trade(trade(1, 11)));  // comes again with it
    CHECK_EQUAL(closed(maker), std::string("0:10/10/10/10x1 0:10/11/10/11x2r "));
    CHECK_EQUAL(maker.state().late, uint64_t{1});
}

TEST(late_events_are_dropped_where_bars_are_not_revised) {
    BarMaker maker = minutes();
    maker.on_trade(trade(kMinute, 10));
    maker.on_trade(trade(0, 99));
    maker.on_trade(trade(2 * kMinute, 10));
    CHECK_EQUAL(closed(maker), std::string("60:10/10/10/10x1 "));
    CHECK_EQUAL(maker.state().late, uint64_t{1});
}

TEST(older_event_of_the_interval_moves_high_and_low_only) {
    BarMaker maker = minutes();
    maker.on_trade(trade(30, 10));
    maker.on_trade(trade(20, 5));
    maker.on_trade(trade(kMinute, 1));
    CHECK_EQUAL(closed(maker), std::string("0:10/10/5/10x2 "));
}

TEST(totals_are_taken_apart) {
    BarMaker maker = minutes();
    for (const Tick& one : {tick(0, 1, 100, 3), tick(1, 1, 105, 3), tick(2, 1, 104, 3),  // corrected
                            tick(3, 1, 0, 3), tick(4, 1, 110, 3), tick(5, 1, 8, 4), tick(kMinute, 1, 8, 4)})
        maker.on_tick(one);
    CHECK_EQUAL(closed(maker), std::string("0:1/1/1/1x19 "));
    CHECK_EQUAL(maker.current()->trading_day, 4);
    CHECK_EQUAL(maker.current()->volume, 0.0);
}

TEST(prices_that_are_absent_or_doubtful_do_not_count) {
    BarMaker maker = minutes();
    Tick odd = tick(0, 10);
    odd.quality = 1;
    maker.on_tick(odd);
    maker.on_tick(tick(0, kNaN));
    CHECK(maker.current() == nullptr);
}

TEST(sessions_cut_bars_at_breaks_or_carry_them_over) {
    // Two sessions of 90 s with a break of a minute; an auction of 10 s before, prices until 5 s after.
    const std::vector<BarSession> sessions{
        {990 * kSecond, 1095 * kSecond, 1000 * kSecond, 1090 * kSecond, 20240102},
        {1145 * kSecond, 1245 * kSecond, 1150 * kSecond, 1240 * kSecond, 20240102},
    };
    for (const bool across : {false, true}) {
        BarMaker maker("1m", std::make_shared<BarGrid>(kMinute, sessions, across));
        for (const int64_t second : {900, 995, 1059, 1060, 1093, 1120, 1148, 1179, 1180, 1239, 1244, 1300})
            maker.on_trade(trade(second * kSecond, static_cast<double>(second)));
        CHECK_EQUAL(maker.state().outside, uint64_t{3});
        CHECK_EQUAL(maker.due_ns(), 1245 * kSecond);
        maker.close_until(1245 * kSecond);
        CHECK_EQUAL(maker.closed()[0].trading_day, 20240102);
        CHECK_EQUAL(closed(maker), across ? std::string("1000:995/1059/995/1059x2 1060:1060/1179/1060/1179x4 "
                                                        "1180:1180/1244/1180/1244x3 ")
                                          : std::string("1000:995/1059/995/1059x2 1060:1060/1093/1060/1093x2 "
                                                        "1150:1148/1180/1148/1180x3 1210:1239/1244/1239/1244x2 "));
    }
}

TEST(first_total_counts_where_the_day_began_with_the_bar) {
    const std::vector<BarCell> cells{{0, 100, 10, 10, 90, 100, 20240102, 1},
                                     {100, 200, 110, 110, 190, 200, 20240103, 0}};
    for (const int64_t first : {5, 105}) {
        BarMaker maker("1d", std::make_shared<BarGrid>(86'400 * kSecond, cells));
        maker.on_tick(tick(first, 1, 50));
        CHECK_EQUAL(maker.current()->volume == 50, first == 5);
        CHECK_EQUAL(maker.current()->trading_day, first == 5 ? 20240102 : 20240103);
    }
}

TEST(shorter_bar_closes_the_bar_that_it_completes) {
    BarMaker maker("5m", std::make_shared<BarGrid>(5 * kMinute));
    Bar minute;
    std::snprintf(minute.period, sizeof minute.period, "1m");
    for (int64_t i = 0; i < 5; ++i) {
        minute.start_ns = i * kMinute, minute.event_ns = (i + 1) * kMinute;
        minute.open = minute.low = static_cast<double>(i), minute.close = minute.high = minute.open + 2;
        minute.volume = 1, minute.count = i == 3 ? -1 : 2;
        CHECK_EQUAL(maker.on_bar(minute), i == 4);
    }
    CHECK_EQUAL(maker.closed()[0].count, int64_t{-1});
    CHECK_EQUAL(closed(maker), std::string("0:0/6/0/6x5 "));
    std::snprintf(minute.period, sizeof minute.period, "1h");
    CHECK_EQUAL(refusal([&] { maker.on_bar(minute); }), std::string("A bar of 1h cannot be part of a bar of 5m."));
}

TEST(maker_goes_on_in_the_state_of_another) {
    BarMaker one = minutes(), other = minutes();
    one.on_tick(tick(0, 1, 100));
    other.set_state(one.state());
    for (BarMaker* maker : {&one, &other}) {
        maker->on_tick(tick(1, 3, 104));
        maker->on_tick(tick(kMinute, 1, 104));
        CHECK_EQUAL(closed(*maker), std::string("0:1/3/1/3x4 "));
    }
}

TEST(grid_and_period_that_make_no_sense_are_refused) {
    CHECK_EQUAL(bar_period_ns("15m"), 15 * kMinute);
    for (const char* period : {"", "m", "0m", "05m", "5x", "-5m", "12345678m"}) CHECK_EQUAL(bar_period_ns(period), 0);
    CHECK_EQUAL(refusal([] { BarMaker("5m", std::make_shared<BarGrid>(kMinute)); }),
                std::string("The grid of 5m bars must be made for this period."));
    CHECK_EQUAL(refusal([] { BarGrid(0); }), std::string("The length of a bar must be positive."));
    const std::vector<BarSession> backwards{{5, 9, 5, 9, 1}, {1, 4, 1, 4, 1}};
    CHECK_EQUAL(refusal([&] { BarGrid(1, backwards, false); }),
                std::string("Row 1 of the bars' grid is empty or out of order."));
}
