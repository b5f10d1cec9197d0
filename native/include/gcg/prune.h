// Removing the oldest pages of a bus.
//
// Safe while other processes write and read. Who holds a page's mapping goes on; who stands before a removed page goes
// on with the oldest one that is there. Killed at any moment, it leaves a whole bus: of each lane only the oldest pages
// are missing, because they go one by one, oldest first, once the begin of the page that stays is on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gcg/format.h"

namespace gcg {

// Somebody needs the records of a lane from `seq` on, such as whoever starts from a snapshot.
struct PruneFloor {
    std::string name;
    Lane lane = Lane::market;
    uint64_t seq = 0;
};

inline constexpr int64_t kReaderSilence = int64_t{24} * 3600 * 1'000'000'000;

// What may go. A page's age is that of its newest frame, as the page behind it tells.
struct PruneOptions {
    int64_t before_ns = INT64_MIN;     // all frames of the page are older than this, or ...
    uint64_t keep_bytes = UINT64_MAX;  // ... the page files of all lanes, without the older ones, take more than this
    std::vector<PruneFloor> floors = {};  // beside those of the durable readers
    int64_t silence_ns = kReaderSilence;  // a durable reader that is gone and silent for so long is not waited for
    bool dry_run = false;                 // only say what would go
};

struct PrunedPage {
    Lane lane;
    uint64_t index = 0;
    uint64_t bytes = 0;
    uint64_t first_seq = 0, end_seq = 0;  // the records [first_seq, end_seq); first_seq is 0 if the page was damaged
    int64_t first_ns = 0, last_ns = 0;    // no frame of it is older, none is younger
};

// Pages that the limits chose and that stay, because `name` needs the lane from `seq` on.
struct PruneHold {
    std::string name;
    Lane lane;
    uint64_t seq = 0;
    uint64_t pages = 0, bytes = 0;
};

// A durable reader that is not waited for any more.
struct SilentReader {
    std::string name;
    int64_t updated_ns = 0;  // when it was heard of last
};

struct PruneReport {
    std::vector<PrunedPage> removed;
    std::vector<PruneHold> held;
    std::vector<SilentReader> silent;
    uint64_t bytes_before = 0, bytes_after = 0;  // of the page files
};

// Remove what the options choose and nobody needs; never the page that is written to. Any process may call it at any
// time. Throws Fault::argument (no bus there), io.
PruneReport prune(const std::string& folder, const PruneOptions& options);

}  // namespace gcg
