// The thread that keeps slow work off the hot path of a process that writes: it prepares and populates the next pages,
// keeps the stamp clock right, and one keeper of a bus, the one that holds the syncer's byte, brings the lanes to the
// disk every 100 ms.
#pragma once

#include <array>
#include <cstdint>
#include <thread>

#include "gcg/bus.h"
#include "gcg/context.h"
#include "gcg/lane.h"

namespace gcg {

using LaneJournals = std::array<std::unique_ptr<LaneJournal>, kLanes>;

class Keeper {
 public:
    Keeper(BusContext& bus, LaneJournals& lanes, SyncPolicy policy);
    void start();
    void stop();  // joins; quick

 private:
    void run();
    [[nodiscard]] bool prepare(int64_t now);
    void sync(int64_t now);

    BusContext& bus_;
    LaneJournals& lanes_;
    SyncPolicy policy_;
    bool syncer_ = false;
    int64_t prepared_at_ = 0, synced_at_ = 0, state_synced_at_ = 0;
    std::thread thread_;
};

}  // namespace gcg
