// What the venue says of orders: states, fills and money.
#include <algorithm>
#include <iterator>

#include "gcg/tick_engine.h"

namespace gcg {

namespace {

// The reasons of ReportReason, as the paper gateway says them.
constexpr const char* kReasons[] = {"",
                                    "",
                                    "nothing more to take at once",
                                    "not all of it could be had at once",
                                    "post-only: it would have taken liquidity",
                                    "it is not open",
                                    "less than is filled already",
                                    "the venue does not know this kind of order",
                                    "this order was sent before",
                                    "its price is outside the day's price limits",
                                    "the market is closed"};
const char* reason_of(const Report& report) {
    const auto at = static_cast<std::size_t>(report.reason);
    return at < std::size(kReasons) ? kReasons[at] : "";
}

}  // namespace

// Take in what the venue has just said: now, or when its answer has come back. What concerns the venue's own clock and
// book is noted at once.
void TickEngine::collect() {
    for (const Report& report : matching_.reports()) {
        TickOrder& order = orders_[report.key - 1];
        double between = kNaN;
        switch (report.kind) {
            case ReportKind::accepted: {
                order.arrived_ns = report.event_ns;
                const int64_t joined = matching_.queue_joined(report.key);
                if (joined >= 0 && joined < kUnlimited) order.ahead = joined;
                break;
            }
            case ReportKind::filled:
                // A resting order is filled by what the market event does to the quotes: the mid of before counts.
                between = report.maker ? mid_before_ : mid(order.instrument);
                marks_.on_fill(venue_fills_++, order.instrument, report.event_ns);
                if (order.filled_ns == 0) order.filled_ns = report.event_ns;
                if (report.left == 0) order.done_ns = report.event_ns;
                break;
            case ReportKind::rejected:
            case ReportKind::cancelled:
            case ReportKind::expired:
                order.done_ns = report.event_ns;
                break;
            default:
                break;
        }
        if (options_.response_ns == 0) {
            book(report, between);
        } else {
            late_.push_back({report.event_ns + options_.response_ns, report, between});
            quiet_ns_ = std::min(quiet_ns_, late_.front().seen_ns);
        }
    }
    matching_.clear_reports();
}

void TickEngine::book(const Report& report, double mid) {
    TickOrder& order = orders_[report.key - 1];
    const bool cancelling = order.status == OrderStatus::cancelling;
    switch (report.kind) {
        case ReportKind::accepted:
            if (order.status == OrderStatus::submitting) say(order, OrderStatus::accepted, report.event_ns, "");
            break;
        case ReportKind::filled:
            book_fill(order, report, mid);
            break;
        case ReportKind::rejected:
            end_order(order, OrderStatus::rejected, report);
            break;
        case ReportKind::cancelled:
            end_order(order, OrderStatus::cancelled, report);
            break;
        case ReportKind::expired:
            end_order(order, OrderStatus::expired, report);
            break;
        case ReportKind::triggered:
            order.triggered = true;
            rest(order);
            say(order, order.status, report.event_ns, "triggered");
            break;
        case ReportKind::trailed:
            order.stop_ticks = report.stop_ticks;
            if (report.ticks != kNoPrice) order.price_ticks = report.ticks;
            say(order, order.status, report.event_ns, "trailed");
            break;
        case ReportKind::cancel_refused:
            if (cancelling)
                say(order, order.filled > 0 ? OrderStatus::partly_filled : OrderStatus::accepted, report.event_ns,
                    std::string("cancel refused: ") + reason_of(report));
            break;
        case ReportKind::modified:
        case ReportKind::modify_refused:
            answer_change(order, report);
            break;
    }
}

void TickEngine::end_order(TickOrder& order, OrderStatus status, const Report& report) {
    if (order.is_final()) return;
    const int64_t counted = order.counted();
    order.changes.clear();  // they will not be made
    count_open(order, counted);
    order.report = static_cast<uint8_t>(report.reason);
    const int64_t left = order.left();
    say(order, status, report.event_ns, reason_of(report));
    risk_.lift(order.id);
    risk_.close_order(order.strategy, order.instrument, order.asked.side, left);
    held_book_.on_done(held(order), left);
    tell_sides(order);
}

void TickEngine::answer_change(TickOrder& order, const Report& report) {
    if (order.is_final() || order.changes.empty()) return;
    const TickOrder::Change change = order.changes.front();
    const int64_t counted = order.counted();
    order.changes.erase(order.changes.begin());
    if (report.kind == ReportKind::modified) {
        held_book_.on_change(held(order), change.lots - order.lots);
        order.lots = change.lots;
        order.price_ticks = change.price_ticks;
        order.stop_ticks = change.stop_ticks;
        say(order, order.status, report.event_ns, "modified");
    } else {
        count_open(order, counted);
        say(order, order.status, report.event_ns, std::string("change refused: ") + reason_of(report));
    }
    rest(order);
}

void TickEngine::book_fill(TickOrder& order, const Report& report, double mid) {
    const bool buys = order.asked.side == Side::buy, was_final = order.is_final();
    const uint32_t number = order.instrument;
    AccountFill fill;
    fill.strategy = order.strategy;
    fill.instrument = number;
    fill.side = order.asked.side;
    fill.offset = order.asked.offset;
    fill.lots = report.lots;
    fill.ticks = report.ticks;
    fill.maker = report.maker;
    fill.first = order.trades == 0;
    fill.trading_day = report.trading_day != 0 ? report.trading_day : instruments_[number - 1].days.at(report.event_ns);
    const Settled settled = account_.settle(fill);
    const int64_t left = order.left(), counted = order.counted();
    order.filled += report.lots;
    order.filled_value += settled.price * settled.quantity;
    ++order.trades;
    const uint32_t currency = instruments_[number - 1].account.currency;
    FillRow row{};
    row.order = order.id;
    row.instrument = number;
    row.strategy = order.strategy;
    row.event_ns = report.event_ns;
    row.seen_ns = std::max(now_ns_, report.event_ns + options_.response_ns);
    row.price = settled.price;
    row.quantity = settled.quantity;
    row.fee = settled.fee;
    row.profit = settled.profit;
    row.mid = mid;
    row.position = account_.quantity(number, account_.net_lots(order.strategy, number));
    row.cash = account_.cash(currency);
    row.side = static_cast<uint8_t>(order.asked.side);
    row.offset = static_cast<uint8_t>(order.asked.offset);
    row.liquidity = report.maker ? 1 : 2;
    fills_.push_back(row);
    say_fill(order, row, report, fill.trading_day);
    const bool done = order.filled >= order.lots;
    const bool cancelling = order.status == OrderStatus::cancelling;
    say(order,
        done         ? OrderStatus::filled
        : cancelling ? OrderStatus::cancelling
                     : OrderStatus::partly_filled,
        report.event_ns, "");
    if (!was_final) {
        const int64_t counts = order.counted();
        risk_.reduce_order(order.strategy, number, order.asked.side, counted - counts);
        held_book_.on_fill(held(order), left - order.left(), counted - counts);
        if (done) {
            order.changes.clear();
            count_open(order, counts);
            risk_.lift(order.id);
            risk_.close_order(order.strategy, number, order.asked.side, 0);
        }
    }
    risk_.move_position(order.strategy, number, buys ? report.lots : -report.lots);
    tell_sides(order);
    if (instruments_[number - 1].risk.t_plus_one) {
        const auto [day, lots] = account_.bought(number);
        risk_.set_bought(number, day, lots);
    }
    risk_.set_last_price(number, settled.price);
    risk_.set_ledger(currency, account_.ledger(currency));
}

}  // namespace gcg
