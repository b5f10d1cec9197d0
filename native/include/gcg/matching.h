// A simulated venue for our own orders: they are matched against recorded or live market data and never move it.
//
// What fills, and at which price (all in whole ticks and lots, so the same data gives the same fills on every machine):
//
// * Arrival. An order reaches the venue `latency_ns` after it was sent, cancels and changes `cancel_latency_ns`
//   after, each up to `jitter_ns` later, by a hash of `seed` and the order's key. Nothing overtakes an earlier
//   command of the same order. Whatever arrives strictly before the next market event meets the market of the event
//   before it; at equal times the market event is first.
// * Taking. A market order, or a limit order that is marketable on arrival, takes the opposite quotes from the best
//   one on, each up to its displayed size, at the quote's price plus `slippage_ticks` to its disadvantage (a limit
//   is never passed, nor is the day's price limit by slippage). A size that is not told is unlimited. What is taken
//   is gone until the next event shows new sizes. What is left of a market order waits for them; what is left of a
//   limit order rests.
// * Resting. A resting limit order is filled at its own price when a trade goes through it (up to the size traded),
//   or when the opposite quote reaches or crosses it (up to the size displayed). Of our own orders the better price
//   is first, then the earlier arrival. Whether a trade at its price fills it depends on its place in the queue:
//     back          it stands behind everybody else, so such a trade does not fill it.
//     risk_averse   ahead of it is the size displayed at its price on arrival. Trades at the price shrink that,
//                   whatever they leave fills the order. Cancels are taken to come from behind it, as far as the
//                   displayed size allows: never more can be ahead than is displayed.
//     proportional  the same, but what the displayed size lost without a trade was cancelled evenly along the
//                   queue.
//     power, logarithmic
//                   the same, but of what was cancelled the share f(ahead) / (f(ahead) + f(behind)) was ahead, in
//                   whole lots, rounded down. f(x) is x to the power of `queue_power`, or ln(1 + x); x is a size,
//                   not a number of lots. A power above 1, or a logarithm below, takes more or less of it from the
//                   longer part of the queue than its length.
//   Where its price is better than all that is displayed, or lies between two displayed levels, nobody is ahead;
//   where it is worse than all of it, nothing is known, and it stands at the back until its price is displayed:
//   then all of that is ahead. Trades of unknown size, and those whose aggressor is on the order's own side, move
//   no queue. After a restart an order stands behind all that is displayed. (The models are those of
//   hftbacktest's documentation, "Order fill", which has its probability queues from E. Rigtorp, "Estimating order
//   queue position", 2013; proportional is f(x) = x.)
// * Without quotes the last price stands in for both sides on arrival, of unlimited size; resting orders need a
//   trade that goes through them. One side quoted and the other absent means that nobody is there, as at a price
//   limit.
// * A tick is a trade if its volume says so: a grown day volume, a changed 24-hour volume, any single volume;
//   without a volume, a changed last price.
// * Stops trigger on trades at or beyond the stop price, and on the opposite quote where no trade was ever seen.
// * Trailing stops begin at their stop price, or `trail` away from the price at arrival if they tell none, and
//   follow the same prices that trigger stops: never further away than `trail`, never back. The limit of a trailing
//   stop-limit moves by as much as its stop. Every move is reported, so that whoever keeps the reports can restore
//   the order.
// * Bars count only while the instrument has shown no tick, trade, depth or delta, and only those of its shortest
//   period. A bar fills what was sent no later than its start: at the open first (market orders, marketable limits,
//   stops already passed), then stops at their stop price, then limits that the range goes through, at their own
//   price: the order of events within a bar is taken to be the worse one. What was sent later can only trade at the
//   close. All our fills of a bar together are at most its volume, if it tells one. Bid bars fill sales, ask bars
//   purchases. Latency does not matter to bars. A trailing stop that the bar's range could have triggered on some
//   path is triggered, at the worst price possible: at its stop if the range reaches that; else, if the range is as
//   long as the trail, at the low (a sale) or the high (a purchase).
// * Depth and book deltas are preferred to the quotes of ticks, and trades to the trades that ticks imply, while
//   the last one is less than 10 s old. A book of deltas is older than that only if a tick shows another best
//   quote.
// * Book deltas. SET replaces the size at a price (none: it is gone), DELETE removes it, CLEAR empties a side or,
//   without one, both; a SNAPSHOT sets a size, too, and the first one of an event time empties the book before.
//   Orders are matched after the last delta of a group (`is_last`).
// * Price limits. A limit price outside the day's limits is rejected. They are those of the ticks, or `price_limit`
//   of the terms away from the previous settlement, else from the previous close.
// * Sessions. Outside of an instrument's sessions (set_sessions) nothing is matched: orders and cancels are
//   accepted, stops wait, and immediate orders are cancelled. There is no auction: at the first event of a session
//   what reaches the quotes takes them as on arrival. A bar counts if it overlaps a session.
//
// Nothing here fills from backfilled history: whoever calls on_...() leaves it out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gcg/book.h"
#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

