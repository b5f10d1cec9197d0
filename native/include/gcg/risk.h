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
// is always a strategy's own.
//
// Not thread-safe: it belongs to the thread of its trading engine.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <unordered_map>
#include <vector>

#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

// The bits of RiskReason (gcg_quant/enumerations.py) that are decided here; never reused.
namespace risk_reason {
inline constexpr uint64_t kOrderSize = 1u << 0, kOrderValue = 1u << 1, kPositionSize = 1u << 2,
                          kPositionValue = 1u << 3, kDailyLoss = 1u << 4, kOrderRate = 1u << 5, kOpenOrders = 1u << 7,
                          kPriceBand = 1u << 8, kBuyingPower = 1u << 11, kKillSwitch = 1u << 13, kNoMarket = 1u << 16,
                          kUnknownInstrument = 1u << 17;
}

inline constexpr double kOff = std::numeric_limits<double>::infinity();

// NaN: not set here. kOff: no limit.
struct RiskLimits {
    double order_quantity = kNaN;
    double order_value = kNaN;  // in the instrument's currency
    double position_quantity = kNaN;
    double position_value = kNaN;  // in the instrument's currency
    double orders_per_second = kNaN;
    double open_orders = kNaN;
    double price_band = kNaN;  // fraction of the last price
};

struct RiskTerms {
    Grid grid;
    double multiplier = 1;
    double margin_rate = 1;  // share of the value that a position ties up
    double fee_rate = 0;     // share of the value
    uint32_t currency = 0;   // a number the caller chose
};

struct RiskOrder {
    uint32_t strategy = 0;  // 1..
    uint32_t instrument = 0;
    Side side = Side::none;
    int64_t lots = 0;
    int64_t price_ticks = kNoPrice;  // the limit, else the stop price, else kNoPrice
    int64_t replaces_lots = 0;       // a change: the open lots of the order that it replaces
    int64_t now_ns = 0;
};

struct RiskFinding {
    uint64_t reason = 0;
    double value = kNaN;
    double limit = kNaN;
};

struct RiskResult {
    std::array<RiskFinding, 16> findings;
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

    // ---- what happens
    int on_tick(const Tick& tick);
    int on_trade(const TradeTick& trade);
    int on_depth(const Depth& depth);
    int on_bar(const Bar& bar);
    void count_order(uint32_t strategy, uint32_t instrument, int64_t now_ns);            // for the rate
    void open_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots);    // it may fill from now on
    void reduce_order(uint32_t strategy, uint32_t instrument, Side side, int64_t lots);  // so much less of it is open
    void close_order(uint32_t strategy, uint32_t instrument, Side side, int64_t left);   // it is done, `left` unfilled
    void move_position(uint32_t strategy, uint32_t instrument, int64_t signed_lots);     // by a fill

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

 private:
    struct Asset {
        RiskTerms terms;
        bool known = false;
        bool fine = false;  // a tick, trade or depth was seen
        double last = kNaN;
        double marked = kNaN;
        int64_t mark_ns = kNoPrice;
        int32_t holders = 0;  // strategies with a position
        bool active = false;  // in active_
    };
    struct Exposure {
        int64_t position = 0, open_buys = 0, open_sells = 0;
        int64_t open_orders = 0;
        [[nodiscard]] int64_t worst() const {
            const int64_t high = position + open_buys, low = open_sells - position;
            return high > low ? high : low;
        }
    };
    struct Rule {
        double limit;
        uint32_t strategy, instrument;  // the scope it was set for
    };
    static uint64_t key(uint32_t strategy, uint32_t instrument) { return (uint64_t{strategy} << 32) | instrument; }
    [[nodiscard]] Rule rule(double RiskLimits::* member, const RiskOrder& order) const;
    [[nodiscard]] const Exposure& exposure(uint32_t strategy, uint32_t instrument) const;
    template <typename Change>
    void each_scope(uint32_t strategy, uint32_t instrument, Change change);
    int price(uint32_t instrument, double price, int64_t event_ns, bool fine);
    int new_day(int64_t event_ns);
    void activate(uint32_t instrument);
    [[nodiscard]] double unit(const Asset& asset) const;  // account currency a lot at price 1
    [[nodiscard]] double rate(uint32_t currency) const;
    [[nodiscard]] static double recent_orders(const std::deque<int64_t>& times, int64_t now_ns);
    [[nodiscard]] double tied_up_by(uint32_t instrument) const;
    void check_size(const RiskOrder& order, double price, RiskResult& result) const;
    void check_position(const RiskOrder& order, double price, RiskResult& result) const;
    void check_flow(const RiskOrder& order, bool reduces, RiskResult& result) const;
    void check_money(const RiskOrder& order, double price, RiskResult& result) const;

    std::vector<Asset> assets_;  // by instrument number
    std::unordered_map<uint64_t, RiskLimits> limits_;
    std::unordered_map<uint64_t, Exposure> exposures_;         // (strategy, instrument); 0 = all
    std::unordered_map<uint64_t, std::deque<int64_t>> times_;  // (strategy, 0) and (strategy, instrument): of a second
    std::vector<uint32_t> active_;                             // instruments with a position or an open order, ever
    std::vector<double> ledgers_, rates_;                      // by currency number
    double daily_loss_ = kNaN, day_base_ = kNaN;
    int64_t mark_interval_ns_;
    int64_t day_ = -1, clock_ns_ = 0;
    bool buying_power_ = true, kill_switch_ = false;
};

}  // namespace gcg
