// The tick engine's loop: who sees what when, and that the size of a step changes nothing. Tests with Python strategies
// are in tests/backtest/hft/.

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "gcg/tick_engine.h"

using namespace gcg;

namespace {

constexpr uint32_t kShare = 1;
constexpr int64_t kMs = 1'000'000;

// Writes down what it sees, and does what a test wants of it.
struct Notes final : TickStrategy {
    std::vector<std::string> lines;
    std::function<void(const Rows&, uint32_t)> act;
    std::function<void(const std::string&)> on_time;
    std::function<void()> on_rows;
    TickEngine* engine = nullptr;

    void note(const std::string& what) { lines.push_back(std::to_string(engine->now_ns() / kMs) + " " + what); }
    void on_record(const Rows& rows, uint32_t row) override {
        if (rows.type == Bar::kType) {
            const Bar& bar = *static_cast<const Bar*>(rows.at(row));
            note("bar of " + std::to_string(bar.event_ns / kMs) + " " + std::to_string(std::lround(bar.close)));
            return;
        }
        note("tick " + std::to_string(rows.event_ns(row) / kMs));
        if (act) act(rows, row);
    }
    void on_batch(const Rows& rows) override {
        note("batch of " + std::to_string(rows.count));
        if (on_rows) on_rows();
    }
    void on_order(const OrderEvent& event) override {
        note(std::string(event.client_id) + " " + std::to_string(event.status));
    }
    void on_fill(const Fill& fill) override {
        note("fill " + std::to_string(static_cast<int>(fill.quantity)) + "@" + std::to_string(std::lround(fill.price)));
    }
    void on_timer(const std::string& name) override {
        note("timer " + name);
        if (on_time) on_time(name);
    }
};

// Ticks 1, 2, ... ms: bid 99, ask 101, from the sixth on 97 and 99.
std::vector<Tick> falling(int count) {
    std::vector<Tick> ticks(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        Tick& tick = ticks[static_cast<std::size_t>(i)];
        tick.event_ns = (i + 1) * kMs;
        tick.recv_ns = tick.event_ns + 3 * kMs;
        tick.instrument = kShare;
        const int fall = i < 5 ? 0 : 2;
        tick.bid_price = 99 - fall, tick.ask_price = 101 - fall, tick.last_price = 100 - fall;
        tick.bid_size = tick.ask_size = 5;
    }
    return ticks;
}

struct Bench {
    explicit Bench(TickEngineOptions options = {}, int count = 10) : ticks(falling(count)), engine(with_cash(options)) {
        TickInstrument share;
        share.symbol = "SHARE";
        share.risk.grid = {1.0, 1.0};
        share.account.tick = {1, 1};
        share.account.lot = {1, 1};
        engine.add_instrument(share);
        notes.engine = &engine;
        notes.singles = 1u << Tick::kType;
        notes.hears_orders = notes.hears_fills = true;
    }
    static TickEngineOptions with_cash(TickEngineOptions options) {
        options.cash = 10'000;
        return options;
    }
    void begin() {
        engine.add_stream(
            [this] { return array_stream(Tick::kType, kShare, ticks.data(), ticks.size(), sizeof(Tick), nullptr); });
        engine.add_strategy("a", &notes);
    }
    void buy_at(int64_t event_ms, double price, OrderType type = OrderType::limit) {
        notes.act = [=, this](const Rows& rows, uint32_t row) {
            if (rows.event_ns(row) == event_ms * kMs)
                engine.send(1, {.instrument = kShare, .side = Side::buy, .type = type, .quantity = 2, .price = price});
        };
    }
    void expect(const std::vector<std::string>& wanted) const {
        for (std::size_t i = 0; i < wanted.size() && i < notes.lines.size(); ++i)
            CHECK_EQUAL(notes.lines[i], wanted[i]);
        CHECK_EQUAL(notes.lines.size(), wanted.size());
    }
    std::vector<Tick> ticks;
    Notes notes;
    TickEngine engine;
};

}  // namespace

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