enum class QueueModel : uint8_t { back = 0, risk_averse = 1, proportional = 2, power = 3, logarithmic = 4 };

struct MatchingModel {
    int64_t latency_ns = 0;  // of orders
    int64_t slippage_ticks = 0;
    int64_t cancel_latency_ns = -1;  // of cancels and changes; < 0: as orders
    int64_t jitter_ns = 0;           // the most that a command may be later than that
    uint64_t seed = 0;               // of the jitter
    QueueModel queue = QueueModel::back;
    double queue_power = 2;  // of the queue model `power`: a multiple of 0.5 from 0.5 to 8
};

// When an instrument trades: row by row from opens[i] until before closes[i], in event time, in order, never
// overlapping.
struct Sessions {
    std::vector<int64_t> opens, closes;
    // Throws std::invalid_argument if they are not in order.
    Sessions(std::vector<int64_t> opens, std::vector<int64_t> closes);
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
    // How far a trailing stop stays away: in ticks, or in millionths of the price (rounded half up, at least a tick).
    int64_t trail_ticks = 0;
    int64_t trail_millionths = 0;
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
    modify_refused = 8,
    trailed = 10  // 9 is FAILED, which a simulated venue never says
};

enum class ReportReason : uint8_t {
    none = 0,
    asked = 1,             // cancelled because it was asked for
    nothing_left = 2,      // immediate-or-cancel: the rest
    not_all = 3,           // fill-or-kill: not all at once
    would_take = 4,        // post-only: it would take
    not_open = 5,          // a cancel or change of an order that is done or unknown
    below_filled = 6,      // a change to less than is filled
    unsupported_type = 7,  // also a trailing stop without a trail
    duplicate_key = 8,
    outside_limits = 9,  // beyond the day's price limits
    closed = 10          // immediate-or-cancel, fill-or-kill: the market is closed
};

struct Report {
    ReportKind kind;
    ReportReason reason;
    bool maker;
    uint64_t key;
    int64_t event_ns;
    int64_t ticks;                  // of a fill; the limit price of what was changed or has trailed, or kNoPrice
    int64_t lots;                   // of a fill
    int64_t left;                   // lots still open
    int32_t trading_day = 0;        // of a fill: as the market data had it, YYYYMMDD; 0 = it did not say
    int64_t stop_ticks = kNoPrice;  // the stop price of what was changed or has trailed, or kNoPrice
};

class MatchingEngine {
 public:
    // Throws std::invalid_argument if the queue's power is none of those.
    explicit MatchingEngine(MatchingModel model = {});
    MatchingEngine(MatchingEngine&&) = default;
    MatchingEngine& operator=(MatchingEngine&&) = default;
    MatchingEngine(const MatchingEngine&) = delete;
    MatchingEngine& operator=(const MatchingEngine&) = delete;

