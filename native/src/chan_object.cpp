// The Chan analyzer for Python: ChanAnalyzer of gcg_quant._native, described in _native.pyi. No logic here.
//
// A type of its own, by Python's own interface: a bar costs a tenth of a microsecond that way.
#include "chan_object.h"

#include <memory>
#include <stdexcept>

#include "gcg/chan.h"
#include "record_types.h"

namespace gcg::python {

namespace {

using chan::Analyzer;
using chan::Kind;

struct AnalyzerObject {
    PyObject_HEAD std::unique_ptr<Analyzer>* analyzer;  // null until __init__
};

AnalyzerObject* as_object(PyObject* self) {
    return reinterpret_cast<AnalyzerObject*>(self);
}

Analyzer* analyzer_of(PyObject* self) {
    if (!as_object(self)->analyzer) {
        PyErr_SetString(PyExc_RuntimeError, "this Chan analyzer was not initialised");
        return nullptr;
    }
    return as_object(self)->analyzer->get();
}

void put(PyObject* self, Analyzer&& made) {
    auto analyzer = std::make_unique<Analyzer>(std::move(made));
    if (!as_object(self)->analyzer) as_object(self)->analyzer = new std::unique_ptr<Analyzer>;
    *as_object(self)->analyzer = std::move(analyzer);
}

// Call what may throw; null with a Python error set if it did.
template <typename Call>
PyObject* guarded(const char* error_class, Call call) {
    try {
        return call();
    } catch (const std::invalid_argument& error) {
        set_error(error_class, error.what());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

int analyzer_init(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"new_stroke", "separation", "force",  "ratio", "trend_pivots",
                                  "fast",       "slow",       "signal", "keep",  nullptr};
    int new_stroke, separation, force;
    chan::Options options;
    long long trend_pivots, keep;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "piidLiiiL", const_cast<char**>(names), &new_stroke,
                                     &separation, &force, &options.point.ratio, &trend_pivots, &options.fast,
                                     &options.slow, &options.signal, &keep))
        return -1;
    options.stroke = {new_stroke != 0, static_cast<chan::Separation>(separation)};
    options.force = static_cast<chan::Force>(force);
    options.point.trend_pivots = trend_pivots;
    options.keep = keep;
    PyObject* done = guarded("StrategyError", [&] {
        put(self, Analyzer(options));
        return Py_NewRef(Py_None);
    });
    Py_XDECREF(done);
    return done ? 0 : -1;
}

void free_analyzer(PyObject* self) {
    delete as_object(self)->analyzer;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* analyzer_bar(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    Analyzer* analyzer = analyzer_of(self);
    if (!analyzer) return nullptr;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "bar() takes a bar's time in ns, high, low and close");
        return nullptr;
    }
    const int64_t time_ns = PyLong_AsLongLong(arguments[0]);
    const chan::RawBar bar{time_ns, PyFloat_AsDouble(arguments[1]), PyFloat_AsDouble(arguments[2]),
                           PyFloat_AsDouble(arguments[3])};
    if (PyErr_Occurred()) return nullptr;
    return guarded("EventError", [&] { return PyLong_FromUnsignedLong(analyzer->bar(bar)); });
}

// A one-dimensional array of numbers of eight bytes, one behind the other.
class Column {
 public:
    Column() = default;
    ~Column() { PyBuffer_Release(&view_); }
    Column(const Column&) = delete;
    Column& operator=(const Column&) = delete;
    bool read(PyObject* array, bool is_integer) {
        if (PyObject_GetBuffer(array, &view_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) return false;
        const char format = view_.format ? view_.format[0] : 'B';
        const bool fits = is_integer ? format == 'l' || format == 'q' : format == 'd';
        if (view_.ndim == 1 && view_.itemsize == 8 && fits) return true;
        PyErr_SetString(PyExc_TypeError, "extend() takes an array of int64 and three of float64, of one dimension");
        return false;
    }
    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(view_.shape[0]); }
    template <typename Value>
    [[nodiscard]] const Value* data() const {
        return static_cast<const Value*>(view_.buf);
    }

 private:
    Py_buffer view_ = {};
};

PyObject* analyzer_extend(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    Analyzer* analyzer = analyzer_of(self);
    if (!analyzer) return nullptr;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "extend() takes the bars' times in ns, highs, lows and closes");
        return nullptr;
    }
    Column columns[4];
    for (int i = 0; i < 4; ++i) {
        if (!columns[i].read(arguments[i], i == 0)) return nullptr;
    }
    for (const Column& column : columns) {
        if (column.size() == columns[0].size()) continue;
        set_error("EventError", "extend() takes four columns of the same length: one value of each for every bar");
        return nullptr;
    }
    return guarded("EventError", [&] {
        return PyLong_FromUnsignedLong(analyzer->extend(columns[0].size(), columns[0].data<int64_t>(),
                                                        columns[1].data<double>(), columns[2].data<double>(),
                                                        columns[3].data<double>()));
    });
}

