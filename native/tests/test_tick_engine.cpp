// The tick engine's loop: who sees what when, and that the size of a step changes nothing. Tests with Python strategies
// are in tests/backtest/hft/.

#include <memory>
#include <string>
#include <vector>

#include "tick_bench.h"

using namespace gcg;

TEST(engine_without_latency_shows_the_market_event_before_the_fill_that_it_led_to) {
    Bench bench({}, 6);
    bench.buy_at(2, 99);
    bench.begin();
    CHECK_EQUAL(bench.engine.run(UINT64_MAX, nullptr), 6u);
    bench.expect({"1 tick 1", "2 tick 2", "2 a-1 2", "2 a-1 3", "3 tick 3", "4 tick 4", "5 tick 5", "6 tick 6",
                  "6 fill 2@99", "6 a-1 5"});
    CHECK(bench.engine.finished());
    CHECK_EQUAL(bench.engine.position(1, kShare), 2.0);
    CHECK_EQUAL(bench.engine.cash(), 10'000 - 2 * 99.0);
    CHECK_EQUAL(bench.engine.equity(), 10'000 - 2 * 99.0 + 2 * 98.0);
}

TEST(engine_delays_orders_answers_and_data_each_by_its_own_latency) {
    TickEngineOptions options;
    options.matching.latency_ns = 1'500'000;
    options.response_ns = 2 * kMs;
    options.feed_ns = kMs;
    Bench bench(options, 6);
    bench.buy_at(2, 101, OrderType::market);
    bench.begin();
    bench.engine.run(UINT64_MAX, nullptr);
    // Seen at 3 ms, at the venue at 4.5, known at 6.5.
    bench.expect({"2 tick 1", "3 tick 2", "3 a-1 2", "4 tick 3", "5 tick 4", "6 tick 5", "6 a-1 3", "6 fill 2@101",
                  "6 a-1 5", "7 tick 6"});
    CHECK_EQUAL(bench.engine.orders()[0].arrived_ns, 4'500'000);
    CHECK_EQUAL(bench.engine.fills()[0].seen_ns, 6'500'000);
    CHECK_EQUAL(bench.engine.fills()[0].mid, 100.0);
}

TEST(engine_shows_data_as_it_was_received) {
    TickEngineOptions options;
    options.feed_ns = kAsRecorded;
    Bench bench(options, 2);
    bench.begin();
    bench.engine.run(UINT64_MAX, nullptr);
    bench.expect({"4 tick 1", "5 tick 2"});
}

TEST(engine_shows_no_quote_and_no_price_before_its_event_is_seen) {
    TickEngineOptions options;
    options.feed_ns = 3 * kMs;
    Bench bench(options, 8);
    std::vector<int64_t> bids;
    std::vector<double> lasts;
    bench.notes.act = [&](const Rows&, uint32_t) {
        bids.push_back(bench.engine.quotes(kShare).bid);
        lasts.push_back(bench.engine.last_price(kShare));
    };
    bench.begin();
    bench.engine.run(UINT64_MAX, nullptr);
    CHECK_EQUAL(bids.size(), 8u);
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK_EQUAL(bids[i], i < 5 ? 99 : 97);
        CHECK_EQUAL(lasts[i], i < 5 ? 100.0 : 98.0);
    }
}

// A book told by deltas, four a millisecond in groups of two, beside ticks of another instrument; seen 3 ms later. What
// strategies see is what a book that is fed with what they have seen shows.
TEST(engine_shows_a_book_of_deltas_as_far_as_it_was_seen) {
    for (const bool asks_for_levels : {false, true}) {
        TickEngineOptions options;
        options.feed_ns = 3 * kMs;
        Bench bench(options, 60);
        const uint32_t coin = bench.engine.add_instrument(bench.engine.instruments()[0]);
        std::vector<BookDelta> deltas(240);
        uint32_t state = 7;
        for (std::size_t i = 0; i < deltas.size(); ++i) {
            state = state * 1'664'525 + 1'013'904'223;
            BookDelta& delta = deltas[i];
            delta.event_ns = static_cast<int64_t>(i / 2 * 2 + 4) * kMs / 4;
            const bool buys = (state >> 9) % 2 == 0;
            delta.side = static_cast<uint8_t>(buys ? Side::buy : Side::sell);
            delta.price = buys ? 100.0 - (state >> 16) % 5 : 101.0 + (state >> 16) % 5;
            delta.size = (state >> 24) % 3;
            delta.is_last = i % 2 == 1;
        }
        bench.begin();
        bench.engine.add_stream([&] {
            return array_stream(BookDelta::kType, coin, deltas.data(), deltas.size(), sizeof(BookDelta), nullptr);
        });
        MatchingEngine wanted;
        wanted.set_grid(coin, {1.0, 1.0});
        std::size_t fed = 0, looks = 0;
        bench.notes.act = [&](const Rows& rows, uint32_t row) {
            if (rows.event_ns(row) % (7 * kMs) != 0) return;
            for (; fed < deltas.size() && deltas[fed].event_ns + 3 * kMs < bench.engine.now_ns(); ++fed) {
                BookDelta delta = deltas[fed];
                delta.instrument = coin;
                wanted.on_delta(delta);
            }
            const MatchingEngine::Quotes seen = bench.engine.quotes(coin), shown = wanted.quotes(coin);
            CHECK_EQUAL(seen.bid, shown.bid);
            CHECK_EQUAL(seen.ask, shown.ask);
            if (asks_for_levels && row > 20)
                CHECK(bench.engine.levels(coin, Side::buy, 9) == wanted.levels(coin, Side::buy, 9));
            ++looks;
        };
        bench.engine.run(UINT64_MAX, nullptr);
        CHECK(looks > 5);
    }
}

TEST(engine_calls_timers_between_market_events_and_no_longer_than_the_data) {
    Bench bench({}, 2);
    bench.notes.act = [&](const Rows& rows, uint32_t row) {
        if (rows.event_ns(row) == kMs) bench.engine.set_timer(1, "often", 400'000, true);
    };
    bench.begin();
    bench.engine.run(UINT64_MAX, nullptr);
    bench.expect({"1 tick 1", "1 timer often", "1 timer often", "2 tick 2"});
}

TEST(engine_lets_frequent_timers_sleep_through_gaps_and_no_others) {
    constexpr int64_t kSecond = 1'000'000'000;
    for (const int64_t feed_ns : {int64_t{0}, 7 * kMs}) {
        TickEngineOptions options;
        options.feed_ns = feed_ns;
        options.idle_timers_ns = 2 * kSecond;
        Bench bench(options, 2);
        bench.notes.singles = 0;
        bench.ticks[1].event_ns = 3'600 * kSecond + 101 * kMs;  // an hour after the first
        bench.begin();
        bench.engine.run(0, nullptr);
        bench.engine.set_timer(1, "often", 300 * kMs, true);
        bench.engine.set_timer(1, "rarely", 1'000 * kSecond, true);
        bench.engine.set_timer(1, "once", 50 * kSecond, false);
        bench.engine.run(UINT64_MAX, nullptr);
        // Six times within two seconds of the first tick; with a delay that is seen 7 ms later.
        std::vector<std::string> wanted;
        for (const int at : {301, 601, 901, 1201, 1501, 1801}) wanted.push_back(std::to_string(at) + " timer often");
        // At last one of 300 ms, 600 ms, ... after the first tick, before the second.
        wanted.insert(wanted.end(), {"50001 timer once", "1000001 timer rarely", "2000001 timer rarely",
                                     "3000001 timer rarely", "3600001 timer often"});
        bench.expect(wanted);
    }
}

TEST(engine_lets_timers_fire_through_gaps_if_asked_to) {
    TickEngineOptions options;
    options.idle_timers_ns = 0;
    Bench bench(options, 2);
    bench.notes.singles = 0;
    bench.ticks[1].event_ns = 100'001 * kMs;
    bench.begin();
    bench.engine.run(0, nullptr);
    bench.engine.set_timer(1, "often", 100 * kMs, true);
    bench.engine.set_timer(1, "never", INT64_MAX, true);
    bench.engine.run(UINT64_MAX, nullptr);
    CHECK_EQUAL(bench.notes.lines.size(), 1000u);  // the last at the time of the second tick
}

TEST(engine_calls_no_timer_that_those_who_got_the_batch_before_it_have_cancelled) {
    Bench bench({}, 3);
    bench.notes.singles = 0;
    bench.notes.batches = 1u << Tick::kType;
    bench.notes.on_rows = [&] { bench.engine.cancel_timer(1, "once"); };
    bench.begin();
    bench.engine.set_timer(1, "once", kMs / 2, false);
    bench.engine.run(UINT64_MAX, nullptr);
    bench.expect({"1 batch of 1", "3 batch of 2"});
}

TEST(engine_hands_over_batches_before_anything_else_is_told) {
    Bench bench({}, 8);
    bench.notes.singles = 0;
    bench.notes.batches = 1u << Tick::kType;
    bench.notes.on_time = [&](const std::string&) {
        bench.engine.send(1, {.instrument = kShare, .side = Side::buy, .quantity = 2, .price = 99});
    };
    bench.begin();
    bench.engine.set_timer(1, "once", 1'500'000, false);
    bench.engine.run(UINT64_MAX, nullptr);
    bench.expect({"2 batch of 2", "2 timer once", "2 a-1 2", "2 a-1 3", "6 batch of 4", "6 fill 2@99", "6 a-1 5",
                  "8 batch of 2"});
}

TEST(engine_closes_bars_at_their_end_before_what_is_seen_then) {
    Bench bench({}, 7);
    bench.begin();
    const auto grid = std::make_shared<BarGrid>(1'000'000'000);
    for (Tick& tick : bench.ticks) tick.event_ns *= 250, tick.recv_ns = tick.event_ns;  // 0.25, 0.5, ... s
    bench.engine.add_bars(kShare, "1s", grid, BarBasis::last, Tick::kType, {1}, true);
    bench.engine.run(UINT64_MAX, nullptr);
    bench.expect({"250 tick 250", "500 tick 500", "750 tick 750", "1000 bar of 1000 100", "1000 tick 1000",
                  "1250 tick 1250", "1500 tick 1500", "1750 tick 1750"});
    const auto& kept = bench.engine.bars(kShare, "1s");
    CHECK_EQUAL(kept.size(), 2u);
    CHECK_EQUAL(kept[1].open, 100.0);
    CHECK_EQUAL(kept[1].close, 98.0);
}

TEST(engine_gives_the_same_whatever_the_size_of_a_step) {
    std::vector<std::string> first;
    for (const uint64_t step : {UINT64_MAX, uint64_t{1}, uint64_t{3}}) {
        TickEngineOptions options;
        options.matching.latency_ns = 700'000;
        options.response_ns = 300'000;
        Bench bench(options);
        bench.notes.batches = 1u << Tick::kType;
        bench.buy_at(2, 99);
        bench.begin();
        while (!bench.engine.finished()) bench.engine.run(step, nullptr);
        if (first.empty()) first = bench.notes.lines;
        bench.expect(first);
        CHECK_EQUAL(bench.engine.fills().size(), 1u);
    }
}
