// What Backtrader's feeds do when they are loaded bar by bar (feed.py), on the lines of a fast run. A filter that is no
// plain Resampler or Replayer is called as Backtrader does, and so is a `_load()` that is not known here.
#include <cmath>

#include "fast_sampling.h"

namespace gcg::python::fast {

namespace {

const double kNan = std::nan("");

PyObject* name_of(const char* text) {
    return PyUnicode_InternFromString(text);
}

bool set_item(PyObject* line, Py_ssize_t ago, PyObject* value) {
    PyObject* bars = PyLong_FromSsize_t(ago);
    const bool fine = bars && value && PyObject_SetItem(line, bars, value) == 0;
    Py_XDECREF(bars);
    return fine;
}

PyObject* line_object(const Feed& feed, Py_ssize_t at) {
    return PyTuple_GET_ITEM(feed.objects, at);
}

// `_fromstack()`: 1: a bar was written, 0: there is none, -1: an error.
int from_stack(Feed& feed, PyObject* name, bool with_forward = false) {
    static PyObject* const pop = name_of("popleft");
    PyObject* stack = PyObject_GetAttr(feed.data, name);
    if (!stack) return -1;
    const Py_ssize_t waiting = PyObject_Size(stack);
    if (waiting <= 0) {
        Py_DECREF(stack);
        return static_cast<int>(waiting);
    }
    bool fine = !with_forward || forward(feed);
    PyObject* bar = fine ? PyObject_CallMethodNoArgs(stack, pop) : nullptr;
    Py_DECREF(stack);
    PyObject* values = bar ? PySequence_Fast(bar, "a bar on the stack must be a list") : nullptr;
    Py_XDECREF(bar);
    fine = values != nullptr;
    for (Py_ssize_t at = 0; fine && at < feed.shown && at < PySequence_Fast_GET_SIZE(values); ++at) {
        PyObject* value = PySequence_Fast_GET_ITEM(values, at);
        fine = PyFloat_CheckExact(value) ? put_value(feed, at, 0, PyFloat_AS_DOUBLE(value))
                                         : set_item(line_object(feed, at), 0, value);
    }
    Py_XDECREF(values);
    return fine ? 1 : -1;
}

// --- the next bar of a source
// ---------------------------------------------------------------------------------------------------

// PandasData and EventDrivenDataFeed: their rows as columns. What comes behind the last row is their own matter.
PyObject* load_row(Feed& feed) {
    PyObject* counted = PyObject_GetAttr(feed.data, feed.position);
    if (!counted) return nullptr;
    Py_ssize_t row = PyLong_AsSsize_t(counted);
    Py_DECREF(counted);
    if (row == -1 && PyErr_Occurred()) return nullptr;
    row += feed.counts_before;
    const Py_ssize_t count = (*feed.buffers)[kTime].len / static_cast<Py_ssize_t>(sizeof(double));
    if (row < 0 || row >= count) return PyObject_CallNoArgs(feed.own_load);
    PyObject* after = PyLong_FromSsize_t(feed.counts_before ? row : row + 1);
    const bool counting = after && PyObject_SetAttr(feed.data, feed.position, after) == 0;
    Py_XDECREF(after);
    if (!counting) return nullptr;
    for (std::size_t at = 0; at < feed.buffers->size(); ++at) {
        const Py_buffer& column = (*feed.buffers)[at];
        if (column.buf && !put_value(feed, static_cast<Py_ssize_t>(at), 0, static_cast<const double*>(column.buf)[row]))
            return nullptr;
    }
    return Py_NewRef(Py_True);
}

// DataClone: what its source shows, once for each bar of the source.
PyObject* load_clone(Feed& feed) {
    static PyObject* const name = name_of("_dlen");
    PyObject* counted = PyObject_GetAttr(feed.data, name);
    if (!counted) return nullptr;
    const Py_ssize_t seen = PyLong_AsSsize_t(counted);
    Py_DECREF(counted);
    if (seen == -1 && PyErr_Occurred()) return nullptr;
    if (feed.source->front()->length() <= seen) return Py_NewRef(Py_False);
    PyObject* after = PyLong_FromSsize_t(seen + 1);
    const bool counting = after && PyObject_SetAttr(feed.data, name, after) == 0;
    Py_XDECREF(after);
    if (!counting) return nullptr;
    for (std::size_t at = 0; at < feed.lines->size() && at < feed.source->size(); ++at) {
        double value;
        if (!read(*(*feed.source)[at], 0, value)) {
            PyErr_SetString(PyExc_IndexError, "array index out of range");
            return nullptr;
        }
        if (!put_value(feed, static_cast<Py_ssize_t>(at), 0, value)) return nullptr;
    }
    return Py_NewRef(Py_True);
}

// --- filters
// --------------------------------------------------------------------------------------------------------------------

Sampler* sampler_of(Feed& feed, PyObject* filter) {
    for (Sampler& sampler : *feed.samplers)
        if (sampler.object == filter) return &sampler;
    return nullptr;
}

// filter(self, *args, **kwargs) for a row (filter, args, kwargs); of a check with `_forcedata`.
PyObject* call_filter(Feed& feed, PyObject* callable, PyObject* row, PyObject* forced) {
    PyObject* given = PySequence_Tuple(PyTuple_GET_ITEM(row, 1));
    PyObject* self = PyTuple_Pack(1, feed.data);
    PyObject* arguments = given && self ? PySequence_Concat(self, given) : nullptr;
    PyObject* keywords = arguments ? PyDict_Copy(PyTuple_GET_ITEM(row, 2)) : nullptr;
    bool fine = keywords != nullptr;
    if (fine && forced) fine = PyDict_SetItemString(keywords, "_forcedata", forced) == 0;
    PyObject* result = fine ? PyObject_Call(callable, arguments, keywords) : nullptr;
    Py_XDECREF(keywords);
    Py_XDECREF(arguments);
    Py_XDECREF(self);
    Py_XDECREF(given);
    return result;
}

// Whether the filter took the bar away: 1 or 0, -1 with an error set.
int apply(Feed& feed, PyObject* row) {
    PyObject* filter = PyTuple_GET_ITEM(row, 0);
    if (Sampler* sampler = sampler_of(feed, filter)) return sample(feed, *sampler);
    PyObject* result = call_filter(feed, filter, row, nullptr);
    const int taken = result ? PyObject_IsTrue(result) : -1;
    Py_XDECREF(result);
    return taken;
}

Py_ssize_t stacked(Feed& feed, PyObject* name) {
    PyObject* stack = PyObject_GetAttr(feed.data, name);
    const Py_ssize_t count = stack ? PyObject_Size(stack) : -1;
    Py_XDECREF(stack);
    return count;
}

int apply_all(Feed& feed, PyObject* stack) {
    PyObject* rows = filters_of(feed);
    if (!rows) return -1;
    int taken = 0;
    for (Py_ssize_t at = 0; !taken && at < PyList_GET_SIZE(rows); ++at) {
        PyObject* row = Py_NewRef(PyList_GET_ITEM(rows, at));
        Py_ssize_t waiting = stacked(feed, stack);  // an earlier filter may have put bars there
        if (waiting < 0) taken = -1;
        if (!waiting) taken = apply(feed, row);
        for (; waiting > 0 && taken >= 0; --waiting) {
            taken = from_stack(feed, stack, true);
            if (taken >= 0) taken = apply(feed, row);
        }
        Py_DECREF(row);
    }
    Py_DECREF(rows);
    return taken;
}

}  // namespace

bool forward(Feed& feed) {
    for (Line* line : *feed.lines) {
        ++line->offset;
        ++line->length_offset;
        if (!append(line->array, kNan)) return false;
    }
    return true;
}

void shift(Feed& feed, Py_ssize_t bars) {
    for (Line* line : *feed.lines) {
        line->offset += bars;
        line->length_offset += bars;
    }
}

PyObject* load_one(Feed& feed) {
    return feed.source ? load_clone(feed) : feed.position ? load_row(feed) : PyObject_CallNoArgs(feed.own_load);
}

PyObject* load_bar(Feed& feed) {
    static PyObject* const stack = name_of("_barstack");
    static PyObject* const stash = name_of("_barstash");
    for (;;) {
        if (!forward(feed)) return nullptr;
        int got = from_stack(feed, stack);
        if (got) return got > 0 ? Py_NewRef(Py_True) : nullptr;
        got = from_stack(feed, stash);
        if (got < 0) return nullptr;
        if (!got) {
            PyObject* loaded = load_one(feed);
            const int there = loaded ? PyObject_IsTrue(loaded) : -1;
            if (there == 0 && backwards(feed)) return loaded;
            Py_XDECREF(loaded);
            if (there != 1) return nullptr;
        }
        double now;
        if (!value_of(feed, kTime, 0, now)) return nullptr;
        if (now < feed.from) {
            if (!backwards(feed)) return nullptr;
            continue;
        }
        if (now > feed.to) return backwards(feed) ? Py_NewRef(Py_False) : nullptr;
        const int taken = apply_all(feed, stack);
        if (taken < 0) return nullptr;
        if (!taken) return Py_NewRef(Py_True);
    }
}

bool advance(Feed& feed) {
    static PyObject* const name = name_of("_dlen");
    if (feed.source) {
        PyObject* seen = PyObject_GetAttr(feed.data, name);
        PyObject* one = seen ? PyLong_FromLong(1) : nullptr;
        PyObject* after = one ? PyNumber_Add(seen, one) : nullptr;
        const bool fine = after && PyObject_SetAttr(feed.data, name, after) == 0;
        Py_XDECREF(after);
        Py_XDECREF(one);
        Py_XDECREF(seen);
        if (!fine) return false;
    }
    shift(feed, 1);
    return true;
}

bool time_of_feed(PyObject* data, double& days) {
    static PyObject* const name = name_of("datetime");
    PyObject* line = PyObject_GetAttr(data, name);
    PyObject* zero = line ? PyLong_FromLong(0) : nullptr;
    PyObject* value = zero ? PyObject_GetItem(line, zero) : nullptr;
    Py_XDECREF(zero);
    Py_XDECREF(line);
    if (!value) return false;
    days = PyFloat_AsDouble(value);
    Py_DECREF(value);
    return days != -1.0 || !PyErr_Occurred();
}

PyObject* filters_of(Feed& feed) {
    static PyObject* const name = name_of("_filters");
    PyObject* rows = PyObject_GetAttr(feed.data, name);
    if (!rows || PyList_Check(rows)) return rows;
    Py_DECREF(rows);
    PyErr_SetString(PyExc_TypeError, "the filters of a feed must be a list");
    return nullptr;
}

bool check_filter(Feed& feed, PyObject* row, PyObject* forced) {
    static PyObject* const name = name_of("check");
    PyObject* filter = PyTuple_GET_ITEM(row, 0);
    Sampler* sampler = sampler_of(feed, filter);
    if (sampler && !sampler->is_open()) return true;
    if (sampler && forced != Py_None && !sampler->replays) {
        double now;
        return time_of_feed(forced, now) && sample(feed, *sampler, &now) >= 0;
    }
    PyObject* check = PyObject_GetAttr(filter, name);
    if (!check) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return false;
        PyErr_Clear();
        return true;
    }
    PyObject* result = !sampler || sampler->write_back() ? call_filter(feed, check, row, forced) : nullptr;
    Py_DECREF(check);
    Py_XDECREF(result);
    return result && (!sampler || sampler->fetch());
}

