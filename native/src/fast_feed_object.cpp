// FastFeed: the Python object whose methods stand in for a feed's own during a fast run.
#include <algorithm>
#include <cstring>

#include "fast_sampling.h"

namespace gcg::python::fast {

namespace {

Feed& feed_of(PyObject* self) {
    return *reinterpret_cast<Feed*>(self);
}

Py_ssize_t size_of(const Line& line) {
    const DoubleArray* doubles = as_doubles(line.array);
    return doubles ? Py_SIZE(doubles) : PyObject_Size(line.array);
}

// --- the methods of a feed
// ------------------------------------------------------------------------------------------------------

// next(datamaster=None, ticks=True)
PyObject* feed_next(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"datamaster", "ticks", nullptr};
    PyObject* master = Py_None;
    int ticks = 1;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|Op", const_cast<char**>(names), &master, &ticks))
        return nullptr;
    Feed& feed = feed_of(self);
    if (ticks) return PyObject_CallMethod(feed.stock, "next", "OOO", feed.data, master, Py_True);
    const Line& first = *feed.lines->front();
    const Py_ssize_t loaded = size_of(first);
    if (loaded < 0) return nullptr;
    if (first.length() >= loaded) {
        PyObject* result = load_bar(feed);
        const int there = result ? PyObject_IsTrue(result) : -1;
        if (there != 1 || master == Py_None) return result;
        Py_DECREF(result);
    } else if (!advance(feed)) {
        return nullptr;
    }
    if (master == Py_None) Py_RETURN_TRUE;
    double now, limit;
    if (!value_of(feed, kTime, 0, now) || !time_of_feed(master, limit)) return nullptr;
    if (now <= limit || now != now || limit != limit) Py_RETURN_TRUE;
    shift(feed, -1);
    Py_RETURN_FALSE;
}

PyObject* feed_load(PyObject* self, PyObject*) {
    return load_bar(feed_of(self));
}

PyObject* feed_load_one(PyObject* self, PyObject*) {
    return load_one(feed_of(self));
}

// _check(forcedata=None)
PyObject* feed_check(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"forcedata", nullptr};
    PyObject* forced = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O", const_cast<char**>(names), &forced)) return nullptr;
    Feed& feed = feed_of(self);
    PyObject* rows = filters_of(feed);
    if (!rows) return nullptr;
    bool fine = true;
    for (Py_ssize_t at = 0; fine && at < PyList_GET_SIZE(rows); ++at) {
        PyObject* row = Py_NewRef(PyList_GET_ITEM(rows, at));
        fine = check_filter(feed, row, forced);
        Py_DECREF(row);
    }
    Py_DECREF(rows);
    if (!fine) return nullptr;
    Py_RETURN_NONE;
}

bool store_all(Feed& feed) {
    for (Sampler& sampler : *feed.samplers)
        if (!sampler.write_back()) return false;
    return true;
}

PyObject* feed_store(PyObject* self, PyObject*) {
    if (!store_all(feed_of(self))) return nullptr;
    Py_RETURN_NONE;
}

// _last(datamaster=None): the filters' last words, once or twice in a run.
PyObject* feed_last(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"datamaster", nullptr};
    PyObject* master = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O", const_cast<char**>(names), &master)) return nullptr;
    Feed& feed = feed_of(self);
    PyObject* result = store_all(feed) ? PyObject_CallMethod(feed.stock, "_last", "OO", feed.data, master) : nullptr;
    for (Sampler& sampler : *feed.samplers)
        if (result && !sampler.fetch()) Py_CLEAR(result);
    return result;
}

// _tick_fill(force=False)
PyObject* feed_tick_fill(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"force", nullptr};
    int force = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|p", const_cast<char**>(names), &force)) return nullptr;
    Feed& feed = feed_of(self);
    if (!force) return PyObject_CallMethod(feed.stock, "_tick_fill", "O", feed.data);
    if (!fill_ticks(feed)) return nullptr;
    Py_RETURN_NONE;
}

PyObject* feed_forward(PyObject* self, PyObject* arguments, PyObject* keywords) {
    Feed& feed = feed_of(self);
    if (PyTuple_GET_SIZE(arguments) || keywords) {
        PyObject* method = PyObject_GetAttrString(feed.stock, "forward");
        PyObject* first = PyTuple_Pack(1, feed.data);
        PyObject* all = method && first ? PySequence_Concat(first, arguments) : nullptr;
        PyObject* result = all ? PyObject_Call(method, all, keywords) : nullptr;
        Py_XDECREF(all);
        Py_XDECREF(first);
        Py_XDECREF(method);
        return result;
    }
    if (!forward(feed)) return nullptr;
    Py_RETURN_NONE;
}

