// How writers call the keeper's thread before its next turn.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace gcg {

// Thread-safe.
class Nudge {
 public:
    void call() {
        {
            std::lock_guard guard(mutex_);
            called_ = true;
        }
        changed_.notify_all();
    }
    // Sleep until somebody calls, `stop` was given, or the time is over; returns whether to go on.
    template <typename Duration>
    bool sleep(Duration time) {
        std::unique_lock guard(mutex_);
        changed_.wait_for(guard, time, [this] { return called_ || stopped_; });
        called_ = false;
        return !stopped_;
    }
    void stop() {
        {
            std::lock_guard guard(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool called_ = false;
    bool stopped_ = false;
};

}  // namespace gcg
