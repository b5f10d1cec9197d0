#include "gcg/copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>
#include <vector>

#include "bus_impl.h"
#include "gcg/clock.h"
#include "gcg/crc32c.h"
#include "gcg/page.h"
#include "gcg/slots.h"
#include "gcg/state.h"
#include "gcg/tables.h"
#include "salvage.h"

namespace gcg {
namespace {

namespace fs = std::filesystem;

// --- the target --------------------------------------------------------------------------------------------------

// Writes one lane of a bus that nobody else can open yet.
class LaneCopy {
 public:
    explicit LaneCopy(PageKind kind) : kind_(std::move(kind)) {
        make_folder(kind_.folder);
        at_ = {0, kind_.page_bytes, 0, 0};
    }

    // The seq of the next frame; 0 before the first one.
    [[nodiscard]] uint64_t next_seq() const { return at_.next_seq; }
    // The frame as it is.
    void put(const FrameHeader& frame, uint32_t epoch) {
        const uint64_t need = align8(frame.length);
        if (at_.page == 0 || epoch != epoch_ || at_.offset + need > kind_.page_bytes)
            turn(frame.seq, frame.time_ns, epoch);
        std::memcpy(page_->data() + at_.offset, &frame, frame.length);
        at_.offset += need;
        at_.next_seq = frame.seq + frame.count;
        at_.last_ns = frame.time_ns;
    }
    // Frames that say that all records before `seq` were lost.
    void lose(uint64_t seq, int64_t time_ns, uint32_t epoch) {
        while (at_.next_seq < seq) {
            FrameHeader frame{};
            frame.length = kFrameHeaderBytes;
            frame.seq = at_.next_seq;
            frame.time_ns = at_.page == 0 ? time_ns : at_.last_ns;
            frame.type = kLost;
            frame.count = static_cast<uint32_t>(std::min<uint64_t>(seq - at_.next_seq, UINT32_MAX));
            frame.crc32c = frame_crc(frame, nullptr);
            put(frame, epoch);
        }
    }
    // The lane begins with this seq, whether there are records or not.
    void begin(uint64_t seq, int64_t time_ns, uint32_t epoch) { turn(seq, time_ns, epoch); }
    // Bring it to the disk, with a state that says where it ends.
    void finish() {
        if (page_) page_->sync(0, kind_.page_bytes);
        write_state();
        sync_folder(kind_.folder);
    }

 private:
    void turn(uint64_t seq, int64_t time_ns, uint32_t epoch) {
        if (page_) {
            if (at_.offset + kFrameHeaderBytes <= kind_.page_bytes) {
                FrameHeader end{};
                end.length = kFrameHeaderBytes;
                end.seq = at_.next_seq;
                end.time_ns = at_.last_ns;
                end.crc32c = frame_crc(end, nullptr);
                std::memcpy(page_->data() + at_.offset, &end, sizeof end);
            }
            page_->sync(0, kind_.page_bytes);
        }
        Page::prepare(kind_, ++at_.page, "copy");
        page_ = Page::open(kind_, at_.page, true);
        if (!page_)
            throw JournalError(Fault::io, kind_.path(at_.page) + " was removed while it was written: copy again");
        page_->begin(seq, std::max(time_ns, at_.last_ns), epoch);
        epoch_ = epoch;
        at_.offset = kPageHeaderBytes;
        at_.next_seq = seq;
        at_.last_ns = std::max(time_ns, at_.last_ns);
    }

    void write_state() const {
        std::vector<std::byte> bytes(sizeof(LaneState), std::byte{0});
        auto& state = *reinterpret_cast<LaneState*>(bytes.data());
        std::memcpy(state.magic, kLaneStateMagic, sizeof kLaneStateMagic);
        state.format = kFrameFormat;
        state.lane = static_cast<uint32_t>(kind_.lane);
        std::memcpy(state.bus_id, kind_.bus_id, sizeof state.bus_id);
        const uint64_t next_seq = std::max<uint64_t>(at_.next_seq, 1);
        // relaxed, all: nobody else sees it yet
        state.positions[0].page.store(at_.page, std::memory_order_relaxed);
        state.positions[0].offset.store(at_.offset, std::memory_order_relaxed);
        state.positions[0].next_seq.store(next_seq, std::memory_order_relaxed);
        state.positions[0].last_ns.store(at_.last_ns, std::memory_order_relaxed);
        SyncMark& mark = state.marks[1];
        mark = {1, at_.page, at_.offset, next_seq, at_.last_ns, 0, 0};
        mark.crc = crc32c(0, &mark, offsetof(SyncMark, crc));
        create_whole(kind_.folder + "/lane.state", bytes.data(), bytes.size());
    }

