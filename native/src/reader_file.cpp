#include "gcg/reader_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "gcg/clock.h"

namespace gcg {
namespace {

constexpr int kMaxNamesakes = 256;

std::string file_name(const std::string& name) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text;
    for (const char letter : name) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain =
            byte < 128 && (std::isalnum(byte) || letter == '-' || letter == '_' || (letter == '.' && !text.empty()));
        if (plain) {
            text.push_back(letter);
        } else {
            text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return text;
}

bool same_file(int descriptor, const std::string& path) {
    struct stat open_one, named_one;
    return fstat(descriptor, &open_one) == 0 && stat(path.c_str(), &named_one) == 0 &&
           open_one.st_ino == named_one.st_ino && open_one.st_dev == named_one.st_dev;
}

bool is_record(const ReaderRecord& record) {
    return std::memcmp(record.magic, kReaderMagic, sizeof kReaderMagic) == 0;
}

}  // namespace

ReaderFile::ReaderFile(const std::string& bus_folder, const uint8_t* bus_id, const std::string& name, bool durable)
    : durable_(durable) {
    if (name.size() > kReaderNameBytes)
        throw JournalError(Fault::argument, "the reader name '" + name.substr(0, 100) + "' has " +
                                                std::to_string(name.size()) + " bytes; at most " +
                                                std::to_string(kReaderNameBytes) + " fit: shorten it");
    const std::string folder = bus_folder + "/readers";
    make_folder(folder);
    bool open = try_open(folder, name);
    for (int number = 2; !open && !durable && number <= kMaxNamesakes; ++number)
        open = try_open(folder, name + "~" + std::to_string(number));
    if (!open) {
        const int32_t pid = mapping_ ? record().pid.load(std::memory_order_relaxed) : 0;  // relaxed: for a message
        throw JournalError(Fault::busy, "a reader named '" + name + "' is already open on " + bus_folder + " (pid " +
                                            std::to_string(pid) + "): close it, or give this one another name");
    }
    prepare(bus_id, durable);
}

// False if a live reader has it; then its file is mapped for the message, unless it is just being made.
bool ReaderFile::try_open(const std::string& folder, const std::string& name) {
    for (;;) {
        name_ = name;
        path_ = folder + "/" + file_name(name);
        file_.close();
        file_.open(path_);
        const bool locked = file_.try_lock(0);
        if (locked && !same_file(file_.descriptor(), path_)) continue;  // removed by its last owner meanwhile
        const File view(fcntl(file_.descriptor(), F_DUPFD_CLOEXEC, 0));
        if (!view) throw_errno("open", path_, errno);
        if (locked) allocate(view, kReaderFileBytes, path_);
        mapping_ = view.size(path_) < kReaderFileBytes ? Mapping() : Mapping(view, kReaderFileBytes, true, path_);
        return locked;
    }
}

void ReaderFile::prepare(const uint8_t* bus_id, bool durable) {
    ReaderRecord& mine = record();
    // After a power loss the file may hold what its block held before: another reader's record.
    const bool own = is_record(mine) && std::string_view(mine.name, strnlen(mine.name, sizeof mine.name)) == name_;
    new_ = !own || !durable || mine.durable == 0;
    if (!new_ && (mine.format != kFrameFormat || std::memcmp(mine.bus_id, bus_id, sizeof mine.bus_id) != 0))
        throw JournalError(
            Fault::cursor,
            path_ + " is the cursor of another bus or format: remove the file to start the reader afresh");
    if (new_) {
        std::memset(static_cast<void*>(&mine), 0, sizeof mine);
        mine.format = kFrameFormat;
        mine.durable = durable ? 1 : 0;
        std::memcpy(mine.bus_id, bus_id, sizeof mine.bus_id);
        std::memcpy(mine.name, name_.data(), name_.size());
    }
    mine.pid.store(static_cast<int32_t>(getpid()), std::memory_order_relaxed);  // relaxed: informative
    mine.mask.store(7, std::memory_order_relaxed);
}

ReaderFile::~ReaderFile() {
    if (!fork_.forked() && !durable_) unlink(path_.c_str());
}

// Call `see(record, alive)` for every reader file that counts.
template <typename See>
static void each_record(const std::string& bus_folder, const See& see) {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(bus_folder + "/readers", code)) {
        const std::string path = entry.path().string();
        const File file = File::try_open(path, O_RDWR);
        if (!file || file.size(path) < kReaderFileBytes) continue;
        const Mapping mapping(file, kReaderFileBytes, false, path);
        const auto& record = *reinterpret_cast<const ReaderRecord*>(mapping.data());
        if (is_record(record)) see(record, held_elsewhere(file.descriptor(), 0, 1, path));
    }
}

static std::string name_of(const ReaderRecord& record) {
    return {record.name, strnlen(record.name, sizeof record.name)};
}

std::vector<ReaderStatus> list_readers(const std::string& bus_folder, const uint64_t* heads) {
    std::vector<ReaderStatus> found;
    each_record(bus_folder, [&](const ReaderRecord& record, bool alive) {
        ReaderStatus status;
        status.name = name_of(record);
        status.durable = record.durable != 0;
        status.alive = alive;
        // relaxed: each is a number of its own, for a report
        status.pid = record.pid.load(std::memory_order_relaxed);
        status.updated_ns = record.updated_ns.load(std::memory_order_relaxed);
        const uint32_t mask = record.mask.load(std::memory_order_relaxed);
        for (int lane = 0; lane < kLanes; ++lane) {
            const auto& seqs = status.alive ? record.position : record.committed;
            status.next_seq[lane] = seqs[lane].load(std::memory_order_relaxed);
            const bool behind = (mask >> lane & 1) != 0 && status.next_seq[lane] < heads[lane];
            status.lag[lane] = behind ? heads[lane] - status.next_seq[lane] : 0;
        }
        found.push_back(std::move(status));
    });
    std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
    return found;
}

std::vector<DurableCursor> list_cursors(const std::string& bus_folder, const uint8_t* bus_id) {
    std::vector<DurableCursor> found;
    each_record(bus_folder, [&](const ReaderRecord& record, bool alive) {
        if (record.durable == 0 || std::memcmp(record.bus_id, bus_id, sizeof record.bus_id) != 0) return;
        DurableCursor cursor;
        cursor.name = name_of(record);
        cursor.alive = alive;
        // relaxed, all: each seq is valid by itself and never moves back while its reader lives
        cursor.updated_ns = record.updated_ns.load(std::memory_order_relaxed);
        cursor.mask = record.mask.load(std::memory_order_relaxed);
        cursor.epoch = record.epoch.load(std::memory_order_relaxed);
        for (int lane = 0; lane < kLanes; ++lane)
            cursor.committed[lane] = record.committed[lane].load(std::memory_order_relaxed);
        found.push_back(std::move(cursor));
    });
    std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
    return found;
}

void remove_passing_readers(const std::string& bus_folder) {
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(bus_folder + "/readers", code)) {
        const std::string path = entry.path().string();
        const File file = File::try_open(path, O_RDONLY);
        ReaderRecord record;
        if (!file || read_some(file, static_cast<void*>(&record), sizeof record, 0, path) < sizeof record) continue;
        if (!is_record(record) || record.durable == 0) unlink(path.c_str());
    }
}

}  // namespace gcg
