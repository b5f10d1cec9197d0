#include "gcg/wait.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#ifdef __linux__
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gcg {

static timespec to_timespec(int64_t ns) {
    return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

#ifdef __linux__

void WakeWord::wake_sleepers(uint32_t announced) {
    // W2: whoever makes it even wakes; a reader that is about to sleep finds another number and does not.
    if (word_.compare_exchange_strong(announced, announced + 1, std::memory_order_seq_cst, std::memory_order_relaxed))
        syscall(SYS_futex, &word_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool WakeWord::register_for_barriers() {
#ifdef __SANITIZE_THREAD__
    return false;  // ThreadSanitizer does not know of it
#else
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
#endif
}

bool WakeWord::send_barriers() {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool WakeWord::sleep(uint32_t announced, int64_t timeout_ns) {
    if (timeout_ns <= 0) return true;
    // At most 100 ms: a publisher killed between publishing and waking delays its readers by no more than that.
    // relaxed: written by this thread, or by another one of this process for the same reason
    const int64_t longest = blind_.load(std::memory_order_relaxed) ? 1'000'000 : 100'000'000;
    const timespec timeout = to_timespec(std::min(timeout_ns, longest));
    return syscall(SYS_futex, &word_, FUTEX_WAIT, announced, &timeout, nullptr, 0) == 0 || errno != EINTR;
}

#else  // no futex between processes: look every half millisecond

bool WakeWord::register_for_barriers() {
    return false;
}

bool WakeWord::send_barriers() {
    return true;  // everybody runs his own
}

void WakeWord::wake_sleepers(uint32_t announced) {
    // W2: nobody sleeps on it here.
    word_.compare_exchange_strong(announced, announced + 1, std::memory_order_seq_cst, std::memory_order_relaxed);
}

bool WakeWord::sleep(uint32_t, int64_t timeout_ns) {
    const timespec timeout = to_timespec(std::clamp<int64_t>(timeout_ns, 0, 500'000));
    return nanosleep(&timeout, nullptr) == 0;
}

#endif

void WakeWord::wake_all() {
    // W3: the count goes up first; a reader that looked at it before sleeps on the word, which changes next.
    count_.fetch_add(1, std::memory_order_seq_cst);
    wake_sleepers(word_.fetch_or(1, std::memory_order_seq_cst) | 1);
}

void Waiter::policy(WaitPolicy policy, double sleep_s) {
    policy_ = policy;
    sleep_ns_ = std::max<int64_t>(1'000, static_cast<int64_t>(sleep_s * 1e9));
    spin_ns_ = policy == WaitPolicy::adaptive ? 20'000 : 0;
}

bool Waiter::pause(int64_t deadline) {
    const timespec timeout = to_timespec(std::clamp<int64_t>(deadline - monotonic_ns(), 0, sleep_ns_));
    return nanosleep(&timeout, nullptr) == 0;
}

}  // namespace gcg
