// Waking and waiting.
//
// All sleepers of a bus share one 32-bit word in bus.state: a number that is odd while somebody may sleep. A reader
// that wants to sleep makes it odd, looks once more for data, and sleeps while the word is that very number. A
// publisher reads the word after publishing; if it is odd, it adds 1 and wakes all. A sleeper that was killed so costs
// one needless wake at most. With 0 and 1 instead of a number, a reader on its way to sleep would not notice that its 1
// was taken away if another reader has stored a new one since (native/model/wake.pml shows it).
//
// Between a publisher's store and its look at the word there must be a full barrier, and it would be the dearest part
// of an append. So the sleeper, who has time, has the kernel run one on every processor where a publisher is at work:
// membarrier(2). A process that could not register for it runs its own.
#pragma once

#include <atomic>
#include <cstdint>

#include "gcg/bus.h"
#include "gcg/clock.h"
#include "gcg/state.h"

namespace gcg {

// Order every earlier store before every later load, for all threads. W0 and W1: see the users.
inline void full_barrier() {
#ifdef __SANITIZE_THREAD__  // ThreadSanitizer does not know fences
    static std::atomic<int> dummy{0};
    dummy.fetch_add(1, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

inline void pause_processor() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield" ::: "memory");
#endif
}

class WakeWord {
 public:
    explicit WakeWord(BusState& state) : word_(state.wake), count_(state.wake_count) {}

    // For a bus that is open for writing, before its first append.
    void join_publishers() { fenced_ = !register_for_barriers(); }
    // By a publisher, after its release-store of a length word. W0: a full barrier, run here or sent by W1 in
    // prepare(): either the reader's second look sees the frame, or this load sees its odd number.
    void published() {
        if (fenced_) {
            full_barrier();
        } else {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        const uint32_t word = word_.load(std::memory_order_relaxed);
        if ((word & 1) != 0) wake_sleepers(word);
    }
    // Wake everybody, and make every wait() that is under way return.
    void wake_all();

    // W1: a reader announces that it may sleep; pairs with W0 in published(). Returns the number to sleep on.
    [[nodiscard]] uint32_t prepare() {
        const uint32_t word = word_.fetch_or(1, std::memory_order_seq_cst) | 1;
        full_barrier();
        if (!send_barriers()) blind_.store(true, std::memory_order_relaxed);  // relaxed: see sleep()
        return word;
    }
    // Sleep while the word is `announced`, at most `timeout_ns`. Returns false if a signal came.
    bool sleep(uint32_t announced, int64_t timeout_ns);
    // W3: acquire, pairs with wake_all().
    [[nodiscard]] uint32_t wakes() const { return count_.load(std::memory_order_acquire); }

 private:
    void wake_sleepers(uint32_t announced);
    // Let others send barriers to this process; false if the kernel does not know how.
    static bool register_for_barriers();
    // Run a full barrier on every processor that is at work for a registered process; false if that is not possible.
    static bool send_barriers();

    std::atomic<uint32_t>& word_;
    std::atomic<uint32_t>& count_;
    bool fenced_ = true;
    std::atomic<bool> blind_{false};  // barriers cannot be sent from here: look often
};

// How a reader waits. One reader, one thread.
class Waiter {
 public:
    void policy(WaitPolicy policy, double sleep_s);

    // Wait until `ready()` is true (returns true), `timeout_s` is over, a signal came or wake_all() was called; a
    // negative timeout is for ever. `ready` is called often and must be cheap.
    template <typename Ready>
    bool wait(WakeWord& word, const Ready& ready, double timeout_s) {
        if (ready()) return true;
        if (timeout_s == 0) return false;
        const int64_t started = monotonic_ns();
        const int64_t deadline =
            timeout_s >= 0 && timeout_s < 1e9 ? started + static_cast<int64_t>(timeout_s * 1e9) : INT64_MAX;
        const uint32_t wakes = word.wakes();
        for (;;) {
            if (spin(ready, policy_ == WaitPolicy::busy ? deadline : monotonic_ns() + spin_ns_, deadline)) return true;
            if (monotonic_ns() >= deadline || word.wakes() != wakes) return ready();
            if (policy_ == WaitPolicy::sleep) {
                if (!pause(deadline)) return ready();
            } else if (policy_ == WaitPolicy::adaptive) {
                const uint32_t announced = word.prepare();
                if (ready()) return true;
                if (word.wakes() != wakes || !word.sleep(announced, deadline - monotonic_ns())) return ready();
            }
        }
    }

 private:
    // Look until `until` or `deadline`; busy waiting comes back at least every millisecond, to look for wakes.
    template <typename Ready>
    bool spin(const Ready& ready, int64_t until, int64_t deadline) {
        const int64_t latest = monotonic_ns() + 1'000'000;
        for (;;) {
            for (int turn = 0; turn < 32; ++turn) {
                if (ready()) return true;
                pause_processor();
            }
            const int64_t now = monotonic_ns();
            if (now >= until || now >= deadline || now >= latest) return false;
        }
    }
    bool pause(int64_t deadline);

    WaitPolicy policy_ = WaitPolicy::adaptive;
    int64_t sleep_ns_ = 1'000'000;
    int64_t spin_ns_ = 20'000;
};

}  // namespace gcg
