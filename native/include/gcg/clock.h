// The journal's clock.
#pragma once

#include <time.h>

#include <cstdint>

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

}  // namespace gcg
