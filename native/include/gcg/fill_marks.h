// Where the market went after each fill: the mid price a while later, for the measures that market makers look at.
//
// A mark at time T is the last mid at or before T. Marks wait in a queue for each instrument and horizon; as fills come
// in order of time, the first of a queue is the next due. A market event costs one comparison while none is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

namespace gcg {

class FillMarks {
 public:
    // Throws std::invalid_argument if a horizon is below 0.
    explicit FillMarks(std::vector<int64_t> horizons_ns);

    // A fill, in order of time; rows are numbered from 0 by the caller.
    void on_fill(std::size_t row, uint32_t instrument, int64_t event_ns);
    // Whether marks of an instrument are due before `event_ns`: then on_mid() wants to be told.
    [[nodiscard]] bool is_due(uint32_t instrument, int64_t event_ns) const {
        return instrument < due_ns_.size() && due_ns_[instrument] < event_ns;
    }
    // Before an instrument's market event: `mid` is the price that held until then, NaN if there was none.
    void on_mid(uint32_t instrument, int64_t event_ns, double mid) {
        if (is_due(instrument, event_ns)) settle(instrument, event_ns, mid);
    }
    // The data ends at `end_ns` with this mid of an instrument: marks due by then take it, later ones stay NaN.
    void finish(uint32_t instrument, int64_t end_ns, double mid);

    [[nodiscard]] const std::vector<int64_t>& horizons_ns() const { return horizons_ns_; }
    [[nodiscard]] std::size_t rows() const { return horizons_ns_.empty() ? 0 : marks_.size() / horizons_ns_.size(); }
    // A row's marks, one for each horizon; NaN while it is not known. Valid until the next fill.
    [[nodiscard]] const double* row(std::size_t row) const { return marks_.data() + row * horizons_ns_.size(); }
    [[nodiscard]] std::size_t pending() const { return pending_; }

 private:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
    struct Mark {
        int64_t due_ns;
        std::size_t place;  // in marks_
    };
    void settle(uint32_t instrument, int64_t event_ns, double mid);

    std::vector<int64_t> horizons_ns_;
    std::vector<int64_t> due_ns_;                        // by instrument: the earliest mark that waits
    std::vector<std::vector<std::deque<Mark>>> queues_;  // by instrument and horizon; in order of time
    std::vector<double> marks_;                          // row by row
    std::size_t pending_ = 0;
};

}  // namespace gcg
