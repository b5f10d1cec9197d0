#include "gcg/account.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace gcg {

namespace {

// Settle signed lots of a fill in one position; return the profit that they realised.
double apply(HeldPosition& held, const AccountTerms& terms, int64_t lots, double price, int32_t day, Offset offset) {
    if (day > held.day) {
        held.day = day;
        held.today_lots = 0;
    }
    const int64_t before = held.lots, size = lots < 0 ? -lots : lots;
    double profit = 0;
    if (before != 0 && (before < 0) != (lots < 0)) {
        const int64_t closed = size < held.size() ? size : held.size();
        held.today_lots -= held.of_today(closed, held.day, offset);
        profit = terms.profit(terms.lot.of(before > 0 ? closed : -closed), held.average_price, price);
    } else {
        const double already = std::fabs(held.quantity), added = terms.lot.of(size);
        held.average_price = already != 0 ? terms.average(already, held.average_price, added, price) : price;
        held.today_lots += size;
    }
    held.lots = before + lots;
    held.quantity = terms.lot.of(held.lots);
    if (held.lots == 0) {
        held.average_price = kNaN;
    } else if (before != 0 && (before < 0) != (held.lots < 0)) {  // turned round: what is left was opened by this fill
        held.average_price = price;
        held.today_lots = held.size();
    }
    held.realised += profit;
    if (std::isnan(held.first_price)) held.first_price = price;
    return profit;
}

}  // namespace

double AccountTerms::fee(double quantity, double price, bool sells, bool maker, bool first, double today) const {
    const double worth = value(quantity, price), rate = maker ? maker_fee : taker_fee;
    double fee;
    if (today != 0) {
        const double others = quantity - today;
        fee = value(others, price) * rate + others * fee_per_unit;
        fee += value(today, price) * (std::isnan(close_today_fee) ? rate : close_today_fee);
        fee += today * (std::isnan(close_today_fee_per_unit) ? fee_per_unit : close_today_fee_per_unit);
    } else {
        fee = worth * rate + quantity * fee_per_unit;
    }
    if (first) {
        fee += fee_per_order;
        if (min_fee > fee) fee = min_fee;
    }
    return fee + (sells ? worth * stamp_duty : 0.0);
}

int64_t HeldPosition::of_today(int64_t closed, int32_t trading_day, Offset offset) const {
    const int64_t today = today_at(trading_day);
    // The oldest lots go first unless today's are meant: for China's futures that is a different fee.
    if (offset == Offset::close_today) return closed < today ? closed : today;
    const int64_t older = size() - today;
    return closed > older ? closed - older : 0;
}

Account::Account(uint32_t currency, double cash) {
    money_.resize(std::size_t{currency} + 1);
    money_[currency] = {cash, cash, 0, 0};
}

void Account::set_terms(uint32_t instrument, const AccountTerms& terms) {
    for (const Ratio& ratio : {terms.tick, terms.lot})
        if (ratio.numerator <= 0 || ratio.denominator <= 0)
            throw std::invalid_argument("the tick and lot size of instrument " + std::to_string(instrument) +
                                        " must be fractions above 0, found " + std::to_string(ratio.numerator) + "/" +
                                        std::to_string(ratio.denominator));
    if (instrument >= assets_.size()) {
        assets_.resize(std::size_t{instrument} + 1);
        marks_.resize(std::size_t{instrument} + 1, kNaN);
    }
    if (terms.currency >= money_.size()) money_.resize(std::size_t{terms.currency} + 1);
    assets_[instrument].terms = terms;
    assets_[instrument].known = true;
    for (HeldPosition& one : positions_)
        if (one.instrument == instrument) one.quantity = terms.lot.of(one.lots);
}

Settled Account::settle(const AccountFill& fill) {
    if (!knows(fill.instrument))
        throw std::invalid_argument("the account has no terms of instrument " + std::to_string(fill.instrument));
    Asset& asset = assets_[fill.instrument];
    const AccountTerms& terms = asset.terms;
    if (fill.strategy >= asset.slots.size()) asset.slots.resize(std::size_t{fill.strategy} + 1);
    Slot& slot = asset.slots[fill.strategy];
    const bool sells = fill.side == Side::sell;
    const int64_t sign = sells ? -1 : 1;

    Settled done;
    done.price = terms.tick.of(fill.ticks);
    done.quantity = terms.lot.of(fill.lots);
    if (terms.t_plus_one && !sells && fill.trading_day >= asset.bought_day) {
        asset.bought = fill.lots + (fill.trading_day == asset.bought_day ? asset.bought : 0);
        asset.bought_day = fill.trading_day;
    }
    std::array<Part, 2> parts{};
    const int count = split(asset, fill, parts);
    const double today = terms.legs ? closes_today(slot, asset, fill, parts.data(), count) : 0.0;
    done.fee = terms.fee(done.quantity, done.price, sells, fill.maker, fill.first, today);
    for (int i = 0; i < count; ++i) {
        HeldPosition& held = open_position(slot, fill, parts[i].side);
        done.profit += apply(held, terms, sign * parts[i].lots, done.price, fill.trading_day, fill.offset);
        if (i == 0) held.fees += done.fee;
    }
    slot.net += sign * fill.lots;
    asset.slots[0].net += sign * fill.lots;

    // Whoever buys an inverse contract is owed what it is worth in coins.
    const double worth = terms.value(static_cast<double>(sign) * done.quantity, done.price);
    const double paid = terms.inverse ? -worth : worth;
    Money& money = money_[terms.currency];
    money.cash += terms.margined ? done.profit : -paid;
    money.ledger -= paid;
    money.realised += done.profit;
    money.cash -= done.fee;
    money.ledger -= done.fee;
    money.fees += done.fee;
    return done;
}

// Which positions a fill moves by how many lots. One of a net order closes first; what an order closes beyond what is
// held here opens the other side, so that the sum of both is always what was bought and sold.
int Account::split(const Asset& asset, const AccountFill& fill, std::array<Part, 2>& parts) {
    if (!asset.terms.legs) {
        parts[0] = {PositionSide::net, fill.lots};
        return 1;
    }
    const bool buys = fill.side == Side::buy;
    const PositionSide own = buys ? PositionSide::longs : PositionSide::shorts;
    const PositionSide other = buys ? PositionSide::shorts : PositionSide::longs;
    const HeldPosition* opposite = asset.slots[fill.strategy].at[static_cast<int>(other)];
    int64_t closing = 0;
    if (opposite && fill.offset != Offset::open) closing = fill.lots < opposite->size() ? fill.lots : opposite->size();
    int count = 0;
    if (closing) parts[count++] = {other, closing};
    if (fill.lots > closing) parts[count++] = {own, fill.lots - closing};
    return count;
}

double Account::closes_today(const Slot& slot, const Asset& asset, const AccountFill& fill, const Part* parts,
                             int count) {
    for (int i = 0; i < count; ++i) {
        const HeldPosition* held = slot.at[static_cast<int>(parts[i].side)];
        if (held && held->lots != 0 && (held->lots > 0) == (fill.side == Side::sell)) {
            const int64_t closed = parts[i].lots < held->size() ? parts[i].lots : held->size();
            return asset.terms.lot.of(held->of_today(closed, fill.trading_day, fill.offset));
        }
    }
    return 0;
}

HeldPosition& Account::open_position(Slot& slot, const AccountFill& fill, PositionSide side) {
    HeldPosition*& place = slot.at[static_cast<int>(side)];
    if (!place) {
        place = &positions_.emplace_back();
        place->strategy = fill.strategy;
        place->instrument = fill.instrument;
        place->side = side;
    }
    return *place;
}

}  // namespace gcg
