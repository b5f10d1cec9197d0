// Book deltas, latencies, price limits and sessions of the simulated venue, rule by rule.
#include <stdexcept>

#include "check.h"
#include "simulated_venue.h"

using namespace gcg;

namespace {

constexpr int kSet = 0, kDelete = 1, kClear = 2, kSnapshot = 3;

Tick limited(const SimulatedVenue& venue, double previous_close) {
    Tick tick;
    tick.instrument = SimulatedVenue::kShare;
    tick.event_ns = venue.now_ns;
    tick.prev_close = previous_close;
    return tick;
}

}  // namespace

TEST(deltas_build_the_book_that_is_taken) {
    SimulatedVenue venue;
    venue.trade(10000, 1);  // the last price stands in, until there is a book
    venue.delta(kSet, Side::sell, 10005, 2);
    venue.delta(kSet, Side::sell, 10003, 2);
    venue.delta(kSet, Side::sell, 10004, 2);
    venue.delta(kSet, Side::buy, 9990, 1);
    venue.market(1, Side::buy, 5);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:2@10003 1:2@10004 1:1@10005"));
    venue.delta(kSet, Side::buy, 9990, 7);
    venue.market(2, Side::buy, 1);  // what was taken is gone where nothing new was shown
    CHECK_EQUAL(venue.happened(), std::string("2+ 2:1@10005"));
    venue.delta(kDelete, Side::sell, 10003);
    venue.delta(kSet, Side::sell, 10004, 0);
    venue.delta(kSet, Side::sell, 10005, 4);
    venue.market(3, Side::buy, 1);
    CHECK_EQUAL(venue.happened(), std::string("3+ 3:1@10005"));
    venue.delta(kClear, Side::sell);
    venue.market(4, Side::buy, 1);
    venue.market(5, Side::sell, 1);
    CHECK_EQUAL(venue.happened(), std::string("4+ 5+ 5:1@9990"));
    venue.delta(kClear, Side::none);
    venue.market(6, Side::sell, 1);
    CHECK_EQUAL(venue.happened(), std::string("6+"));
}

TEST(resting_order_meets_a_group_of_deltas_only_when_it_is_whole) {
    SimulatedVenue venue;
    venue.delta(kSet, Side::sell, 10000, 5);
    venue.limit(1, Side::buy, 3, 9990);
    venue.delta(kSet, Side::sell, 9985, 9, false);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.delta(kDelete, Side::sell, 9985);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.delta(kSet, Side::sell, 9990, 2);
    CHECK_EQUAL(venue.happened(), std::string("1=2@9990"));
}

TEST(snapshot_of_deltas_begins_a_new_book) {
    SimulatedVenue venue;
    venue.delta(kSet, Side::sell, 9999, 5);
    venue.delta(kSnapshot, Side::sell, 10000, 1, false);
    venue.delta(kSnapshot, Side::sell, 10001, 1, false);
    venue.delta(kSnapshot, Side::buy, 9990, 1);
    venue.market(1, Side::buy, 9);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:1@10000 1:1@10001"));
}

TEST(quotes_of_ticks_replace_an_old_book_of_deltas_only_if_they_differ) {
    SimulatedVenue venue;
    for (int64_t ticks : {10000, 10001}) venue.delta(kSet, Side::sell, ticks, 3);
    venue.delta(kSet, Side::buy, 9990, 3);
    venue.now_ns += 11 * SimulatedVenue::kSecond;
    venue.quote(9990, 1, 10000, 1);
    venue.market(1, Side::buy, 4);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:3@10000 1:1@10001"));
    venue.quote(9991, 1, 10002, 1);
    venue.market(2, Side::buy, 4);
    CHECK_EQUAL(venue.happened(), std::string("2+ 2:1@10002"));
}

