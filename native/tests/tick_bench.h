// A tick engine with one share, falling ticks, and a strategy that writes down what it sees.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "gcg/tick_engine.h"

namespace gcg {

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
inline std::vector<Tick> falling(int count) {
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

}  // namespace gcg
