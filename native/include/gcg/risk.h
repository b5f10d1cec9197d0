// The risk check of one account: every order passes it before a command for the venue exists.
//
// The state is integers: positions, open orders and order times by strategy and instrument, last prices in ticks.
// check() changes nothing and returns every reason against an order at once, in the order of the reasons' bits.
// Strategy and instrument 0 stand for "all": the global limits, the account's totals.
//
// Limits may be set for all (0, 0), for a strategy, for an instrument, or for both. For each rule the most special
// limit that is set wins: strategy and instrument, then instrument, then strategy, then all. kOff switches a rule off
// where a wider limit exists; NaN says nothing. Sizes, values and positions are measured where the limit was set: a
// strategy's limit counts that strategy's own position and open orders, the others the whole account's. The order rate
// is always a strategy's own; self-trade, sessions, T+1 and the day's price limits always concern the whole account.
//
// Where long and short positions are held apart (RiskTerms::sides), an order opens or closes, and what counts is what
// the venue margins: of the instrument both sides, or the larger one. Such an order says how many of its lots open.
//
// Not thread-safe: it belongs to the thread of its trading engine.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

// The bits of RiskReason (gcg_quant/enumerations.py) that are decided here; never reused.
namespace risk_reason {
inline constexpr uint64_t kOrderSize = 1u << 0, kOrderValue = 1u << 1, kPositionSize = 1u << 2,
                          kPositionValue = 1u << 3, kDailyLoss = 1u << 4, kOrderRate = 1u << 5,
                          kConcentration = 1u << 6, kOpenOrders = 1u << 7, kPriceBand = 1u << 8, kSelfTrade = 1u << 9,
                          kSessionClosed = 1u << 10, kBuyingPower = 1u << 11, kTPlusOne = 1u << 12,
                          kKillSwitch = 1u << 13, kNoMarket = 1u << 16, kUnknownInstrument = 1u << 17,
                          kPriceLimit = 1u << 20;
}

inline constexpr double kOff = std::numeric_limits<double>::infinity();
inline constexpr double kOn = 1;

// NaN is what is not set or not known.
inline bool is_set(double value) {
    return value == value;
}

// NaN: not set here. kOff: no limit.
struct RiskLimits {
    double order_quantity = kNaN;
    double order_value = kNaN;  // in the instrument's currency
    double position_quantity = kNaN;
    double position_value = kNaN;  // in the instrument's currency
    double orders_per_second = kNaN;
    double open_orders = kNaN;
    double price_band = kNaN;     // fraction of the last price
    double concentration = kNaN;  // value of the position as a share of the account's equity
    // Rules without a number: kOn or kOff.
    double self_trade = kNaN;   // the order would trade with an own resting one
    double session = kNaN;      // the market is closed
    double t_plus_one = kNaN;   // more is sold than was bought before the trading day
    double price_limit = kNaN;  // the limit price is outside the day's
};

// What ties up margin: the net position or, where long and short are held apart, both sides or the larger one.
enum class Sides : uint8_t { net = 0, both = 1, larger = 2 };

struct RiskTerms {
    Grid grid = {};
    double multiplier = 1;
    double margin_rate = 1;      // share of the value that a position ties up
    double fee_rate = 0;         // share of the value
    uint32_t currency = 0;       // a number the caller chose
    uint32_t calendar = 0;       // a number the caller chose; 0 = always open
    double price_limit = kNaN;   // furthest move from the day's base, as a fraction; NaN = none
    bool by_settlement = false;  // the day's base is the previous settlement, where it is told, not the close
    bool t_plus_one = false;     // what was bought today is sold tomorrow at the earliest
    Sides sides = Sides::net;
    bool inverse = false;  // paid in the other currency of its price: a unit is worth multiplier / price

    // What one unit at a multiplier of 1 adds to the equity at a price: purchases of an inverse contract are owed, so
    // that it is below 0 there; NaN if its price is not above 0.
    [[nodiscard]] double worth(double price) const {
        if (!inverse) return price;
        return price > 0 ? -1.0 / price : kNaN;
    }
};

struct RiskOrder {
    uint32_t strategy = 0;  // 1..
    uint32_t instrument = 0;
    Side side = Side::none;
    int64_t lots = 0;
    int64_t price_ticks = kNoPrice;  // the limit, or kNoPrice
    int64_t stop_ticks = kNoPrice;   // of a stop that was not triggered yet: it is in nobody's book
    int64_t replaces_lots = 0;       // a change: the open lots of the order that it replaces
    int64_t now_ns = 0;
    int32_t trading_day = 0;  // YYYYMMDD at now_ns; 0 = the latest that the market told
    // Where sides are held apart: the lots that do not close anything, and by how much more than before may come to tie
    // up margin on its side (an order that turns a position round closes first). Of a change, compared with the order
    // that it replaces.
    int64_t opens = 0;
    int64_t adds = 0;
};