    PageKind kind_;
    Position at_;
    uint32_t epoch_ = 0;
    std::shared_ptr<Page> page_;
};

BusMeta new_meta(const BusMeta& source, World world) {
    BusMeta meta = source;
    if (world != World{}) meta.world = static_cast<uint32_t>(world);
    meta.created_ns = now_ns();
    std::random_device random;
    for (uint8_t& byte : meta.bus_id) byte = static_cast<uint8_t>(random());
    meta.crc = crc32c(0, &meta, offsetof(BusMeta, crc));
    return meta;
}

void write_bus_state(const std::string& folder, const BusMeta& meta, uint32_t epoch) {
    std::vector<std::byte> bytes(sizeof(BusState), std::byte{0});
    auto& state = *reinterpret_cast<BusState*>(bytes.data());
    std::memcpy(state.magic, kBusStateMagic, sizeof kBusStateMagic);
    state.format = kFrameFormat;
    state.epoch.store(epoch, std::memory_order_relaxed);  // relaxed, both: nobody else sees it yet
    std::memcpy(state.bus_id, meta.bus_id, sizeof state.bus_id);
    state.clean.store(1, std::memory_order_relaxed);
    create_whole(folder + "/bus.state", bytes.data(), bytes.size());
}

// The rows of a table as they are, under the new bus's id; empty if there are none.
std::vector<std::byte> table_rows(const std::string& path, const uint8_t* bus_id, uint32_t row_bytes) {
    const File file = File::try_open(path, O_RDONLY);
    std::vector<std::byte> bytes(file ? file.size(path) : 0);
    if (file) bytes.resize(read_some(file, bytes.data(), bytes.size(), 0, path) / row_bytes * row_bytes);
    if (bytes.empty()) return bytes;
    std::memset(bytes.data(), 0, row_bytes);
    auto& header = *reinterpret_cast<TableHeader*>(bytes.data());
    std::memcpy(header.magic, kTableMagic, sizeof kTableMagic);
    header.format = kFrameFormat;
    header.row_bytes = row_bytes;
    std::memcpy(header.bus_id, bus_id, sizeof header.bus_id);
    header.rows.store(static_cast<uint32_t>(bytes.size() / row_bytes), std::memory_order_relaxed);  // relaxed: private
    return bytes;
}

void copy_sources(const std::string& from, const std::string& to, const uint8_t* bus_id) {
    const auto bytes = table_rows(from, bus_id, sizeof(SourceEntry));
    if (!bytes.empty()) create_whole(to, bytes.data(), bytes.size());
}

// A damaged row gets a name that says so, since the rows behind it count on it.
void copy_instruments(const std::string& from, const std::string& to, const uint8_t* bus_id, CopyReport& report) {
    auto bytes = table_rows(from, bus_id, sizeof(InstrumentEntry));
    if (bytes.empty()) return;
    auto* rows = reinterpret_cast<InstrumentEntry*>(bytes.data());
    const auto count = static_cast<uint32_t>(bytes.size() / sizeof(InstrumentEntry));
    uint32_t last = count - 1;
    while (last > 0 && !instrument_whole(rows[last], last)) --last;
    for (uint32_t number = 1; number < count; ++number) {
        InstrumentEntry& row = rows[number];
        if (number <= last && !instrument_whole(row, number)) {
            const std::string name = "#" + std::to_string(number);
            report.repairs.push_back("row " + std::to_string(number) + " of " + from +
                                     " is damaged: the instrument is called " + name + " in the copy");
            row = InstrumentEntry{};
            row.number = number;
            row.symbol_bytes = static_cast<uint16_t>(name.copy(row.symbol, name.size()));
            row.crc = instrument_crc(row);
        }
        row.state = number <= last ? 1 : 0;
    }
    create_whole(to, bytes.data(), bytes.size());
}

// --- the source --------------------------------------------------------------------------------------------------

// The seq behind the newest record, as the lane's writers say; 0 if they left no word.
uint64_t told_head(const PageKind& kind) {
    const std::string path = kind.folder + "/lane.state";
    const File file = File::try_open(path, O_RDONLY);
    if (!file || file.size(path) < sizeof(LaneState)) return 0;
    const Mapping mapping(file, sizeof(LaneState), false, path);
    const auto& state = *reinterpret_cast<const LaneState*>(mapping.data());
    if (std::memcmp(state.magic, kLaneStateMagic, sizeof state.magic) != 0 ||
        std::memcmp(state.bus_id, kind.bus_id, sizeof state.bus_id) != 0)
        return 0;
    const uint64_t commits = state.commits.load(std::memory_order_acquire);  // C1
    return state.positions[commits & 1].next_seq.load(std::memory_order_acquire);
}

bool is_open(const std::string& folder) {
    const std::string path = folder + "/locks";
    const File file = File::try_open(path, O_RDONLY);
    return file && held_elsewhere(file.descriptor(), kPresenceByte, 1, path);
}

// --- one lane ----------------------------------------------------------------------------------------------------

class LaneJob {
 public:
    LaneJob(const PageKind& from, LaneCopy& to, const CopyOptions& options, CopyReport& report)
        : from_(from), to_(to), options_(options), report_(report), lane_(report.lanes[static_cast<int>(from.lane)]) {}

