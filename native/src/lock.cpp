#include "gcg/lock.h"

#include <sched.h>
#include <time.h>

#include "gcg/clock.h"
#include "gcg/wait.h"

namespace gcg {

static constexpr int64_t kLookEvery = 1'000'000;          // ns between questions whether the owner lives
static constexpr int64_t kDyingPatience = 2'000'000'000;  // ns for an owner that the kernel is taking down
static constexpr int64_t kYieldFor = 50'000;              // ns before waiting becomes sleeping

bool LaneLock::try_lock(uint64_t from) {
    // L0: pairs with L1 in unlock(): we see all that the last owner wrote, to the window of its process too. D1:
    // seq_cst, not acquire, so that the look at whether the bus is closed, which comes next, comes after it.
    return state_.lock.compare_exchange_strong(from, slots_.word(), std::memory_order_seq_cst,
                                               std::memory_order_relaxed);
}

void LaneLock::lock() {
    if (!try_lock(0)) lock_slowly();
}

void LaneLock::lock_slowly() {
    uint64_t seen_owner = 0, seen_commits = 0;
    int64_t since = 0, next_look = 0;
    for (;;) {
        for (int turn = 0; turn < 64; ++turn) {
            if (state_.lock.load(std::memory_order_relaxed) == 0 && try_lock(0)) return;  // relaxed: only a hint
            pause_processor();
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

void LaneLock::unlock() {
    // L1: release, pairs with L0 and L2. An exchange, not a store: once close() has let our slot go, the word may be
    // that of a rescuer.
    uint64_t mine = slots_.word();
    state_.lock.compare_exchange_strong(mine, 0, std::memory_order_release, std::memory_order_relaxed);
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
