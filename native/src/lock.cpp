#include "gcg/lock.h"

#include <sched.h>
#include <time.h>

#include "gcg/clock.h"
#include "gcg/wait.h"

namespace gcg {

static constexpr int64_t kLookEvery = 1'000'000;          // ns between questions whether the owner lives
static constexpr int64_t kDyingPatience = 2'000'000'000;  // ns for an owner that the kernel is taking down
static constexpr int64_t kYieldFor = 50'000;              // ns before waiting becomes sleeping
static constexpr int kMostPauses = 16;

void LaneLock::lock_slowly() {
    uint64_t seen_owner = 0, seen_commits = 0;
    int64_t since = 0, next_look = 0;
    for (;;) {
        // Each look takes the owner's cache line away from it: ever fewer looks let it write on at full speed.
        for (int pauses = 1; pauses <= kMostPauses; pauses *= 2) {
            if (state_.lock.load(std::memory_order_relaxed) == 0 && try_lock(0)) return;  // relaxed: only a hint
            for (int pause = 0; pause < pauses; ++pause) pause_processor();
        }
        // relaxed, both: they only show that somebody goes on
        const uint64_t owner = state_.lock.load(std::memory_order_relaxed);
        const uint64_t commits = state_.commits.load(std::memory_order_relaxed);
        const int64_t now = monotonic_ns();
        if (owner != seen_owner || commits != seen_commits) {
            seen_owner = owner, seen_commits = commits;
            since = now, next_look = now + kLookEvery;
        } else if (owner != 0 && now >= next_look) {
            next_look = now + kLookEvery;
            // L2: from the exact word of the dead owner, which never comes again, so that one of several rescuers
            // succeeds. What the dead one wrote is visible: the kernel dropped its file lock after its last
            // instruction.
            const bool alive = slots_.alive(owner);
            if (!alive && try_lock(owner)) return;
            const bool impatient = alive && now - since >= kLockPatience;
            if (impatient && (now - since >= kDyingPatience || !slots_.dying(owner)))
                throw JournalError(Fault::busy, name_ + " has been locked for 100 ms by " + slots_.describe(owner) +
                                                    ", which is alive but does not go on: resume or end that process");
        }
        if (now - since < kYieldFor) {
            sched_yield();
        } else {
            const timespec nap{0, 50'000};
            nanosleep(&nap, nullptr);
        }
    }
}

bool LaneLock::drain() const {
    const int64_t deadline = monotonic_ns() + kLockPatience;
    // D0: seq_cst, pairs with D1 in try_lock() and check_writable(); we see what the thread that left has written.
    while (state_.lock.load(std::memory_order_seq_cst) == slots_.word()) {
        if (monotonic_ns() > deadline) return false;
        sched_yield();
    }
    return true;
}

}  // namespace gcg
