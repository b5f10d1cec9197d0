// BUS/readers/NAME: one named reader's cursor and position, visible to all processes.
//
// The file name is the reader's name, with every byte but letters, digits, '-', '_' and '.' written as %XX. The
// reader's process holds the lock on byte 0 for life.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "gcg/bus.h"
#include "gcg/file.h"

namespace gcg {

inline constexpr std::size_t kReaderNameBytes = 80;

struct ReaderRecord {
    char magic[8];  // stored last when the file is new
    uint32_t format;
    uint32_t durable;
    uint8_t bus_id[16];
    std::atomic<int32_t> pid;
    std::atomic<uint32_t> epoch;  // of `committed`
    std::atomic<int64_t> updated_ns;
    std::atomic<uint64_t> position[kLanes];   // how far it has read
    std::atomic<uint64_t> committed[kLanes];  // where a durable reader goes on
    std::atomic<uint32_t> mask;               // the lanes it reads
    uint32_t zero;
    char name[kReaderNameBytes + 8];
};
inline constexpr char kReaderMagic[8] = {'G', 'C', 'G', 'R', 'E', 'A', 'D', '\n'};
inline constexpr uint64_t kReaderFileBytes = 4096;
static_assert(sizeof(ReaderRecord) == 192);

class ReaderFile {
 public:
    // Throws Fault::busy if a live reader has this durable name; other names get a number.
    ReaderFile(const std::string& bus_folder, const uint8_t* bus_id, const std::string& name, bool durable);
    ~ReaderFile();  // removes the file of a reader that is not durable

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool is_new() const { return new_; }
    [[nodiscard]] ReaderRecord& record() const { return *reinterpret_cast<ReaderRecord*>(mapping_.data()); }

 private:
    [[nodiscard]] bool try_open(const std::string& folder, const std::string& name);
    void prepare(const uint8_t* bus_id, bool durable);

    std::string name_;
    std::string path_;
    LockFile file_;
    Mapping mapping_;
    ForkGuard fork_;
    bool new_ = false;
    bool durable_ = false;
};

// What a durable reader goes on from, whether its process lives or not.
struct DurableCursor {
    std::string name;
    bool alive = false;
    int64_t updated_ns = 0;
    uint32_t mask = 7;
    uint32_t epoch = 0;
    uint64_t committed[kLanes] = {};
};
std::vector<DurableCursor> list_cursors(const std::string& bus_folder, const uint8_t* bus_id);

// Every named reader of the bus; `heads` are the next seqs to be written.
std::vector<ReaderStatus> list_readers(const std::string& bus_folder, const uint64_t* heads);
// Remove the files of readers that were not durable (nobody has the bus open).
void remove_passing_readers(const std::string& bus_folder);

}  // namespace gcg