TEST(cancels_have_a_latency_of_their_own_and_overtake_nothing) {
    SimulatedVenue venue({.latency_ns = 100, .cancel_latency_ns = 10});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 1, 9990);
    venue.engine.cancel(1, venue.now_ns);  // would be there before its order
    venue.engine.advance(venue.now_ns += 99);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.engine.advance(venue.now_ns += 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1e"));
    venue.limit(2, Side::buy, 1, 9990);
    venue.engine.advance(venue.now_ns += 100);
    venue.engine.cancel(2, venue.now_ns);
    venue.engine.advance(venue.now_ns + 9);
    CHECK_EQUAL(venue.happened(), std::string("2+"));
    venue.engine.advance(venue.now_ns + 10);
    CHECK_EQUAL(venue.happened(), std::string("2e"));
}

TEST(jitter_is_bounded_and_the_same_in_every_run) {
    auto arrivals = [](uint64_t seed) {
        SimulatedVenue venue({.latency_ns = 50, .jitter_ns = 20, .seed = seed});
        for (uint64_t key = 1; key <= 200; ++key) venue.limit(key, Side::buy, 1, 9990);
        const int64_t sent_ns = venue.engine.clock_ns();
        std::vector<int64_t> late(201);
        venue.engine.advance(sent_ns + 1000);
        for (const Report& report : venue.engine.take_reports()) late[report.key] = report.event_ns - sent_ns;
        return late;
    };
    const auto late = arrivals(7);
    CHECK(late == arrivals(7));
    CHECK(late != arrivals(8));
    bool least = false, most = false;
    for (std::size_t key = 1; key < late.size(); ++key) {
        CHECK(late[key] >= 50 && late[key] <= 70);
        least |= late[key] == 50, most |= late[key] == 70;
    }
    CHECK(least && most);
}

