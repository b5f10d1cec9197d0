// The sentences of strategy_engine/risk/engine.py: a strategy reads the same on paper.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <iterator>

#include "gcg/refusal.h"

namespace gcg {

namespace {

struct Rule {
    const char* name;
    const char* sentence;  // {v} is the value found, {l} the limit, {s} the symbol
};

constexpr std::size_t kMostBytes = 160;  // of OrderEvent::reason
// By the bits of RiskReason.
constexpr Rule kRules[] = {
    {"order_size", "order quantity {v} is above max_order_quantity {l}"},
    {"order_value", "order value {v} is above max_order_value {l}"},
    {"position_size", "position would be {v}, above max_position_quantity {l}"},
    {"position_value", "position value would be {v}, above max_position_value {l}"},
    {"daily_loss", "loss of the day {v} has reached max_daily_loss {l}: only closing orders pass"},
    {"order_rate", "{v} orders within a second are above max_orders_per_second {l}"},
    {"concentration", "position would be {v} of the equity, above max_concentration {l}"},
    {"open_orders", "{v} open orders are above max_open_orders {l}"},
    {"price_band", "price is {v} of the last price away, above price_band {l}"},
    {"self_trade", "would trade at {v} with an own order at {l}"},
    {"session_closed", "the market of {s} is closed"},
    {"buying_power", "needs {v} and {l} is available"},
    {"t_plus_one", "sells {v} and {l} of what was bought before today is left (T+1)"},
    {"kill_switch", "kill switch is on"},
    {"bad_quantity", "the quantity of {s} makes no sense"},
    {"bad_price", "the price of {s} makes no sense"},
    {"no_market", "no price of {s} is known yet"},
    {"unknown_instrument", "no instrument {s} is known"},
    {"gateway_down", "the gateway is not connected"},
    {"unsupported", "{s} does not take such an order"},
    {"price_limit", "price {v} is outside of the day's limits, of which {l} is the nearest"},
    {"halted", "the account is halted"},
};

const Rule& rule_of(uint64_t reason) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(reason));
    return kRules[std::min(bit, std::size(kRules) - 1)];
}

std::string number(double value, bool percent) {
    char text[40];
    if (percent)
        std::snprintf(text, sizeof text, "%.2f%%", value * 100);
    else
        std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

void put(std::string& text, const char* place, const std::string& value) {
    const std::size_t at = text.find(place);
    if (at != std::string::npos) text.replace(at, 3, value);
}

}  // namespace

void Refusal::add(const RiskResult& result, const std::string& symbol) {
    for (int i = 0; i < result.count; ++i) {
        const RiskFinding& found = result.findings[static_cast<std::size_t>(i)];
        const bool percent = (found.reason & (risk_reason::kPriceBand | risk_reason::kConcentration)) != 0;
        std::string sentence = rule_of(found.reason).sentence;
        put(sentence, "{v}", number(found.value, percent));
        put(sentence, "{l}", number(found.limit, percent));
        put(sentence, "{s}", symbol);
        findings_.push_back({found.reason, found.value, found.limit, std::move(sentence)});
    }
}

uint64_t Refusal::reasons() const {
    uint64_t all = 0;
    for (const Finding& one : findings_) all |= one.reason;
    return all;
}

std::string Refusal::words() const {
    std::vector<Finding> ordered = findings_;
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const Finding& a, const Finding& b) { return a.reason < b.reason; });
    std::string text, in_short;
    for (const Finding& one : ordered) {
        const char* between = text.empty() ? "" : "; ";
        text += between + one.sentence;
        in_short += between + std::string(rule_of(one.reason).name);
        char numbers[64] = "";
        if (one.value == one.value) std::snprintf(numbers, sizeof numbers, " %g>%g", one.value, one.limit);
        in_short += numbers;
    }
    if (text.size() <= kMostBytes) return text;
    return in_short.size() <= kMostBytes ? in_short : in_short.substr(0, kMostBytes - 3) + "...";
}

}  // namespace gcg
