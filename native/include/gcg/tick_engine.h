// The tick engine: recorded market data through the simulated venue, the risk check and an account to strategies, and
// their orders back, all in event time and in one thread. The same data, strategies and options give the same result.
//
// Two clocks. The venue sees a market event at its event_ns. A strategy sees it `feed_ns` later (or at its recv_ns),
// an order reaches the venue `matching.latency_ns` after it was sent, and what the venue says of it comes back
// `response_ns` later; only then account, risk and strategy know of it. Risk sees the data when the strategies do. At
// equal times the venue's market event is first, then what arrives at the venue, then what strategies see: market
// events, reports, timers.
//
// Timers go by event time, through gaps in the data (a night, lunch) as well: a timer that fires once does so at its
// time. A repeating one is no reason to wake a strategy ten times a second all night: once no market event has been
// seen for `idle_timers_ns`, one with a shorter interval counts what it misses until the next event as one time, the
// last before that event. A night costs a timer one call a minute at the most.
//
// With no latency at all it is the paper gateway: account and risk know of a fill at once, and a strategy sees the
// market event first and then the fills that it led to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gcg/account.h"
#include "gcg/bar_maker.h"
#include "gcg/fill_marks.h"
#include "gcg/held.h"
#include "gcg/matching.h"
#include "gcg/refusal.h"
#include "gcg/replay.h"
#include "gcg/risk.h"
#include "gcg/seen_market.h"
#include "gcg/tick_order.h"

namespace gcg {

inline constexpr int64_t kAsRecorded = -1;  // TickEngineOptions::feed_ns: at recv_ns, and never before event_ns
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// A moment so many ns (0 or more) after another one, at the latest kNever.
inline int64_t after(int64_t moment_ns, int64_t span_ns) {
    return moment_ns > kNever - span_ns ? kNever : moment_ns + span_ns;
}

struct TickEngineOptions {
    std::string account = "hft";
    std::string gateway = "hft";
    double cash = 0;
    MatchingModel matching;
    int64_t response_ns = 0;
    int64_t feed_ns = 0;
    int64_t idle_timers_ns = 60'000'000'000;  // 0: repeating timers fire every time, in gaps of the data as well
    int64_t sample_ns = 60'000'000'000;       // of the equity; 0: only at the end
    uint32_t batch = 4096;                    // rows that a batch callback gets at most
    std::vector<int64_t> horizons_ns;         // how long after each fill the mid is noted
};

// From each start on, until the next, it is a trading day YYYYMMDD; orders for the day end at its close. Without any,
// days are those of UTC.
struct TradingDays {
    std::vector<int64_t> starts, closes;
    std::vector<int32_t> days;
    [[nodiscard]] int32_t at(int64_t now_ns) const;
    [[nodiscard]] int64_t close(int64_t now_ns) const;
};

struct TickInstrument {
    std::string symbol, venue;
    RiskTerms risk;
    AccountTerms account;
    std::string currency;
    bool may_be_negative = false;  // prices of futures have been
    double min_quantity = 0;
    double price_limit = 0;
    TradingDays days;
};

// A strategy as the engine sees it. What a callback throws ends the run, and run() throws it: once the other strategies
// have seen the same event, so that a further run() goes on without repeating or losing anything.
class TickStrategy {
 public:
    virtual ~TickStrategy() = default;
    // Records one by one, of the types in `singles`; in runs, of those in `batches` (bits 1 << type).
    uint32_t singles = 0, batches = 0;
    bool hears_orders = false, hears_fills = false;
    std::vector<bool> instruments;  // that it sees, by number; empty: all
    virtual void on_record(const Rows& rows, uint32_t row) = 0;
    virtual void on_batch(const Rows& rows) = 0;
    virtual void on_order(const OrderEvent& event) = 0;
    virtual void on_fill(const Fill& fill) = 0;
    virtual void on_timer(const std::string& name) = 0;
};

struct FillRow {
    uint64_t order;
    uint32_t instrument, strategy;
    int64_t event_ns, seen_ns;
    double price, quantity, fee, profit, mid, position, cash;
    uint8_t side, offset, liquidity, reserved[5];
};
struct EquityRow {
    int64_t event_ns;
    double equity, cash, margin;
};
struct PositionRow {
    int64_t event_ns;
    uint32_t instrument, strategy;
    double quantity, average_price, last_price, realised, unrealised, fees;
};

class TickEngine {
 public:
    explicit TickEngine(TickEngineOptions options);

