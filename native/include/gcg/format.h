// The on-disk layout of a bus. Everything is little-endian; every struct below lies in a file exactly as declared.
//
// One frame (8-byte aligned; the next one begins at align8(length)):
//
//    0               4               8                              16
//   +---------------+---------------+-------------------------------+
//   | length        | crc32c        | seq (of the first record)     |
//   +---------------+---------------+-------------------------------+ 16
//   | time_ns                       | cause (an event id, 0 = none) |
//   +---------------+-------+-------+-------+-------+---------------+ 32
//   | instrument    | type  | source| flags | schema| count         |
//   +---------------+-------+-------+-------+-------+---------------+ 48
//   | payload: length - 48 bytes, then zeros up to the next multiple of 8
//   +----------------------------------------------------------------
//
//   length   exact bytes, header included; 0 = not written yet. Stored last (release): who reads it (acquire) sees the
//            whole frame.
//   crc32c   CRC-32C (Castagnoli) of the payload, continued over the header's bytes 8 to 47.
//   type 0   the page ends here: go on with the next page. Its seq is that of the next frame, its count 0.
//   type 256 `count` records were lost here: where a damaged journal was copied, in their place. No payload. Pass over
//            it, as over any frame of an unknown type. Events have the types 1 to 255.
//   type 257 what follows from a bridge came from here: JSON, see docs/journal.md.
//   If fewer than 48 bytes are left on a page, it ends there without a type 0 frame.
//
// One page file, LANE/0000000001.page, 0000000002.page, ...: its header, then frames.
//
//     0               4               8                              16
//    +-------------------------------+---------------+---------------+
//    | magic "GCGPAGE\n"             | format        | header_bytes  |
//    +-------------------------------+---------------+---------------+ 16
//    | page_bytes                    | world         | lane          |
//    +-------------------------------+---------------+---------------+ 32
//    | index                         | bus_id, first half            |
//    +-------------------------------+---------------+---------------+ 48
//    | bus_id, second half           | crc of 0..55  | zero          |
//    +-------------------------------+---------------+---------------+ 64   above: written when the page is prepared
//    | first_seq                     | first_ns                      |      below: written when it becomes the current
//    one
//    +---------------+---------------+-------------------------------+ 80
//    | epoch         | begin_crc     | zero ...                      |
//    +---------------+---------------+-------------------------------+ 96 ... 128: the first frame
//
//   first_seq  seq of the first frame; 0 = prepared, not in use. Stored last (release).
//   first_ns   no frame of this page is older, no frame of an earlier page is younger.
//   begin_crc  CRC-32C of the bytes 64 to 83.
//   A page belongs to one epoch: a new epoch begins with a new page.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gcg {

inline constexpr uint32_t kFrameFormat = 1;

enum class World : uint32_t { live = 1, paper = 2, backtest = 3, import = 4, replay = 5 };
enum class Lane : uint8_t { control = 0, market = 1, log = 2 };
inline constexpr int kLanes = 3;
inline constexpr const char* kLaneNames[kLanes] = {"control", "market", "log"};
constexpr const char* lane_name(Lane lane) {
    return kLaneNames[static_cast<int>(lane)];
}

// An event's id: the lane in bits 60-61, seq below. Always positive as a signed number. seq begins at 1; id 0 is
// "none".
constexpr uint64_t make_event_id(Lane lane, uint64_t seq) {
    return (static_cast<uint64_t>(lane) << 60) | seq;
}
constexpr Lane event_lane(uint64_t id) {
    return static_cast<Lane>((id >> 60) & 3);
}
constexpr uint64_t event_seq(uint64_t id) {
    return id & ((uint64_t{1} << 60) - 1);
}

constexpr uint64_t align8(uint64_t bytes) {
    return (bytes + 7) & ~uint64_t{7};
}

struct FrameHeader {
    uint32_t length;
    uint32_t crc32c;
    uint64_t seq;
    int64_t time_ns;
    uint64_t cause;
    uint32_t instrument;
    uint16_t type;
    uint16_t source;
    uint16_t flags;
    uint16_t schema;
    uint32_t count;
};

