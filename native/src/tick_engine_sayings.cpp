// How strategies hear of their orders and fills: what is said waits in a queue until they have seen the market event.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "gcg/tick_engine.h"

namespace gcg {

namespace {

template <std::size_t N>
void copy_text(char (&field)[N], const std::string& text) {
    std::memset(field, 0, N);
    text.copy(field, N);
}

// A prefix and a number; the field is blank. (printf takes longer than all the rest of an event.)
template <std::size_t N>
void write_id(char (&field)[N], std::string_view prefix, uint64_t number) {
    char* const end = field + N;
    char* at = field + prefix.copy(field, N);
    std::to_chars(at, end, number);
}

double or_nan(const Account& account, uint32_t instrument, int64_t ticks) {
    return ticks == kNoPrice ? kNaN : account.price(instrument, ticks);
}

}  // namespace

// Note an order's new state, and tell its strategy of it.
void TickEngine::say(TickOrder& order, OrderStatus status, int64_t event_ns, const std::string& reason) {
    const OrderStatus before = order.status;
    order.status = status;
    if (order.is_final()) {
        const auto at = std::lower_bound(open_.begin(), open_.end(), order.id);
        if (at != open_.end() && *at == order.id) open_.erase(at);
    }
    if (!strategies_[order.strategy - 1]->hears_orders) return;
    auto event = std::make_unique<OrderEvent>(blank_[order.strategy - 1]);
    event->event_ns = event_ns;
    event->recv_ns = std::max(now_ns_, event_ns);
    event->instrument = order.instrument;
    event->request = order.id;
    write_id(event->client_id, names_[order.strategy - 1] + "-", order.id);
    if (order.arrived_ns != 0 && status != OrderStatus::submitting) write_id(event->venue_order_id, "P", order.id);
    event->quantity = account_.quantity(order.instrument, order.lots);
    event->filled_quantity = account_.quantity(order.instrument, order.filled);
    if (order.filled > 0) event->average_price = order.filled_value / event->filled_quantity;
    event->price = or_nan(account_, order.instrument, order.price_ticks);
    event->stop_price = or_nan(account_, order.instrument, order.stop_ticks);
    event->status = static_cast<uint8_t>(status);
    event->previous_status = static_cast<uint8_t>(before);
    event->side = static_cast<uint8_t>(order.asked.side);
    event->offset = static_cast<uint8_t>(order.asked.offset);
    event->order_type = static_cast<uint8_t>(order.asked.type);
    event->time_in_force = static_cast<uint8_t>(order.asked.time_in_force);
    std::memcpy(event->tag, order.asked.tag, sizeof event->tag);
    copy_text(event->reason, reason);
    Saying saying;
    saying.strategy = order.strategy;
    saying.instrument = order.instrument;
    saying.order = std::move(event);
    sayings_.push_back(std::move(saying));
}

void TickEngine::say_fill(const TickOrder& order, const FillRow& row, const Report& report, int32_t trading_day) {
    Saying saying;
    saying.strategy = order.strategy;
    saying.instrument = order.instrument;
    saying.lots = order.asked.side == Side::buy ? report.lots : -report.lots;
    if (strategies_[order.strategy - 1]->hears_fills) {
        const OrderEvent& blank = blank_[order.strategy - 1];
        auto fill = std::make_unique<Fill>();
        fill->event_ns = row.event_ns;
        fill->recv_ns = row.seen_ns;
        fill->instrument = order.instrument;
        fill->request = order.id;
        std::memcpy(fill->account, blank.account, sizeof fill->account);
        std::memcpy(fill->strategy, blank.strategy, sizeof fill->strategy);
        std::memcpy(fill->gateway, blank.gateway, sizeof fill->gateway);
        write_id(fill->client_id, names_[order.strategy - 1] + "-", order.id);
        write_id(fill->venue_order_id, "P", order.id);
        write_id(fill->trade_id, "P" + std::to_string(order.id) + ".", order.trades);
        fill->price = row.price;
        fill->quantity = row.quantity;
        fill->fee = row.fee;
        copy_text(fill->fee_currency, instruments_[order.instrument - 1].currency);
        fill->trading_day = trading_day;
        fill->side = row.side;
        fill->offset = row.offset;
        fill->liquidity = row.liquidity;
        saying.fill = std::move(fill);
    }
    sayings_.push_back(std::move(saying));
}

// Tell strategies what has happened to their orders, and what that leads to. After a failure the rest waits for the
// next run(): what strategies answer might have no end.
void TickEngine::deliver() {
    while (!sayings_.empty() && !failure_) {
        const Saying saying = std::move(sayings_.front());
        sayings_.pop_front();
        TickStrategy& strategy = *strategies_[saying.strategy - 1];
        if (saying.lots != 0) seen_lots_[saying.strategy - 1][saying.instrument] += saying.lots;
        if (saying.fill) call([&] { strategy.on_fill(*saying.fill); });
        if (saying.order) call([&] { strategy.on_order(*saying.order); });
    }
}

}  // namespace gcg
