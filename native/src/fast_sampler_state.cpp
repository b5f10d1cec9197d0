// The state of a Sampler, out of the attributes of a Resampler or Replayer and back into them.
#include <Python.h>
#include <datetime.h>

#include "fast_sampling.h"

namespace gcg::python::fast {

namespace {

const char* const kNames[kColumns] = {"close", "low", "high", "open", "volume", "openinterest", "datetime"};

std::int64_t time_of_datetime(PyObject* moment) {
    static PyObject* const name = PyUnicode_InternFromString("toordinal");
    PyObject* ordinal = PyObject_CallMethodNoArgs(moment, name);
    if (!ordinal) return -1;
    const long day = PyLong_AsLong(ordinal);
    Py_DECREF(ordinal);
    const std::int64_t seconds = PyDateTime_DATE_GET_HOUR(moment) * 3600 + PyDateTime_DATE_GET_MINUTE(moment) * 60 +
                                 PyDateTime_DATE_GET_SECOND(moment);
    return (day - kEpochDay) * kDayUs + seconds * 1'000'000 + PyDateTime_DATE_GET_MICROSECOND(moment);
}

PyObject* datetime_of_time(std::int64_t us) {
    const Date date = date_of(day_of(us));
    const std::int64_t rest = time_in_day(us);
    return PyDateTime_FromDateAndTime(date.year, date.month, date.day, static_cast<int>(rest / 3'600'000'000),
                                      static_cast<int>(rest / 60'000'000 % 60), static_cast<int>(rest / 1'000'000 % 60),
                                      static_cast<int>(rest % 1'000'000));
}

// An attribute that may be missing: 1 and a new reference, 0, or -1 with an error set.
int attribute(PyObject* object, const char* name, PyObject*& value) {
    value = PyObject_GetAttrString(object, name);
    if (value) return 1;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Clear();
    return 0;
}

bool fetch_time(PyObject* object, const char* name, std::int64_t& us, bool& known) {
    PyObject* value;
    const int found = attribute(object, name, value);
    known = found == 1 && value != Py_None;
    if (known) us = time_of_datetime(value);
    Py_XDECREF(value);
    return found >= 0 && !PyErr_Occurred();
}

bool fetch_days(PyObject* object, const char* name, double& days, bool& known) {
    PyObject* value;
    const int found = attribute(object, name, value);
    known = found == 1;
    if (known) days = PyFloat_AsDouble(value);
    Py_XDECREF(value);
    return found >= 0 && !PyErr_Occurred();
}

bool store_object(PyObject* object, const char* name, PyObject* value) {
    const bool fine = value && PyObject_SetAttrString(object, name, value) == 0;
    Py_XDECREF(value);
    return fine;
}

}  // namespace

bool time_of(double days, std::int64_t& us) {
    if (time_of_days(days, us)) return true;
    PyObject* module = PyImport_ImportModule("backtrader.utils.date");
    PyObject* moment = module ? PyObject_CallMethod(module, "num2date", "d", days) : nullptr;
    Py_XDECREF(module);
    if (!moment) return false;
    us = time_of_datetime(moment);
    Py_DECREF(moment);
    return !PyErr_Occurred();
}

bool Sampler::fetch() {
    PyDateTime_IMPORT;
    PyObject* held = PyObject_GetAttrString(object, "bar");
    for (int at = 0; held && at < kColumns; ++at) {
        PyObject* value = PyMapping_GetItemString(held, kNames[at]);
        bar[at] = value ? PyFloat_AsDouble(value) : 0.0;
        Py_XDECREF(value);
        if (PyErr_Occurred()) break;
    }
    Py_XDECREF(held);
    PyObject* made = PyErr_Occurred() ? nullptr : PyObject_GetAttrString(object, "compcount");
    count = made ? PyLong_AsLongLong(made) : 0;
    Py_XDECREF(made);
    PyObject* first = PyErr_Occurred() ? nullptr : PyObject_GetAttrString(object, "_firstbar");
    first_bar = first && PyObject_IsTrue(first) == 1;
    Py_XDECREF(first);
    return !PyErr_Occurred() && fetch_time(object, "_nexteos", next_end, next_end_set) &&
           fetch_days(object, "_nextdteos", next_days, next_days_known) &&
           fetch_time(object, "_lasteos", last_end, last_end_known) &&
           fetch_days(object, "_lastdteos", last_days, last_days_known);
}

bool Sampler::write_back() {
    PyObject* held = PyObject_GetAttrString(object, "bar");
    bool fine = held != nullptr;
    for (int at = 0; fine && at < kColumns; ++at) {
        PyObject* value = PyFloat_FromDouble(bar[at]);
        fine = value && PyMapping_SetItemString(held, kNames[at], value) == 0;
        Py_XDECREF(value);
    }
    Py_XDECREF(held);
    return fine && store_object(object, "compcount", PyLong_FromLongLong(count)) &&
           store_object(object, "_firstbar", PyBool_FromLong(first_bar)) &&
           store_object(object, "_nexteos", next_end_set ? datetime_of_time(next_end) : Py_NewRef(Py_None)) &&
           (!next_days_known || store_object(object, "_nextdteos", PyFloat_FromDouble(next_days))) &&
           (!last_end_known || store_object(object, "_lasteos", datetime_of_time(last_end))) &&
           (!last_days_known || store_object(object, "_lastdteos", PyFloat_FromDouble(last_days)));
}

}  // namespace gcg::python::fast
