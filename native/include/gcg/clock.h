// The journal's clocks.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace gcg {

// Return nanoseconds since the Unix epoch, UTC. No system call (vDSO).
inline int64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Return nanoseconds of a clock that never steps, for deadlines.
inline int64_t monotonic_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The processor's cycle counter, or monotonic_ns() where there is none: for differences only.
inline uint64_t cycles() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return static_cast<uint64_t>(monotonic_ns());
#endif
}
// What a difference of cycles() is in nanoseconds; exact enough for statistics from a few milliseconds on.
double cycles_to_ns(uint64_t cycles);

// The clock that stamps frames: now_ns(), read off the cycle counter, which takes half as long. Somebody calls
// calibrate() every few milliseconds (the keeper of each bus does); if nobody has for a second, or the kernel itself
// does not trust the counter, it is now_ns(). It follows a step of the wall clock with the next calibration, and is
// less than a microsecond off in between.
class StampClock {
 public:
    [[nodiscard]] int64_t now() const {
        // V1: acquire, pairs with V0 in set(). Equal and even before and after: the three numbers belong together.
        const uint64_t version = version_.load(std::memory_order_acquire);
        if (version == 0) return now_ns();
        // V2: acquire, so that the second look at the version does not come before them.
        const uint64_t base = base_cycles_.load(std::memory_order_acquire);
        const int64_t base_ns = base_ns_.load(std::memory_order_acquire);
        const uint64_t ns_per_cycle = ns_per_cycle_.load(std::memory_order_acquire);
        const uint64_t passed = cycles() - base;
        const uint64_t ns = passed * ns_per_cycle >> kFraction;
        const bool whole = (version & 1) == 0 && version_.load(std::memory_order_relaxed) == version;
        return whole && passed < longest_.load(std::memory_order_relaxed) ? base_ns + static_cast<int64_t>(ns)
                                                                          : now_ns();
    }
    void calibrate();

 private:
    static constexpr int kFraction = 30;
    struct Sample {
        uint64_t cycles;
        int64_t ns;
    };
    static bool take(Sample& sample);
    void set(const Sample& base, double ns_per_cycle);

    std::atomic<uint64_t> version_{0};  // odd: being written; 0: not calibrated
    std::atomic<uint64_t> base_cycles_{0}, ns_per_cycle_{0};
    std::atomic<int64_t> base_ns_{0};
    std::atomic<uint64_t> longest_{0};  // cycles in a second
    std::mutex mutex_;                  // of calibrate()
    Sample anchor_{0, 0};
    double rate_ = 0;
};

// One for the process.
StampClock& stamp_clock();

}  // namespace gcg