bool moving(PyObject* arguments, PyObject* keywords, const char* const* names, Py_ssize_t& size) {
    PyObject* force = nullptr;  // means something to buffers that forget only
    return PyArg_ParseTupleAndKeywords(arguments, keywords, names[1] ? "|nO" : "|n", const_cast<char**>(names), &size,
                                       &force);
}

// backwards(size=1, force=False)
PyObject* feed_backwards(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"size", "force", nullptr};
    Py_ssize_t size = 1;
    if (!moving(arguments, keywords, names, size)) return nullptr;
    for (; size > 0; --size)
        if (!backwards(feed_of(self))) return nullptr;
    shift(feed_of(self), size < 0 ? -size : 0);
    Py_RETURN_NONE;
}

// rewind(size=1)
PyObject* feed_rewind(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"size", nullptr};
    Py_ssize_t size = 1;
    if (!moving(arguments, keywords, names, size)) return nullptr;
    shift(feed_of(self), -size);
    Py_RETURN_NONE;
}

// --- the object
// -----------------------------------------------------------------------------------------------------------------

bool find_lines(PyObject* objects, std::vector<Line*>& lines) {
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(objects); ++at) {
        Line* line = find(PyTuple_GET_ITEM(objects, at));
        if (!line || line->first) {
            PyErr_SetString(PyExc_RuntimeError, "A fast feed needs lines that were attached.");
            return false;
        }
        lines.push_back(line);
    }
    return true;
}

bool read_samplers(PyObject* rows, std::vector<Sampler>& samplers) {
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(rows); ++at) {
        Sampler one{};
        long long compression, offset;
        int flags[8];
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(rows, at), "OiLLpppppppp", &one.object, &one.timeframe, &compression,
                              &offset, &flags[0], &flags[1], &flags[2], &flags[3], &flags[4], &flags[5], &flags[6],
                              &flags[7]))
            return false;
        one.compression = compression;
        one.offset = offset;
        bool* const wanted[] = {&one.replays, &one.to_edge,    &one.right_edge,  &one.take_late,
                                &one.adjusts, &one.below_days, &one.below_weeks, &one.counts_only};
        for (int flag = 0; flag < 8; ++flag) *wanted[flag] = flags[flag] != 0;
        if (!one.fetch()) return false;
        Py_INCREF(one.object);
        samplers.push_back(one);
    }
    return true;
}

bool read_ticks(PyObject* rows, Feed& feed) {
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(rows); ++at) {
        PyObject* name;
        Py_ssize_t line;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(rows, at), "Un", &name, &line)) return false;
        if (line < 0 || line >= static_cast<Py_ssize_t>(feed.lines->size())) {
            PyErr_SetString(PyExc_ValueError, "A fast feed has no such line.");
            return false;
        }
        feed.ticks->emplace_back(Py_NewRef(name), line);
    }
    return true;
}

bool read_columns(PyObject* columns, Feed& feed) {
    const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(columns));
    if (count != feed.lines->size()) {
        PyErr_SetString(PyExc_ValueError, "A fast feed needs a column for each of its lines.");
        return false;
    }
    for (std::size_t at = 0; at < count; ++at) {
        PyObject* column = PyTuple_GET_ITEM(columns, static_cast<Py_ssize_t>(at));
        Py_buffer buffer{};
        if (column != Py_None && PyObject_GetBuffer(column, &buffer, PyBUF_FORMAT) < 0) return false;
        feed.buffers->push_back(buffer);
        if (buffer.buf && (!buffer.format || std::strcmp(buffer.format, "d") != 0)) {
            PyErr_SetString(PyExc_TypeError, "The columns of a fast feed must be of doubles.");
            return false;
        }
    }
    const Py_buffer& times = (*feed.buffers)[kTime];
    bool fits = times.buf != nullptr;
    for (const Py_buffer& one : *feed.buffers) fits = fits && (!one.buf || one.len == times.len);
    if (!fits) PyErr_SetString(PyExc_ValueError, "A fast feed needs times, and columns of one length.");
    return fits;
}

