// The rows that wait until a live feed delivers them, and the newest of those that it has delivered.
#pragma once

#include <cstdint>
#include <vector>

#include "fast_lines.h"

namespace gcg::python::fast {

constexpr std::size_t kRowValues = 7;  // close, low, high, open, volume, openinterest, datetime

struct Row {
    double values[kRowValues];
    std::int64_t start_ns, end_ns;
    std::uint64_t id;  // of its event
};

struct Rows {
    PyObject_HEAD std::vector<Row>* all;  // delivered ones, then those that wait
    std::size_t at;                       // the first that waits
    std::size_t kept;                     // so many delivered ones are remembered
    bool flowing;                         // the feed delivers what waits, without a look at anything else

    [[nodiscard]] std::size_t waiting() const { return all->size() - at; }
};

PyTypeObject* rows_type();
// Write the next row, which there must be, into the lines of its values. False with an error set.
bool show_next(Rows& rows, const std::vector<Line*>& lines);

}  // namespace gcg::python::fast
