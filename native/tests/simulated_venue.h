// A simulated venue with one instrument, and short words for what is done to it and what it says.
#pragma once

#include <cstring>
#include <string>

#include "gcg/matching.h"

namespace gcg {

// A market with a tick of 0.01 and a lot of 1; prices are in ticks.
struct SimulatedVenue {
    static constexpr uint32_t kShare = 1;
    static constexpr int64_t kSecond = 1'000'000'000;

    explicit SimulatedVenue(MatchingModel model = {}) : engine(model) { engine.set_grid(kShare, {0.01, 1.0}); }

    void quote(int64_t bid, double bid_size, int64_t ask, double ask_size) {
        Tick tick = now<Tick>();
        tick.bid_price = price(bid), tick.bid_size = bid_size;
        tick.ask_price = price(ask), tick.ask_size = ask_size;
        engine.on_tick(tick);
    }
    void trade(int64_t ticks, double size, Side aggressor = Side::none) {
        TradeTick trade = now<TradeTick>();
        trade.price = price(ticks), trade.size = size;
        trade.aggressor = static_cast<uint8_t>(aggressor);
        engine.on_trade(trade);
    }
    // SET, DELETE, CLEAR or SNAPSHOT (0 to 3) of a price on a side.
    void delta(int action, Side side, int64_t ticks = 0, double size = kNaN, bool is_last = true) {
        BookDelta delta = now<BookDelta>();
        delta.action = static_cast<uint8_t>(action), delta.side = static_cast<uint8_t>(side);
        delta.price = price(ticks), delta.size = size;
        delta.is_last = is_last;
        if (!is_last) --now_ns;  // the rest of its group has the same time
        engine.on_delta(delta);
    }
    void bar(int64_t open, int64_t high, int64_t low, int64_t close, const char* period = "",
             int64_t length_ns = kSecond) {
        Bar bar;
        std::strncpy(bar.period, period, sizeof bar.period);
        bar.instrument = kShare;
        bar.start_ns = now_ns;
        bar.event_ns = now_ns += length_ns;
        bar.open = price(open), bar.high = price(high), bar.low = price(low), bar.close = price(close);
        engine.on_bar(bar);
    }
    SimulatedOrder order(uint64_t key, Side side, OrderType type, int64_t lots, int64_t price_ticks = kNoPrice,
                         int64_t stop_ticks = kNoPrice) const {
        SimulatedOrder order;
        order.key = key, order.instrument = kShare, order.side = side, order.type = type;
        order.lots = lots, order.price_ticks = price_ticks, order.stop_ticks = stop_ticks;
        return order;
    }
    void limit(uint64_t key, Side side, int64_t lots, int64_t price_ticks) {
        engine.submit(order(key, side, OrderType::limit, lots, price_ticks), now_ns);
    }
    void market(uint64_t key, Side side, int64_t lots, TimeInForce force = TimeInForce::gtc) {
        SimulatedOrder sent = order(key, side, OrderType::market, lots);
        sent.time_in_force = force;
        engine.submit(sent, now_ns);
    }
    void trailing(uint64_t key, Side side, int64_t lots, int64_t trail_ticks, int64_t stop_ticks = kNoPrice) {
        SimulatedOrder sent = order(key, side, OrderType::trailing_stop, lots, kNoPrice, stop_ticks);
        sent.trail_ticks = trail_ticks;
        engine.submit(sent, now_ns);
    }

    // What happened since the last call, one word a report: "1+" accepted, "1!" rejected, "1t" triggered, "1e"
    // cancelled, "1m" expired, "1c" changed, "1r" cancel refused, "1R" change refused, "1~9990" stop trailed to 9990
    // (and "/9980" its limit), "1:5@100" filled 5 at 100 as a taker, "1=5@100" as a maker.
    std::string happened() {
        std::string text;
        for (const Report& report : engine.take_reports()) {
            if (!text.empty()) text += ' ';
            text += std::to_string(report.key);
            if (report.kind == ReportKind::filled) {
                text += (report.maker ? '=' : ':') + std::to_string(report.lots) + '@' + std::to_string(report.ticks);
            } else if (report.kind == ReportKind::trailed) {
                text += '~' + std::to_string(report.stop_ticks);
                if (report.ticks != kNoPrice) text += '/' + std::to_string(report.ticks);
            } else {
                text += "+!txemcrR"[static_cast<int>(report.kind)];
            }
        }
        return text;
    }

    MatchingEngine engine;
    int64_t now_ns = 1000;

 private:
    static double price(int64_t ticks) { return static_cast<double>(ticks) / 100; }
    template <typename Record>
    Record now() {
        Record record;
        record.instrument = kShare;
        record.event_ns = ++now_ns;
        return record;
    }
};

}  // namespace gcg
