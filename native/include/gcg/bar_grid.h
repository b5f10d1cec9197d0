// Which interval of a period a moment belongs to, as gcg_quant/bar_grid.py has it. No calendar is known here: sessions
// and trading days come as rows, made by `BarGrid.native` in Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gcg {

// One interval. `due_ns` is when its last prices have come; `whole` says that a day's total so far was traded in it.
// What happens from `from_ns` until before `until_ns` belongs to it; that is the part around the moment asked for.
struct BarInterval {
    int64_t start_ns = 0, end_ns = 0, due_ns = 0;
    int64_t from_ns = 0, until_ns = 0;
    int32_t trading_day = 0;
    bool whole = false;
};

// A session to be divided: its hours, and from when until when prices belong to it (its auctions, what comes late).
struct BarSession {
    int64_t from_ns, until_ns, open_ns, close_ns;
    int64_t trading_day;
};

// An interval given ready: what happens from `from_ns` until before `until_ns` belongs to it. A bar that begins outside
// of all cells and ends after `open_ns` belongs to it, too. Neighbours with the same start are one interval.
struct BarCell {
    int64_t from_ns, until_ns, open_ns;
    int64_t start_ns, end_ns, due_ns;
    int64_t trading_day, whole;
};

// The intervals of one period; later moments are never in earlier ones. Any thread may ask.
class BarGrid {
 public:
    // By the clock: intervals begin at multiples of the length, counted from `origin_ns`.
    explicit BarGrid(int64_t length_ns, int64_t origin_ns = 0);
    // Within sessions, in their order: counted from each opening anew, or (`across_breaks`) in the time in which the
    // day's sessions are open. All sessions of a trading day must be there. Moments outside belong to none.
    BarGrid(int64_t length_ns, const std::vector<BarSession>& sessions, bool across_breaks);
    // Given ready, in order of time: days and weeks. Moments outside belong to none.
    BarGrid(int64_t length_ns, std::vector<BarCell> cells);
    // They throw std::invalid_argument if the length is not positive, or if rows overlap or are not in order.

    // Find the interval of a moment, or of a bar that begins then (`end_ns` > 0: its end); false if it belongs to none.
    // `hint` is any number, best that of the call before.
    [[nodiscard]] bool at(int64_t ns, int64_t end_ns, std::size_t& hint, BarInterval& interval) const {
        if (kind_ != Kind::clock) return find(ns, end_ns, hint, interval);
        int64_t into = (ns - origin_ns_) % length_ns_;
        if (into < 0) into += length_ns_;
        const int64_t start = ns - into, end = start + length_ns_;
        interval = {start, end, end, start, end, 0, false};
        return true;
    }
    [[nodiscard]] int64_t length_ns() const { return length_ns_; }

 private:
    enum class Kind : uint8_t { clock, sessions, cells };
    // A session, and what was open before it, in ns since the first one: where it begins in that count, and where what
    // is divided begins and ends (the session, or all of its trading day).
    struct Row {
        BarSession session;
        int64_t offset, base, top, day_base;
    };

    bool find(int64_t ns, int64_t end_ns, std::size_t& hint, BarInterval& interval) const;
    void cut(int64_t ns, std::size_t row, BarInterval& interval) const;

    int64_t length_ns_;
    int64_t origin_ns_ = 0;
    Kind kind_ = Kind::clock;
    std::vector<Row> rows_;
    std::vector<BarCell> cells_;
};

}  // namespace gcg