void free_feed(PyObject* self) {
    Feed& feed = feed_of(self);
    if (feed.samplers)
        for (Sampler& sampler : *feed.samplers) Py_DECREF(sampler.object);
    if (feed.ticks)
        for (auto& [name, line] : *feed.ticks) Py_DECREF(name);
    if (feed.buffers)
        for (Py_buffer& buffer : *feed.buffers) PyBuffer_Release(&buffer);
    delete feed.lines;
    delete feed.source;
    delete feed.buffers;
    delete feed.ticks;
    delete feed.samplers;
    for (PyObject* owned : {feed.data, feed.stock, feed.objects, feed.own_load, feed.columns, feed.position})
        Py_XDECREF(owned);
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

// FastFeed(data, stock, lines, shown, ticks, samplers, root, (from, to), source). `root`: (its first line, its datetime
// line, microseconds from midnight to the end of its session). `source`: None, the lines of a clone's source, or (name,
// counts before, a buffer of doubles or None for each line).
PyObject* new_feed(PyTypeObject* type, PyObject* arguments, PyObject*) {
    PyObject *data, *stock, *lines, *ticks, *samplers, *root_length, *root_time, *source, *position = nullptr,
                                                                                          *columns = nullptr;
    Py_ssize_t shown;
    long long session_end;
    double from, to;
    int counts_before = 0;
    if (!PyArg_ParseTuple(arguments, "OOO!nO!O!(OOL)(dd)O", &data, &stock, &PyTuple_Type, &lines, &shown, &PyTuple_Type,
                          &ticks, &PyTuple_Type, &samplers, &root_length, &root_time, &session_end, &from, &to,
                          &source))
        return nullptr;
    const bool cloned = PyTuple_Check(source) && PyTuple_GET_SIZE(source) && find(PyTuple_GET_ITEM(source, 0));
    if (!cloned && source != Py_None &&
        !PyArg_ParseTuple(source, "UpO!", &position, &counts_before, &PyTuple_Type, &columns))
        return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    Feed& feed = feed_of(self);
    feed.data = Py_NewRef(data);
    feed.stock = Py_NewRef(stock);
    feed.objects = Py_NewRef(lines);
    feed.position = Py_XNewRef(position);
    feed.lines = new std::vector<Line*>;
    feed.buffers = new std::vector<Py_buffer>;
    feed.ticks = new std::vector<std::pair<PyObject*, Py_ssize_t>>;
    feed.samplers = new std::vector<Sampler>;
    feed.session_end = session_end;
    feed.shown = shown;
    feed.counts_before = counts_before != 0;
    feed.from = from;
    feed.to = to;
    feed.end_day = -1;
    feed.root_length = find(root_length);
    feed.root_time = find(root_time);
    feed.own_load = PyObject_GetAttrString(data, "_load");
    bool fine = feed.own_load && find_lines(lines, *feed.lines);
    if (fine && cloned) {
        feed.columns = Py_NewRef(source);
        feed.source = new std::vector<Line*>;
        fine = find_lines(source, *feed.source);
    }
    if (fine && (static_cast<Py_ssize_t>(feed.lines->size()) < std::max<Py_ssize_t>(shown, kColumns) ||
                 shown < kColumns || !feed.root_length || !feed.root_time)) {
        PyErr_SetString(PyExc_ValueError, "A fast feed needs all the lines of a feed.");
        fine = false;
    }
    fine = fine && (!columns || read_columns(columns, feed)) && read_ticks(ticks, feed) &&
           read_samplers(samplers, *feed.samplers);
    if (fine) return self;
    Py_DECREF(self);
    return nullptr;
}

template <class Function>
PyCFunction function(Function* pointer) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(pointer));
}

constexpr int kAny = METH_VARARGS | METH_KEYWORDS;
PyMethodDef g_methods[] = {
    {"next", function(feed_next), kAny, nullptr},
    {"load", function(feed_load), METH_NOARGS, nullptr},
    {"load_one", function(feed_load_one), METH_NOARGS, nullptr},
    {"check", function(feed_check), kAny, nullptr},
    {"last", function(feed_last), kAny, nullptr},
    {"tick_fill", function(feed_tick_fill), kAny, nullptr},
    {"forward", function(feed_forward), kAny, nullptr},
    {"backwards", function(feed_backwards), kAny, nullptr},
    {"rewind", function(feed_rewind), kAny, nullptr},
    {"store", function(feed_store), METH_NOARGS, "Write the state of the resamplers into their attributes."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_feed_type(PyObject* module) {
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_feed)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(free_feed)},
                           {Py_tp_methods, g_methods},
                           {Py_tp_doc, const_cast<char*>("What a Backtrader feed does bar by bar during a fast run.")},
                           {0, nullptr}};
    PyType_Spec spec = {"gcg_quant._native.FastFeed", sizeof(Feed), 0, Py_TPFLAGS_DEFAULT, slots};
    PyObject* type = PyType_FromSpec(&spec);
    const int failed = type ? PyModule_AddObjectRef(module, "FastFeed", type) : -1;
    Py_XDECREF(type);
    return failed;
}

}  // namespace gcg::python::fast
