#include "gcg/bar_grid.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace gcg {

namespace {

void check_length(int64_t length_ns) {
    if (length_ns <= 0) throw std::invalid_argument("The length of a bar must be positive.");
}

[[noreturn]] void refuse(std::size_t row) {
    throw std::invalid_argument("Row " + std::to_string(row) + " of the bars' grid is empty or out of order.");
}

// The row that a moment would be in: the last that begins no later, -1 if there is none. Most often it is the one of
// the call before or the next.
template <typename Rows, typename FromOf>
std::ptrdiff_t row_at(const Rows& rows, int64_t ns, std::size_t hint, FromOf from_of) {
    for (std::size_t row = hint; row < rows.size() && row < hint + 2 && from_of(rows[row]) <= ns; ++row)
        if (row + 1 == rows.size() || ns < from_of(rows[row + 1])) return static_cast<std::ptrdiff_t>(row);
    const auto after = std::upper_bound(rows.begin(), rows.end(), ns,
                                        [&](int64_t moment, const auto& row) { return moment < from_of(row); });
    return after - rows.begin() - 1;
}

int64_t floor_modulo(int64_t value, int64_t length) {
    const int64_t rest = value % length;
    return rest < 0 ? rest + length : rest;
}

}  // namespace

BarGrid::BarGrid(int64_t length_ns, int64_t origin_ns) : length_ns_(length_ns), origin_ns_(origin_ns) {
    check_length(length_ns);
}

BarGrid::BarGrid(int64_t length_ns, const std::vector<BarSession>& sessions, bool across_breaks)
    : length_ns_(length_ns), kind_(Kind::sessions) {
    check_length(length_ns);
    int64_t traded = 0;
    std::size_t first = 0;  // of the trading day
    for (std::size_t row = 0; row < sessions.size(); ++row) {
        BarSession session = sessions[row];
        if (session.from_ns >= session.until_ns || session.open_ns >= session.close_ns) refuse(row);
        if (row > 0 && (session.from_ns <= sessions[row - 1].from_ns || session.open_ns < sessions[row - 1].close_ns))
            refuse(row);
        if (row + 1 < sessions.size()) session.until_ns = std::min(session.until_ns, sessions[row + 1].from_ns);
        if (row == 0 || session.trading_day != sessions[row - 1].trading_day) first = row;
        const int64_t length = session.close_ns - session.open_ns;
        const int64_t day_base = row == first ? traded : rows_[first].offset;
        rows_.push_back({session, traded, across_breaks ? day_base : traded, traded + length, day_base});
        traded += length;
        for (std::size_t before = first; across_breaks && before < row; ++before) rows_[before].top = traded;
    }
}

BarGrid::BarGrid(int64_t length_ns, std::vector<BarCell> cells)
    : length_ns_(length_ns), kind_(Kind::cells), cells_(std::move(cells)) {
    check_length(length_ns);
    for (std::size_t row = 0; row < cells_.size(); ++row) {
        BarCell& cell = cells_[row];
        if (cell.from_ns >= cell.until_ns || cell.start_ns >= cell.end_ns) refuse(row);
        if (row + 1 == cells_.size()) continue;
        if (cells_[row + 1].from_ns <= cell.from_ns) refuse(row + 1);
        cell.until_ns = std::min(cell.until_ns, cells_[row + 1].from_ns);
    }
}

bool BarGrid::find(int64_t ns, int64_t end_ns, std::size_t& hint, BarInterval& interval) const {
    const bool divided = kind_ == Kind::sessions;
    const auto count = static_cast<std::ptrdiff_t>(divided ? rows_.size() : cells_.size());
    auto row = divided ? row_at(rows_, ns, hint, [](const Row& one) { return one.session.from_ns; })
                       : row_at(cells_, ns, hint, [](const BarCell& one) { return one.from_ns; });
    const auto until_ns = [&](std::size_t at) { return divided ? rows_[at].session.until_ns : cells_[at].until_ns; };
    if (row < 0 || ns >= until_ns(static_cast<std::size_t>(row))) {
        const auto after = static_cast<std::size_t>(row + 1);
        if (end_ns <= 0 || row + 1 >= count) return false;
        if (end_ns <= (divided ? rows_[after].session.open_ns : cells_[after].open_ns)) return false;
        ++row;
    }
    hint = static_cast<std::size_t>(row);
    if (divided) {
        cut(ns, hint, interval);
    } else {
        const BarCell& cell = cells_[hint];
        interval = {cell.start_ns,  cell.end_ns,   cell.due_ns,
                    cell.from_ns,   cell.until_ns, static_cast<int32_t>(cell.trading_day),
                    cell.whole != 0};
    }
    return true;
}

void BarGrid::cut(int64_t ns, std::size_t row, BarInterval& interval) const {
    const Row& at = rows_[row];
    const BarSession& session = at.session;
    const int64_t traded = at.offset + std::clamp(ns, session.open_ns, session.close_ns - 1) - session.open_ns;
    const int64_t begin = traded - floor_modulo(traded - at.base, length_ns_);
    const int64_t end = length_ns_ > at.top - begin ? at.top : begin + length_ns_;
    std::size_t first = row, last = row;
    while (rows_[first].offset > begin) --first;
    while (last + 1 < rows_.size() && rows_[last + 1].offset < end) ++last;
    const BarSession& closing = rows_[last].session;
    interval.start_ns = rows_[first].session.open_ns + begin - rows_[first].offset;
    interval.end_ns = closing.open_ns + end - rows_[last].offset;
    interval.due_ns = interval.end_ns == closing.close_ns ? closing.until_ns : interval.end_ns;
    interval.trading_day = static_cast<int32_t>(session.trading_day);
    interval.whole = begin == at.day_base;
    // What comes before the opening is the first interval's, and what comes after the close the last one's.
    interval.from_ns = interval.start_ns <= session.open_ns ? session.from_ns : interval.start_ns;
    interval.until_ns = interval.end_ns >= session.close_ns ? session.until_ns : interval.end_ns;
}

}  // namespace gcg
