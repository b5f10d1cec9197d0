// What strategies ask for, read once into whole ticks and lots; what makes no sense is told by an OrderError.
#include <charconv>
#include <cmath>
#include <string>

#include "gcg/tick_engine.h"

namespace gcg {

namespace {

std::string text(double value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return {digits, end};
}

// A price or quantity in whole units, as Instrument.ticks and .lots count them: what arithmetic on floats leaves behind
// is no error, a thousandth of a unit is one.
int64_t whole(double value, const Ratio& unit, const char* what, const char* unit_name, const std::string& symbol) {
    if (!std::isfinite(value)) throw OrderError("The " + std::string(what) + " of " + symbol + " must be a number.");
    const double size = unit.of(1);
    const double exact =
        std::nearbyint(value * static_cast<double>(unit.denominator) / static_cast<double>(unit.numerator));
    if (std::fabs(exact) >= kMostUnits)
        throw OrderError("The " + std::string(what) + " " + text(value) + " of " + symbol + " is too large.");
    const auto count = static_cast<int64_t>(exact);
    const double valid = unit.of(count), ulp = std::nextafter(std::fabs(value), kOff) - std::fabs(value);
    if (std::fabs(value - valid) > size * 1e-6 + 4 * ulp)
        throw OrderError("The " + std::string(what) + " " + text(value) + " of " + symbol +
                         " is not a multiple of its " + unit_name + " " + text(size) + "; the nearest valid one is " +
                         text(valid) + ".");
    return count;
}

bool has_limit(OrderType type) {
    return type == OrderType::limit || type == OrderType::stop_limit || type == OrderType::trailing_stop_limit;
}
bool has_stop(OrderType type) {
    return type >= OrderType::stop;
}
bool trails(OrderType type) {
    return type >= OrderType::trailing_stop;
}

int64_t price_in_ticks(double price, const TickInstrument& instrument, const char* what) {
    if (!is_set(price)) throw OrderError("The order needs a " + std::string(what) + ".");
    const int64_t ticks = whole(price, instrument.account.tick, what, "tick size", instrument.symbol);
    if (ticks <= 0 && !instrument.may_be_negative)
        throw OrderError("The " + std::string(what) + " must be above 0, found " + text(price) + ".");
    return ticks;
}

int64_t quantity_in_lots(double quantity, const TickInstrument& instrument) {
    if (!(quantity > 0))
        throw OrderError("An order's quantity must be above 0, found " + text(quantity) + " " + instrument.symbol +
                         ".");
    const int64_t lots = whole(quantity, instrument.account.lot, "quantity", "lot size", instrument.symbol);
    if (quantity < instrument.min_quantity)
        throw OrderError("The quantity " + text(quantity) + " of " + instrument.symbol +
                         " is below its minimum; the nearest valid one is " + text(instrument.min_quantity) + ".");
    return lots;
}

}  // namespace

// The order in whole ticks and lots. Throws OrderError where it makes no sense.
TickOrder TickEngine::read(uint32_t strategy, const OrderAsk& ask) const {
    if (ask.instrument == 0 || ask.instrument > instruments_.size())
        throw OrderError("The engine has no such instrument.");
    if (ask.side != Side::buy && ask.side != Side::sell)
        throw OrderError("An order buys or sells: give its direction.");
    if (ask.type < OrderType::market || ask.type > OrderType::trailing_stop_limit)
        throw OrderError("An order is a market, limit, stop, stop-limit or trailing order.");
    if (ask.time_in_force > TimeInForce::gtd)
        throw OrderError("An order's time in force is GTC, DAY, IOC, FOK or GTD.");
    if (ask.offset > Offset::close_yesterday)
        throw OrderError("An order's offset is NONE, OPEN, CLOSE, CLOSE_TODAY or CLOSE_YESTERDAY.");
    const TickInstrument& instrument = instruments_[ask.instrument - 1];
    TickOrder order;
    order.strategy = strategy;
    order.instrument = ask.instrument;
    order.asked = ask;
    order.lots = quantity_in_lots(ask.quantity, instrument);
    if (has_limit(ask.type)) order.price_ticks = price_in_ticks(ask.price, instrument, "limit price");
    if (has_stop(ask.type) && (!trails(ask.type) || is_set(ask.stop_price)))
        order.stop_ticks = price_in_ticks(ask.stop_price, instrument, "stop price");
    if (trails(ask.type)) {
        if (is_set(ask.trail_amount) == is_set(ask.trail_percent))
            throw OrderError(
                "A trailing order needs either a trail_amount, in the price's currency, or a trail_percent, "
                "as a fraction of the price.");
        if (is_set(ask.trail_amount)) {
            order.trail_ticks =
                whole(ask.trail_amount, instrument.account.tick, "trail_amount", "tick size", instrument.symbol);
            if (order.trail_ticks <= 0)
                throw OrderError("The trail_amount must be above 0, found " + text(ask.trail_amount) + ".");
        } else {
            order.trail_millionths = std::isfinite(ask.trail_percent) ? std::llrint(ask.trail_percent * 1e6) : 0;
            if (order.trail_millionths <= 0 || order.trail_millionths >= 1'000'000)
                throw OrderError("The trail_percent is a fraction of the price between 0 and 1 (0.02 is 2 %), found " +
                                 text(ask.trail_percent) + ".");
        }
    }
    return order;
}

// What an order is to be after a change, of which NaN leaves as it is.
TickOrder::Change TickEngine::read_change(const TickOrder& order, double quantity, double price,
                                          double stop_price) const {
    const TickInstrument& instrument = instruments_[order.instrument - 1];
    const TickOrder::Change before = order.changes.empty()
                                         ? TickOrder::Change{order.lots, order.price_ticks, order.stop_ticks}
                                         : order.changes.back();
    TickOrder::Change wanted = before;
    if (is_set(quantity)) wanted.lots = quantity_in_lots(quantity, instrument);
    if (is_set(price) && before.price_ticks != kNoPrice)
        wanted.price_ticks = price_in_ticks(price, instrument, "limit price");
    if (is_set(stop_price) && before.stop_ticks != kNoPrice)
        wanted.stop_ticks = price_in_ticks(stop_price, instrument, "stop price");
    const bool same = wanted.lots == before.lots && wanted.price_ticks == before.price_ticks &&
                      wanted.stop_ticks == before.stop_ticks;
    if (same) throw OrderError("Nothing would change of the order.");
    if (wanted.lots <= order.filled)
        throw OrderError(text(account_.quantity(order.instrument, order.filled)) + " of the order is filled already.");
    return wanted;
}

}  // namespace gcg
