// An order of the tick engine: what was asked for, and what has become of it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "gcg/account.h"
#include "gcg/records.h"
#include "gcg/trading.h"

namespace gcg {

// The numbers of OrderStatus in gcg_quant/enumerations.py.
enum class OrderStatus : uint8_t {
    created = 0,
    risk_checked = 1,
    submitting = 2,
    accepted = 3,
    partly_filled = 4,
    filled = 5,
    cancelling = 6,
    cancelled = 7,
    rejected = 8,
    expired = 9,
    failed = 10
};

// An order or a change that makes no sense: its text is a sentence that names the value and the nearest valid one.
class OrderError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

// What a strategy asks for. An absent price is NaN.
struct OrderAsk {
    uint32_t instrument = 0;
    Side side = Side::none;
    OrderType type = OrderType::limit;
    TimeInForce time_in_force = TimeInForce::gtc;
    Offset offset = Offset::none;
    bool post_only = false;
    bool reduce_only = false;
    double quantity = kNaN;
    double price = kNaN;
    double stop_price = kNaN;
    double trail_amount = kNaN;
    double trail_percent = kNaN;
    int64_t expire_ns = -1;
    char tag[32] = {};
};

struct TickOrder {
    uint64_t id = 0;  // 1.., in the order in which orders were sent
    uint32_t strategy = 0;
    uint32_t instrument = 0;
    OrderAsk asked;
    int64_t lots = 0;
    int64_t price_ticks = kNoPrice;
    int64_t stop_ticks = kNoPrice;
    int64_t trail_ticks = 0, trail_millionths = 0;
    int64_t filled = 0;       // lots, as the account knows them
    double filled_value = 0;  // price times quantity, summed in the order of the fills
    int64_t sent_ns = 0;      // on the strategy's clock
    int64_t arrived_ns = 0;   // at the venue; 0: not yet, or never
    int64_t filled_ns = 0;    // the first fill at the venue; 0: none
    int64_t done_ns = 0;      // its end at the venue; 0: none yet
    int64_t ahead = -1;       // lots displayed ahead of it on arrival; -1: unknown, or it never rested
    uint64_t reasons = 0;     // RiskReason bits, if risk refused it
    uint32_t trades = 0;
    OrderStatus status = OrderStatus::created;
    uint8_t report = 0;  // ReportReason of its end
    bool triggered = false;
    // Changes that are on their way, oldest first.
    struct Change {
        int64_t lots, price_ticks, stop_ticks;
    };
    std::vector<Change> changes;

    [[nodiscard]] bool is_final() const {
        return status == OrderStatus::filled || (status >= OrderStatus::cancelled && status <= OrderStatus::failed);
    }
    [[nodiscard]] int64_t left() const { return lots > filled ? lots - filled : 0; }
    // The lots that count as open: those of a change from when it is asked for. More may be filled than an order is to
    // have by a change that the venue has not seen yet.
    [[nodiscard]] int64_t counted() const {
        const int64_t wanted = changes.empty() ? lots : changes.back().lots;
        return wanted > filled ? wanted - filled : 0;
    }
};

}  // namespace gcg
