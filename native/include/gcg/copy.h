// A slice of a bus as a new bus, and what is whole of a damaged one.
//
// Frames keep their bytes: seq, time, cause, flags, payload and checksum, so that every event keeps its id and lineage
// stays valid. The copy has a bus id of its own, and epochs and tables of the source; readers' cursors are not copied.
// Where the source is damaged, the copy holds a frame of type kLost in place of the records that were lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gcg/format.h"

namespace gcg {

struct CopyOptions {
    int64_t from_ns = INT64_MIN;  // frames published at this time or later ...
    int64_t to_ns = INT64_MAX;    // ... and before this one
    World world = World{};        // 0: that of the source
};

struct CopiedLane {
    uint64_t frames = 0, records = 0, bytes = 0;  // without those that say what was lost
    uint64_t lost = 0;                            // records
    uint64_t first_seq = 0, end_seq = 0;          // [first_seq, end_seq); first_seq is 0 if nothing was copied
};

// Records that were not whole.
struct CopyHole {
    Lane lane;
    std::string place;     // a sentence that names file, offset and seq
    uint64_t seq = 0;      // of the first one
    uint64_t records = 0;  // 0: at the end, and nobody knows how many there were
};

struct CopyReport {
    CopiedLane lanes[kLanes];
    std::vector<CopyHole> holes;
    std::vector<std::string> repairs;  // sentences: what of bus.meta and the tables was put right
};

// Copy the bus in `source` to the new folder `target`, as far as it goes now. Opens nothing of the source for writing;
// others may write to it and read it. The target appears under its name once it is whole and on the disk. Throws
// Fault::argument (no bus there, the target exists), full, version, io.
CopyReport copy_bus(const std::string& source, const std::string& target, const CopyOptions& options);

}  // namespace gcg
