#include "handler_statistics.h"

#include <algorithm>
#include <utility>

#include "gcg/clock.h"

namespace gcg::python {

namespace {

constexpr uint64_t kQuick = 16;  // calls of quick handlers that are timed together
constexpr uint64_t kQuickCycles = 4'000;

// kHandlerBoundsNs in cycles. Made at the first call: the module has been loaded for long enough to know the rate.
const auto& bounds_in_cycles() {
    static const auto bounds = [] {
        constexpr uint64_t kMany = 1'000'000'000;
        const double per_ns = static_cast<double>(kMany) / cycles_to_ns(kMany);
        std::array<uint64_t, kHandlerBoundsNs.size()> made{};
        std::transform(kHandlerBoundsNs.begin(), kHandlerBoundsNs.end(), made.begin(),
                       [per_ns](int64_t ns) { return static_cast<uint64_t>(static_cast<double>(ns) * per_ns); });
        return made;
    }();
    return bounds;
}

}  // namespace

void HandlerStatistics::count(uint64_t taken, uint64_t calls_) {
    const auto& bounds = bounds_in_cycles();
    const auto found = std::lower_bound(bounds.begin(), bounds.end(), taken);
    calls[static_cast<std::size_t>(found - bounds.begin())] += calls_;
}

// Looking at the counter takes as long as a small handler: calls that take less than 2 us or so are timed together.
// What is over their mean is the longest one's; as long as that is little, they are counted as equally long.
void HandlerStatistics::time() {
    const uint64_t now = cycles();
    const uint64_t taken = now - std::exchange(mark, now);
    const uint64_t new_calls = std::exchange(untimed, 0);
    if (new_calls == 0) return;
    const uint64_t mean = spent / std::max<uint64_t>(handled - new_calls, 1);
    const uint64_t others = std::min(taken, (new_calls - 1) * mean);
    longest = std::max(longest, std::max(taken - others, taken / new_calls));
    if (new_calls == 1 || taken < 2 * new_calls * mean) {
        count(taken / new_calls, new_calls);
    } else {
        count(mean, new_calls - 1);
        count(taken - others, 1);
    }
    spent += taken;
    timed_together = taken / new_calls < kQuickCycles ? kQuick : 1;
}

void HandlerStatistics::tell() {
    spent_ns = std::max(spent_ns, static_cast<int64_t>(cycles_to_ns(spent)));
    longest_ns = std::max(longest_ns, static_cast<int64_t>(cycles_to_ns(longest)));
}

}  // namespace gcg::python