    // ---- before the run; std::logic_error once it has begun
    uint32_t add_instrument(const TickInstrument& instrument);        // 1.., in order
    uint32_t add_strategy(std::string name, TickStrategy* strategy);  // 1..; it outlives the engine
    // `make` gives the same data each time: where strategies see it later than the venue it is read twice.
    void add_stream(std::function<std::unique_ptr<MarketStream>()> make);
    void set_trading_days(uint32_t instrument, TradingDays days);
    [[nodiscard]] bool delayed() const { return delayed_; }  // strategies see the data later than the venue
    [[nodiscard]] RiskEngine& risk() { return risk_; }
    [[nodiscard]] MatchingEngine& matching() { return matching_; }
    // The market as strategies see it now.
    [[nodiscard]] MatchingEngine::Quotes quotes(uint32_t instrument) {
        return delayed_ ? seen_market_.quotes(instrument) : matching_.quotes(instrument);
    }
    [[nodiscard]] std::vector<std::pair<int64_t, int64_t>> levels(uint32_t instrument, Side side, std::size_t most) {
        return delayed_ ? seen_market_.levels(instrument, side, most) : matching_.levels(instrument, side, most);
    }
    // Make bars of an instrument's ticks or trades (`from`: the record type), as strategies see them: told to these
    // strategies, and kept for later if `keep`. They close at their end, before whatever is seen then. Not in
    // callbacks.
    void add_bars(uint32_t instrument, const std::string& period, std::shared_ptr<const BarGrid> grid, BarBasis basis,
                  uint16_t from, std::vector<uint32_t> strategies, bool keep);
    void set_rate(uint32_t currency, double rate);  // what one of it is worth in the account's own (0)

    // ---- the run
    // Handle up to `most` market events (fewer where `pause` says so, which is asked every few thousand). Return how
    // many; finished() says whether the data has ended. Throws what a callback threw, and std::logic_error in a
    // callback.
    uint64_t run(uint64_t most, const std::function<bool()>& pause);
    [[nodiscard]] bool finished() const { return finished_; }
    [[nodiscard]] int64_t now_ns() const { return now_ns_; }  // of the strategies
    [[nodiscard]] uint64_t done() const { return done_; }
    [[nodiscard]] uint64_t total() const { return replay_.total(); }
    // What holds the rows that a callback is looking at.
    [[nodiscard]] std::shared_ptr<const void> keep() const { return (delayed_ ? replay_seen_ : replay_).keep(); }

    // ---- what strategies may do, in their callbacks
    uint64_t send(uint32_t strategy, const OrderAsk& ask);  // throws OrderError
    bool cancel(uint32_t strategy, uint64_t order);         // whether it was open
    bool modify(uint32_t strategy, uint64_t order, double quantity, double price, double stop_price);
    void set_timer(uint32_t strategy, const std::string& name, int64_t interval_ns, bool repeat);
    void cancel_timer(uint32_t strategy, const std::string& name);
    // What a strategy has seen of its own fills.
    [[nodiscard]] double position(uint32_t strategy, uint32_t instrument) const;
    [[nodiscard]] double cash() const { return account_.cash(); }
    [[nodiscard]] double equity();  // of all currencies at their rates, marked at the last prices
    [[nodiscard]] double last_price(uint32_t instrument) const { return risk_.last_price(instrument); }

    // ---- what came of it
    [[nodiscard]] const std::vector<TickInstrument>& instruments() const { return instruments_; }
    [[nodiscard]] const std::vector<std::string>& strategies() const { return names_; }
    [[nodiscard]] const std::deque<TickOrder>& orders() const { return orders_; }
    [[nodiscard]] const std::vector<FillRow>& fills() const { return fills_; }
    [[nodiscard]] const FillMarks& marks() const { return marks_; }  // of the fills at the venue, in their order
    [[nodiscard]] const std::vector<EquityRow>& equity_curve() const { return equity_; }
    [[nodiscard]] const std::vector<PositionRow>& positions() const { return positions_; }
    [[nodiscard]] const Account& account() const { return account_; }
    // The bars of the first line of an instrument and period that keeps them.
    [[nodiscard]] const std::vector<Bar>& bars(uint32_t instrument, const std::string& period) const;
    [[nodiscard]] const TickOrder* order(uint64_t id) const;
    // Orders of a strategy that are not done, oldest first.
    [[nodiscard]] std::vector<uint64_t> open_orders(uint32_t strategy) const;

 private:
    struct Timer {
        uint32_t strategy;
        std::string name;
        int64_t due_ns, interval_ns;
        bool repeat;
    };
    // How far a reader of the data has come.
    struct Cursor {
        Rows rows;
        uint32_t row = 0;    // the next one
        uint32_t shown = 0;  // what lies before was handed over in batches
    };
    // A report on its way back from the venue.
    struct Late {
        int64_t seen_ns;
        Report report;
        double mid;
    };
    struct BarLine {
        std::string period;
        BarMaker maker;
        uint32_t instrument;
        uint16_t from;
        std::vector<uint32_t> strategies;
        bool keep;
        std::vector<Bar> kept;
    };
    // What a strategy is to hear.
    struct Saying {
        uint32_t strategy = 0, instrument = 0;
        int64_t lots = 0;  // signed, of a fill
        std::unique_ptr<Fill> fill;
        std::unique_ptr<OrderEvent> order;
    };

