// Bringing a lane into a known state when nobody else has the bus open.
#pragma once

#include <cstdint>
#include <string>

#include "gcg/lane.h"
#include "gcg/page.h"
#include "gcg/state.h"

namespace gcg {

struct Recovered {
    Position position;
    uint64_t cut_bytes = 0;
    std::string detail;
};

// The epoch of the lane's last page in use; 0 if there is none.
uint32_t last_epoch(const PageKind& kind);

// Whether a lane can end there, as far as its page tells: lane.state has no CRC over the position.
[[nodiscard]] bool possible_position(const PageKind& kind, const Position& at);

// Walk from the sync mark (or, without one, from the begin of the last page in use) over whole frames, cut the lane
// behind the last one: zero the rest of its page, remove later pages, end the page, so that the next epoch begins with
// a page of its own. Throws Fault::version, Fault::corrupt (the mark is wrong or its page is missing), Fault::io.
Recovered recover(const PageKind& kind, const SyncMark& mark);

// Remove the unfinished files of killed processes: the pages of one writer slot, or (-1) all.
void remove_unfinished(const std::string& folder, int slot);

}  // namespace gcg
