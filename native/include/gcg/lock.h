// The lock of a lane: a word in lane.state that names its owner.
#pragma once

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
    void lock();
    void unlock();
    // Wait until no thread of this bus is inside; false if that takes longer than kLockPatience.
    [[nodiscard]] bool drain() const;

 private:
    void lock_slowly();
    [[nodiscard]] bool try_lock(uint64_t from);

    LaneState& state_;
    const Slots& slots_;
    std::string name_;
};

}  // namespace gcg