struct RiskFinding {
    uint64_t reason = 0;
    double value = kNaN;
    double limit = kNaN;
};

struct RiskResult {
    std::array<RiskFinding, 20> findings;  // more than there are reasons
    int count = 0;
    int rules = 0;  // how many rules were measured
    [[nodiscard]] bool passed() const { return count == 0; }
};

// What on_...() asks of its caller; bits.
namespace market_signal {
inline constexpr int kUnknown = 1;  // the instrument has no terms yet: set_terms(), then again
inline constexpr int kMark = 2;     // a held position's price moved and the last mark is old enough
inline constexpr int kNewDay = 4;   // the first event of a UTC day
}  // namespace market_signal

class RiskEngine {
 public:
    explicit RiskEngine(int64_t mark_interval_ns = 1'000'000'000) : mark_interval_ns_(mark_interval_ns) {}

    // ---- what it knows
    void set_terms(uint32_t instrument, const RiskTerms& terms);
    [[nodiscard]] bool knows(uint32_t instrument) const;
    void set_limits(uint32_t strategy, uint32_t instrument, const RiskLimits& limits);
    void clear_limits() { limits_.clear(); }
    void set_daily_loss(double limit) { daily_loss_ = limit; }  // account currency; NaN = off
    void set_buying_power(bool on) { buying_power_ = on; }
    void set_kill_switch(bool on) { kill_switch_ = on; }
    // Cash as if every fill were paid in full: cash at the start, less purchases, plus sales, less fees.
    void set_ledger(uint32_t currency, double amount);
    void set_rate(uint32_t currency, double to_account_currency);
    void set_day_base(double equity) { day_base_ = equity; }  // account currency, at the day's start; NaN = none yet
    void set_last_price(uint32_t instrument, double price);   // until the market tells one
    // When a calendar's market is open: from each opening to the closing of the same place, in order, UTC nanoseconds.
    void set_sessions(uint32_t calendar, std::vector<int64_t> opens, std::vector<int64_t> closes);
    // The lots bought on a trading day, all strategies together, whatever was sold since.
    void set_bought(uint32_t instrument, int32_t trading_day, int64_t lots);

    // ---- what happens
    int on_tick(const Tick& tick);
    int on_trade(const TradeTick& trade);
    int on_depth(const Depth& depth);
    int on_bar(const Bar& bar);
    // A delta tells no price, only the time.
    int on_delta(const BookDelta& delta) { return price(delta.instrument, kNaN, delta.event_ns, false); }
    void count_order(uint32_t strategy, uint32_t instrument, int64_t now_ns);            // for the rate
    void open_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots);    // it may fill from now on
    void reduce_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots);  // so much less of it is open
    void close_order(uint32_t strategy, uint32_t instrument, Side side, int64_t left);   // it is done, `left` unfilled
    void move_position(uint32_t strategy, uint32_t instrument, int64_t signed_lots);     // by a fill
    // Where sides are held apart, besides: what a strategy holds, and what its open orders may open.
    void set_sides(uint32_t strategy, uint32_t instrument, int64_t longs, int64_t shorts, int64_t opening_buys,
                   int64_t opening_sells);
    void rest(uint64_t order, uint32_t instrument, Side side, int64_t price_ticks);  // in the book, now at this price
    void lift(uint64_t order);                                                       // no longer in the book

    // ---- what it says
    [[nodiscard]] RiskResult check(const RiskOrder& order) const;
    [[nodiscard]] double last_price(uint32_t instrument) const;                    // NaN if there is none
    [[nodiscard]] int64_t position(uint32_t strategy, uint32_t instrument) const;  // lots; strategy 0 = all
    [[nodiscard]] int64_t open_orders(uint32_t strategy, uint32_t instrument) const;
    [[nodiscard]] int64_t open_lots(uint32_t strategy, uint32_t instrument, Side side) const;
    [[nodiscard]] int64_t clock_ns() const { return clock_ns_; }  // the latest event time of the market data seen
    [[nodiscard]] double equity() const;                          // account currency
    [[nodiscard]] double tied_up() const;       // by positions and the open orders' worst case, account currency
    [[nodiscard]] double daily_profit() const;  // NaN without a day base
    // The trading day that the market told last and when, (0, kNoPrice) before.
    [[nodiscard]] std::pair<int32_t, int64_t> trading_day(uint32_t instrument) const;
    // The lowest and highest price of the day in ticks, kNoPrice where there is none or it is not known.
    [[nodiscard]] std::pair<int64_t, int64_t> price_limits(uint32_t instrument) const;

 private:
    struct Exposure {
        int64_t position = 0, open_buys = 0, open_sells = 0;
        int64_t open_orders = 0;
        int64_t longs = 0, shorts = 0, opening_buys = 0, opening_sells = 0;  // where sides are held apart
        // The most lots that may come to tie up margin.
        [[nodiscard]] int64_t worst(Sides sides) const {
            const int64_t high = sides == Sides::net ? position + open_buys : longs + opening_buys;
            const int64_t low = sides == Sides::net ? open_sells - position : shorts + opening_sells;
            return sides == Sides::both ? high + low : high > low ? high : low;
        }
    };
    struct Asset {
        RiskTerms terms;
        Exposure all;  // of the whole account
        bool known = false;
        bool fine = false;    // a tick, trade or depth was seen
        bool active = false;  // in active_
        int32_t holders = 0;  // strategies with a position
        double last = kNaN, bid = kNaN, ask = kNaN;
        double marked = kNaN;
        int64_t mark_ns = kNoPrice;
        int64_t day_ns = kNoPrice;  // when the trading day was told last
        int32_t trading_day = 0;
        int32_t bought_day = 0;
        int64_t bought = 0;                             // on bought_day
        double close = kNaN, settlement = kNaN;         // the previous day's, from which the day's limits are reckoned
        double low_limit = kNaN, high_limit = kNaN;     // the day's limits as the market told them
        int64_t lowest = kNoPrice, highest = kNoPrice;  // the limits in force
        std::vector<int64_t> buys, sells;               // prices of own resting orders, ascending
    };
    struct Resting {
        uint32_t instrument;
        Side side;
        int64_t price_ticks;
    };
    struct Sessions {
        std::vector<int64_t> opens, closes;
        std::size_t row = 0;  // that was looked at last: the next question is mostly about the same
    };
    struct Rule {
        double limit;
        uint32_t strategy, instrument;  // the scope it was set for
    };
    struct Sums {
        double equity = 0, tied_up = 0;
    };
    // An order on its way through the rules.
    struct Case {
        const RiskOrder& order;
        const Asset& asset;
        std::array<const RiskLimits*, 4> scopes;  // the most special first; null where nothing was set
        double price;                             // that it is valued at: limit, stop or last
        bool reduces;                             // all of it can only close
        Sums sums;
        RiskResult& result;
        [[nodiscard]] bool buys() const { return order.side == Side::buy; }
        [[nodiscard]] Rule rule(double RiskLimits::* member) const;
        [[nodiscard]] bool is_on(double RiskLimits::* member) const;
        [[nodiscard]] double at(int64_t ticks) const { return static_cast<double>(ticks) * asset.terms.grid.tick_size; }
        void refuse(uint64_t reason, double value, double limit) const;
    };
    static uint64_t key(uint32_t strategy, uint32_t instrument) { return (uint64_t{strategy} << 32) | instrument; }
    Asset& asset(uint32_t instrument);
    [[nodiscard]] const Exposure& exposure(uint32_t strategy, uint32_t instrument) const;
    template <typename Change>
    void each_scope(uint32_t strategy, uint32_t instrument, Change change);
    int price(uint32_t instrument, double price, int64_t event_ns, bool fine);
    int new_day(int64_t event_ns);
    void activate(uint32_t instrument);
    static bool begin_day(Asset& asset, int32_t trading_day, int64_t event_ns);
    static void learn_limits(Asset& asset, const Tick& tick);
    static void reckon_limits(Asset& asset);
    [[nodiscard]] double unit(const Asset& asset) const;  // account currency a lot at price 1
    [[nodiscard]] double rate(uint32_t currency) const;
    [[nodiscard]] Sums sums() const;
    [[nodiscard]] const RiskLimits* limits_of(uint32_t strategy, uint32_t instrument) const;
    [[nodiscard]] int64_t after(const Case& one, const Rule& most) const;
    void check_size(const Case& one) const;
    void check_position(const Case& one) const;
    void check_loss(const Case& one) const;
    void check_rate(const Case& one) const;
    void check_concentration(const Case& one) const;
    void check_open_orders(const Case& one) const;
    static void check_price_band(const Case& one);
    static void check_self_trade(const Case& one);
    void check_session(const Case& one) const;
    void check_money(const Case& one) const;
    static void check_t_plus_one(const Case& one);
    static void check_price_limit(const Case& one);

    std::vector<Asset> assets_;  // by instrument number
    std::unordered_map<uint64_t, RiskLimits> limits_;
    std::unordered_map<uint64_t, Exposure> exposures_;         // (strategy, instrument), (strategy, 0)
    Exposure total_;                                           // its orders alone: lots of instruments have no sum
    std::unordered_map<uint64_t, std::deque<int64_t>> times_;  // (strategy, 0), (strategy, instrument): ascending
    std::vector<uint32_t> active_;                   // instruments with a position or an open order, ever; ascending
    std::unordered_map<uint64_t, Resting> resting_;  // by order
    mutable std::vector<Sessions> sessions_;         // by calendar number
    std::vector<double> ledgers_, rates_;            // by currency number
    double daily_loss_ = kNaN, day_base_ = kNaN;
    int64_t mark_interval_ns_;
    int64_t day_ = -1, clock_ns_ = 0;
    bool buying_power_ = true, kill_switch_ = false;
};

}  // namespace gcg
