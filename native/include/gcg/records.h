// The hot records: what the payload of a frame holds, field by field.
//
// Every record begins with the same 24 bytes (event_ns, recv_ns, instrument, ordinal), has no hidden padding and a size
// that is a multiple of 8. A record may only grow at its end: raise its version, append fields after the last one. A
// shorter payload from an older journal is filled with the defaults below; a longer one from a newer journal is cut.
//
// A missing price, size or amount is NaN, never 0; a missing venue number is -1; a missing trading day is 0; a missing
// text is empty. All times are nanoseconds since the Unix epoch, UTC.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

namespace gcg {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr int kDepthLevels = 10;

enum class FieldKind : uint8_t { F64, I64, U64, I32, U32, ENUM, U8, STR, F64A, I32A, PAD };

struct FieldInfo {
    const char* name;
    FieldKind kind;
    uint32_t offset;
    uint32_t bytes;
    uint32_t count;         // elements of an array, characters of a string, else 1
    const char* enum_name;  // for ENUM: the name of the Python enumeration
};

struct RecordInfo {
    const char* name;
    uint16_t type;
    uint16_t version;
    uint32_t bytes;
    const FieldInfo* fields;
    uint32_t field_count;
    const void* defaults;  // one record with every field at its default
};

template <std::size_t N>
constexpr std::array<double, N> nan_array() {
    std::array<double, N> values{};
    for (double& value : values) value = kNaN;
    return values;
}

template <std::size_t N>
constexpr std::array<int32_t, N> absent_array() {
    std::array<int32_t, N> values{};
    for (int32_t& value : values) value = -1;
    return values;
}

// X(kind, name, argument): the argument is the default value; for STR and PAD the length in bytes, for arrays the
// number of elements, for ENUM the enumeration's name (its default is 0).
#define GCG_PREFIX(X)     \
    X(I64, event_ns, 0)   \
    X(I64, recv_ns, 0)    \
    X(U32, instrument, 0) \
    X(U32, ordinal, 0)

#define GCG_TICK(X)                  \
    X(F64, last_price, kNaN)         \
    X(F64, last_size, kNaN)          \
    X(F64, volume, kNaN)             \
    X(F64, turnover, kNaN)           \
    X(F64, open_interest, kNaN)      \
    X(F64, bid_price, kNaN)          \
    X(F64, bid_size, kNaN)           \
    X(F64, ask_price, kNaN)          \
    X(F64, ask_size, kNaN)           \
    X(F64, open, kNaN)               \
    X(F64, high, kNaN)               \
    X(F64, low, kNaN)                \
    X(F64, prev_close, kNaN)         \
    X(F64, prev_settlement, kNaN)    \
    X(F64, prev_open_interest, kNaN) \
    X(F64, settlement, kNaN)         \
    X(F64, average_price, kNaN)      \
    X(F64, upper_limit, kNaN)        \
    X(F64, lower_limit, kNaN)        \
    X(I64, venue_seq, -1)            \
    X(I32, trading_day, 0)           \
    X(ENUM, volume_kind, VolumeKind) \
    X(ENUM, quality, Quality)        \
    X(PAD, reserved, 2)              \
    X(STR, exchange, 8)              \
    X(STR, condition, 16)

#define GCG_DEPTH(X)                  \
    X(F64A, bid_prices, kDepthLevels) \
    X(F64A, bid_sizes, kDepthLevels)  \
    X(F64A, ask_prices, kDepthLevels) \
    X(F64A, ask_sizes, kDepthLevels)  \
    X(I32A, bid_orders, kDepthLevels) \
    X(I32A, ask_orders, kDepthLevels) \
    X(I64, venue_seq, -1)             \
    X(I32, trading_day, 0)            \
    X(I32, levels, 0)

#define GCG_BOOK_DELTA(X)       \
    X(F64, price, kNaN)         \
    X(F64, size, kNaN)          \
    X(I64, venue_seq, -1)       \
    X(I64, first_update_id, -1) \
    X(I64, last_update_id, -1)  \
    X(I32, orders, -1)          \
    X(ENUM, side, Side)         \
    X(ENUM, action, BookAction) \
    X(U8, is_last, 1)           \
    X(PAD, reserved, 1)

#define GCG_TRADE_TICK(X)     \
    X(F64, price, kNaN)       \
    X(F64, size, kNaN)        \
    X(F64, turnover, kNaN)    \
    X(I64, venue_seq, -1)     \
    X(I32, trading_day, 0)    \
    X(ENUM, aggressor, Side)  \
    X(ENUM, quality, Quality) \
    X(PAD, reserved, 2)       \
    X(STR, trade_id, 32)      \
    X(STR, exchange, 8)       \
    X(STR, condition, 16)

#define GCG_BAR(X)              \
    X(I64, start_ns, 0)         \
    X(F64, open, kNaN)          \
    X(F64, high, kNaN)          \
    X(F64, low, kNaN)           \
    X(F64, close, kNaN)         \
    X(F64, volume, kNaN)        \
    X(F64, turnover, kNaN)      \
    X(F64, open_interest, kNaN) \
    X(F64, quote_size, kNaN)    \
    X(I64, count, -1)           \
    X(STR, period, 8)           \
    X(I32, trading_day, 0)      \
    X(I32, revision, 0)         \
    X(ENUM, basis, BarBasis)    \
    X(ENUM, origin, BarOrigin)  \
    X(ENUM, quality, Quality)   \
    X(PAD, reserved, 5)

// Who asks for the order: common to requests, verdicts, commands and reports.
#define GCG_ORDER_KEY(X) \
    X(U64, request, 0)   \
    X(STR, account, 24)  \
    X(STR, strategy, 40) \
    X(STR, client_id, 40)

#define GCG_ORDER_TERMS(X)               \
    X(F64, quantity, kNaN)               \
    X(F64, price, kNaN)                  \
    X(F64, stop_price, kNaN)             \
    X(F64, trail_amount, kNaN)           \
    X(F64, trail_percent, kNaN)          \
    X(F64, display_quantity, kNaN)       \
    X(I64, expire_ns, -1)                \
    X(U32, order_flags, 0)               \
    X(ENUM, side, Side)                  \
    X(ENUM, offset, Offset)              \
    X(ENUM, position_side, PositionSide) \
    X(ENUM, order_type, OrderType)       \
    X(ENUM, time_in_force, TimeInForce)  \
    X(PAD, reserved, 7)                  \
    X(STR, group, 24)                    \
    X(STR, parent, 40)                   \
    X(STR, tag, 32)

#define GCG_ORDER_REQUEST(X) GCG_ORDER_KEY(X) GCG_ORDER_TERMS(X)

#define GCG_CANCEL_REQUEST(X) GCG_ORDER_KEY(X)

#define GCG_MODIFY_REQUEST(X) \
    GCG_ORDER_KEY(X)          \
    X(F64, quantity, kNaN)    \
    X(F64, price, kNaN)       \
    X(F64, stop_price, kNaN)

// `reasons` is a bit mask of RiskReason; `value` and `limit` belong to the first reason; `message` names them all.
#define GCG_RISK_VERDICT(X) \
    GCG_ORDER_KEY(X)        \
    X(U64, reasons, 0)      \
    X(F64, value, kNaN)     \
    X(F64, limit, kNaN)     \
    X(I64, check_ns, -1)    \
    X(I32, rules, 0)        \
    X(U8, passed, 0)        \
    X(PAD, reserved, 3)     \
    X(STR, message, 160)

#define GCG_ORDER_COMMAND(X) GCG_ORDER_KEY(X) X(STR, gateway, 24) GCG_ORDER_TERMS(X)

#define GCG_CANCEL_COMMAND(X) \
    GCG_ORDER_KEY(X)          \
    X(STR, gateway, 24)       \
    X(STR, venue_order_id, 40)

#define GCG_ORDER_EVENT(X)                \
    GCG_ORDER_KEY(X)                      \
    X(STR, gateway, 24)                   \
    X(STR, venue_order_id, 40)            \
    X(F64, quantity, kNaN)                \
    X(F64, filled_quantity, 0)            \
    X(F64, average_price, kNaN)           \
    X(F64, price, kNaN)                   \
    X(F64, stop_price, kNaN)              \
    X(ENUM, status, OrderStatus)          \
    X(ENUM, previous_status, OrderStatus) \
    X(ENUM, side, Side)                   \
    X(ENUM, offset, Offset)               \
    X(ENUM, position_side, PositionSide)  \
    X(ENUM, order_type, OrderType)        \
    X(ENUM, time_in_force, TimeInForce)   \
    X(PAD, reserved, 1)                   \
    X(STR, group, 24)                     \
    X(STR, parent, 40)                    \
    X(STR, tag, 32)                       \
    X(STR, reason, 160)

#define GCG_FILL(X)                      \
    GCG_ORDER_KEY(X)                     \
    X(STR, gateway, 24)                  \
    X(STR, venue_order_id, 40)           \
    X(STR, trade_id, 40)                 \
    X(F64, price, kNaN)                  \
    X(F64, quantity, kNaN)               \
    X(F64, fee, 0)                       \
    X(STR, fee_currency, 8)              \
    X(I32, trading_day, 0)               \
    X(ENUM, side, Side)                  \
    X(ENUM, offset, Offset)              \
    X(ENUM, position_side, PositionSide) \
    X(ENUM, liquidity, Liquidity)

// `quantity` is signed (long > 0 > short); today + yesterday = |quantity|; `frozen` is tied up by closing orders.
#define GCG_POSITION_EVENT(X)            \
    X(STR, account, 24)                  \
    X(STR, strategy, 40)                 \
    X(F64, quantity, 0)                  \
    X(F64, today, 0)                     \
    X(F64, yesterday, 0)                 \
    X(F64, frozen, 0)                    \
    X(F64, average_price, kNaN)          \
    X(F64, last_price, kNaN)             \
    X(F64, realised_pnl, 0)              \
    X(F64, unrealised_pnl, 0)            \
    X(F64, fees, 0)                      \
    X(F64, margin, 0)                    \
    X(STR, currency, 8)                  \
    X(ENUM, position_side, PositionSide) \
    X(PAD, reserved, 7)

#define GCG_ACCOUNT_EVENT(X)  \
    X(STR, account, 24)       \
    X(STR, currency, 8)       \
    X(F64, cash, 0)           \
    X(F64, equity, 0)         \
    X(F64, margin, 0)         \
    X(F64, available, 0)      \
    X(F64, realised_pnl, 0)   \
    X(F64, unrealised_pnl, 0) \
    X(F64, fees, 0)

// R(type number, version, class name, fields). A type number is never reused.
#define GCG_RECORDS(R)                          \
    R(1, 1, Tick, GCG_TICK)                     \
    R(2, 1, Depth, GCG_DEPTH)                   \
    R(3, 1, BookDelta, GCG_BOOK_DELTA)          \
    R(4, 1, TradeTick, GCG_TRADE_TICK)          \
    R(5, 1, Bar, GCG_BAR)                       \
    R(16, 1, OrderRequest, GCG_ORDER_REQUEST)   \
    R(17, 1, CancelRequest, GCG_CANCEL_REQUEST) \
    R(18, 1, ModifyRequest, GCG_MODIFY_REQUEST) \
    R(19, 1, RiskVerdict, GCG_RISK_VERDICT)     \
    R(20, 1, OrderCommand, GCG_ORDER_COMMAND)   \
    R(21, 1, CancelCommand, GCG_CANCEL_COMMAND) \
    R(22, 1, OrderEvent, GCG_ORDER_EVENT)       \
    R(23, 1, Fill, GCG_FILL)                    \
    R(24, 1, PositionEvent, GCG_POSITION_EVENT) \
    R(25, 1, AccountEvent, GCG_ACCOUNT_EVENT)

#define GCG_DECLARE_F64(name, arg) double name = arg;
#define GCG_DECLARE_I64(name, arg) int64_t name = arg;
#define GCG_DECLARE_U64(name, arg) uint64_t name = arg;
#define GCG_DECLARE_I32(name, arg) int32_t name = arg;
#define GCG_DECLARE_U32(name, arg) uint32_t name = arg;
#define GCG_DECLARE_ENUM(name, arg) uint8_t name = 0;
#define GCG_DECLARE_U8(name, arg) uint8_t name = arg;
#define GCG_DECLARE_STR(name, arg) char name[arg] = {};
#define GCG_DECLARE_PAD(name, arg) uint8_t name[arg] = {};
#define GCG_DECLARE_F64A(name, arg) std::array<double, arg> name = nan_array<arg>();
#define GCG_DECLARE_I32A(name, arg) std::array<int32_t, arg> name = absent_array<arg>();
#define GCG_DECLARE(kind, name, arg) GCG_DECLARE_##kind(name, arg)

#define GCG_COUNT_F64(arg) 1
#define GCG_COUNT_I64(arg) 1
#define GCG_COUNT_U64(arg) 1
#define GCG_COUNT_I32(arg) 1
#define GCG_COUNT_U32(arg) 1
#define GCG_COUNT_ENUM(arg) 1
#define GCG_COUNT_U8(arg) 1
#define GCG_COUNT_STR(arg) arg
#define GCG_COUNT_PAD(arg) arg
#define GCG_COUNT_F64A(arg) arg
#define GCG_COUNT_I32A(arg) arg
#define GCG_ENUM_F64(arg) nullptr
#define GCG_ENUM_I64(arg) nullptr
#define GCG_ENUM_U64(arg) nullptr
#define GCG_ENUM_I32(arg) nullptr
#define GCG_ENUM_U32(arg) nullptr
#define GCG_ENUM_ENUM(arg) #arg
#define GCG_ENUM_U8(arg) nullptr
#define GCG_ENUM_STR(arg) nullptr
#define GCG_ENUM_PAD(arg) nullptr
#define GCG_ENUM_F64A(arg) nullptr
#define GCG_ENUM_I32A(arg) nullptr

#define GCG_DESCRIBE(kind, name, arg)                       \
    FieldInfo{#name,                                        \
              FieldKind::kind,                              \
              static_cast<uint32_t>(offsetof(Self, name)),  \
              sizeof(Self::name),                           \
              static_cast<uint32_t>(GCG_COUNT_##kind(arg)), \
              GCG_ENUM_##kind(arg)},

#define GCG_DEFINE_RECORD(number, revision, Name, FIELDS)                                                   \
    struct Name {                                                                                           \
        static constexpr uint16_t kType = number;                                                           \
        static constexpr uint16_t kVersion = revision;                                                      \
        GCG_PREFIX(GCG_DECLARE)                                                                             \
        FIELDS(GCG_DECLARE)                                                                                 \
    };                                                                                                      \
    namespace fields {                                                                                      \
    struct Name##Fields {                                                                                   \
        using Self = gcg::Name;                                                                             \
        static constexpr FieldInfo kFields[] = {GCG_PREFIX(GCG_DESCRIBE) FIELDS(GCG_DESCRIBE)};             \
        static constexpr uint32_t kCount = sizeof(kFields) / sizeof(FieldInfo);                             \
        static constexpr bool packed() {                                                                    \
            uint32_t total = 0;                                                                             \
            for (const FieldInfo& field : kFields) {                                                        \
                if (field.offset != total) return false;                                                    \
                total += field.bytes;                                                                       \
            }                                                                                               \
            return total == sizeof(Self);                                                                   \
        }                                                                                                   \
    };                                                                                                      \
    static_assert(Name##Fields::packed(), #Name " has hidden padding: order its fields by alignment");      \
    static_assert(sizeof(gcg::Name) % 8 == 0, #Name " must be a multiple of 8 bytes: lengthen `reserved`"); \
    }

GCG_RECORDS(GCG_DEFINE_RECORD)

// Every record, in the order of the type numbers.
#define GCG_LIST_RECORD(number, revision, Name, FIELDS) \
    RecordInfo{#Name,                                   \
               number,                                  \
               revision,                                \
               sizeof(Name),                            \
               fields::Name##Fields::kFields,           \
               fields::Name##Fields::kCount,            \
               &Default<Name>::value},

template <typename Record>
struct Default {
    static inline const Record value{};
};

inline const RecordInfo kRecords[] = {GCG_RECORDS(GCG_LIST_RECORD)};

inline const std::array<const RecordInfo*, 256> kRecordByType = [] {
    std::array<const RecordInfo*, 256> table{};
    for (const RecordInfo& info : kRecords) table[info.type] = &info;
    return table;
}();

// Return the record of a type number, or nullptr if the type is cold or unknown.
inline const RecordInfo* record_info(uint16_t type) {
    return type < kRecordByType.size() ? kRecordByType[type] : nullptr;
}

// Copy a frame's payload of `bytes` bytes into a record of today's size: a short one is filled with the defaults, a
// long one is cut.
inline void widen(const RecordInfo& info, const void* payload, uint32_t bytes, void* record) {
    if (bytes < info.bytes) {
        std::memcpy(record, info.defaults, info.bytes);
        std::memcpy(record, payload, bytes);
    } else {
        std::memcpy(record, payload, info.bytes);
    }
}

}  // namespace gcg