    void refuse_if(bool late) const;
    template <typename Call>
    void call(Call call);
    void throw_failure();
    bool begin();
    template <typename Use>
    void read(const Rows& rows, uint32_t row, Use use);
    template <typename Record>
    void inform(const Record& record);
    void venue(const Rows& rows, uint32_t row);
    bool see();
    void show(const Rows& rows, uint32_t row);
    void flush(Cursor& cursor);
    void make_bars(const Rows& rows, uint32_t row);
    void close_bars();
    void tell_bars(BarLine& line);
    void deliver();
    void settle_down();
    void pass_time(int64_t before_ns);
    [[nodiscard]] int64_t next_due() const;
    void collect();
    void book(const Report& report, double mid);
    void book_fill(TickOrder& order, const Report& report, double mid);
    void end_order(TickOrder& order, OrderStatus status, const Report& report);
    void answer_change(TickOrder& order, const Report& report);
    void count_open(const TickOrder& order, int64_t before);
    void tell_sides(const TickOrder& order);
    [[nodiscard]] HeldOrder held(const TickOrder& order) const;
    [[nodiscard]] bool has_legs(const TickOrder& order) const {
        return instruments_[order.instrument - 1].account.legs;
    }
    void rest(TickOrder& order);
    void say(TickOrder& order, OrderStatus status, int64_t event_ns, const std::string& reason);
    void say_fill(const TickOrder& order, const FillRow& row, const Report& report, int32_t trading_day);
    [[nodiscard]] Refusal held_refusal(const TickOrder& order, const HeldPlan& plan) const;
    void settle_sent();
    [[nodiscard]] TickOrder read(uint32_t strategy, const OrderAsk& ask) const;
    [[nodiscard]] TickOrder::Change read_change(const TickOrder& order, double quantity, double price,
                                                double stop_price) const;
    [[nodiscard]] RiskResult check(const TickOrder& order, int64_t lots, int64_t price_ticks, int64_t stop_ticks,
                                   int64_t replaces, const HeldPlan& plan) const;
    [[nodiscard]] TickOrder* own(uint32_t strategy, uint64_t id);
    void run_timer(int64_t gap_end_ns);
    [[nodiscard]] bool sleep(Timer& timer, int64_t gap_end_ns) const;
    void find_timer();
    void sample(int64_t at_ns);
    void sample_positions(int64_t at_ns);
    void mark();
    [[nodiscard]] double mid(uint32_t instrument);
    void finish();

    TickEngineOptions options_;
    std::vector<TickInstrument> instruments_;  // by number - 1
    std::vector<std::string> names_;           // of strategies, by number - 1
    std::vector<TickStrategy*> strategies_;
    std::vector<OrderEvent> blank_;  // of each strategy: what all its events say
    Replay replay_, replay_seen_;
    MatchingEngine matching_;
    SeenMarket::Streams streams_;
    SeenMarket seen_market_{streams_};
    RiskEngine risk_{kNever};
    Account account_;
    HeldBook held_book_;
    FillMarks marks_;
    std::size_t venue_fills_ = 0;
    std::vector<bool> held_;  // by position of the account: not flat at the last sample

    Cursor venue_, seen_;
    Tick tick_;  // a record with the run's own number of its instrument, where its own is another
    TradeTick trade_;
    Depth depth_;
    BookDelta delta_;
    Bar bar_;
    bool delayed_ = false;  // strategies read the data by a cursor of their own
    std::deque<TickOrder> orders_;
    std::vector<uint64_t> open_;  // ids, ascending
    std::deque<Late> late_;
    std::deque<Saying> sayings_;
    std::deque<BarLine> bar_lines_;
    std::vector<std::vector<BarLine*>> bars_of_;  // by instrument
    std::vector<Timer> timers_;
    std::vector<std::vector<int64_t>> seen_lots_;  // by strategy - 1, instrument
    std::vector<FillRow> fills_;
    std::vector<EquityRow> equity_;
    std::vector<PositionRow> positions_;
    double mid_before_ = kNaN;     // of the instrument of the market event that is handled
    int64_t venue_ns_ = kNoPrice;  // the newest market event at the venue
    int64_t now_ns_ = 0;           // the strategies' clock
    int64_t seen_ns_ = kNoPrice;   // when the last market event was seen
    int64_t see_ns_ = kNever;      // when the next one will be
    int64_t quiet_ns_ = 0;         // nothing but market events happens before
    int64_t timer_ns_ = kNever, sample_ns_ = kNever, bar_ns_ = kNever;
    uint64_t done_ = 0;
    uint32_t batches_ = 0;  // types that a strategy wants in runs
    bool begun_ = false, finished_ = false, running_ = false;
    std::exception_ptr failure_;  // what a callback threw, until run() ends with it
};

// Call a strategy. After a failure no market event follows: the next one is told to wait by quiet_ns_.
template <typename Call>
void TickEngine::call(Call call) {
    try {
        call();
    } catch (...) {
        if (!failure_) failure_ = std::current_exception();
        quiet_ns_ = kNoPrice;
    }
}

}  // namespace gcg
