// What the parts of one open bus share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "gcg/bus.h"
#include "gcg/file.h"
#include "gcg/nudge.h"
#include "gcg/slots.h"
#include "gcg/state.h"
#include "gcg/wait.h"

namespace gcg {

// Thread-safe once the bus is open.
class BusContext {
 public:
    BusContext(std::string folder, const BusMeta& meta, std::unique_ptr<LockFile> locks, Mapping state);

    // Throw unless appending is possible: not read-only, not closed, not in a child of fork(), no failed sync.
    // K1: pairs with K0 in close() and fail(). D1: seq_cst, because under a lane's lock it is the second half of taking
    // it: whoever is not seen inside by close() sees that the bus is closed.
    void check_writable() const {
        if (condition_.load(std::memory_order_seq_cst) != kOpen || fork_.forked() || !slots.claimed()) refuse();
    }
    // Throw unless reading is possible. K1: acquire, here and below.
    void check_open() const {
        if (condition_.load(std::memory_order_acquire) == kClosed || fork_.forked()) refuse();
    }
    [[nodiscard]] bool forked() const { return fork_.forked(); }
    [[nodiscard]] bool closed() const { return condition_.load(std::memory_order_acquire) == kClosed; }
    // K0: pairs with K1. D0: seq_cst, so that LaneLock::drain() looks at the lock word after it.
    void close() { condition_.store(kClosed, std::memory_order_seq_cst); }
    // Data may not be on the disk: refuse every further append.
    void fail(const std::string& message);

    const std::string folder;
    const BusMeta meta;
    const std::string id;  // bus_id as 32 hex digits

 private:
    std::unique_ptr<LockFile> locks_;
    Mapping state_mapping_;

 public:
    LockFile& locks;
    BusState& state;
    Slots slots;
    WakeWord wake;
    Nudge nudge;  // calls the keeper
    void sync_state() const { state_mapping_.sync(0, sizeof(BusState), folder + "/bus.state"); }

 private:
    static constexpr uint8_t kOpen = 0, kFailed = 1, kClosed = 2;
    [[noreturn]] void refuse() const;

    std::atomic<uint8_t> condition_{kOpen};
    std::once_flag failed_;
    std::string failure_;  // written once, before condition_
    ForkGuard fork_;
};

}  // namespace gcg
