#include "gcg/fill_marks.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace gcg {

FillMarks::FillMarks(std::vector<int64_t> horizons_ns) : horizons_ns_(std::move(horizons_ns)) {
    for (const int64_t horizon : horizons_ns_)
        if (horizon < 0)
            throw std::invalid_argument("a horizon must be 0 ns or more, found " + std::to_string(horizon));
}

void FillMarks::on_fill(std::size_t row, uint32_t instrument, int64_t event_ns) {
    const std::size_t count = horizons_ns_.size();
    if (count == 0) return;
    if (marks_.size() < (row + 1) * count) marks_.resize((row + 1) * count, std::numeric_limits<double>::quiet_NaN());
    if (instrument >= queues_.size()) {
        queues_.resize(std::size_t{instrument} + 1);
        due_ns_.resize(std::size_t{instrument} + 1, kNever);
    }
    std::vector<std::deque<Mark>>& queues = queues_[instrument];
    queues.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const int64_t due_ns = event_ns > kNever - horizons_ns_[i] ? kNever : event_ns + horizons_ns_[i];
        queues[i].push_back({due_ns, row * count + i});
        due_ns_[instrument] = std::min(due_ns_[instrument], due_ns);
    }
    pending_ += count;
}

void FillMarks::settle(uint32_t instrument, int64_t event_ns, double mid) {
    int64_t next = kNever;
    for (std::deque<Mark>& queue : queues_[instrument]) {
        while (!queue.empty() && queue.front().due_ns < event_ns) {
            marks_[queue.front().place] = mid;
            queue.pop_front();
            --pending_;
        }
        if (!queue.empty()) next = std::min(next, queue.front().due_ns);
    }
    due_ns_[instrument] = next;
}

void FillMarks::finish(uint32_t instrument, int64_t end_ns, double mid) {
    if (instrument < queues_.size() && end_ns < kNever) settle(instrument, end_ns + 1, mid);
}

}  // namespace gcg
