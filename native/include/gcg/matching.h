// A simulated venue for our own orders: they are matched against recorded or live market data and never move it.
//
// What fills, and at which price (all in whole ticks and lots, so the same data gives the same fills on every machine):
//
// * Arrival. An order reaches the venue `latency_ns` after it was sent, cancels and changes likewise. Whatever arrives
//   strictly before the next market event meets the market of the event before it; at equal times the market event is
//   first.
// * Taking. A market order, or a limit order that is marketable on arrival, takes the opposite quotes from the best one
// on,
//   each up to its displayed size, at the quote's price plus `slippage_ticks` to its disadvantage (a limit is never
//   passed). A size that is not told is unlimited. What is taken is gone until the next event shows new sizes. What is
//   left of a market order waits for them; what is left of a limit order rests.
// * Resting. A resting limit order stands behind everybody else at its price, so a trade at its price does not fill it.
// It is
//   filled at its own price when a trade goes through it (up to the size traded), or when the opposite quote reaches or
//   crosses it (up to the size displayed). Of our own orders the better price is first, then the earlier arrival.
// * Without quotes the last price stands in for both sides on arrival, of unlimited size; resting orders need a trade
// that goes
//   through them. One side quoted and the other absent means that nobody is there.
// * A tick is a trade if its volume says so: a grown day volume, a changed 24-hour volume, any single volume; without a
// volume,
//   a changed last price.
// * Stops trigger on trades at or beyond the stop price, and on the opposite quote where no trade was ever seen.
// * Bars count only while the instrument has shown no tick, trade or depth, and only those of its shortest period. A
// bar fills
//   what was sent no later than its start: at the open first (market orders, marketable limits, stops already passed),
//   then stops at their stop price, then limits that the range goes through, at their own price: the order of events
//   within a bar is taken to be the worse one. What was sent later can only trade at the close. All our fills of a bar
//   together are at most its volume, if it tells one. Bid bars fill sales, ask bars purchases. Latency does not matter
//   to bars.
// * Depth is preferred to the quotes of ticks, and trades to the trades that ticks imply, while the last one is less
// than 10 s
//   old.
//
// Nothing here fills from backfilled history: whoever calls on_...() leaves it out.
#pragma once

#include <array>
#include <cstdint>
#include <queue>
#include <unordered_map>
#include <vector>

#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

struct MatchingModel {
    int64_t latency_ns = 0;
    int64_t slippage_ticks = 0;
};

struct SimulatedOrder {
    uint64_t key = 0;  // the caller's name for it: unique
    uint32_t instrument = 0;
    Side side = Side::none;
    OrderType type = OrderType::none;
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;
    int64_t lots = 0;
    int64_t price_ticks = kNoPrice;
    int64_t stop_ticks = kNoPrice;
    int64_t expire_ns = -1;  // < 0: never
    int64_t filled = 0;      // lots filled before a restart
    bool triggered = false;  // a stop that was triggered before a restart
};

enum class ReportKind : uint8_t {
    accepted = 0,
    rejected = 1,
    triggered = 2,
    filled = 3,
    cancelled = 4,
    expired = 5,
    modified = 6,
    cancel_refused = 7,
    modify_refused = 8
};

enum class ReportReason : uint8_t {
    none = 0,
    asked = 1,             // cancelled because it was asked for
    nothing_left = 2,      // immediate-or-cancel: the rest
    not_all = 3,           // fill-or-kill: not all at once
    would_take = 4,        // post-only: it would take
    not_open = 5,          // a cancel or change of an order that is done or unknown
    below_filled = 6,      // a change to less than is filled
    unsupported_type = 7,  // trailing stops
    duplicate_key = 8
};

struct Report {
    ReportKind kind;
    ReportReason reason;
    bool maker;
    uint64_t key;
    int64_t event_ns;
    int64_t ticks;            // of a fill
    int64_t lots;             // of a fill
    int64_t left;             // lots still open
    int32_t trading_day = 0;  // of a fill: as the market data had it, YYYYMMDD; 0 = it did not say
};

class MatchingEngine {
 public:
    explicit MatchingEngine(MatchingModel model = {}) : model_(model) {}

    // Tell the tick and lot size of an instrument; its market data is passed over before.
    void set_grid(uint32_t instrument, Grid grid);
    [[nodiscard]] bool knows(uint32_t instrument) const;

    // Send an order, a cancel or a change at `now_ns`; with no latency it takes effect at once. `lots` of a change is
    // the new whole quantity (0: as it is); absent prices stay as they are.
    void submit(const SimulatedOrder& order, int64_t now_ns);
    void cancel(uint64_t key, int64_t now_ns);
    void modify(uint64_t key, int64_t lots, int64_t price_ticks, int64_t stop_ticks, int64_t now_ns);
    // Put an order that was working before a restart back to work, in order of arrival, without a report.
    void restore(const SimulatedOrder& order);

    void on_tick(const Tick& tick);
    void on_trade(const TradeTick& trade);
    void on_depth(const Depth& depth);
    void on_bar(const Bar& bar);
    // Let time pass without market data: arrivals and expiries up to and including `now_ns`.
    void advance(int64_t now_ns);

