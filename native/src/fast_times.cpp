// Times as Backtrader's float days, for a whole column at once.
#include "fast_dates.h"
#include "fast_lines.h"

namespace gcg::python::fast {

namespace {

#if __LDBL_MANT_DIG__ >= 113
using Wide = long double;
#else
__extension__ typedef __float128 Wide;
#endif

}  // namespace

// backtrader.utils.date2num adds the day, and the fractions of a day that hours, minutes, seconds and microseconds are,
// with math.fsum: rounded once. The exact sum has at most 112 bits (the day has 22 before the point, the smallest
// fraction's last is 2^-89 at the least), which 113 bits hold; so adding there and rounding at the end is the same.
double slow_sum(const double (&terms)[5]) {
    Wide sum = terms[0];
    for (int i = 1; i < 5; ++i) sum += terms[i];
    return static_cast<double>(sum);
}

// That takes 130 ns where 113 bits are software. In doubles: add, and keep what each addition has lost (Knuth's TwoSum,
// exact). The losses are added with an error below `doubt`; where that cannot change the last rounding, the result is
// the same.
double days_of_time(std::int64_t us) {
    const std::int64_t day = day_of(us), rest = time_in_day(us);
    const std::int64_t hour = rest / 3'600'000'000, minute = rest / 60'000'000 % 60, second = rest / 1'000'000 % 60;
    const double terms[5] = {static_cast<double>(day), static_cast<double>(hour) / 24.0,
                             static_cast<double>(minute) / 1440.0, static_cast<double>(second) / 86400.0,
                             static_cast<double>(rest % 1'000'000) / 86400e6};
    double sum = terms[0], lost = 0.0, size = 0.0;
    for (int i = 1; i < 5; ++i) {
        const double next = sum + terms[i], part = next - sum;
        const double error = (sum - (next - part)) + (terms[i] - part);
        sum = next;
        lost += error;
        size += error < 0 ? -error : error;
    }
    const double doubt = size * 0x1p-48, low = sum + (lost - doubt), high = sum + (lost + doubt);
    return low == high ? low : slow_sum(terms);
}

// fast_days(times, out): `times` int64 microseconds since 1970 UTC, `out` writable doubles of the same count.
PyObject* days_of_times(PyObject*, PyObject* arguments) {
    Py_buffer times, out;
    if (!PyArg_ParseTuple(arguments, "y*w*", &times, &out)) return nullptr;
    const bool fits = times.len == out.len && times.len % 8 == 0;
    if (fits) {
        const auto* from = static_cast<const std::int64_t*>(times.buf);
        auto* to = static_cast<double*>(out.buf);
        for (Py_ssize_t i = 0; i < times.len / 8; ++i) to[i] = days_of_time(from[i]);
    } else {
        PyErr_SetString(PyExc_ValueError, "fast_days() needs two buffers of as many 8-byte values.");
    }
    PyBuffer_Release(&times);
    PyBuffer_Release(&out);
    if (!fits) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