inline constexpr uint64_t kFrameHeaderBytes = 48;
inline constexpr uint64_t kFrameCrcFrom = 8;  // header bytes before this one are not part of the CRC
inline constexpr uint16_t kPageEnd = 0;       // the frame type of the page end marker
inline constexpr uint16_t kLost = 256;        // the frame type in the place of records that were lost
inline constexpr uint16_t kBridgeMark = 257;  // the frame type that says where a bridge's next frames come from

// Flags of a frame.
inline constexpr uint16_t kBackfill = 1;  // history that was filled in
inline constexpr uint16_t kBridged = 2;  // came over a bridge: `cause` is its first record's id on the bus it came from

static_assert(sizeof(FrameHeader) == kFrameHeaderBytes);
static_assert(offsetof(FrameHeader, length) == 0 && offsetof(FrameHeader, crc32c) == 4);
static_assert(offsetof(FrameHeader, seq) == kFrameCrcFrom && offsetof(FrameHeader, time_ns) == 16);
static_assert(offsetof(FrameHeader, cause) == 24 && offsetof(FrameHeader, instrument) == 32);
static_assert(offsetof(FrameHeader, type) == 36 && offsetof(FrameHeader, source) == 38);
static_assert(offsetof(FrameHeader, flags) == 40 && offsetof(FrameHeader, schema) == 42);
static_assert(offsetof(FrameHeader, count) == 44);

inline constexpr char kPageMagic[8] = {'G', 'C', 'G', 'P', 'A', 'G', 'E', '\n'};

struct PageHeader {
    char magic[8];
    uint32_t format;
    uint32_t header_bytes;
    uint64_t page_bytes;
    uint32_t world;
    uint32_t lane;
    uint64_t index;
    uint8_t bus_id[16];
    uint32_t crc;
    uint32_t zero;
    uint64_t first_seq;
    int64_t first_ns;
    uint32_t epoch;
    uint32_t begin_crc;
    uint8_t reserved[40];
};

inline constexpr uint64_t kPageHeaderBytes = 128;
inline constexpr uint64_t kPageCrcBytes = 56;    // the static part: bytes 0 to 55
inline constexpr uint64_t kPageBeginFrom = 64;   // the part written when the page becomes current ...
inline constexpr uint64_t kPageBeginBytes = 20;  // ... as far as begin_crc covers it
inline constexpr uint64_t kMinPageBytes = 16384;
inline constexpr uint64_t kMaxPageBytes = uint64_t{1} << 30;

static_assert(sizeof(PageHeader) == kPageHeaderBytes);
static_assert(offsetof(PageHeader, format) == 8 && offsetof(PageHeader, header_bytes) == 12);
static_assert(offsetof(PageHeader, page_bytes) == 16 && offsetof(PageHeader, world) == 24);
static_assert(offsetof(PageHeader, lane) == 28 && offsetof(PageHeader, index) == 32);
static_assert(offsetof(PageHeader, bus_id) == 40 && offsetof(PageHeader, crc) == kPageCrcBytes);
static_assert(offsetof(PageHeader, first_seq) == kPageBeginFrom && offsetof(PageHeader, first_ns) == 72);
static_assert(offsetof(PageHeader, epoch) == 80);
static_assert(offsetof(PageHeader, begin_crc) == kPageBeginFrom + kPageBeginBytes);

// BUS/bus.meta: what never changes about a bus.
struct BusMeta {
    char magic[8];
    uint32_t format;
    uint32_t world;
    uint64_t page_bytes;
    int64_t created_ns;
    uint8_t bus_id[16];
    uint32_t crc;  // of the bytes 0 to 47
    uint32_t zero;
};
inline constexpr char kMetaMagic[8] = {'G', 'C', 'G', 'B', 'U', 'S', '\n', '\0'};
static_assert(sizeof(BusMeta) == 56 && offsetof(BusMeta, crc) == 48);

// The length word of a frame and first_seq of a page are the only words of a page that are read while they may be
// written.
inline std::atomic_ref<uint32_t> length_of(const void* frame) {
    return std::atomic_ref<uint32_t>(static_cast<FrameHeader*>(const_cast<void*>(frame))->length);
}
inline std::atomic_ref<uint64_t> first_seq_of(const void* page) {
    return std::atomic_ref<uint64_t>(static_cast<PageHeader*>(const_cast<void*>(page))->first_seq);
}
static_assert(std::atomic_ref<uint32_t>::is_always_lock_free && std::atomic_ref<uint64_t>::is_always_lock_free);

}  // namespace gcg