    // Tell the tick and lot size of an instrument; its market data is passed over before.
    void set_grid(uint32_t instrument, Grid grid);
    // Tell how far prices may move from the previous settlement or close, in millionths of it; 0 = any way.
    void set_price_limit(uint32_t instrument, int64_t millionths);
    // Tell when a known instrument trades; nullptr = always.
    void set_sessions(uint32_t instrument, std::shared_ptr<const Sessions> sessions);
    [[nodiscard]] bool knows(uint32_t instrument) const {
        return instrument < markets_.size() && markets_[instrument].known;
    }

    // Send an order, a cancel or a change at `now_ns`; with no latency it takes effect at once. `lots` of a change is
    // the new whole quantity (0: as it is); absent prices stay as they are.
    void submit(const SimulatedOrder& order, int64_t now_ns);
    void cancel(uint64_t key, int64_t now_ns);
    void modify(uint64_t key, int64_t lots, int64_t price_ticks, int64_t stop_ticks, int64_t now_ns);
    // Put an order that was working before a restart back to work, in order of arrival. What the last event before has
    // left undone is done and reported: stops follow the last price and trigger, what trades at the market and has not
    // yet takes what is displayed, and the rest of an immediate order is cancelled.
    void restore(const SimulatedOrder& order);

    void on_tick(const Tick& tick);
    void on_trade(const TradeTick& trade);
    void on_depth(const Depth& depth);
    void on_delta(const BookDelta& delta);
    void on_bar(const Bar& bar);
    // Let time pass without market data: arrivals and expiries up to and including `now_ns`.
    void advance(int64_t now_ns);

    // What happened since the last call, in order.
    [[nodiscard]] std::vector<Report> take_reports();
    [[nodiscard]] bool has_reports() const { return !reports_.empty(); }
    // The same without a copy, for a loop that is in the same process: read reports(), then clear_reports(). Whatever
    // is sent in between may move what reports() refers to.
    [[nodiscard]] const std::vector<Report>& reports() const { return reports_; }
    void clear_reports() { reports_.clear(); }
    // When the next arrival, cancel, change or expiry is due; the largest number if nothing is. An expiry of an order
    // that is done by then counts, too.
    [[nodiscard]] int64_t next_due_ns() const {
        return actions_.empty() ? std::numeric_limits<int64_t>::max() : actions_.top().due_ns;
    }
    // The lots of others ahead of a resting limit order now, and when it joined its queue (or when its price was
    // displayed first): kUnlimited at the back or not known, -1 without such an open order.
    [[nodiscard]] int64_t queue_ahead(uint64_t key) const;
    [[nodiscard]] int64_t queue_joined(uint64_t key) const;
    // The best quotes in ticks and lots; without one kNoPrice and 0. Without quotes the last price is both.
    struct Quotes {
        int64_t bid = kNoPrice, bid_lots = 0, ask = kNoPrice, ask_lots = 0;
    };
    [[nodiscard]] Quotes quotes(uint32_t instrument);
    // Up to `most` levels of a side as (ticks, lots), best first; a size that is not told is kUnlimited.
    [[nodiscard]] std::vector<std::pair<int64_t, int64_t>> levels(uint32_t instrument, Side side, std::size_t most);
    [[nodiscard]] std::size_t open_orders() const { return orders_.size(); }
    [[nodiscard]] int64_t clock_ns() const { return clock_ns_; }

