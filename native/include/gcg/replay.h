// Market data out of memory or a journal, merged by event time: what a backtest is fed with.
//
// Nothing is copied: a run of records is handed on as it lies in an array or on a journal's page, with the step from
// one record to the next. One source makes long runs; where sources interleave, a run ends before the first record of
// another source that is due earlier.
//
// The order of a replay is the same for every size of run asked for: a record comes before all later ones of other
// sources, at equal times the source that was added first is first, and the records of one source stay as they lie.
// One that is older than the record before it is taken to be due together with that: it never waits for other sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gcg/records.h"

namespace gcg {

inline constexpr int64_t kFirstNs = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kLastNs = std::numeric_limits<int64_t>::max();

// The times of any record.
inline int64_t event_ns_at(const void* record) {
    int64_t value;
    std::memcpy(&value, static_cast<const std::byte*>(record) + offsetof(Tick, event_ns), sizeof value);
    return value;
}
inline int64_t recv_ns_at(const void* record) {
    int64_t value;
    std::memcpy(&value, static_cast<const std::byte*>(record) + offsetof(Tick, recv_ns), sizeof value);
    return value;
}

// A run of records as they lie in memory: of one type and one instrument, in order of event time.
struct Rows {
    uint16_t type = 0;
    uint32_t instrument = 0;  // the run's own number of it; the records' field may hold another (a journal's) number
    uint32_t count = 0;
    uint32_t stride = 0;  // bytes from one record to the next; each is at least as long as its record type
    const std::byte* first = nullptr;

    [[nodiscard]] const void* at(uint32_t i) const { return first + std::size_t{i} * stride; }
    [[nodiscard]] int64_t event_ns(uint32_t i) const { return event_ns_at(at(i)); }
    [[nodiscard]] int64_t recv_ns(uint32_t i) const { return recv_ns_at(at(i)); }
};

// One source. Belongs to one thread.
class MarketStream {
 public:
    virtual ~MarketStream() = default;
    // Hand out the next run, never an empty one; false at the end. It is valid until the next call, or for as long as
    // a copy of keep() lives.
    [[nodiscard]] virtual bool next(Rows& rows) = 0;
    // What holds the rows returned last (an array's owner, a page); may be null.
    [[nodiscard]] virtual std::shared_ptr<const void> keep() const = 0;
    virtual void rewind() = 0;
    // Rows in all, for progress; a journal's is an estimate that is right at the end.
    [[nodiscard]] virtual uint64_t total() const = 0;
};

// Stream an array of records of `type`, in order of event time, `stride` bytes apart; `owner` keeps it alive. Throws
// std::invalid_argument for an unknown type, and a stride that is shorter than the record or no multiple of 8.
std::unique_ptr<MarketStream> array_stream(uint16_t type, uint32_t instrument, const void* rows, std::size_t count,
                                           std::size_t stride, std::shared_ptr<const void> owner);

// Stream the market lane of a journal as it was when it was opened, in the order in which it was written, page by page:
// what is behind is unmapped. `numbers` maps the bus's numbers of instruments to the run's; other instruments, record
// types whose bit is not in `types` (bit n: type n), frames that were filled in (kBackfill) and records outside of
// [start_ns, end_ns) by event time are passed over. Records of an older version are filled with the defaults of today.
// Throws JournalError: no bus there, or damage, which names the place.
std::unique_ptr<MarketStream> journal_stream(const std::string& folder,
                                             const std::unordered_map<uint32_t, uint32_t>& numbers, uint64_t types,
                                             int64_t start_ns = kFirstNs, int64_t end_ns = kLastNs);

// Streams merged by event time. Belongs to one thread.
class Replay {
 public:
    // Before the first next(), or after rewind().
    void add(std::unique_ptr<MarketStream> stream);
    // Hand out the longest run that comes before every other stream's next record, but at most `most` rows; false at
    // the end. Valid until the next call, or for as long as a copy of keep() lives.
    [[nodiscard]] bool next(Rows& rows, uint32_t most = std::numeric_limits<uint32_t>::max());
    // What holds the rows returned last; may be null.
    [[nodiscard]] std::shared_ptr<const void> keep() const;
    void rewind();
    [[nodiscard]] uint64_t done() const { return done_; }  // rows handed out
    [[nodiscard]] uint64_t total() const;

 private:
    struct Source {
        std::unique_ptr<MarketStream> stream;
        Rows
            rows;  // the run it is in; how far it is, stands apart: what was just stored in parts cannot be copied fast
        const std::byte* next = nullptr;
        uint32_t left = 0;
        // The next run; false at the end.
        [[nodiscard]] bool turn() {
            if (!stream->next(rows)) return false;
            next = rows.first;
            left = rows.count;
            return true;
        }
        [[nodiscard]] int64_t due_ns() const { return event_ns_at(next); }
    };
    // When a source's next record is due; those of equal times in the order of the sources.
    struct Due {
        int64_t ns;
        uint32_t source;
        [[nodiscard]] bool before(const Due& other) const {
            return ns != other.ns ? ns < other.ns : source < other.source;
        }
    };

    void start();
    [[nodiscard]] bool refill();
    void sink();
    [[nodiscard]] uint32_t due_together(const Source& source, uint32_t most) const;

    std::vector<Source> sources_;
    std::vector<Due> queue_;  // a binary heap: the earliest is in front
    uint32_t last_ = 0;       // the source of the rows handed out last
    bool started_ = false;
    uint64_t done_ = 0;
};

}  // namespace gcg
