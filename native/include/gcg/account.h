// One account: cash, positions and fees as fills settle them, with the floats of strategy_engine/accounts to the last
// bit.
//
// Sums run in the order of the fills, and over positions in the order in which they were first opened, as the Python
// accounts add. Fees are those of Instrument.fee, charged in the instrument's currency.
//
// Paid instruments move cash by the whole value of a fill; margined ones (futures, and what has a margin rate below 1)
// by its profit alone. Most instruments have one net position a strategy. Where long and short are held apart (`legs`)
// there are two: a buy opens the long one and closes the short one, and what it closes beyond what is held opens.
//
// mark() is one store: what positions are worth is worked out when somebody asks. A position is valued at the last mark
// of its instrument, also at one from before it was opened, and before the first mark at the price of its first fill.
//
// Strategies, instruments and currencies are small numbers of the caller's. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "gcg/ratio.h"
#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

enum class Offset : uint8_t { none = 0, open = 1, close = 2, close_today = 3, close_yesterday = 4 };
enum class PositionSide : uint8_t { net = 0, longs = 1, shorts = 2 };

// Rates are fractions of the value, amounts are in the instrument's currency.
struct AccountTerms {
    Ratio tick = {}, lot = {};
    double multiplier = 1;     // value of one unit at price 1
    double margin_rate = 1;    // share of the value that a position ties up
    bool margined = false;     // a fill moves cash by its profit only
    bool legs = false;         // long and short are held apart
    bool larger_side = false;  // ... and the larger one alone ties up margin
    bool today_apart = false;  // ... and an order that closes says which day's lots (held.h)
    bool t_plus_one = false;   // what was bought today is sold tomorrow at the earliest
    bool inverse = false;      // paid in the other currency of its price: worth multiplier / price
    uint32_t currency = 0;     // 0 = the account's own
    double maker_fee = 0, taker_fee = 0;
    double fee_per_unit = 0;
    double fee_per_order = 0;       // with the first fill
    double min_fee = 0;             // an order, with the first fill
    double stamp_duty = 0;          // on sales
    double close_today_fee = kNaN;  // NaN: as any other fill
    double close_today_fee_per_unit = kNaN;

    // The fee of one fill; `today` is the part of the quantity that closes lots opened on the same day.
    [[nodiscard]] double fee(double quantity, double price, bool sells, bool maker, bool first, double today) const;
    // What a signed quantity is worth, and what it gains from one price to another; the source of the formulas of
    // inverse contracts is named in Instrument.profit. NaN if the price of one is not above 0.
    [[nodiscard]] double value(double quantity, double price) const {
        if (!inverse) return quantity * price * multiplier;
        return price > 0 ? quantity * multiplier / price : kNaN;
    }
    [[nodiscard]] double profit(double quantity, double entry, double leave) const {
        if (!inverse) return (leave - entry) * quantity * multiplier;
        return entry > 0 && leave > 0 ? (1.0 / entry - 1.0 / leave) * quantity * multiplier : kNaN;
    }
    // The price at which two quantities above 0 together make the profit of both.
    [[nodiscard]] double average(double held, double price, double added, double at) const {
        if (!inverse) return (price * held + at * added) / (held + added);
        return price > 0 && at > 0 ? (held + added) / (held / price + added / at) : kNaN;
    }
};

struct AccountFill {
    uint32_t strategy = 1;  // 1..
    uint32_t instrument = 0;
    Side side = Side::none;
    Offset offset = Offset::none;
    int64_t lots = 0;  // above 0
    int64_t ticks = 0;
    bool maker = false;
    bool first = true;        // of its order
    int32_t trading_day = 0;  // YYYYMMDD
};

struct Settled {
    double price = 0, quantity = 0;
    double fee = 0;
    double profit = 0;  // realised, before the fee
};

// A signed position, long > 0 > short, at its average price. A net one may turn round.
struct HeldPosition {
    uint32_t strategy = 0, instrument = 0;
    PositionSide side = PositionSide::net;
    int32_t day = 0;  // the trading day of its newest fill
    int64_t lots = 0;
    int64_t today_lots = 0;  // the part of |lots| that was opened on `day`
    double quantity = 0;     // the lots, in units
    double average_price = kNaN;
    double realised = 0, fees = 0;
    double first_price = kNaN;  // of its first fill

    [[nodiscard]] int64_t size() const { return lots < 0 ? -lots : lots; }
    [[nodiscard]] int64_t yesterday_lots() const { return size() - today_lots; }
    // The part of |lots| that was opened on a trading day, which is the position's or a later one.
    [[nodiscard]] int64_t today_at(int32_t trading_day) const { return trading_day > day ? 0 : today_lots; }
    // How many of `closed` lots that are closed on a trading day were opened on it.
    [[nodiscard]] int64_t of_today(int64_t closed, int32_t trading_day, Offset offset) const;
};

