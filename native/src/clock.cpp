#include "gcg/clock.h"

#include <algorithm>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gcg {

namespace {

constexpr int64_t kShortest = 20'000'000;      // ns between two samples that tell the rate
constexpr int64_t kAnchorAge = 1'000'000'000;  // ns after which the rate is measured anew
constexpr int64_t kStep = 1'000'000;           // ns: more than drift, so the wall clock was set
constexpr uint64_t kDisturbed = 20'000;        // cycles around a reading of the clock: something came between

// The counter runs at one rate in every state of the processor, and the kernel keeps time by it.
bool counter_is_a_clock() {
#if defined(__x86_64__)
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const bool invariant = __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & 1u << 8) != 0;
    std::string source;
    std::getline(std::ifstream("/sys/devices/system/clocksource/clocksource0/current_clocksource"), source);
    return invariant && source == "tsc";
#else
    return false;
#endif
}

}  // namespace

StampClock& stamp_clock() {
    static StampClock& clock = *new StampClock;  // never destroyed: a keeper may outlive the statics
    return clock;
}

bool StampClock::take(Sample& sample) {
    uint64_t shortest = kDisturbed;
    for (int attempt = 0; attempt < 4; ++attempt) {
        const uint64_t before = cycles();
        const int64_t ns = now_ns();
        const uint64_t taken = cycles() - before;
        if (taken >= shortest) continue;
        shortest = taken;
        sample = {before + taken / 2, ns};
    }
    return shortest < kDisturbed;
}

void StampClock::set(const Sample& base, double ns_per_cycle) {
    // relaxed: only the holder of the mutex writes the version
    const uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // V2: release, each: who sees one of the numbers sees the odd version before it.
    base_cycles_.store(base.cycles, std::memory_order_release);
    base_ns_.store(base.ns, std::memory_order_release);
    ns_per_cycle_.store(static_cast<uint64_t>(ns_per_cycle * (1 << kFraction)), std::memory_order_release);
    longest_.store(static_cast<uint64_t>(1e9 / ns_per_cycle), std::memory_order_relaxed);  // relaxed: hardly changes
    version_.store(version + 2, std::memory_order_release);                                // V0: pairs with V1 in now()
}

void StampClock::calibrate() {
    static const bool usable = counter_is_a_clock();
    if (!usable) return;
    std::unique_lock guard(mutex_, std::try_to_lock);
    Sample sample;
    if (!guard || !take(sample)) return;
    if (anchor_.cycles == 0 || sample.cycles <= anchor_.cycles) {
        anchor_ = sample;
        return;
    }
    const double passed = static_cast<double>(sample.cycles - anchor_.cycles);
    const double expected = static_cast<double>(anchor_.ns) + passed * rate_;
    const bool stepped = rate_ > 0 && (static_cast<double>(sample.ns) > expected + kStep ||
                                       static_cast<double>(sample.ns) < expected - kStep);
    if (stepped) {
        anchor_ = sample;  // the rate stays
    } else if (sample.ns - anchor_.ns >= kShortest) {
        rate_ = static_cast<double>(sample.ns - anchor_.ns) / passed;
        if (sample.ns - anchor_.ns >= kAnchorAge) anchor_ = sample;
    }
    if (rate_ > 0) set(sample, rate_);
}

namespace {
const uint64_t kLoadedAtCycles = cycles();
const int64_t kLoadedAtNs = monotonic_ns();
}  // namespace

double cycles_to_ns(uint64_t count) {
    const double passed = static_cast<double>(cycles() - kLoadedAtCycles);
    return static_cast<double>(count) * static_cast<double>(monotonic_ns() - kLoadedAtNs) / std::max(passed, 1.0);
}

}  // namespace gcg
