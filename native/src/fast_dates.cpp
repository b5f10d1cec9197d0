// backtrader.utils.num2date for a line: the same operations on the same doubles. What is out of the ordinary goes to
// Backtrader's own.
#include "fast_dates.h"

#include <Python.h>
#include <datetime.h>

#include <cmath>

#include "fast_lines.h"

namespace gcg::python::fast {

namespace {

PyObject* g_stock_datetime = nullptr;  // LineBuffer.datetime

}  // namespace

PyObject* moment(double days) {
    std::int64_t us;
    if (!time_of_days(days, us)) return nullptr;
    const std::int64_t in_day = time_in_day(us);
    const Date date = date_of(day_of(us));
    return PyDateTime_FromDateAndTime(date.year, date.month, date.day, static_cast<int>(in_day / 3'600'000'000),
                                      static_cast<int>(in_day / 60'000'000 % 60),
                                      static_cast<int>(in_day / 1'000'000 % 60), static_cast<int>(in_day % 1'000'000));
}

Date date_of(long ordinal) {
    const long shifted = ordinal + 305;
    const long era = shifted / 146'097, day_of_era = shifted % 146'097;
    const long year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const long from_march = (5 * day_of_year + 2) / 153;
    const int month = static_cast<int>(from_march < 10 ? from_march + 3 : from_march - 9);
    return {static_cast<int>(year_of_era + 400 * era + (month <= 2)), month,
            static_cast<int>(day_of_year - (153 * from_march + 2) / 5 + 1)};
}

bool time_of_days(double days, std::int64_t& us) {
    if (!(days >= 1.0 && days < 3'652'059.0)) return false;
    const long day = static_cast<long>(days);
    double rest = 24.0 * (days - static_cast<double>(day));
    const double hour = std::floor(rest);
    rest = 60.0 * (rest - hour);
    const double minute = std::floor(rest);
    rest = 60.0 * (rest - minute);
    const double second = std::floor(rest);
    if (hour > 23 || minute > 59 || second > 59) return false;
    std::int64_t micros = static_cast<std::int64_t>(1e6 * (rest - second));
    if (micros < 10) micros = 0;
    if (micros > 999'990) micros = 1'000'000;  // a whole second that rounding has made a little less
    const std::int64_t seconds = 3600 * static_cast<std::int64_t>(hour) + 60 * static_cast<std::int64_t>(minute) +
                                 static_cast<std::int64_t>(second);
    us = (day - kEpochDay) * kDayUs + seconds * 1'000'000 + micros;
    return true;
}

bool setup_dates(PyObject* stock_datetime) {
    PyDateTime_IMPORT;
    Py_XSETREF(g_stock_datetime, Py_NewRef(stock_datetime));
    return PyDateTimeAPI != nullptr;
}

// line.datetime(ago=0, tz=None, naive=True)
PyObject* line_datetime(PyObject* self, PyObject* arguments, PyObject* keywords) {
    const Line* line = find(self);
    if (line && !keywords && PyTuple_GET_SIZE(arguments) <= 1) {
        Py_ssize_t ago = 0;
        bool plain = true;
        if (PyTuple_GET_SIZE(arguments) == 1) {
            PyObject* given = PyTuple_GET_ITEM(arguments, 0);
            int overflow = 0;
            plain = PyLong_CheckExact(given);
            if (plain) ago = PyLong_AsLongAndOverflow(given, &overflow);
            plain = plain && !overflow;
        }
        PyObject* zone = plain ? PyObject_GetAttrString(self, "_tz") : nullptr;
        if (plain && !zone) return nullptr;
        double days;
        const bool wanted = zone == Py_None && read(*line, ago, days);
        Py_XDECREF(zone);
        PyObject* found = wanted ? moment(days) : nullptr;
        if (found || PyErr_Occurred()) return found;
    }
    PyObject* bound = PyObject_CallMethod(g_stock_datetime, "__get__", "O", self);
    PyObject* result = bound ? PyObject_Call(bound, arguments, keywords) : nullptr;
    Py_XDECREF(bound);
    return result;
}

}  // namespace gcg::python::fast