 private:
    struct Order {
        SimulatedOrder terms;
        int64_t sent_ns = 0;
        int64_t due_ns = 0;  // when the last command of it arrives
        uint64_t rank = 0;   // order of arrival
        bool arrived = false;
        bool done = false;
        // Its place in the queue at its price: lots of others ahead (kUnlimited: the back), the displayed size when
        // that was told last, and what was traded at the price since.
        int64_t ahead = kUnlimited, shown = kUnlimited, traded = 0;
        int64_t joined = kUnlimited;  // the lots ahead when it joined the queue
        [[nodiscard]] int64_t left() const { return terms.lots - terms.filled; }
        [[nodiscard]] bool buys() const { return terms.side == Side::buy; }
        [[nodiscard]] bool trails() const { return terms.type >= OrderType::trailing_stop; }
        [[nodiscard]] bool waits_for_stop() const { return !terms.triggered && terms.type >= OrderType::stop; }
        // The worst price it may trade at, or kNoPrice for any.
        [[nodiscard]] int64_t limit() const {
            switch (terms.type) {
                case OrderType::limit:
                case OrderType::stop_limit:
                case OrderType::trailing_stop_limit:
                    return terms.price_ticks;
                default:
                    return kNoPrice;
            }
        }
        [[nodiscard]] bool reaches(int64_t ticks) const {
            const int64_t worst = limit();
            return worst == kNoPrice || (buys() ? ticks <= worst : ticks >= worst);
        }
        [[nodiscard]] bool stopped_at(int64_t ticks) const {
            return terms.stop_ticks != kNoPrice && (buys() ? ticks >= terms.stop_ticks : ticks <= terms.stop_ticks);
        }
        [[nodiscard]] int64_t trail_at(int64_t ticks) const;  // how far from a price its stop stays
    };
    using Ten = std::array<double, kDepthLevels>;
    // What a market without orders was told last: its levels and last price before they are counted in ticks and lots.
    // Nobody needs them before an order arrives, and counting is most of what a record costs.
    struct Told {
        enum class Book : uint8_t { none, quotes, depth };
        Book book = Book::none;
        bool last = false;
        double last_price = kNaN;
        double bid_price = kNaN, bid_size = kNaN, ask_price = kNaN, ask_size = kNaN;  // of quotes
        Ten bid_prices, bid_sizes, ask_prices, ask_sizes;
    };
    struct Market {
        Grid grid;
        double countable = 0;  // smaller prices than this have a count of ticks for certain
        bool known = false;
        bool quoted = false;   // the levels are quotes, not the last price
        bool booked = false;   // ... and those of a depth or of deltas
        bool deltas = false;   // ... of deltas
        bool fine = false;     // a tick, trade, depth or delta was seen
        bool opening = false;  // this event is the first of a session
        bool untidy = false;   // a list holds an order that is done, or a hole
        BookSide bids{Side::buy}, asks{Side::sell};
        int64_t last = kNoPrice;
        double volume = kNaN;
        int64_t depth_ns = kNoPrice, trade_ns = kNoPrice;  // event time of the last depth, of the last trade
        int64_t snapshot_ns = kNoPrice;                    // event time of the last snapshot of deltas
        int32_t trading_day = 0;
        int64_t bar_ns = 0;                           // the shortest bar period seen
        int64_t lower = kNoPrice, upper = kNoPrice;   // the day's price limits
        double told_lower = kNaN, told_upper = kNaN;  // as ticks told them, if they did
        int64_t limit_millionths = 0;
        double limit_base = kNaN;  // the price that the limits were counted from
        std::shared_ptr<const Sessions> sessions;
        std::ptrdiff_t session = -1;      // the row of the session that the last event was in
        std::vector<Order*> buys, sells;  // working, best price first, then by arrival
        std::vector<Order*> stops;        // waiting for their trigger, by arrival
        Told told;                        // only while idle
        [[nodiscard]] BookSide& opposite(const Order& order) { return order.buys() ? asks : bids; }
        [[nodiscard]] const BookSide& opposite(const Order& order) const { return order.buys() ? asks : bids; }
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
        int64_t lots = 0;  // what is left of it for us
        Side aggressor = Side::none;
        int64_t size = lots;  // all of it
    };