    // What happened since the last call, in order.
    [[nodiscard]] std::vector<Report> take_reports();
    [[nodiscard]] bool has_reports() const { return !reports_.empty(); }
    [[nodiscard]] std::size_t open_orders() const { return orders_.size(); }
    [[nodiscard]] int64_t clock_ns() const { return clock_ns_; }

 private:
    struct Order {
        SimulatedOrder terms;
        int64_t sent_ns = 0;
        uint64_t rank = 0;  // order of arrival
        bool arrived = false;
        bool done = false;
        [[nodiscard]] int64_t left() const { return terms.lots - terms.filled; }
        [[nodiscard]] bool buys() const { return terms.side == Side::buy; }
        [[nodiscard]] bool waits_for_stop() const {
            return !terms.triggered && (terms.type == OrderType::stop || terms.type == OrderType::stop_limit);
        }
        // The worst price it may trade at, or kNoPrice for any.
        [[nodiscard]] int64_t limit() const {
            return terms.type == OrderType::limit || terms.type == OrderType::stop_limit ? terms.price_ticks : kNoPrice;
        }
    };
    struct Level {
        int64_t ticks;
        int64_t lots;
    };
    struct Levels {
        std::array<Level, kDepthLevels> at;
        int count = 0;
    };
    struct Market {
        Grid grid;
        bool known = false;
        bool quoted = false;  // the levels are quotes, not the last price
        bool fine = false;    // a tick, trade or depth was seen
        Levels bids, asks;
        int64_t last = kNoPrice;
        double volume = kNaN;
        int64_t depth_ns = kNoPrice, trade_ns = kNoPrice;  // event time of the last depth, of the last trade
        int32_t trading_day = 0;
        int64_t bar_ns = 0;               // the shortest bar period seen
        std::vector<Order*> buys, sells;  // working, best price first, then by arrival
        std::vector<Order*> stops;        // waiting for their trigger, by arrival
        [[nodiscard]] bool idle() const { return buys.empty() && sells.empty() && stops.empty(); }
    };
    enum class ActionKind : uint8_t { arrive, cancel, modify, expire };
    struct Action {
        int64_t due_ns;
        uint64_t number;
        ActionKind kind;
        uint64_t key;
        int64_t lots = 0, price_ticks = kNoPrice, stop_ticks = kNoPrice;
        bool operator<(const Action& other) const {  // the queue's top is the earliest
            return due_ns != other.due_ns ? due_ns > other.due_ns : number > other.number;
        }
    };
    struct Trade {
        int64_t ticks = kNoPrice;
        int64_t lots = 0;
    };

    Market* market(uint32_t instrument);
    void schedule(ActionKind kind, uint64_t key, int64_t due_ns, int64_t lots = 0, int64_t price = kNoPrice,
                  int64_t stop = kNoPrice);
    void begin(int64_t event_ns);  // time moves on to a market event: what arrived before it
    void end(int64_t event_ns);    // and what arrives at the same time as it
    void run_until(int64_t due_ns);
    void run(const Action& action);
    void arrive(Order& order, int64_t now_ns);
    void apply_change(Order& order, const Action& action);
    void enter(Market& market, Order& order, int64_t now_ns);
    void work(Market& market, Order& order);
    void finish(Market& market, Order& order, ReportKind kind, ReportReason reason, int64_t now_ns);
    void withdraw(Market& market, Order& order);
    void forget(const Order& order);
    void sweep(Market& market);

    void report(const Order& order, ReportKind kind, ReportReason reason, int64_t now_ns);
    void fill(const Market& market, Order& order, int64_t ticks, int64_t lots, bool maker, int64_t now_ns);
    void take(Market& market, Order& order, int64_t now_ns);
    [[nodiscard]] int64_t available(const Market& market, const Order& order) const;
    [[nodiscard]] int64_t slipped(const Order& order, int64_t ticks) const;
    [[nodiscard]] bool trigger_met(const Market& market, const Order& order) const;

    void last_price(Market& market, int64_t ticks);
    void match(Market& market, Trade trade, int64_t now_ns);
    void match_side(Market& market, std::vector<Order*>& side, Trade& trade, int64_t now_ns);
    void trigger_stops(Market& market, Trade trade, int64_t now_ns);
    Trade implied_trade(Market& market, const Tick& tick, int64_t last);

    struct BarPath;
    void bar_open(Market& market, BarPath& path);
    void bar_range(Market& market, BarPath& path);
    void bar_close(Market& market, BarPath& path);
    void bar_take(const Market& market, Order& order, int64_t ticks, BarPath& path);
    void bar_trigger(Market& market, Order*& slot, int64_t ticks, BarPath& path);
    void bar_at_once(Market& market, const BarPath& path, bool at_open);

    MatchingModel model_;
    std::vector<Market> markets_;                 // by instrument number
    std::unordered_map<uint64_t, Order> orders_;  // not done; the nodes do not move
    std::priority_queue<Action> actions_;
    std::vector<Report> reports_;
    int64_t clock_ns_ = 0;
    uint64_t actions_made_ = 0, ranks_given_ = 0;
};

}  // namespace gcg
