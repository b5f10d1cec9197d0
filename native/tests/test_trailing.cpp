// Trailing stops at the simulated venue, rule by rule.
#include "check.h"
#include "simulated_venue.h"

using namespace gcg;

TEST(trailing_stop_follows_trades_and_never_goes_back) {
    SimulatedVenue venue;
    venue.quote(9999, 10, 10001, 10);
    venue.trade(10000, 1);
    venue.trailing(1, Side::sell, 2, 20);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~9980"));
    venue.trade(10010, 1);
    venue.trade(10005, 1);
    venue.trade(10011, 1);
    CHECK_EQUAL(venue.happened(), std::string("1~9990 1~9991"));
    venue.trade(9991, 1);  // at the stop
    CHECK_EQUAL(venue.happened(), std::string("1t 1:2@9999"));
    CHECK_EQUAL(venue.engine.open_orders(), std::size_t{0});
}

TEST(trailing_stop_to_buy_mirrors_the_one_to_sell) {
    SimulatedVenue venue;
    venue.quote(9999, 10, 10001, 10);
    venue.trade(10000, 1);
    venue.trailing(1, Side::buy, 2, 20);
    venue.trade(9990, 1);
    venue.trade(10009, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~10020 1~10010"));
    venue.trade(10010, 1);
    CHECK_EQUAL(venue.happened(), std::string("1t 1:2@10001"));
}

TEST(trailing_stop_begins_at_its_own_stop_price) {
    SimulatedVenue venue;
    venue.trade(10000, 1);
    venue.trailing(1, Side::sell, 1, 20, 9970);  // further away than the trail: it is drawn near at once
    venue.trailing(2, Side::sell, 1, 20, 9990);  // nearer: it stays
    venue.trade(10010, 1);
    venue.trade(10011, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~9980 2+ 1~9990 1~9991 2~9991"));
}

TEST(trailing_stop_waits_for_the_first_price) {
    SimulatedVenue venue;
    venue.trailing(1, Side::sell, 1, 20);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.quote(9999, 10, 10001, 10);  // nobody trades: the quote that it would take
    CHECK_EQUAL(venue.happened(), std::string("1~9979"));
    venue.quote(9979, 10, 10001, 10);
    CHECK_EQUAL(venue.happened(), std::string("1t 1:1@9979"));
}

TEST(trail_by_a_share_of_the_price_is_rounded_half_up) {
    SimulatedVenue venue;
    venue.trade(10050, 1);
    SimulatedOrder order = venue.order(1, Side::sell, OrderType::trailing_stop, 1);
    order.trail_millionths = 10'000;  // 100.5 ticks
    venue.engine.submit(order, venue.now_ns);
    order.key = 2, order.trail_millionths = 1;  // less than a tick
    venue.engine.submit(order, venue.now_ns);
    order.key = 3, order.trail_millionths = 0;
    venue.engine.submit(order, venue.now_ns);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~9949 2+ 2~10049 3!"));
}

TEST(limit_of_a_trailing_stop_limit_moves_with_its_stop) {
    SimulatedVenue venue;
    venue.quote(9999, 10, 10001, 10);
    venue.trade(10000, 1);
    SimulatedOrder order = venue.order(1, Side::sell, OrderType::trailing_stop_limit, 1, 9975, 9980);
    order.trail_ticks = 20;
    venue.engine.submit(order, venue.now_ns);
    venue.trade(10010, 1);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~9990/9985"));
    venue.quote(9980, 10, 10001, 10);
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1t"));  // below its limit nothing is sold
    venue.quote(9986, 10, 10001, 10);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9985"));
}

TEST(change_moves_a_trailing_stop_and_it_trails_on) {
    SimulatedVenue venue({.latency_ns = 5});
    venue.trade(10000, 1);
    venue.trailing(1, Side::sell, 1, 20);
    venue.engine.advance(venue.now_ns += 10);
    venue.engine.modify(1, 3, kNoPrice, kNoPrice, venue.now_ns);
    venue.trade(10010, 1);  // while the change is on its way
    venue.happened();
    venue.engine.advance(venue.now_ns += 10);
    const auto reports = venue.engine.take_reports();
    CHECK_EQUAL(reports.size(), std::size_t{1});
    CHECK(reports[0].kind == ReportKind::modified);
    CHECK_EQUAL(reports[0].stop_ticks, int64_t{9990});
    venue.engine.modify(1, 0, kNoPrice, 9995, venue.now_ns);
    venue.engine.advance(venue.now_ns += 10);
    venue.trade(10016, 1);
    CHECK_EQUAL(venue.happened(), std::string("1c 1~9996"));
}

TEST(restored_trailing_stop_goes_on_from_where_it_stood) {
    SimulatedVenue venue;
    venue.trade(10000, 1);
    SimulatedOrder known = venue.order(1, Side::sell, OrderType::trailing_stop, 1, kNoPrice, 9990);
    known.trail_ticks = 20;
    venue.engine.restore(known);
    SimulatedOrder unknown = venue.order(2, Side::sell, OrderType::trailing_stop, 1);
    unknown.trail_ticks = 20;
    venue.engine.restore(unknown);
    CHECK_EQUAL(venue.happened(), std::string("2~9980"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1t 1:1@9990"));
}

TEST(bar_triggers_a_trailing_stop_at_the_worst_price_it_could) {
    SimulatedVenue venue;
    venue.bar(10000, 10000, 10000, 10000);
    venue.trailing(1, Side::sell, 1, 20);
    venue.trailing(2, Side::buy, 1, 20);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1~9980 2+ 2~10020"));
    venue.bar(10000, 10010, 9995, 10005);  // shorter than the trail: both follow its best price
    CHECK_EQUAL(venue.happened(), std::string("1~9990 2~10015"));
    venue.bar(10005, 10014, 9989, 10010);  // reaches the sale's stop
    CHECK_EQUAL(venue.happened(), std::string("1t 1:1@9990 2~10014 2t 2:1@10014"));
}

TEST(bar_as_long_as_the_trail_triggers_at_its_end) {
    SimulatedVenue venue;
    venue.bar(10000, 10000, 10000, 10000);
    venue.trailing(1, Side::sell, 1, 20);
    venue.happened();
    venue.bar(10010, 10015, 9995, 10012);  // up to 10015, then down to 9995, may be
    CHECK_EQUAL(venue.happened(), std::string("1~9990 1~9995 1t 1:1@9995"));
    venue.trailing(2, Side::sell, 1, 20);
    venue.happened();
    venue.bar(9970, 10000, 9960, 9990);  // opens beyond the stop
    CHECK_EQUAL(venue.happened(), std::string("2t 2:1@9970"));
}
