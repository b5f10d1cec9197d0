// Cash, positions and fees of an account. The generated comparison with the Python accounts is in
// tests/strategy_engine/test_native_account.py.

#include <cmath>

#include "check.h"
#include "gcg/account.h"

using namespace gcg;

namespace {

constexpr uint32_t kStock = 1, kFuture = 2, kForeign = 3;

struct Books {
    Books() {
        account.set_terms(kStock, {.tick = {1, 100},
                                   .lot = {100, 1},
                                   .t_plus_one = true,
                                   .taker_fee = 0.001,
                                   .min_fee = 5,
                                   .stamp_duty = 0.0005});
        account.set_terms(kFuture, {.tick = {1, 5},
                                    .lot = {1, 1},
                                    .multiplier = 300,
                                    .margin_rate = 0.125,
                                    .margined = true,
                                    .legs = true,
                                    .larger_side = true,
                                    .taker_fee = 0.0001,
                                    .close_today_fee = 0.001});
        account.set_terms(kForeign, {.tick = {1, 2}, .lot = {1, 4}, .currency = 1, .fee_per_unit = 0.25});
    }
    Settled trade(uint32_t instrument, Side side, int64_t lots, int64_t ticks, Offset offset = Offset::none,
                  uint32_t strategy = 1, bool first = true) {
        return account.settle({.strategy = strategy,
                               .instrument = instrument,
                               .side = side,
                               .offset = offset,
                               .lots = lots,
                               .ticks = ticks,
                               .first = first,
                               .trading_day = day});
    }
    const HeldPosition& at(uint32_t instrument, PositionSide side = PositionSide::net, uint32_t strategy = 1) {
        const HeldPosition* held = account.position(strategy, instrument, side);
        CHECK(held != nullptr);
        return *held;
    }
    Account account{0, 100'000};
    int32_t day = 20240105;
};

}  // namespace

TEST(ratio_is_the_nearest_double_to_the_exact_quotient) {
    CHECK_EQUAL((Ratio{1, 100}.of(123456)), 1234.56);
    CHECK_EQUAL((Ratio{1, 5}.of(-3)), -0.6);
    CHECK_EQUAL((Ratio{1000, 1}.of(7)), 7000.0);
    CHECK_EQUAL((Ratio{1, 100'000'000}.of(9'007'199'254'740'993)), 90071992.54740993);
    // Beyond 53 bits: halfway goes to the even neighbour, and anything beyond halfway up.
    CHECK_EQUAL((Ratio{1, 1}.of(9'007'199'254'740'993)), 9'007'199'254'740'992.0);
    CHECK_EQUAL((Ratio{1, 1}.of(9'007'199'254'740'995)), 9'007'199'254'740'996.0);
    CHECK_EQUAL((Ratio{1'000'000'000, 1}.of(9'223'372'036'854'775'807)), 9.223372036854775807e27);
    CHECK_EQUAL((Ratio{3, 1}.of(std::numeric_limits<int64_t>::min())), -27670116110564327424.0);
    CHECK_EQUAL((Ratio{9'007'199'254'740'993, 9'007'199'254'740'995}.of(1)), 0.99999999999999977796);
    CHECK_EQUAL((Ratio{9'007'199'254'740'993, 3}.of(0)), 0.0);
}

TEST(paid_instrument_moves_cash_by_its_value_and_fee) {
    Books books;
    const Settled bought = books.trade(kStock, Side::buy, 2, 1000);  // 200 at 10.00
    CHECK_EQUAL(bought.quantity, 200.0);
    CHECK_EQUAL(bought.price, 10.0);
    CHECK_EQUAL(bought.fee, 5.0);  // the least
    CHECK_EQUAL(books.account.cash(), 100'000 - 2000.0 - 5);
    CHECK_EQUAL(books.account.equity(), 99'995.0);  // worth its price before any mark
    books.account.mark(kStock, 11.0);
    CHECK_EQUAL(books.account.equity(), 100'195.0);
    CHECK_EQUAL(books.account.unrealised(), 200.0);
    CHECK_EQUAL(books.account.margin(), 2200.0);
    const Settled sold = books.trade(kStock, Side::sell, 1, 1200, Offset::none, 1, false);
    CHECK_EQUAL(sold.profit, 200.0);
    CHECK_EQUAL(sold.fee, 1200 * 0.001 + 1200 * 0.0005);  // not the order's first fill: no least fee
    CHECK_EQUAL(books.account.realised(), 200.0);
    CHECK_EQUAL(books.account.net_lots(1, kStock), int64_t{1});
}

TEST(net_position_turns_round_at_the_new_price) {
    Books books;
    books.trade(kForeign, Side::buy, 8, 20);                           // 2 at 10
    const Settled turned = books.trade(kForeign, Side::sell, 12, 24);  // 3 at 12
    CHECK_EQUAL(turned.profit, 4.0);
    const HeldPosition& held = books.at(kForeign);
    CHECK_EQUAL(held.quantity, -1.0);
    CHECK_EQUAL(held.average_price, 12.0);
    CHECK_EQUAL(held.today_lots, int64_t{4});
    CHECK_EQUAL(books.account.cash(1), -20 - 0.5 + 36 - 0.75);
    CHECK_EQUAL(books.account.cash(), 100'000.0);  // of another currency
    books.trade(kForeign, Side::buy, 4, 20);
    CHECK(std::isnan(held.average_price));
    CHECK_EQUAL(held.realised, 6.0);
    CHECK_EQUAL(books.account.equity(1), books.account.cash(1));
}

TEST(legs_close_first_and_the_oldest_lots_first) {
    Books books;
    books.trade(kFuture, Side::buy, 3, 20000, Offset::open);  // at 4000
    books.day = 20240108;
    books.trade(kFuture, Side::buy, 2, 20500, Offset::open);  // at 4100
    const HeldPosition& longs = books.at(kFuture, PositionSide::longs);
    CHECK_EQUAL(longs.today_lots, int64_t{2});
    CHECK_EQUAL(longs.yesterday_lots(), int64_t{3});
    const Settled closed = books.trade(kFuture, Side::sell, 4, 21000, Offset::close);  // 3 of before, 1 of today
    CHECK_EQUAL(closed.profit, (4200 - 4040) * 4.0 * 300);
    CHECK(std::fabs(closed.fee - (3 * 4200 * 300 * 0.0001 + 4200 * 300 * 0.001)) < 1e-9);
    CHECK_EQUAL(longs.today_lots, int64_t{1});
    books.trade(kFuture, Side::sell, 3, 21000);  // without an offset: closes one, opens two
    CHECK_EQUAL(longs.lots, int64_t{0});
    CHECK_EQUAL(books.at(kFuture, PositionSide::shorts).lots, int64_t{-2});
    CHECK_EQUAL(books.account.net_lots(0, kFuture), int64_t{-2});
}

TEST(larger_side_alone_ties_up_margin) {
    Books books;
    books.trade(kFuture, Side::buy, 3, 20000, Offset::open);
    books.trade(kFuture, Side::sell, 2, 20000, Offset::open, 2);
    books.account.mark(kFuture, 4000);
    CHECK_EQUAL(books.account.margin(), 3 * 4000 * 300 * 0.125);
    CHECK_EQUAL(books.account.profit(2).margin, 2 * 4000 * 300 * 0.125);
    CHECK_EQUAL(books.account.profit(0).fees, books.account.fees());
    CHECK_EQUAL(books.account.equity(), 100'000 - books.account.fees());  // nothing is paid but the fees
}

TEST(inverse_contract_gains_in_coins) {
    Account account(0, 1);
    account.set_terms(kFuture, {.tick = {1, 2},
                                .lot = {1, 1},
                                .multiplier = 100,
                                .margin_rate = 0.125,
                                .margined = true,
                                .inverse = true,
                                .taker_fee = 0.5});
    const auto trade = [&](Side side, int64_t lots, int64_t price) {
        return account.settle({.instrument = kFuture, .side = side, .lots = lots, .ticks = 2 * price});
    };
    CHECK_EQUAL(trade(Side::buy, 20, 50'000).fee, 0.02);  // half of 2,000 dollars in coins
    CHECK_EQUAL(trade(Side::buy, 20, 25'000).fee, 0.04);
    const HeldPosition& held = *account.position(1, kFuture, PositionSide::net);
    CHECK(std::fabs(held.average_price - 100'000.0 / 3) < 1e-9);  // the harmonic mean
    account.mark(kFuture, 40'000);
    CHECK_EQUAL(account.value(held), 0.1);
    CHECK_EQUAL(account.margin(), 0.0125);
    CHECK(std::fabs(account.unrealised() - 0.02) < 1e-15);  // 4,000 * (3 / 100,000 - 1 / 40,000)
    CHECK(std::fabs(trade(Side::sell, 60, 40'000).profit - 0.02) < 1e-15);
    CHECK_EQUAL(held.quantity, -20.0);
    CHECK_EQUAL(account.value(held), -0.05);
    account.mark(kFuture, 50'000);
    CHECK(std::fabs(account.unrealised() + 0.01) < 1e-15);  // short while it rises
    account.mark(kFuture, 0);
    CHECK(std::isnan(account.equity()));  // no price is no figure
}

TEST(lots_bought_today_are_counted_for_all_strategies) {
    Books books;
    books.trade(kStock, Side::buy, 2, 1000);
    books.trade(kStock, Side::sell, 1, 1000);
    books.trade(kStock, Side::buy, 3, 1000, Offset::none, 2);
    CHECK(books.account.bought(kStock) == std::pair(20240105, int64_t{5}));
    books.day = 20240108;
    books.trade(kStock, Side::buy, 1, 1000);
    CHECK(books.account.bought(kStock) == std::pair(20240108, int64_t{1}));
    CHECK(books.account.bought(kFuture) == std::pair(0, int64_t{0}));
}

TEST(currencies_add_up_at_their_rates) {
    Books books;
    books.trade(kForeign, Side::buy, 8, 20);
    CHECK_EQUAL(books.account.rate(1), 1.0);
    CHECK_EQUAL(books.account.total_equity(), 100'000 - 0.5);
    books.account.set_rate(1, 4);
    books.account.set_rate(0, 7);  // the account's own is worth what it is
    CHECK_EQUAL(books.account.rate(0), 1.0);
    CHECK_EQUAL(books.account.rate(1), 4.0);
    CHECK_EQUAL(books.account.total_equity(), 100'000 - 0.5 * 4);
    CHECK_EQUAL(books.account.total_cash(), 100'000 + books.account.cash(1) * 4);
    CHECK_EQUAL(books.account.total_margin(), 20.0 * 4);
}

TEST(account_refuses_what_it_does_not_know) {
    Books books;
    auto refused = [](auto call) {
        try {
            call();
        } catch (const std::invalid_argument&) {
            return true;
        }
        return false;
    };
    CHECK(refused([&] { books.trade(9, Side::buy, 1, 1); }));
    CHECK(refused([&] { books.account.set_terms(1, {.tick = {1, 0}}); }));
    CHECK_EQUAL(books.account.net_lots(1, 9), int64_t{0});
    CHECK(books.account.position(7, kStock, PositionSide::net) == nullptr);
    CHECK_EQUAL(books.account.cash(9), 0.0);
}