bool value_of(Feed& feed, Py_ssize_t line, Py_ssize_t ago, double& value) {
    if (read(*(*feed.lines)[static_cast<std::size_t>(line)], ago, value)) return true;
    PyObject* bars = PyLong_FromSsize_t(ago);
    PyObject* found = bars ? PyObject_GetItem(line_object(feed, line), bars) : nullptr;
    Py_XDECREF(bars);
    if (!found) return false;
    value = PyFloat_AsDouble(found);
    Py_DECREF(found);
    return value != -1.0 || !PyErr_Occurred();
}

bool put_value(Feed& feed, Py_ssize_t at, Py_ssize_t ago, double value) {
    Line& line = *(*feed.lines)[static_cast<std::size_t>(at)];
    DoubleArray* doubles = as_doubles(line.array);
    const Py_ssize_t place = line.index() + ago;
    if (doubles && place >= 0 && place < Py_SIZE(doubles) && (!line.bindings || !PyList_GET_SIZE(line.bindings))) {
        doubles->items[place] = value;
        return true;
    }
    PyObject* number = PyFloat_FromDouble(value);
    const bool fine = set_item(line_object(feed, at), ago, number);
    Py_XDECREF(number);
    return fine;
}

bool backwards(Feed& feed) {
    for (Line* line : *feed.lines) {
        --line->offset;
        --line->length_offset;
        DoubleArray* doubles = as_doubles(line->array);
        if (doubles && Py_SIZE(doubles) > 0 && doubles->exports == 0) {
            Py_SET_SIZE(reinterpret_cast<PyVarObject*>(doubles), Py_SIZE(doubles) - 1);
            continue;
        }
        PyObject* gone = PyObject_CallMethod(line->array, "pop", nullptr);
        Py_XDECREF(gone);
        if (!gone) return false;
    }
    return true;
}

bool fill_ticks(Feed& feed) {
    for (auto& [name, line] : *feed.ticks) {
        double value;
        if (!value_of(feed, line, 0, value)) return false;
        PyObject* number = PyFloat_FromDouble(value);
        const bool fine = number && PyObject_SetAttr(feed.data, name, number) == 0;
        Py_XDECREF(number);
        if (!fine) return false;
    }
    return true;
}

bool add_to_stack(Feed& feed, const double* bar, Py_ssize_t count) {
    static PyObject* const name = name_of("_barstack");
    static PyObject* const append_name = name_of("append");
    PyObject* values = PyList_New(count);
    for (Py_ssize_t at = 0; values && at < count; ++at) {
        PyObject* value = PyFloat_FromDouble(bar[at]);
        if (value)
            PyList_SET_ITEM(values, at, value);
        else
            Py_CLEAR(values);
    }
    PyObject* stack = values ? PyObject_GetAttr(feed.data, name) : nullptr;
    PyObject* done = stack ? PyObject_CallMethodOneArg(stack, append_name, values) : nullptr;
    Py_XDECREF(done);
    Py_XDECREF(stack);
    Py_XDECREF(values);
    return done != nullptr;
}

}  // namespace gcg::python::fast
