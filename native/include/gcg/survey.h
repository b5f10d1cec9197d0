// What a bus's pages say at a glance: for `journal inspect`. Reads the begin of each page, and the frames of two pages
// a lane, so its cost hardly grows with the journal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gcg/format.h"

namespace gcg {

// The first record of an epoch in a lane. Epochs after a lane's first one began with a cut.
struct EpochBegin {
    uint32_t epoch = 0;
    uint64_t first_seq = 0;
    int64_t first_ns = 0;
};

struct LaneSurvey {
    Lane lane = Lane::market;
    uint64_t pages = 0;                     // files, those prepared ahead included
    uint64_t file_bytes = 0;                // of the files
    uint64_t used_bytes = 0;                // from the first frame to the last one
    uint64_t first_seq = 0, end_seq = 0;    // records [first_seq, end_seq); 0 and 0: none
    int64_t first_ns = 0, last_ns = 0;      // of the first and the last frame
    uint64_t recent = 0, recent_bytes = 0;  // records since the moment asked for, and their bytes
    std::vector<EpochBegin> epochs;
    std::vector<std::string> damage;  // page headers that are not whole; for frames see inspect(verify)
};

// All lanes of the bus in `folder`, without opening it. Throws Fault::argument (no bus there), version.
std::vector<LaneSurvey> survey(const std::string& folder, int64_t since_ns);

}  // namespace gcg
