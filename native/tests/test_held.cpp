// What orders open and close, and reduce-only orders. The generated comparison with the trading desk is in
// tests/strategy_engine/test_native_held.py.

#include "check.h"
#include "gcg/held.h"

using namespace gcg;

namespace {

constexpr uint32_t kApart = 1, kOldest = 2, kNet = 3;
constexpr int32_t kMonday = 20240108, kTuesday = 20240109;

struct Pit {
    explicit Pit(bool nets = true) : book(account, nets) {
        account.set_terms(kApart, {.legs = true, .larger_side = true, .today_apart = true});
        account.set_terms(kOldest, {.legs = true});
        account.set_terms(kNet, {});
    }
    // Send an order and fill it at once.
    Offset trade(uint32_t instrument, Side side, int64_t lots, Offset offset = Offset::none, int32_t day = kMonday) {
        HeldOrder order = send(instrument, side, lots, offset, day);
        account.settle({.instrument = instrument,
                        .side = side,
                        .offset = order.offset,
                        .lots = lots,
                        .ticks = 100,
                        .trading_day = day});
        book.on_fill(order, lots);
        return order.offset;
    }
    HeldOrder send(uint32_t instrument, Side side, int64_t lots, Offset offset = Offset::none, int32_t day = kMonday) {
        HeldOrder order{.instrument = instrument, .side = side, .offset = offset, .lots = lots};
        const HeldPlan plan = book.plan(order, day);
        CHECK(plan.passed());
        order.offset = plan.offset;
        book.on_order(order);
        return order;
    }
    std::string refused(HeldOrder order, int32_t day = kMonday) {
        return book.words(order, book.plan(order, day), "x");
    }
    Account account;
    HeldBook book;
};

}  // namespace

TEST(offset_is_chosen_closing_first) {
    Pit pit;
    CHECK(pit.trade(kApart, Side::buy, 5) == Offset::open);
    CHECK(pit.trade(kApart, Side::sell, 1) == Offset::close_today);
    CHECK(pit.trade(kApart, Side::buy, 3, Offset::open, kTuesday) == Offset::open);
    CHECK(pit.trade(kApart, Side::sell, 4, Offset::none, kTuesday) == Offset::close_yesterday);
    CHECK(pit.trade(kApart, Side::sell, 5, Offset::none, kTuesday) == Offset::none);  // the venue nets
    CHECK_EQUAL(pit.account.net_lots(1, kApart), int64_t{-2});
    CHECK(pit.trade(kOldest, Side::sell, 2) == Offset::open);
    CHECK(pit.trade(kOldest, Side::buy, 2) == Offset::close);
}

TEST(what_one_order_cannot_say_is_refused_with_the_orders_that_can) {
    Pit pit(false);
    pit.trade(kApart, Side::buy, 3);
    pit.trade(kApart, Side::buy, 2, Offset::open, kTuesday);
    HeldOrder order{.instrument = kApart, .side = Side::sell, .lots = 6};
    CHECK_EQUAL(pit.refused(order, kTuesday),
                "one order cannot close and open: send 3 CLOSE_YESTERDAY, 2 CLOSE_TODAY, 1 OPEN");
    order.lots = 5;
    CHECK_EQUAL(pit.refused(order, kTuesday),
                "one order cannot close lots of today and lots of before: send 3 CLOSE_YESTERDAY, 2 CLOSE_TODAY");
    order.offset = Offset::close_today;
    CHECK_EQUAL(pit.refused(order, kTuesday), "CLOSE_TODAY 5: 2 of the long x may be closed");
    CHECK_EQUAL(pit.book.plan(order, kTuesday).reason(), uint64_t{1} << 14);
    pit.trade(kOldest, Side::buy, 2);
    pit.trade(kOldest, Side::buy, 1, Offset::open, kTuesday);
    CHECK_EQUAL(
        pit.refused({.instrument = kOldest, .side = Side::sell, .offset = Offset::close_today, .lots = 1}, kTuesday),
        "x: the oldest lots are closed first, and 2 are of before today: use CLOSE");
}

TEST(open_orders_freeze_what_they_close) {
    Pit pit;
    pit.trade(kApart, Side::buy, 5);
    HeldOrder working = pit.send(kApart, Side::sell, 3);
    CHECK_EQUAL(pit.book.closing(1, kApart, Side::sell), int64_t{3});
    const HeldOrder more{.instrument = kApart, .side = Side::sell, .offset = Offset::close, .lots = 3};
    CHECK_EQUAL(pit.refused(more), "CLOSE 3: 2 of the long x may be closed, open orders close the other 3");
    pit.book.on_done(working, 3);
    CHECK_EQUAL(pit.refused(more), "");
    CHECK_EQUAL(pit.book.closing(1, kApart, Side::sell), int64_t{0});
}

TEST(sides_tell_what_may_come_to_tie_up_margin) {
    Pit pit;
    pit.trade(kApart, Side::buy, 5);
    const HeldOrder turn{.instrument = kApart, .side = Side::sell, .lots = 12};
    const HeldPlan plan = pit.book.plan(turn, kMonday);
    CHECK_EQUAL(plan.opens, int64_t{7});
    CHECK_EQUAL(plan.adds, int64_t{7});  // beyond what it closes
    pit.send(kApart, Side::sell, 12);
    pit.send(kApart, Side::buy, 2, Offset::open);
    const HeldSides sides = pit.book.sides(1, kApart);
    CHECK(sides.longs == 5 && sides.shorts == 0 && sides.opening_buys == 2 && sides.opening_sells == 7);
}

TEST(change_counts_from_when_it_is_asked_for) {
    Pit pit;
    pit.trade(kApart, Side::buy, 5);
    HeldOrder working = pit.send(kApart, Side::sell, 2);
    CHECK(pit.book.plan_change(working, 2, 5, kMonday).passed());
    CHECK_EQUAL(pit.book.words(working, pit.book.plan_change(working, 2, 6, kMonday), "x"),
                "CLOSE_TODAY 6: 5 of the long x may be closed");
    pit.book.expect(working, 3);
    CHECK_EQUAL(pit.book.closing(1, kApart, Side::sell), int64_t{5});
    pit.book.on_change(working, 3);
    working.lots = 5;
    pit.book.on_done(working, 5);
    CHECK_EQUAL(pit.book.closing(1, kApart, Side::sell), int64_t{0});
}

TEST(reduce_only_is_cut_to_what_is_left) {
    Pit pit;
    HeldOrder out{.instrument = kNet, .side = Side::sell, .reduce_only = true, .lots = 9};
    CHECK_EQUAL(pit.refused(out), "reduce-only: nothing of x is left to sell");
    pit.trade(kNet, Side::buy, 5);
    HeldPlan plan = pit.book.plan(out, kMonday);
    CHECK_EQUAL(plan.lots, int64_t{5});
    out.lots = plan.lots;
    pit.book.on_order(out);
    CHECK_EQUAL(pit.refused(out), "reduce-only: nothing of x is left to sell, open orders close all of it");
    CHECK_EQUAL(pit.book.words(out, pit.book.plan_change(out, 5, 6, kMonday), "x"),
                "reduce-only: 6 is more than the 5 that can be closed");
    pit.trade(kApart, Side::buy, 2);
    out = {.instrument = kApart, .side = Side::sell, .offset = Offset::open, .reduce_only = true, .lots = 1};
    CHECK_EQUAL(pit.refused(out), "reduce-only: an order that opens closes nothing");
}
