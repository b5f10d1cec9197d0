// A journal's market lane as a stream of rows.

#include <algorithm>

#include "gcg/bus.h"
#include "gcg/replay.h"

namespace gcg {

namespace {

constexpr uint32_t kMostJoined = 256;    // frames side by side in one run: they are still in the cache when it is used
constexpr uint32_t kMostWidened = 1024;  // records copied at a time
constexpr uint32_t kPrefixBytes = 24;    // that every record begins with

// Whether records of so many bytes must be copied before they can be used as they lie.
bool short_or_odd(uint32_t bytes, const RecordInfo& info) {
    return bytes < info.bytes || bytes % 8 != 0;
}

class JournalStream final : public MarketStream {
 public:
    JournalStream(const std::string& folder, const std::unordered_map<uint32_t, uint32_t>& numbers, uint64_t types,
                  int64_t start_ns, int64_t end_ns)
        : types_(types), start_ns_(start_ns), end_ns_(end_ns), all_times_(start_ns == kFirstNs && end_ns == kLastNs) {
        BusOptions options;
        options.world = World{};
        options.owner = "replay";
        options.create = false;
        options.read_only = true;
        bus_ = Bus::open(folder, options);
        for (const auto& [number, own] : numbers) {
            if (number >= numbers_.size()) numbers_.resize(number + 1u, 0);
            numbers_[number] = own;
        }
        end_seq_ = bus_->head(Lane::market);
        reader_ = bus_->reader("", false, true);
        reader_->lanes(1u << static_cast<int>(Lane::market));
        rewind();
    }

    bool next(Rows& rows) override;
    std::shared_ptr<const void> keep() const override { return keep_; }
    void rewind() override {
        reader_->seek_begin();
        keep_.reset();
        ahead_ = {};
        left_ = {};
        passed_ = handed_ = 0;
        begin_seq_ = std::min(reader_->cursor().next_seq[static_cast<int>(Lane::market)], end_seq_);
    }
    // What is left counts as it did so far: so many records of the lane for one that is wanted.
    uint64_t total() const override {
        const uint64_t left = end_seq_ - begin_seq_ - std::min(passed_, end_seq_ - begin_seq_);
        if (passed_ == 0) return left;
        return handed_ + static_cast<uint64_t>(static_cast<double>(left) * static_cast<double>(handed_) /
                                               static_cast<double>(passed_));
    }

 private:
    // What is not handed out yet of a frame. Its rows' instrument is the bus's number, or 0: each record tells its own.
    struct Records {
        const RecordInfo* info = nullptr;
        bool single = false;  // the frame holds one record
        Rows rows;
        std::shared_ptr<const void> page;
    };

    [[nodiscard]] uint32_t own_number(uint32_t number) const { return number < numbers_.size() ? numbers_[number] : 0; }
    [[nodiscard]] bool fetch(Records& found);
    [[nodiscard]] uint32_t wanted(const Rows& records, uint32_t i) const;
    [[nodiscard]] bool split(Rows& rows);
    void join(Rows& rows);
    [[nodiscard]] bool read_ahead();
    void widen_all(const RecordInfo& info, uint32_t bytes, Rows& rows);

