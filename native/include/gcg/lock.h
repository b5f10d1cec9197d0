// The lock of a lane: a word in lane.state that names its owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "gcg/slots.h"
#include "gcg/state.h"

namespace gcg {

// ns to wait for an owner that lives but does not go on.
inline constexpr int64_t kLockPatience = 100'000'000;

// Shared between processes and threads. A dead owner's lock is taken over, a living one's never. For std::lock_guard.
class LaneLock {
 public:
    // `name` is the lane's, for the error.
    LaneLock(LaneState& state, const Slots& slots, std::string name)
        : state_(state), slots_(slots), name_(std::move(name)) {}

    // Throws Fault::busy, naming the owner, if that lives and has not gone on for kLockPatience.
    void lock() {
        if (!try_lock(0)) lock_slowly();
    }
    // L1: release, pairs with L0 and L2. The word is still ours: nobody takes it from the living, and close() keeps the
    // slot alive while somebody is inside.
    void unlock() { state_.lock.store(0, std::memory_order_release); }
    // Wait until no thread of this bus is inside; false if that takes longer than kLockPatience.
    [[nodiscard]] bool drain() const;

 private:
    void lock_slowly();
    // L0: pairs with L1 in unlock(): we see all that the last owner wrote, to the window of its process too. D1:
    // seq_cst, not acquire, so that the look at whether the bus is closed, which comes next, comes after it.
    [[nodiscard]] bool try_lock(uint64_t from) {
        return state_.lock.compare_exchange_strong(from, slots_.word(), std::memory_order_seq_cst,
                                                   std::memory_order_relaxed);
    }

    LaneState& state_;
    const Slots& slots_;
    std::string name_;
};

}  // namespace gcg
