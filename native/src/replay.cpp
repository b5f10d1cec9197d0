#include "gcg/replay.h"

#include <algorithm>
#include <stdexcept>

namespace gcg {

namespace {

constexpr uint32_t kMostRows = 1u << 30;  // in one run of an array
// Where sources interleave, the end of a run is looked for row by row: not so far ahead that the rows have left the
// processor's cache again before they are used.
constexpr uint32_t kMostSearched = 2048;

// Processors foresee one array that is read row by row, but not several that take turns by short runs: ask for what
// comes so many rows later.
constexpr uint32_t kShort = 16;
constexpr std::size_t kAhead = 16;

void fetch_ahead(const std::byte* next, std::size_t stride, uint32_t count) {
    const std::byte* row = next + kAhead * stride;
    for (uint32_t i = 0; i < count; ++i, row -= stride) {
        __builtin_prefetch(row);
        __builtin_prefetch(row + 64);
    }
}

class ArrayStream final : public MarketStream {
 public:
    ArrayStream(const Rows& rows, std::size_t count, std::shared_ptr<const void> owner)
        : rows_(rows), count_(count), owner_(std::move(owner)) {}

    bool next(Rows& rows) override {
        if (at_ == count_) return false;
        rows = rows_;
        rows.first += at_ * rows_.stride;
        rows.count = static_cast<uint32_t>(std::min<std::size_t>(count_ - at_, kMostRows));
        at_ += rows.count;
        return true;
    }
    std::shared_ptr<const void> keep() const override { return owner_; }
    void rewind() override { at_ = 0; }
    uint64_t total() const override { return count_; }

 private:
    Rows rows_;
    std::size_t count_;
    std::size_t at_ = 0;
    std::shared_ptr<const void> owner_;
};

}  // namespace

std::unique_ptr<MarketStream> array_stream(uint16_t type, uint32_t instrument, const void* rows, std::size_t count,
                                           std::size_t stride, std::shared_ptr<const void> owner) {
    const RecordInfo* info = record_info(type);
    if (!info) throw std::invalid_argument("there is no record of type " + std::to_string(type));
    if (stride < info->bytes || stride % 8 != 0 || stride > std::numeric_limits<uint32_t>::max())
        throw std::invalid_argument("rows " + std::to_string(stride) + " bytes apart are no records of " + info->name +
                                    ": expected " + std::to_string(info->bytes) + " bytes or more, by eights");
    Rows all{type, instrument, 0, static_cast<uint32_t>(stride), static_cast<const std::byte*>(rows)};
    return std::make_unique<ArrayStream>(all, count, std::move(owner));
}

// ---- merging

void Replay::add(std::unique_ptr<MarketStream> stream) {
    if (started_) throw std::invalid_argument("a replay that has begun takes no more streams: rewind it first");
    sources_.push_back({std::move(stream), {}, nullptr, 0});
}

bool Replay::next(Rows& rows, uint32_t most) {
    if (!started_) {
        start();
    } else if (!refill()) {
        return false;
    }
    if (queue_.empty() || most == 0) return false;
    last_ = queue_.front().source;
    Source& source = sources_[last_];
    const uint32_t count = due_together(source, std::min(most, source.left));
    rows = source.rows;
    rows.first = source.next;
    rows.count = count;
    source.next += std::size_t{count} * rows.stride;
    source.left -= count;
    if (count <= kShort) fetch_ahead(source.next, rows.stride, count);
    done_ += count;
    return true;
}

void Replay::start() {
    started_ = true;
    for (uint32_t i = 0; i < sources_.size(); ++i)
        if (sources_[i].turn()) queue_.push_back({sources_[i].due_ns(), i});
    const auto later = [](const Due& one, const Due& other) { return other.before(one); };
    std::make_heap(queue_.begin(), queue_.end(), later);
}

// Put the source of the last rows where its next record belongs; only now, since its rows were valid until now. False
// if no source has a record left.
bool Replay::refill() {
    if (queue_.empty()) return false;
    Source& source = sources_[last_];
    if (source.left == 0 && !source.turn()) {
        queue_.front() = queue_.back();
        queue_.pop_back();
        sink();
        return !queue_.empty();
    }
    // With one source left its time does not matter; and a record that is older than the one before is due with that.
    if (queue_.size() > 1) {
        queue_.front().ns = std::max(queue_.front().ns, source.due_ns());
        sink();
    }
    return true;
}

// Restore the order of the heap, of which only the front may be out of place.
void Replay::sink() {
    const std::size_t size = queue_.size();
    if (size < 2) return;
    const Due moved = queue_.front();
    std::size_t at = 0;
    for (std::size_t child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && queue_[child + 1].before(queue_[child])) ++child;
        if (!queue_[child].before(moved)) break;
        queue_[at] = queue_[child];
        at = child;
    }
    queue_[at] = moved;
}

// How many of the front source's rows are due before the next record of any other source.
uint32_t Replay::due_together(const Source& source, uint32_t most) const {
    if (queue_.size() < 2) return most;
    Due rival = queue_[1];
    if (queue_.size() > 2 && queue_[2].before(rival)) rival = queue_[2];
    // The last time at which this source is still first.
    const int64_t last_ns = queue_.front().source < rival.source ? rival.ns : rival.ns - 1;
    most = std::min(most, kMostSearched);
    const std::byte* row = source.next;
    uint32_t count = 1;
    while (count < most && event_ns_at(row += source.rows.stride) <= last_ns) ++count;
    return count;
}

std::shared_ptr<const void> Replay::keep() const {
    return last_ < sources_.size() ? sources_[last_].stream->keep() : nullptr;
}

void Replay::rewind() {
    for (Source& source : sources_) {
        source.stream->rewind();
        source.left = 0;
    }
    queue_.clear();
    last_ = 0;
    started_ = false;
    done_ = 0;
}

uint64_t Replay::total() const {
    uint64_t rows = 0;
    for (const Source& source : sources_) rows += source.stream->total();
    return rows;
}

}  // namespace gcg