TEST(engine_refuses_what_risk_refuses_and_counts_what_is_open) {
    Bench bench;
    RiskLimits limits;
    limits.order_quantity = 1;
    bench.engine.risk().set_limits(0, 0, limits);
    bench.buy_at(2, 99);
    bench.begin();
    bench.engine.run(2, nullptr);
    CHECK_EQUAL(bench.notes.lines.back(), "2 a-1 8");
    CHECK_EQUAL(bench.engine.orders()[0].reasons, risk_reason::kOrderSize);
    CHECK(bench.engine.open_orders(1).empty());
    limits.order_quantity = 5;
    bench.engine.risk().set_limits(0, 0, limits);
    bench.buy_at(3, 90);
    bench.engine.run(1, nullptr);
    CHECK_EQUAL(bench.engine.risk().open_lots(1, kShare, Side::buy), 2);
    CHECK(bench.engine.modify(1, 2, 3, kNaN, kNaN));
    CHECK_EQUAL(bench.engine.risk().open_lots(1, kShare, Side::buy), 3);
    CHECK(bench.engine.cancel(1, 2));
    CHECK_EQUAL(bench.engine.risk().open_lots(1, kShare, Side::buy), 0);
    CHECK(!bench.engine.cancel(1, 2));
    CHECK(!bench.engine.cancel(2, 1));
}

TEST(engine_says_what_is_wrong_with_an_order) {
    Bench bench;
    bench.begin();
    bench.engine.run(1, nullptr);
    auto says = [&](const OrderAsk& ask) -> std::string {
        try {
            bench.engine.send(1, ask);
        } catch (const OrderError& error) {
            return error.what();
        }
        return "";
    };
    OrderAsk ask{.instrument = kShare, .side = Side::buy, .quantity = 1, .price = 99.25};
    CHECK_EQUAL(says(ask),
                "The limit price 99.25 of SHARE is not a multiple of its tick size 1; the nearest valid one is 99.");
    ask.price = -1;
    CHECK_EQUAL(says(ask), "The limit price must be above 0, found -1.");
    ask.price = kNaN;
    CHECK_EQUAL(says(ask), "The order needs a limit price.");
    ask.quantity = 0;
    CHECK_EQUAL(says(ask), "An order's quantity must be above 0, found 0 SHARE.");
    CHECK(bench.engine.orders().empty());
}

// Beside a strategy that fails, another hears everything once, and in its order.
TEST(engine_goes_on_after_a_failure_without_repeating_or_losing_anything) {
    for (const int64_t feed_ns : {int64_t{0}, 3 * kMs}) {
        std::vector<std::string> untroubled;
        for (const bool fails : {false, true}) {
            TickEngineOptions options;
            options.feed_ns = feed_ns;
            Bench bench(options, 8);
            Notes other;
            other.engine = &bench.engine;
            other.singles = other.batches = 1u << Tick::kType;
            other.hears_orders = other.hears_fills = true;
            int failures = 0;
            auto fail = [&] {
                if (fails) throw std::runtime_error("failure " + std::to_string(++failures));
            };
            bench.notes.act = [&](const Rows& rows, uint32_t row) {
                if (rows.event_ns(row) != 2 * kMs && rows.event_ns(row) != 8 * kMs) return;
                if (rows.event_ns(row) == 2 * kMs)  // whose answers come in the same moment
                    bench.engine.send(1, {.instrument = kShare, .side = Side::buy, .quantity = 1, .price = 99});
                fail();
            };
            bench.notes.on_time = [&](const std::string&) { fail(); };
            other.act = [&](const Rows& rows, uint32_t row) {
                if (rows.event_ns(row) == 2 * kMs)
                    bench.engine.send(2, {.instrument = kShare, .side = Side::buy, .quantity = 2, .price = 99});
            };
            bench.begin();
            bench.engine.add_strategy("b", &other);
            bench.engine.run(0, nullptr);
            bench.engine.set_timer(1, "first", 3'500'000, false);
            bench.engine.set_timer(2, "second", 3'500'000, false);
            std::vector<std::string> said;
            while (!bench.engine.finished()) {
                try {
                    bench.engine.run(UINT64_MAX, nullptr);
                } catch (const std::runtime_error& error) {
                    said.push_back(error.what());
                }
            }
            CHECK_EQUAL(said.size(), fails ? 3u : 0u);
            for (std::size_t i = 0; i < said.size(); ++i) CHECK_EQUAL(said[i], "failure " + std::to_string(i + 1));
            CHECK_EQUAL(bench.engine.done(), 8u);
            CHECK_EQUAL(bench.engine.fills().size(), 2u);
            CHECK_EQUAL(bench.engine.position(1, kShare) + bench.engine.position(2, kShare), 3.0);
            std::vector<std::string> heard = bench.notes.lines;
            heard.insert(heard.end(), other.lines.begin(), other.lines.end());
            if (!fails) untroubled = heard;
            CHECK_EQUAL(heard.size(), untroubled.size());
            CHECK(heard == untroubled);
        }
    }
}

