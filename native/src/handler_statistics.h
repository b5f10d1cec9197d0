// What the handlers of one reader have done, and how long it took them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gcg::python {

// The upper bounds of the classes that calls are counted in, in nanoseconds; one more class has those that took longer.
inline constexpr std::array<int64_t, 22> kHandlerBoundsNs = {
    1'000,       2'500,       5'000,         10'000,        25'000,        50'000,        100'000,    250'000,
    500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,    50'000'000, 100'000'000,
    250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

// Written by the reader's thread, read by others under the interpreter's lock.
struct HandlerStatistics {
    uint64_t handled = 0;
    uint64_t errors = 0;
    uint64_t spent = 0;       // cycles; reading the events is part of it
    uint64_t longest = 0;     // cycles
    uint64_t busy_since = 0;  // cycles; 0: no handler is running
    uint64_t mark = 0;        // cycles: when it was timed last, or the last wait ended
    uint64_t untimed = 0;     // calls since then
    uint64_t timed_together = 1;
    std::array<uint64_t, kHandlerBoundsNs.size() + 1>
        calls{};                           // by the time they took; those that are untimed are in none
    int64_t spent_ns = 0, longest_ns = 0;  // as they were told last

    // Add the calls since `mark`.
    void time();
    // Bring `spent_ns` and `longest_ns` up to date; they never fall, though the counter's rate is measured ever better.
    void tell();

 private:
    void count(uint64_t taken, uint64_t calls);
};

}  // namespace gcg::python