    Market* market(uint32_t instrument) { return knows(instrument) ? &markets_[instrument] : nullptr; }
    void schedule(ActionKind kind, uint64_t key, int64_t due_ns, int64_t lots = 0, int64_t price = kNoPrice,
                  int64_t stop = kNoPrice);
    int64_t due(ActionKind kind, uint64_t key);
    void begin(int64_t event_ns) {  // time moves on to a market event: what arrived before it
        if (next_due_ns() < event_ns) run_until(event_ns - 1);
        clock_ns_ = std::max(clock_ns_, event_ns);
    }
    void end(int64_t event_ns) {  // and what arrives at the same time as it
        if (next_due_ns() <= event_ns) run_until(event_ns);
    }
    void run_until(int64_t due_ns);
    void run(const Action& action);
    void arrive(Order& order, int64_t now_ns);
    void apply_change(Order& order, const Action& action);
    void start(Market& market, Order& order, int64_t now_ns);
    void enter(Market& market, Order& order, int64_t now_ns);
    void work(Market& market, Order& order);
    void finish(Market& market, Order& order, ReportKind kind, ReportReason reason, int64_t now_ns);
    void withdraw(Market& market, Order& order);
    void forget(const Order& order);
    void sweep(Market& market);

    void report(const Order& order, ReportKind kind, ReportReason reason, int64_t now_ns);
    void fill(Market& market, Order& order, int64_t ticks, int64_t lots, bool maker, int64_t now_ns);
    void take(Market& market, Order& order, int64_t now_ns);
    [[nodiscard]] int64_t available(const Market& market, const Order& order) const;
    [[nodiscard]] int64_t slipped(const Market& market, const Order& order, int64_t ticks) const;
    [[nodiscard]] static int64_t watched(const Market& market, const Order& order, int64_t traded);
    void follow(Order& order, int64_t ticks, int64_t now_ns);

    [[nodiscard]] static std::ptrdiff_t session_at(const Market& market, int64_t now_ns);
    [[nodiscard]] static bool overlaps_session(const Market& market, int64_t start_ns, int64_t end_ns);
    [[nodiscard]] static bool is_open(const Market& market, int64_t now_ns);
    [[nodiscard]] static bool within_limits(const Market& market, const SimulatedOrder& terms);
    [[nodiscard]] static bool book_outranks(const Market& market, const Tick& tick);
    [[nodiscard]] static bool same_limits(const Market& market, const Tick& tick);
    static void read_limits(Market& market, const Tick& tick);
    static bool enter_session(Market& market, int64_t now_ns);
    static void note(Market& market, const Tick& tick);
    static void note(Market& market, const Depth& depth);
    static void note_last(Market& market, double price);
    static void settle(Market& market);
    static void set_depth(Market& market, const Ten& bid_prices, const Ten& bid_sizes, const Ten& ask_prices,
                          const Ten& ask_sizes);
    static void set_quotes(Market& market, double bid, double bid_size, double ask, double ask_size);
    static void apply_delta(Market& market, const BookDelta& delta);

    [[nodiscard]] const Order* resting(uint64_t key) const;
    [[nodiscard]] static int64_t displayed(const Market& market, const Order& order);
    void trade_in_queue(Market& market, Order& order, Trade& trade, int64_t now_ns);
    void look_at_queue(const Market& market, Order& order) const;
    [[nodiscard]] int64_t cancelled_ahead(const Market& market, int64_t cancelled, int64_t ahead, int64_t behind) const;

    static void last_price(Market& market, int64_t ticks);
    void match_tick(Market& market, const Tick& tick);
    void match(Market& market, Trade trade, bool fresh, int64_t now_ns);
    void match_side(Market& market, std::vector<Order*>& side, Trade& trade, bool fresh, int64_t now_ns);
    void match_limit(Market& market, Order& order, Trade& trade, bool through, bool crossed, int64_t now_ns);
    void trigger_stops(Market& market, Trade trade, int64_t now_ns);
    static Trade implied_trade(Market& market, const Tick& tick, int64_t last);

    struct BarPath;
    void bar_open(Market& market, BarPath& path);
    void bar_range(Market& market, BarPath& path);
    void bar_close(Market& market, BarPath& path);
    void bar_take(Market& market, Order& order, int64_t ticks, BarPath& path);
    void bar_trigger(Market& market, Order*& slot, int64_t ticks, BarPath& path);
    void bar_trail(Market& market, Order*& slot, BarPath& path);
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