TEST(engine_ends_with_a_failure_though_strategies_would_answer_for_ever) {
    Bench bench;
    struct Stubborn final : TickStrategy {
        TickEngine* engine = nullptr;
        int answers = 0;
        void on_record(const Rows&, uint32_t) override {}
        void on_batch(const Rows&) override {}
        void on_fill(const Fill&) override {}
        void on_timer(const std::string&) override {}
        void on_order(const OrderEvent&) override {
            engine->send(1, {.instrument = kShare, .side = Side::buy, .quantity = 1, .price = 99});
            if (++answers == 100) throw std::runtime_error("enough");
        }
    } stubborn;
    stubborn.engine = &bench.engine;
    stubborn.hears_orders = true;
    bench.engine.add_strategy("stubborn", &stubborn);
    bench.engine.add_stream([&] {
        return array_stream(Tick::kType, kShare, bench.ticks.data(), bench.ticks.size(), sizeof(Tick), nullptr);
    });
    bench.engine.run(1, nullptr);
    bench.engine.send(1, {.instrument = kShare, .side = Side::buy, .quantity = 1, .price = 99});
    std::string said;
    try {
        bench.engine.run(1, nullptr);
    } catch (const std::runtime_error& error) {
        said = error.what();
    }
    CHECK_EQUAL(said, "enough");
    CHECK_EQUAL(stubborn.answers, 100);
    CHECK_EQUAL(bench.engine.orders().size(), 101u);
}

TEST(engine_refuses_what_comes_too_late) {
    Bench bench({}, 3);
    int refused = 0;
    auto refuses = [&](auto call) {
        try {
            call();
        } catch (const std::logic_error&) {
            ++refused;
        }
    };
    const auto grid = std::make_shared<BarGrid>(1'000'000'000);
    bench.notes.act = [&](const Rows&, uint32_t) {
        refuses([&] { bench.engine.run(1, nullptr); });
        refuses([&] { bench.engine.add_bars(kShare, "1s", grid, BarBasis::last, Tick::kType, {1}, true); });
    };
    bench.begin();
    refuses([&] { bench.engine.add_bars(2, "1s", grid, BarBasis::last, Tick::kType, {1}, true); });
    refuses([&] { bench.engine.add_bars(kShare, "1s", grid, BarBasis::last, Tick::kType, {2}, true); });
    CHECK_EQUAL(refused, 2);
    bench.engine.run(1, nullptr);
    CHECK_EQUAL(refused, 4);
    refuses([&] { bench.engine.add_strategy("late", &bench.notes); });
    refuses([&] { bench.engine.add_instrument(bench.engine.instruments()[0]); });
    refuses([&] { bench.engine.add_stream(nullptr); });
    CHECK_EQUAL(refused, 7);
    bench.engine.add_bars(kShare, "1s", grid, BarBasis::last, Tick::kType, {1}, true);
}

TEST(engine_lets_instruments_come_after_the_strategies) {
    Bench bench({}, 3);
    bench.notes.instruments = {false, true};
    bench.begin();
    TickInstrument second = bench.engine.instruments()[0];
    const uint32_t number = bench.engine.add_instrument(second);
    bench.engine.add_stream(
        [&] { return array_stream(Tick::kType, number, bench.ticks.data(), 3, sizeof(Tick), nullptr); });
    bench.engine.run(UINT64_MAX, nullptr);
    CHECK_EQUAL(bench.engine.done(), 6u);
    bench.expect({"1 tick 1", "2 tick 2", "3 tick 3"});
    CHECK_EQUAL(bench.engine.position(1, number), 0.0);
}