    // `live`: the head that others move on while we copy. Returns the last epoch.
    uint32_t run(uint64_t head, bool live) {
        Salvage frames(from_, live ? head : UINT64_MAX, options_.from_ns);
        const FrameHeader* frame;
        while ((frame = frames.next())) {
            if (expected_ == 0) expected_ = frames.first_seq();
            if (frame->time_ns >= options_.to_ns) break;
            const uint64_t from = std::exchange(expected_, frame->seq + frame->count);
            last_ns_ = frame->time_ns;
            if (frame->time_ns < options_.from_ns) continue;
            if (from != frame->seq) lost(from, frame->seq, frame->time_ns, frames);
            put(*frame, frames.epoch());
        }
        if (expected_ == 0) expected_ = frame ? frame->seq : frames.first_seq();
        if (!frame && (head > std::max<uint64_t>(expected_, 1) || !frames.damage().empty()))
            lost(expected_, std::max(head, expected_), last_ns_, frames);
        expected_ = std::max(expected_, to_.next_seq());
        if (expected_ == 0) expected_ = head;
        if (to_.next_seq() == 0 && expected_ > 1) to_.begin(expected_, last_ns_, frames.epoch());
        lane_.end_seq = to_.next_seq();
        to_.finish();
        return frames.epoch();
    }

 private:
    void put(const FrameHeader& frame, uint32_t epoch) {
        if (to_.next_seq() == 0) lane_.first_seq = frame.seq;
        to_.put(frame, epoch);
        if (frame.type == kLost) return;
        lane_.frames += 1;
        lane_.records += frame.count;
        lane_.bytes += frame.length;
    }

    // Records [from, to) are not there. from = 0: nobody knows how many, at the lane's begin; from = to: at its end.
    void lost(uint64_t from, uint64_t to, int64_t time_ns, const Salvage& frames) {
        const uint64_t records = from == 0 ? 0 : to - from;
        const std::string place = from_.folder + ", seq " + std::to_string(from) + ": there is no frame";
        const std::string reason = frames.damage().empty() ? place : frames.damage();
        const std::string count = from == 0      ? "what came before is lost"
                                  : records == 0 ? "what followed is lost"
                                                 : std::to_string(records) + " records are lost";
        report_.holes.push_back({from_.lane, reason + "; " + count, from, records});
        lane_.lost += records;
        if (records == 0) return;
        if (to_.next_seq() == 0) {
            to_.begin(from, time_ns, frames.epoch());
            lane_.first_seq = from;
        }
        to_.lose(to, time_ns, frames.epoch());
    }

    const PageKind& from_;
    LaneCopy& to_;
    const CopyOptions& options_;
    CopyReport& report_;
    CopiedLane& lane_;
    uint64_t expected_ = 0;
    int64_t last_ns_ = 0;
};

CopyReport copy_into(const std::string& source, const std::string& target, const BusMeta& from,
                     const CopyOptions& options) {
    const BusMeta meta = new_meta(from, options.world);
    const bool live = is_open(source);
    CopyReport report;
    uint64_t heads[kLanes];
    for (int lane = 0; lane < kLanes; ++lane)
        heads[lane] = told_head(PageKind::of(source, from, static_cast<Lane>(lane)));
    uint32_t epoch = 1;
    for (int lane = 0; lane < kLanes; ++lane) {
        const PageKind kind = PageKind::of(source, from, static_cast<Lane>(lane));
        LaneCopy copy(PageKind::of(target, meta, static_cast<Lane>(lane)));
        epoch = std::max(epoch, LaneJob(kind, copy, options, report).run(heads[lane], live && heads[lane] != 0));
    }
    copy_instruments(source + "/instruments.table", target + "/instruments.table", meta.bus_id, report);
    copy_sources(source + "/sources.table", target + "/sources.table", meta.bus_id);
    std::error_code code;
    fs::copy_file(source + "/schema.json", target + "/schema.json", code);  // a bus written by C++ alone has none
    write_bus_state(target, meta, epoch);
    create_whole(target + "/bus.meta", &meta, sizeof meta);
    sync_folder(target);
    return report;
}

}  // namespace

CopyReport copy_bus(const std::string& source, const std::string& target, const CopyOptions& options) {
    std::string damage;
    const BusMeta meta = salvage_meta(source, damage);
    std::string folder = target;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    const std::string part = folder + ".part";
    if (fs::exists(folder))
        throw JournalError(Fault::argument, folder + " exists already: name a new folder for the copy");
    if (fs::exists(part))
        throw JournalError(Fault::argument, part + " is what an interrupted copy left: remove it, then copy again");
    make_folder(part);
    CopyReport report;
    try {
        report = copy_into(source, part, meta, options);
        if (!damage.empty()) report.repairs.push_back(damage + "; the pages say the same");
        if (std::rename(part.c_str(), folder.c_str()) != 0) throw_errno("create", folder, errno);
    } catch (...) {
        std::error_code code;
        fs::remove_all(part, code);
        throw;
    }
    const auto parent = fs::path(folder).parent_path();
    sync_folder(parent.empty() ? "." : parent.string());
    return report;
}

}  // namespace gcg