// What positions have brought: fees are those of the positions, margin is what they tie up now.
struct Profit {
    double realised = 0, unrealised = 0, fees = 0, margin = 0;
};

class Account {
 public:
    explicit Account(uint32_t currency = 0, double cash = 0);
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    // Tell an instrument's terms, before its first mark and fill. Throws std::invalid_argument if a fraction is none.
    void set_terms(uint32_t instrument, const AccountTerms& terms);
    [[nodiscard]] const AccountTerms& terms(uint32_t instrument) const { return assets_[instrument].terms; }
    [[nodiscard]] bool knows(uint32_t instrument) const {
        return instrument < assets_.size() && assets_[instrument].known;
    }

    // Throws std::invalid_argument if the instrument has no terms.
    Settled settle(const AccountFill& fill);
    void mark(uint32_t instrument, double price) { marks_[instrument] = price; }

    [[nodiscard]] double price(uint32_t instrument, int64_t ticks) const { return terms(instrument).tick.of(ticks); }
    [[nodiscard]] double quantity(uint32_t instrument, int64_t lots) const { return terms(instrument).lot.of(lots); }
    [[nodiscard]] double last_price(uint32_t instrument) const;  // NaN before the first mark

    // ---- money of one currency
    [[nodiscard]] double cash(uint32_t currency = 0) const { return money(currency).cash; }
    [[nodiscard]] double ledger(uint32_t currency = 0) const { return money(currency).ledger; }  // all paid in full
    [[nodiscard]] double realised(uint32_t currency = 0) const { return money(currency).realised; }
    [[nodiscard]] double fees(uint32_t currency = 0) const { return money(currency).fees; }
    [[nodiscard]] double margin(uint32_t currency = 0) const;
    [[nodiscard]] double unrealised(uint32_t currency = 0) const;
    [[nodiscard]] double equity(uint32_t currency = 0) const;
    [[nodiscard]] std::size_t currencies() const { return money_.size(); }  // they are numbered from 0
    // What all positions of a currency, or a strategy's, have brought; strategy 0 = all.
    [[nodiscard]] Profit profit(uint32_t strategy, uint32_t currency = 0) const;

    // ---- over all currencies
    void set_rate(uint32_t currency, double rate);  // what one of it is worth in the account's own, whose rate is 1
    [[nodiscard]] double rate(uint32_t currency) const;  // 1 if nobody has told it
    [[nodiscard]] double total_cash() const;             // in the account's currency, as all totals
    [[nodiscard]] double total_equity() const;
    [[nodiscard]] double total_margin() const;

    // ---- positions
    [[nodiscard]] int64_t net_lots(uint32_t strategy, uint32_t instrument) const;  // strategy 0 = all
    [[nodiscard]] const HeldPosition* position(uint32_t strategy, uint32_t instrument, PositionSide side) const;
    [[nodiscard]] const std::deque<HeldPosition>& positions() const { return positions_; }  // as first opened
    [[nodiscard]] double last_price(const HeldPosition& position) const;
    [[nodiscard]] double value(const HeldPosition& position) const;  // negative when short
    [[nodiscard]] double unrealised(const HeldPosition& position) const;
    [[nodiscard]] double margin(const HeldPosition& position) const;
    // (trading day, lots) of what all strategies bought on the newest day on which they did; T+1 instruments only.
    [[nodiscard]] std::pair<int32_t, int64_t> bought(uint32_t instrument) const;

 private:
    struct Money {
        double cash = 0, ledger = 0, realised = 0, fees = 0;
    };
    struct Slot {  // a strategy's
        int64_t net = 0;
        std::array<HeldPosition*, 3> at{};  // by side
    };
    struct Asset {
        AccountTerms terms;
        bool known = false;
        std::vector<Slot> slots{1};  // by strategy; 0 = all of them, net lots only
        int32_t bought_day = 0;
        int64_t bought = 0;
    };
    struct Part {
        PositionSide side;
        int64_t lots;
    };

    [[nodiscard]] const Money& money(uint32_t currency) const;
    [[nodiscard]] bool is_in(const HeldPosition& one, uint32_t currency) const;
    static int split(const Asset& asset, const AccountFill& fill, std::array<Part, 2>& parts);
    static double closes_today(const Slot& slot, const Asset& asset, const AccountFill& fill, const Part* parts,
                               int count);
    HeldPosition& open_position(Slot& slot, const AccountFill& fill, PositionSide side);
    template <typename Belongs>
    [[nodiscard]] double tied_up(Belongs belongs) const;
    template <typename Amount>
    [[nodiscard]] double total(Amount amount) const;

    std::vector<Asset> assets_;  // by instrument
    std::vector<double> marks_;  // by instrument
    std::deque<HeldPosition> positions_;
    std::vector<Money> money_;   // by currency
    std::vector<double> rates_;  // by currency
};

}  // namespace gcg
