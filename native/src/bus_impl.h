// What is behind Bus and BusReader.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gcg/bus.h"
#include "gcg/context.h"
#include "gcg/keeper.h"
#include "gcg/lane.h"
#include "gcg/reader_file.h"
#include "gcg/tables.h"
#include "gcg/wait.h"

namespace gcg {

struct Bus::Impl {
    BusOptions options;
    std::unique_ptr<BusContext> context;
    LaneJournals lanes;
    std::unique_ptr<InstrumentTable> instruments;
    std::unique_ptr<SourceTable> sources;
    std::vector<EpochReport> reports;
    std::unique_ptr<Keeper> keeper;  // of a bus that is open for writing
    std::mutex close_mutex;          // close() and sync() exclude each other

    LaneJournal& lane(Lane lane);
    void sync_all();
    void close();
    ~Impl();
};

struct BusReader::Impl {
    Impl(std::shared_ptr<Bus::Impl> bus, const std::string& name, bool durable);

    std::shared_ptr<Bus::Impl> bus;
    LaneReader lanes[kLanes];
    uint32_t mask = 7;
    Waiter waiter;
    std::unique_ptr<ReaderFile> file;  // of a named reader
    std::string name;
    int last_lane = static_cast<int>(Lane::market);
    int untold = 0;  // frames since the position was written to the file

    [[nodiscard]] bool ready();
    void tell();
    [[nodiscard]] Cursor cursor() const;
};

// Open or create a bus: the folder, the locks, recovery, the slot, the tables. (opening.cpp)
std::shared_ptr<Bus::Impl> open_bus(std::string folder, const BusOptions& options);
// Read BUS/bus.meta. Throws Fault::argument (no bus there), Fault::version, Fault::corrupt.
BusMeta read_meta(const std::string& folder);

}  // namespace gcg
