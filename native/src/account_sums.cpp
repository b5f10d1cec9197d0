#include <cmath>

#include "gcg/account.h"

namespace gcg {

const Account::Money& Account::money(uint32_t currency) const {
    static const Money none;
    return currency < money_.size() ? money_[currency] : none;
}

bool Account::is_in(const HeldPosition& one, uint32_t currency) const {
    return one.lots != 0 && terms(one.instrument).currency == currency;
}

// ---- one position

double Account::last_price(uint32_t instrument) const {
    return instrument < marks_.size() ? marks_[instrument] : kNaN;
}

double Account::last_price(const HeldPosition& position) const {
    const double mark = marks_[position.instrument];
    return std::isnan(mark) ? position.first_price : mark;
}

double Account::value(const HeldPosition& position) const {
    return position.lots == 0 ? 0.0 : terms(position.instrument).value(position.quantity, last_price(position));
}

double Account::unrealised(const HeldPosition& position) const {
    if (position.lots == 0) return 0;
    return terms(position.instrument).profit(position.quantity, position.average_price, last_price(position));
}

double Account::margin(const HeldPosition& position) const {
    return std::fabs(value(position)) * terms(position.instrument).margin_rate;
}

int64_t Account::net_lots(uint32_t strategy, uint32_t instrument) const {
    if (instrument >= assets_.size() || strategy >= assets_[instrument].slots.size()) return 0;
    return assets_[instrument].slots[strategy].net;
}

const HeldPosition* Account::position(uint32_t strategy, uint32_t instrument, PositionSide side) const {
    if (instrument >= assets_.size() || strategy >= assets_[instrument].slots.size()) return nullptr;
    return assets_[instrument].slots[strategy].at[static_cast<int>(side)];
}

std::pair<int32_t, int64_t> Account::bought(uint32_t instrument) const {
    if (instrument >= assets_.size()) return {0, 0};
    return {assets_[instrument].bought_day, assets_[instrument].bought};
}

// ---- one currency: in the order of the positions, one by one

// Floats are added in the order of the positions; then follow the instruments of which the larger side counts, in the
// order in which they came.
template <typename Belongs>
double Account::tied_up(Belongs belongs) const {
    struct Both {
        uint32_t instrument;
        double longs = 0, shorts = 0;
    };
    double total = 0;
    std::vector<Both> sides;
    for (const HeldPosition& one : positions_) {
        if (!belongs(one)) continue;
        if (!terms(one.instrument).larger_side) {
            total += margin(one);
            continue;
        }
        std::size_t i = 0;
        while (i < sides.size() && sides[i].instrument != one.instrument) ++i;
        if (i == sides.size()) sides.push_back({one.instrument});
        (one.side == PositionSide::shorts ? sides[i].shorts : sides[i].longs) += margin(one);
    }
    for (const Both& both : sides) total += both.shorts > both.longs ? both.shorts : both.longs;
    return total;
}

double Account::margin(uint32_t currency) const {
    return tied_up([&](const HeldPosition& one) { return is_in(one, currency); });
}

double Account::unrealised(uint32_t currency) const {
    double total = 0;
    for (const HeldPosition& one : positions_)
        if (is_in(one, currency)) total += unrealised(one);
    return total;
}

double Account::equity(uint32_t currency) const {
    double worth = 0;
    for (const HeldPosition& one : positions_)
        if (is_in(one, currency)) worth += terms(one.instrument).margined ? unrealised(one) : value(one);
    return cash(currency) + worth;
}

Profit Account::profit(uint32_t strategy, uint32_t currency) const {
    const auto is_own = [&](const HeldPosition& one) { return strategy == 0 || one.strategy == strategy; };
    Profit sums;
    for (const HeldPosition& one : positions_) {
        if (!is_own(one) || terms(one.instrument).currency != currency) continue;
        sums.realised += one.realised;
        sums.unrealised += unrealised(one);
        sums.fees += one.fees;
    }
    sums.margin = tied_up([&](const HeldPosition& one) { return is_in(one, currency) && is_own(one); });
    return sums;
}

// ---- over all currencies

void Account::set_rate(uint32_t currency, double rate) {
    if (currency >= rates_.size()) rates_.resize(std::size_t{currency} + 1, 1.0);
    if (currency != 0) rates_[currency] = rate;
}

double Account::rate(uint32_t currency) const {
    return currency < rates_.size() ? rates_[currency] : 1.0;
}

template <typename Amount>
double Account::total(Amount amount) const {
    double sum = 0;
    for (uint32_t currency = 0; currency < money_.size(); ++currency) sum += amount(currency) * rate(currency);
    return sum;
}

double Account::total_cash() const {
    return total([&](uint32_t currency) { return cash(currency); });
}

double Account::total_equity() const {
    return total([&](uint32_t currency) { return equity(currency); });
}

double Account::total_margin() const {
    return total([&](uint32_t currency) { return margin(currency); });
}

}  // namespace gcg
