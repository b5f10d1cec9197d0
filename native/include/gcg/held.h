// What orders open and close where long and short are held apart (AccountTerms::legs), and what reduce-only orders may
// still close anywhere: the rules of strategy_engine/desk (offsets.py, claims.py, reduce_only.py), with the same
// verdicts.
//
// An offset that an order names is checked against what may be closed: what is held, less what open orders may close
// already. An order without one closes the other side first and opens the rest. Where a venue nets orders itself, one
// that does both goes without an offset; elsewhere it is refused.
//
// Lots count twice, once as they are left of an order, and once as they come to be: those of a change count from when
// the venue is asked for it. All is counters by strategy, instrument and side; nothing is looked for.
//
// Positions are the account's: settle() a fill in it and tell on_fill(), in any order, before the next plan(). Strategy
// and instrument are as in the account, and so is the thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gcg/account.h"

namespace gcg {

struct HeldOrder {
    uint32_t strategy = 1, instrument = 0;
    Side side = Side::none;
    Offset offset = Offset::none;  // as it was asked for; of an open order as it was sent (HeldPlan::offset)
    bool reduce_only = false;
    int64_t lots = 0;  // above 0; of an open order what is left
};

// The lots of a side that may be closed now, and what is held in all; `today` counts what was opened on the trading
// day.
struct Closable {
    int64_t today = 0, yesterday = 0, held_today = 0, held_yesterday = 0;
    [[nodiscard]] int64_t lots() const { return today + yesterday; }
    [[nodiscard]] int64_t held() const { return held_today + held_yesterday; }
};

enum class HeldRefusal : uint8_t {
    none = 0,
    nothing_left = 1,  // reduce-only: nothing is left to close
    would_open = 2,    // reduce-only, and it says that it opens
    too_much = 3,      // it closes more than may be closed
    oldest_first = 4,  // it closes today's lots where the older ones go first
    two_orders = 5,    // one order cannot say what it does
    too_large = 6      // a change: reduce-only, and more than can be closed
};

struct HeldPlan {
    int64_t lots = 0;              // after the cut of a reduce-only order
    Offset offset = Offset::none;  // to send it with
    int64_t opens = 0, adds = 0;   // as RiskOrder has them
    HeldRefusal refusal = HeldRefusal::none;
    Closable found = {};  // what the refusal is about
    [[nodiscard]] bool passed() const { return refusal == HeldRefusal::none; }
    [[nodiscard]] uint64_t reason() const;  // the bit of RiskReason, 0 if it passed
};

// What RiskEngine::set_sides() takes.
struct HeldSides {
    int64_t longs = 0, shorts = 0, opening_buys = 0, opening_sells = 0;
};

class HeldBook {
 public:
    // The account outlives the book. `nets`: the venue takes an order that closes and opens at once.
    explicit HeldBook(const Account& account, bool nets = true) : account_(account), nets_(nets) {}

    // What a new order has to be sent as. `trading_day` is YYYYMMDD; it changes nothing.
    [[nodiscard]] HeldPlan plan(const HeldOrder& order, int32_t trading_day) const;
    // What is to be made of an open order if so many lots are to be left of it; `counted` of them count now.
    [[nodiscard]] HeldPlan plan_change(const HeldOrder& order, int64_t counted, int64_t left,
                                       int32_t trading_day) const;
    // Why a plan refuses, as a sentence.
    [[nodiscard]] std::string words(const HeldOrder& order, const HeldPlan& plan, const std::string& symbol) const;

    void on_order(const HeldOrder& order) { add(order, order.lots, order.lots); }  // it is open
    void on_fill(const HeldOrder& order, int64_t lots) { add(order, -lots, -lots); }
    // ... of which fewer counted: a smaller order had been asked for.
    void on_fill(const HeldOrder& order, int64_t lots, int64_t counted) { add(order, -lots, -counted); }
    void on_done(const HeldOrder& order, int64_t left) { add(order, -left, -left); }  // `left` unfilled
    // The venue is asked for `more` lots (less, if negative); of a refused or forgotten change the same with the sign
    // turned. on_change() when it was made.
    void expect(const HeldOrder& order, int64_t more) { add(order, 0, more); }
    void on_change(const HeldOrder& order, int64_t more) { add(order, more, 0); }

    // What open orders may close of the lots that orders of a side close: frozen.
    [[nodiscard]] int64_t closing(uint32_t strategy, uint32_t instrument, Side side) const;
    // What is held, and what more open orders may come to tie up margin for.
    [[nodiscard]] HeldSides sides(uint32_t strategy, uint32_t instrument) const;
    // What orders of a side may close now; zeros where positions are net.
    [[nodiscard]] Closable closable(uint32_t strategy, uint32_t instrument, Side side, int32_t trading_day) const;

 private:
    struct Open {                                               // the open orders of a strategy, instrument and side
        int64_t all = 0, today = 0, yesterday = 0, either = 0;  // left, in all and by what they close
        int64_t opening = 0, unsaid = 0, closing = 0;           // counted
        void add(const HeldOrder& order, int64_t left, int64_t counted);
    };
    struct Row {
        std::array<Open, 2> sides;  // buys, sells
    };

    void add(const HeldOrder& order, int64_t left, int64_t counted);
    [[nodiscard]] Open open(uint32_t strategy, uint32_t instrument, Side side) const;
    [[nodiscard]] int64_t held(uint32_t strategy, uint32_t instrument, Side side) const;
    [[nodiscard]] Closable closable(const HeldOrder& order, const Open& others, int32_t trading_day) const;
    [[nodiscard]] int64_t opening(const Open& orders, int64_t held, bool larger_side) const;
    void measure(const HeldOrder& order, const Open& others, const Open& before, HeldPlan& plan) const;
    void cut(const HeldOrder& order, const Open& others, int32_t trading_day, HeldPlan& plan) const;
    void choose(const HeldOrder& order, const Open& others, int32_t trading_day, HeldPlan& plan) const;

    const Account& account_;
    bool nets_;
    std::vector<std::vector<Row>> rows_;  // by instrument and strategy
};

}  // namespace gcg
