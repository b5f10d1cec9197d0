// What the tick engine refuses, and what becomes of a run in which a strategy fails or something comes too late.

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tick_bench.h"

using namespace gcg;

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
