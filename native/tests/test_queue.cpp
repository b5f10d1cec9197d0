// The place of resting orders in the queue at their price, rule by rule.
#include <stdexcept>

#include "check.h"
#include "simulated_venue.h"

using namespace gcg;

TEST(trades_at_the_price_wear_the_queue_off) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.trade(9990, 8);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.trade(9990, 3);  // two of others, one for us
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
    venue.trade(9990, 10);
    CHECK_EQUAL(venue.happened(), std::string("1=4@9990"));
}

TEST(back_of_the_queue_is_never_reached_at_the_price) {
    SimulatedVenue venue;
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.trade(9990, 100);
    venue.quote(9980, 10, 10000, 10);
    venue.trade(9990, 100);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
}

TEST(cancels_are_behind_us_as_far_as_the_display_allows) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.quote(9990, 30, 10000, 10);  // others join behind
    venue.quote(9990, 12, 10000, 10);  // and leave
    venue.trade(9990, 10);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
    venue.limit(2, Side::buy, 5, 9990);
    venue.quote(9990, 3, 10000, 10);  // no more than three can be ahead
    venue.trade(9990, 8);             // the first order is done with four, then three of others, then one
    CHECK_EQUAL(venue.happened(), std::string("2+ 1=4@9990 2=1@9990"));
}

TEST(cancels_are_spread_along_a_proportional_queue) {
    SimulatedVenue venue({.queue = QueueModel::proportional});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.quote(9990, 30, 10000, 10);  // 20 behind
    venue.quote(9990, 15, 10000, 10);  // 15 cancelled, 5 of them ahead
    venue.trade(9990, 5);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
}

// An order stands with 10 ahead and 30 behind, and 20 are cancelled: how many are ahead then.
static int64_t left_ahead(MatchingModel model) {
    SimulatedVenue venue(model);
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.quote(9990, 40, 10000, 10);
    venue.quote(9990, 20, 10000, 10);
    return venue.engine.queue_ahead(1);
}

TEST(longer_part_of_a_probability_queue_loses_more) {
    CHECK_EQUAL(left_ahead({.queue = QueueModel::risk_averse}), 10);
    CHECK_EQUAL(left_ahead({.queue = QueueModel::proportional}), 5);               // 20 * 10 / 40
    CHECK_EQUAL(left_ahead({.queue = QueueModel::power, .queue_power = 1}), 5);    // the same
    CHECK_EQUAL(left_ahead({.queue = QueueModel::power, .queue_power = 2}), 8);    // 20 * 100 / 1000
    CHECK_EQUAL(left_ahead({.queue = QueueModel::power, .queue_power = 0.5}), 3);  // 20 * 3.16 / 8.64 = 7.32
    CHECK_EQUAL(left_ahead({.queue = QueueModel::logarithmic}), 2);  // 20 * ln 11 / (ln 11 + ln 31) = 8.22
    bool refused = false;
    try {
        MatchingEngine({.queue = QueueModel::power, .queue_power = 0.7});
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

TEST(what_was_traded_is_not_taken_for_cancelled) {
    SimulatedVenue venue({.queue = QueueModel::proportional});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.trade(9990, 4);
    venue.quote(9990, 6, 10000, 10);  // the trade's doing
    venue.trade(9990, 6);
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
}

TEST(better_price_than_displayed_is_the_front) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9995);
    venue.trade(9995, 2);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1=2@9995"));
    venue.limit(2, Side::sell, 5, 9998);
    venue.trade(9998, 2, Side::sell);  // a sale at that price meets no sale
    CHECK_EQUAL(venue.happened(), std::string("2+"));
    venue.trade(9998, 2, Side::buy);
    CHECK_EQUAL(venue.happened(), std::string("2=2@9998"));
}

TEST(price_beyond_the_display_queues_when_it_is_shown) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9980);
    venue.trade(9980, 100);  // nobody knows who was there
    CHECK_EQUAL(venue.happened(), std::string("1+"));
    venue.quote(9980, 7, 10000, 10);
    venue.trade(9980, 8);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9980"));
    venue.trade(9980, kNaN);  // a trade of unknown size moves nothing
    CHECK_EQUAL(venue.happened(), std::string(""));
}

TEST(change_of_the_price_queues_anew_and_a_smaller_size_stays) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 4, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    venue.trade(9990, 3);
    venue.engine.modify(1, 4, kNoPrice, kNoPrice, venue.now_ns);
    venue.trade(9990, 2);
    CHECK_EQUAL(venue.happened(), std::string("1+ 1c 1=1@9990"));
    venue.engine.modify(1, 8, kNoPrice, kNoPrice, venue.now_ns);  // behind the four that are displayed
    venue.trade(9990, 4);
    CHECK_EQUAL(venue.happened(), std::string("1c"));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
}

TEST(restored_order_stands_behind_all_that_is_displayed) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 4, 10000, 10);
    venue.engine.restore(venue.order(1, Side::buy, OrderType::limit, 2, 9990));
    venue.trade(9990, 4);
    CHECK_EQUAL(venue.happened(), std::string(""));
    venue.trade(9990, 1);
    CHECK_EQUAL(venue.happened(), std::string("1=1@9990"));
}

TEST(place_in_the_queue_can_be_asked_for) {
    SimulatedVenue venue({.queue = QueueModel::risk_averse});
    venue.quote(9990, 10, 10000, 10);
    venue.limit(1, Side::buy, 5, 9990);
    CHECK_EQUAL(venue.engine.queue_ahead(1), 10);
    venue.trade(9990, 8);
    CHECK_EQUAL(venue.engine.queue_ahead(1), 2);
    CHECK_EQUAL(venue.engine.queue_joined(1), 10);
    venue.limit(2, Side::buy, 5, 9980);  // beyond the display: not known before it is shown
    CHECK_EQUAL(venue.engine.queue_ahead(2), kUnlimited);
    CHECK_EQUAL(venue.engine.queue_joined(2), kUnlimited);
    venue.quote(9980, 7, 10000, 10);
    CHECK_EQUAL(venue.engine.queue_joined(2), 7);
    venue.trade(9990, 7);  // two of others, then all of the first
    CHECK_EQUAL(venue.engine.queue_ahead(1), -1);
    venue.engine.submit(venue.order(3, Side::buy, OrderType::stop, 1, kNoPrice, 10010), venue.now_ns);
    CHECK_EQUAL(venue.engine.queue_ahead(3), -1);  // a stop stands in no queue
}

TEST(loop_can_read_reports_where_they_are_and_see_what_is_due) {
    SimulatedVenue venue({.latency_ns = 50, .cancel_latency_ns = 20});
    constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
    CHECK_EQUAL(venue.engine.next_due_ns(), kNever);
    venue.quote(9990, 10, 10000, 10);
    const int64_t sent = venue.now_ns;
    venue.limit(1, Side::buy, 5, 9990);
    CHECK_EQUAL(venue.engine.next_due_ns(), sent + 50);
    venue.engine.advance(sent + 50);
    CHECK_EQUAL(venue.engine.reports().size(), 1u);
    CHECK_EQUAL(venue.engine.reports().front().key, 1u);
    venue.engine.clear_reports();
    CHECK(!venue.engine.has_reports());
    CHECK_EQUAL(venue.engine.next_due_ns(), kNever);
    venue.engine.cancel(1, sent + 60);
    CHECK_EQUAL(venue.engine.next_due_ns(), sent + 80);
}