    std::shared_ptr<Bus> bus_;
    std::unique_ptr<BusReader> reader_;
    std::vector<uint32_t> numbers_;  // by the bus's number; 0: not wanted
    uint64_t types_;
    int64_t start_ns_, end_ns_;
    bool all_times_;
    uint64_t begin_seq_ = 0, end_seq_ = 0;
    uint64_t passed_ = 0, handed_ = 0;  // records of the lane that were seen, and those handed out
    Records left_;                      // of the frame that is being handed out
    Records ahead_;                     // the frame behind it, if it was read and did not join the last run
    std::shared_ptr<const void> keep_;  // of the rows handed out last
    std::shared_ptr<std::vector<std::byte>> widened_;
};

}  // namespace

// The next frame that may hold records that are wanted; its page is not asked for yet.
bool JournalStream::fetch(Records& found) {
    FrameView frame;
    while (reader_->next(frame)) {
        const FrameHeader& header = *frame.header;
        if (header.seq >= end_seq_) break;  // written since
        passed_ += header.count;
        if (header.type >= 64 || (types_ >> header.type & 1) == 0 || (header.flags & kBackfill) != 0) continue;
        const RecordInfo* info = record_info(header.type);
        const uint32_t bytes = frame.payload_bytes / header.count;
        if (!info || bytes < kPrefixBytes) continue;
        if (header.instrument != 0 && own_number(header.instrument) == 0) continue;
        found.info = info;
        found.single = header.count == 1;
        found.rows = {header.type, header.instrument, header.count, bytes, frame.payload};
        return true;
    }
    return false;
}

// The run's number of a record's instrument; 0: the record is not wanted.
uint32_t JournalStream::wanted(const Rows& records, uint32_t i) const {
    uint32_t number = records.instrument;
    if (number == 0)
        std::memcpy(&number, static_cast<const std::byte*>(records.at(i)) + offsetof(Tick, instrument), sizeof number);
    const uint32_t own = own_number(number);
    if (own == 0 || all_times_) return own;
    const int64_t event_ns = records.event_ns(i);
    return event_ns >= start_ns_ && event_ns < end_ns_ ? own : 0;
}

// Take the next records of one instrument from the frame that is being handed out; false if it has none left.
bool JournalStream::split(Rows& rows) {
    Rows& left = left_.rows;
    const uint32_t most = short_or_odd(left.stride, *left_.info) ? kMostWidened : std::numeric_limits<uint32_t>::max();
    while (left.count > 0) {
        const uint32_t own = wanted(left, 0);
        const uint32_t limit = own == 0 ? left.count : std::min(left.count, most);
        uint32_t count = all_times_ && left.instrument != 0 ? limit : 1;
        while (count < limit && wanted(left, count) == own) ++count;
        rows = left;
        rows.instrument = own;
        rows.count = count;
        left.first += std::size_t{count} * left.stride;
        left.count -= count;
        if (own != 0) return true;
    }
    return false;
}

// Lengthen a run of one frame's only record by the frames that lie behind it on its page: they are one step apart.
void JournalStream::join(Rows& rows) {
    const uint32_t bytes = rows.stride;
    rows.stride = static_cast<uint32_t>(kFrameHeaderBytes + align8(bytes));
    while (rows.count < kMostJoined && read_ahead()) {
        const Rows& more = ahead_.rows;
        if (more.first != rows.at(rows.count) || more.count != 1 || more.type != rows.type || more.stride != bytes ||
            wanted(more, 0) != rows.instrument) {
            ahead_.page = reader_->page();
            return;
        }
        ahead_.info = nullptr;
        ++rows.count;
    }
}

// Read the frame behind; damage there is reported once what lies before it has been handed out.
bool JournalStream::read_ahead() {
    try {
        return fetch(ahead_);
    } catch (const JournalError&) {
        return false;  // the reader stays where it is: the next call comes to the same place
    }
}

// Records of an older version become as long as those of today.
void JournalStream::widen_all(const RecordInfo& info, uint32_t bytes, Rows& rows) {
    if (!widened_ || widened_.use_count() > 1) widened_ = std::make_shared<std::vector<std::byte>>();
    widened_->resize(std::size_t{rows.count} * info.bytes);
    for (uint32_t i = 0; i < rows.count; ++i)
        widen(info, rows.at(i), bytes, widened_->data() + std::size_t{i} * info.bytes);
    rows.first = widened_->data();
    rows.stride = info.bytes;
    keep_ = widened_;
}

bool JournalStream::next(Rows& rows) {
    keep_.reset();
    while (!left_.info || !split(rows)) {
        left_ = std::exchange(ahead_, {});
        if (left_.info) continue;
        if (!fetch(left_)) return false;
        left_.page = reader_->page();
    }
    keep_ = left_.page;
    const uint32_t bytes = rows.stride;
    if (left_.single) join(rows);
    if (short_or_odd(bytes, *left_.info)) widen_all(*left_.info, bytes, rows);
    handed_ += rows.count;
    return true;
}

std::unique_ptr<MarketStream> journal_stream(const std::string& folder,
                                             const std::unordered_map<uint32_t, uint32_t>& numbers, uint64_t types,
                                             int64_t start_ns, int64_t end_ns) {
    return std::make_unique<JournalStream>(folder, numbers, types, start_ns, end_ns);
}

}  // namespace gcg
