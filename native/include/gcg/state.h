// The shared memory beside the pages: bus.state (one a bus) and lane.state (one a lane). Both are mapped read-write by
// every process that has the bus open, and are rebuilt from the pages if they are missing.
//
//   bus.state                                          lane.state
//     0  magic, format, bus id, boot id, epoch, clean     0  magic, format, lane, bus id
//   128  wake word and wake count                        64  lock word
//  4096  256 writer slots of 64 bytes                   128  commit count, two copies of the write position
//                                                       256  two copies of the sync mark
#pragma once

#include <atomic>
#include <cstdint>

#include "gcg/format.h"

namespace gcg {

inline constexpr int kSlots = 256;

struct WriterSlot {
    std::atomic<uint64_t> generation;  // raised by each claim, by the holder of the slot's byte in BUS/locks
    std::atomic<int32_t> pid;
    char owner[52];
};
static_assert(sizeof(WriterSlot) == 64);

struct BusState {
    char magic[8];
    uint32_t format;
    std::atomic<uint32_t> epoch;
    uint8_t bus_id[16];
    char boot_id[48];
    std::atomic<uint32_t> clean;  // 1: everything was synced by the last process that closed the bus
    uint8_t pad0[128 - 84];
    std::atomic<uint32_t> wake;        // odd: somebody may sleep on it
    std::atomic<uint32_t> wake_count;  // raised by Bus::wake()
    uint8_t pad1[4096 - 136];
    WriterSlot slots[kSlots];
};
inline constexpr char kBusStateMagic[8] = {'G', 'C', 'G', 'S', 'T', 'A', 'T', '\n'};
static_assert(offsetof(BusState, wake) == 128 && offsetof(BusState, slots) == 4096);
static_assert(sizeof(BusState) == 4096 + kSlots * 64);
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);

// Where the next frame goes. Page 0 does not exist: {0, page_bytes, 1, 0} is the position of an empty lane.
struct Position {
    uint64_t page = 0;
    uint64_t offset = 0;
    uint64_t next_seq = 1;
    int64_t last_ns = 0;
};

// Everything before it is on the disk. Protected by its CRC, kept twice, so that one copy is whole at any moment.
struct SyncMark {
    uint64_t serial;
    uint64_t page;
    uint64_t offset;
    uint64_t next_seq;
    int64_t last_ns;
    uint32_t crc;  // of the bytes 0 to 39
    uint32_t zero;
};
static_assert(sizeof(SyncMark) == 48 && offsetof(SyncMark, crc) == 40);

struct LaneState {
    char magic[8];
    uint32_t format;
    uint32_t lane;
    uint8_t bus_id[16];
    uint8_t pad0[32];
    std::atomic<uint64_t> lock;  // 0 = free, else generation << 16 | slot + 1; its own cache line
    uint8_t pad1[56];
    std::atomic<uint64_t> commits;  // positions[commits & 1] is valid; written under the lock
    struct {
        std::atomic<uint64_t> page, offset, next_seq;
        std::atomic<int64_t> last_ns;
    } positions[2];
    uint8_t pad2[256 - 200];
    SyncMark marks[2];  // written under the lock
    uint8_t pad3[4096 - 352];
};
inline constexpr char kLaneStateMagic[8] = {'G', 'C', 'G', 'L', 'A', 'N', 'E', '\n'};
static_assert(offsetof(LaneState, lock) == 64 && offsetof(LaneState, commits) == 128);
static_assert(offsetof(LaneState, marks) == 256 && sizeof(LaneState) == 4096);

}  // namespace gcg
