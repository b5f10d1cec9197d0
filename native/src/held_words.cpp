#include <algorithm>
#include <cstdio>

#include "gcg/held.h"

namespace gcg {

namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

const char* name(Offset offset) {
    constexpr const char* names[] = {"NONE", "OPEN", "CLOSE", "CLOSE_TODAY", "CLOSE_YESTERDAY"};
    return names[static_cast<int>(offset)];
}

}  // namespace

std::string HeldBook::words(const HeldOrder& order, const HeldPlan& plan, const std::string& symbol) const {
    const Closable& found = plan.found;
    const bool sells = order.side == Side::sell;
    auto size = [&](int64_t lots) { return number(account_.quantity(order.instrument, lots)); };
    switch (plan.refusal) {
        case HeldRefusal::none:
            return "";
        case HeldRefusal::nothing_left:
            return "reduce-only: nothing of " + symbol + " is left to " + (sells ? "sell" : "buy back") +
                   (found.held() > 0 ? ", open orders close all of it" : "");
        case HeldRefusal::would_open:
            return "reduce-only: an order that opens closes nothing";
        case HeldRefusal::too_large:
            return "reduce-only: " + size(plan.lots) + " is more than the " + size(found.lots()) +
                   " that can be closed";
        case HeldRefusal::oldest_first:
            return symbol + ": the oldest lots are closed first, and " + std::to_string(found.held_yesterday) +
                   " are of before today: use CLOSE";
        case HeldRefusal::too_much: {
            const Offset asked = order.offset == Offset::none ? Offset::close : order.offset;
            const bool today = asked == Offset::close_today, yesterday = asked == Offset::close_yesterday;
            const int64_t held = today ? found.held_today : yesterday ? found.held_yesterday : found.held();
            const int64_t free = today ? found.today : yesterday ? found.yesterday : found.lots();
            std::string text = std::string(name(asked)) + " " + size(plan.lots) + ": " + size(free) + " of the " +
                               (sells ? "long " : "short ") + symbol + " may be closed";
            if (held > free) text += ", open orders close the other " + size(held - free);
            return text;
        }
        case HeldRefusal::two_orders:
            break;
    }
    const int64_t opened = std::max<int64_t>(0, plan.lots - found.lots());
    const int64_t yesterday = std::min(plan.lots, found.yesterday);
    const int64_t today = std::min(plan.lots - yesterday, found.today);
    std::string parts;
    auto part = [&](int64_t lots, Offset offset) {
        if (lots) parts += (parts.empty() ? "" : ", ") + size(lots) + " " + name(offset);
    };
    if (account_.terms(order.instrument).today_apart) {
        part(yesterday, Offset::close_yesterday);
        part(today, Offset::close_today);
    } else {
        part(yesterday + today, Offset::close);
    }
    part(opened, Offset::open);
    return std::string("one order cannot ") + (opened ? "close and open" : "close lots of today and lots of before") +
           (found.lots() < found.held() ? " while others are open that close" : "") + ": send " + parts;
}

}  // namespace gcg