TEST(price_outside_the_day_s_limits_is_rejected) {
    SimulatedVenue venue;
    venue.engine.set_price_limit(SimulatedVenue::kShare, 100'000);
    venue.engine.on_tick(limited(venue, 10.05));  // 9.045 and 11.055: half up
    venue.limit(1, Side::buy, 1, 1107);
    venue.limit(2, Side::buy, 1, 1106);
    venue.limit(3, Side::sell, 1, 904);
    venue.limit(4, Side::buy, 1, 905);
    CHECK_EQUAL(venue.happened(), std::string("1! 2+ 3! 4+"));
    venue.engine.modify(4, 0, 904, kNoPrice, venue.now_ns);
    CHECK_EQUAL(venue.happened(), std::string("4R"));
    Tick told = limited(venue, 10.05);
    told.upper_limit = 12.0, told.lower_limit = 8.0, told.trading_day = 20261127;
    venue.engine.on_tick(told);
    venue.limit(5, Side::buy, 1, 1200);
    venue.limit(6, Side::buy, 1, 1201);
    CHECK_EQUAL(venue.happened(), std::string("5+ 6!"));
    told.upper_limit = told.lower_limit = told.prev_close = kNaN, told.trading_day = 20261130;
    venue.engine.on_tick(told);  // a new day, and nobody tells its limits
    venue.limit(7, Side::buy, 1, 9999);
    CHECK_EQUAL(venue.happened(), std::string("7+"));
}

TEST(slippage_does_not_pass_the_price_limit) {
    SimulatedVenue venue({.slippage_ticks = 10});
    Tick told = limited(venue, 10.0);
    told.upper_limit = 11.0, told.lower_limit = 9.0;
    venue.engine.on_tick(told);
    venue.quote(904, 5, 1098, 5);
    venue.market(1, Side::buy, 1);
    venue.market(2, Side::sell, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1:1@1100 2+ 2:1@900"));
}

TEST(nothing_is_matched_outside_of_sessions) {
    SimulatedVenue venue;
    const int64_t from = venue.now_ns + 100, to = from + 100;
    venue.engine.set_sessions(SimulatedVenue::kShare,
                              std::make_shared<Sessions>(std::vector{from, to + 500}, std::vector{to, to + 600}));
    venue.quote(9990, 10, 10000, 10);
    venue.trade(10000, 1);
    venue.market(1, Side::buy, 1);
    venue.limit(2, Side::buy, 1, 10005);
    venue.market(3, Side::buy, 1, TimeInForce::ioc);
    venue.engine.submit(venue.order(4, Side::sell, OrderType::stop, 1, kNoPrice, 10000), venue.now_ns);
    venue.limit(5, Side::buy, 1, 9000);
    venue.engine.cancel(5, venue.now_ns);
    venue.trade(9000, 50);
    venue.quote(9990, 10, 9999, 10);
    CHECK_EQUAL(venue.happened(), std::string("1+ 2+ 3+ 3e 4+ 5+ 5e"));
    venue.now_ns = from - 1;
    venue.quote(9990, 10, 9999, 10);  // the first event of the session: the limit takes the quote as on arrival
    CHECK_EQUAL(venue.happened(), std::string("1:1@9999 2:1@9999"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("4t 4:1@9990"));
    venue.limit(6, Side::buy, 1, 9992);
    venue.now_ns = to - 2;
    venue.quote(9980, 10, 9993, 10);
    venue.quote(9980, 10, 9990, 10);  // at the close nothing is matched any more
    CHECK_EQUAL(venue.happened(), std::string("6+"));
    venue.now_ns = to + 550;
    venue.quote(9980, 10, 9985, 10);
    CHECK_EQUAL(venue.happened(), std::string("6:1@9985"));
    venue.engine.set_sessions(SimulatedVenue::kShare,
                              std::make_shared<Sessions>(std::vector{to + 551}, std::vector{to + 900}));
    venue.market(7, Side::buy, 1);  // a shorter table, in the middle of its first row
    CHECK_EQUAL(venue.happened(), std::string("7+ 7:1@9985"));
    venue.engine.set_sessions(SimulatedVenue::kShare, nullptr);
    venue.now_ns = to + 2000;
    venue.quote(9980, 10, 9986, 10);
    venue.market(8, Side::buy, 1);
    CHECK_EQUAL(venue.happened(), std::string("8+ 8:1@9986"));
}

TEST(bar_counts_if_it_overlaps_a_session) {
    SimulatedVenue venue;
    const int64_t second = SimulatedVenue::kSecond, from = venue.now_ns + second;
    venue.engine.set_sessions(SimulatedVenue::kShare,
                              std::make_shared<Sessions>(std::vector{from}, std::vector{from + second}));
    venue.market(1, Side::buy, 1);
    venue.bar(10000, 10000, 10000, 10000);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.bar(10001, 10001, 10001, 10001);
    CHECK_EQUAL(venue.happened(), std::string("1:1@10001"));
    venue.market(2, Side::buy, 1);
    venue.bar(10002, 10002, 10002, 10002);
    CHECK_EQUAL(venue.happened(), std::string("2+"));
}

TEST(days_of_any_length_are_bars_of_one_period) {
    SimulatedVenue venue;
    const int64_t hour = 3600 * SimulatedVenue::kSecond;
    for (const auto& [key, hours] : {std::pair{1, 24}, {2, 23}, {3, 25}, {4, 96}}) {
        venue.market(static_cast<uint64_t>(key), Side::buy, 1);
        venue.bar(10000, 10000, 10000, 10000, "1d", hours * hour);
        const auto name = std::to_string(key);
        CHECK_EQUAL(venue.happened(), name + "+ " + name + ":1@10000");
    }
    venue.market(5, Side::buy, 1);
    venue.bar(10000, 10000, 10000, 10000, "1w", 20 * hour);  // longer, although this one is short
    CHECK_EQUAL(venue.happened(), std::string("5+"));
    venue.bar(10001, 10001, 10001, 10001, "4h", 4 * hour);
    CHECK_EQUAL(venue.happened(), std::string("5:1@10001"));
    venue.market(6, Side::buy, 1);
    venue.bar(10002, 10002, 10002, 10002, "1d", hour);
    CHECK_EQUAL(venue.happened(), std::string("6+"));
}

TEST(sessions_out_of_order_are_refused) {
    using Times = std::vector<int64_t>;
    for (const auto& [opens, closes] :
         {std::pair{Times{1}, Times{}}, {Times{2}, Times{2}}, {Times{1, 3}, Times{4, 5}}}) {
        bool refused = false;
        try {
            Sessions sessions(opens, closes);
        } catch (const std::invalid_argument&) {
            refused = true;
        }
        CHECK(refused);
    }
}