// Call with the rows of a kind.
template <typename Call>
PyObject* with_rows(const Analyzer& analyzer, long kind, Call call) {
    switch (static_cast<Kind>(kind)) {
        case Kind::merged:
            return call(analyzer.merged);
        case Kind::fractal:
            return call(analyzer.fractals);
        case Kind::stroke:
            return call(analyzer.strokes);
        case Kind::segment:
            return call(analyzer.segments);
        case Kind::pivot:
            return call(analyzer.pivots);
        case Kind::point:
            return call(analyzer.points);
    }
    PyErr_SetString(PyExc_ValueError, "a kind of rows is a number from 0 to 5");
    return nullptr;
}

// rows(kind, from) -> the bytes of the rows from a number on.
PyObject* analyzer_rows(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    const Analyzer* analyzer = analyzer_of(self);
    if (!analyzer) return nullptr;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "rows() takes a kind and the number of the first row");
        return nullptr;
    }
    const long kind = PyLong_AsLong(arguments[0]);
    const int64_t from = PyLong_AsLongLong(arguments[1]);
    if (PyErr_Occurred()) return nullptr;
    return with_rows(*analyzer, kind, [&]<typename Row>(const chan::Rows<Row>& rows) {
        const int64_t begin = std::min(std::max(from, rows.begin()), rows.count());
        const auto size = static_cast<Py_ssize_t>((rows.count() - begin) * static_cast<int64_t>(sizeof(Row)));
        PyObject* bytes = PyByteArray_FromStringAndSize(nullptr, size);
        if (bytes) rows.copy(begin, PyByteArray_AS_STRING(bytes));
        return bytes;
    });
}

// counts(kind) -> (the oldest that is there, confirmed, all).
PyObject* analyzer_counts(PyObject* self, PyObject* kind) {
    const Analyzer* analyzer = analyzer_of(self);
    const long number = analyzer ? PyLong_AsLong(kind) : 0;
    if (!analyzer || PyErr_Occurred()) return nullptr;
    return with_rows(*analyzer, number, [&](const auto& rows) {
        return Py_BuildValue("LLL", static_cast<long long>(rows.begin()), static_cast<long long>(rows.confirmed()),
                             static_cast<long long>(rows.count()));
    });
}

PyObject* analyzer_save(PyObject* self, PyObject*) {
    const Analyzer* analyzer = analyzer_of(self);
    if (!analyzer) return nullptr;
    return guarded("StrategyError", [&] {
        const std::vector<std::byte> data = analyzer->save();
        return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data.data()),
                                         static_cast<Py_ssize_t>(data.size()));
    });
}

// load(bytes): be the analyzer that was saved.
PyObject* analyzer_load(PyObject* self, PyObject* bytes) {
    Py_buffer view;
    if (!analyzer_of(self) || PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0) return nullptr;
    PyObject* done = guarded("StrategyError", [&] {
        put(self, Analyzer::restore({static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)}));
        return Py_NewRef(Py_None);
    });
    PyBuffer_Release(&view);
    return done;
}

PyObject* analyzer_bars(PyObject* self, void*) {
    const Analyzer* analyzer = analyzer_of(self);
    return analyzer ? PyLong_FromLongLong(analyzer->bars()) : nullptr;
}

PyObject* analyzer_last_ns(PyObject* self, void*) {
    const Analyzer* analyzer = analyzer_of(self);
    return analyzer ? PyLong_FromLongLong(analyzer->last_ns()) : nullptr;
}

// What __init__ takes, in its order.
PyObject* analyzer_options(PyObject* self, void*) {
    const Analyzer* analyzer = analyzer_of(self);
    if (!analyzer) return nullptr;
    const chan::Options& options = analyzer->options();
    return Py_BuildValue("OiidLiiiL", options.stroke.is_new ? Py_True : Py_False,
                         static_cast<int>(options.stroke.separation), static_cast<int>(options.force),
                         options.point.ratio, static_cast<long long>(options.point.trend_pivots), options.fast,
                         options.slow, options.signal, static_cast<long long>(options.keep));
}

template <typename Function>
PyCFunction fast(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_methods[] = {
    {"bar", fast(analyzer_bar), METH_FASTCALL, nullptr},
    {"extend_arrays", fast(analyzer_extend), METH_FASTCALL, nullptr},
    {"rows", fast(analyzer_rows), METH_FASTCALL, nullptr},
    {"counts", analyzer_counts, METH_O, nullptr},
    {"save", analyzer_save, METH_NOARGS, nullptr},
    {"load", analyzer_load, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_getsets[] = {
    {"bars", analyzer_bars, nullptr, nullptr, nullptr},
    {"last_ns", analyzer_last_ns, nullptr, nullptr, nullptr},
    {"options", analyzer_options, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

int add_chan_analyzer(PyObject* module) {
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
                           {Py_tp_init, reinterpret_cast<void*>(analyzer_init)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(free_analyzer)},
                           {Py_tp_methods, g_methods},
                           {Py_tp_getset, g_getsets},
                           {Py_tp_doc, const_cast<char*>("Chan theory, bar by bar.")},
                           {0, nullptr}};
    PyType_Spec spec = {"gcg_quant._native.ChanAnalyzer", sizeof(AnalyzerObject), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    PyObject* type = PyType_FromSpec(&spec);
    const int result = type ? PyModule_AddObjectRef(module, "ChanAnalyzer", type) : -1;
    Py_XDECREF(type);
    return result;
}

}  // namespace gcg::python
