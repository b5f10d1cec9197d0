// Bars for Python: BarGrid and BarMaker of gcg_quant._native, described in _native.pyi. No logic here.
//
// BarMaker is a type of its own, by Python's own interface: an event costs a twentieth of a microsecond that way.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gcg/bar_maker.h"
#include "record_types.h"

namespace py = pybind11;
using namespace gcg;
using gcg::python::RecordObject;

namespace {

// ---- the grid

// Rows of int64 numbers, as structs that have nothing else.
template <typename Row>
std::vector<Row> rows_of(const py::buffer& buffer) {
    constexpr auto kFields = static_cast<py::ssize_t>(sizeof(Row) / sizeof(int64_t));
    const py::buffer_info view = buffer.request();
    if (view.ndim != 2 || view.shape[1] != kFields || view.itemsize != sizeof(int64_t) ||
        (view.format != "l" && view.format != "q") || !PyBuffer_IsContiguous(view.view(), 'C'))
        throw py::value_error("a bars' grid takes rows of " + std::to_string(kFields) + " int64, one behind the other");
    const auto* rows = static_cast<const Row*>(view.ptr);
    return {rows, rows + view.shape[0]};
}

std::shared_ptr<BarGrid> make_grid(int64_t length_ns, int64_t origin_ns, const std::optional<py::buffer>& sessions,
                                   bool across_breaks, const std::optional<py::buffer>& cells) {
    if (sessions) return std::make_shared<BarGrid>(length_ns, rows_of<BarSession>(*sessions), across_breaks);
    if (cells) return std::make_shared<BarGrid>(length_ns, rows_of<BarCell>(*cells));
    return std::make_shared<BarGrid>(length_ns, origin_ns);
}

// ---- the maker

struct MakerObject {
    PyObject_HEAD std::unique_ptr<BarMaker>* maker;  // null until __init__
    PyObject* symbol;                                // of the first event; null before
    PyObject* venue;
    int64_t known_from_ns, known_until_ns;  // what the grid knows
};

MakerObject* as_maker(PyObject* self) {
    return reinterpret_cast<MakerObject*>(self);
}

BarMaker* maker_of(PyObject* self) {
    if (!as_maker(self)->maker) {
        PyErr_SetString(PyExc_RuntimeError, "this maker of bars was not initialised");
        return nullptr;
    }
    return as_maker(self)->maker->get();
}

// Call what may throw; null with a Python error set if it did.
template <typename Call>
PyObject* guarded(Call call) {
    try {
        return call();
    } catch (const std::invalid_argument& error) {
        gcg::python::set_error("EventError", error.what());
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

PyObject* bar_object(const MakerObject* self, const Bar& bar) {
    const RecordInfo& info = *record_info(Bar::kType);
    static PyObject* const none = PyUnicode_InternFromString("");
    return gcg::python::make_record(info, &bar, sizeof bar, self->symbol ? self->symbol : none,
                                    self->venue ? self->venue : none, none);
}

// What was closed, as a list; forgotten then.
PyObject* closed_bars(const MakerObject* self, BarMaker& maker) {
    const std::vector<Bar>& bars = maker.closed();
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(bars.size()));
    for (std::size_t i = 0; list && i < bars.size(); ++i) {
        PyObject* bar = bar_object(self, bars[i]);
        if (!bar)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), bar);
    }
    maker.clear_closed();
    return list;
}

// Ask for the stretch of the grid around a moment, where it is not known.
bool is_covered(MakerObject* self, int64_t ns) {
    if (ns >= self->known_from_ns && ns < self->known_until_ns) return true;
    PyObject* done = PyObject_CallMethod(reinterpret_cast<PyObject*>(self), "cover", "L", static_cast<long long>(ns));
    Py_XDECREF(done);
    return done != nullptr;
}

void put(BarMaker& maker, uint16_t type, const void* record) {
    if (type == Tick::kType)
        maker.on_tick(*static_cast<const Tick*>(record));
    else if (type == TradeTick::kType)
        maker.on_trade(*static_cast<const TradeTick*>(record));
    else
        maker.on_bar(*static_cast<const Bar*>(record));
}

int64_t moment_of(uint16_t type, const void* record) {
    return type == Bar::kType ? static_cast<const Bar*>(record)->start_ns : static_cast<const Tick*>(record)->event_ns;
}

bool is_taken(const RecordInfo* info) {
    if (info && (info->type == Tick::kType || info->type == TradeTick::kType || info->type == Bar::kType)) return true;
    PyErr_SetString(PyExc_TypeError, "bars are made of ticks, trades and shorter bars");
    return false;
}

PyObject* maker_update(PyObject* object, PyObject* event) {
    MakerObject* self = as_maker(object);
    BarMaker* maker = maker_of(object);
    const RecordInfo* info = gcg::python::info_of(Py_TYPE(event));
    if (!maker || !is_taken(info)) return nullptr;
    const auto* record = reinterpret_cast<const RecordObject*>(event);
    if (!is_covered(self, moment_of(info->type, record->payload))) return nullptr;
    if (!self->symbol) {
        self->symbol = Py_NewRef(record->symbol);
        self->venue = Py_NewRef(record->venue);
    }
    return guarded([&] {
        put(*maker, info->type, record->payload);
        return closed_bars(self, *maker);
    });
}

// update_rows(record class, rows): the bars that many events close, as the bytes of their records.
PyObject* maker_update_rows(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
    MakerObject* self = as_maker(object);
    BarMaker* maker = maker_of(object);
    if (!maker) return nullptr;
    if (count != 2 || !PyType_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "update_rows() takes a record class and its rows");
        return nullptr;
    }
    const RecordInfo* info = gcg::python::info_of(reinterpret_cast<PyTypeObject*>(arguments[0]));
    if (!is_taken(info)) return nullptr;
    return guarded([&]() -> PyObject* {
        const py::buffer_info view = py::reinterpret_borrow<py::buffer>(arguments[1]).request();
        if (view.ndim != 1 || view.itemsize != static_cast<py::ssize_t>(info->bytes))
            throw py::value_error("update_rows() takes a one-dimensional array of the record's dtype");
        const auto* row = static_cast<const std::byte*>(view.ptr);
        for (py::ssize_t i = 0; i < view.shape[0]; ++i, row += view.strides[0]) {
            if (!is_covered(self, moment_of(info->type, row))) {
                maker->clear_closed();
                return nullptr;
            }
            put(*maker, info->type, row);
        }
        const std::vector<Bar>& bars = maker->closed();
        PyObject* bytes = PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bars.data()),
                                                    static_cast<Py_ssize_t>(bars.size() * sizeof(Bar)));
        maker->clear_closed();
        return bytes;
    });
}

PyObject* maker_advance(PyObject* object, PyObject* now) {
    BarMaker* maker = maker_of(object);
    const long long now_ns = maker ? PyLong_AsLongLong(now) : -1;
    if (!maker || (now_ns == -1 && PyErr_Occurred())) return nullptr;
    maker->close_until(now_ns);
    return closed_bars(as_maker(object), *maker);
}

// set_grid(grid, from_ns, until_ns): what to know from now on.
PyObject* maker_set_grid(PyObject* object, PyObject* arguments) {
    BarMaker* maker = maker_of(object);
    PyObject* grid;
    long long from_ns, until_ns;
    if (!maker || !PyArg_ParseTuple(arguments, "OLL", &grid, &from_ns, &until_ns)) return nullptr;
    return guarded([&] {
        maker->set_grid(py::cast<std::shared_ptr<BarGrid>>(py::handle(grid)));
        as_maker(object)->known_from_ns = from_ns;
        as_maker(object)->known_until_ns = until_ns;
        return Py_NewRef(Py_None);
    });
}

// ---- its state

// (Bar, (start, end, due, trading day, whole, from, until)), or (None, None).
bool add_open_bar(const MakerObject* self, const OpenBar* open, PyObject* tuple, Py_ssize_t at) {
    if (!open) {
        PyTuple_SET_ITEM(tuple, at, Py_NewRef(Py_None));
        PyTuple_SET_ITEM(tuple, at + 1, Py_NewRef(Py_None));
        return true;
    }
    const BarInterval& interval = open->interval;
    PyObject* bar = bar_object(self, open->bar);
    PyObject* times = Py_BuildValue(
        "LLLiOLL", static_cast<long long>(interval.start_ns), static_cast<long long>(interval.end_ns),
        static_cast<long long>(interval.due_ns), interval.trading_day, interval.whole ? Py_True : Py_False,
        static_cast<long long>(interval.from_ns), static_cast<long long>(interval.until_ns));
    PyTuple_SET_ITEM(tuple, at, bar);
    PyTuple_SET_ITEM(tuple, at + 1, times);
    return bar && times;
}

bool read_open_bar(PyObject* bar, PyObject* times, OpenBar& open, bool& is_there) {
    is_there = bar != Py_None;
    if (!is_there) return true;
    const RecordInfo* info = gcg::python::info_of(Py_TYPE(bar));
    if (!info || info->type != Bar::kType || !PyTuple_Check(times)) {
        PyErr_SetString(PyExc_TypeError, "the state of a maker of bars has bars and their intervals");
        return false;
    }
    std::memcpy(&open.bar, reinterpret_cast<const RecordObject*>(bar)->payload, sizeof open.bar);
    BarInterval& interval = open.interval;
    long long start, end, due, from, until;
    int whole;
    if (!PyArg_ParseTuple(times, "LLLipLL", &start, &end, &due, &interval.trading_day, &whole, &from, &until))
        return false;
    interval.start_ns = start, interval.end_ns = end, interval.due_ns = due;
    interval.whole = whole != 0, interval.from_ns = from, interval.until_ns = until;
    return true;
}

// take_state() -> (open bar, its interval, the one closed last, its interval, volume, turnover, trading day, newest
// start, newest event, late, outside).
PyObject* maker_state(PyObject* object, PyObject*) {
    const BarMaker* maker = maker_of(object);
    PyObject* tuple = maker ? PyTuple_New(11) : nullptr;
    if (!tuple) return nullptr;
    const BarMaker::State& state = maker->state();
    const MakerObject* self = as_maker(object);
    bool fine = add_open_bar(self, state.is_open ? &state.open : nullptr, tuple, 0);
    fine = add_open_bar(self, state.has_before ? &state.before : nullptr, tuple, 2) && fine;
    PyObject* rest[] = {PyFloat_FromDouble(state.totals.volume),   PyFloat_FromDouble(state.totals.turnover),
                        PyLong_FromLong(state.totals.trading_day), PyLong_FromLongLong(state.start_ns),
                        PyLong_FromLongLong(state.last_ns),        PyLong_FromUnsignedLongLong(state.late),
                        PyLong_FromUnsignedLongLong(state.outside)};
    for (int i = 0; i < 7; ++i) {
        fine = fine && rest[i];
        PyTuple_SET_ITEM(tuple, 4 + i, rest[i]);
    }
    if (!fine) Py_CLEAR(tuple);
    return tuple;
}

// put_state(all that take_state() has)
PyObject* maker_put_state(PyObject* object, PyObject* arguments) {
    BarMaker* maker = maker_of(object);
    PyObject *open, *open_times, *before, *before_times;
    BarMaker::State state;
    long long start, last;
    unsigned long long late, outside;
    if (!maker ||
        !PyArg_ParseTuple(arguments, "OOOOddiLLKK", &open, &open_times, &before, &before_times, &state.totals.volume,
                          &state.totals.turnover, &state.totals.trading_day, &start, &last, &late, &outside))
        return nullptr;
    if (!read_open_bar(open, open_times, state.open, state.is_open) ||
        !read_open_bar(before, before_times, state.before, state.has_before))
        return nullptr;
    state.start_ns = start, state.last_ns = last, state.late = late, state.outside = outside;
    maker->set_state(state);
    if (state.is_open || state.has_before) {
        const auto* record = reinterpret_cast<const RecordObject*>(state.is_open ? open : before);
        Py_XSETREF(as_maker(object)->symbol, Py_NewRef(record->symbol));
        Py_XSETREF(as_maker(object)->venue, Py_NewRef(record->venue));
    }
    Py_RETURN_NONE;
}

int maker_init(PyObject* object, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"period", "grid", "basis", "instrument", "revise", nullptr};
    const char* period;
    PyObject* grid;
    int basis = 0, revise = 0;
    unsigned instrument = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "sO|iIp", const_cast<char**>(names), &period, &grid, &basis,
                                     &instrument, &revise))
        return -1;
    PyObject* done = guarded([&] {
        auto made = std::make_unique<BarMaker>(period, py::cast<std::shared_ptr<BarGrid>>(py::handle(grid)),
                                               static_cast<BarBasis>(basis), instrument, revise != 0);
        MakerObject* self = as_maker(object);
        if (!self->maker) self->maker = new std::unique_ptr<BarMaker>;
        *self->maker = std::move(made);
        self->known_from_ns = INT64_MIN;
        self->known_until_ns = INT64_MAX;
        return Py_NewRef(Py_None);
    });
    Py_XDECREF(done);
    return done ? 0 : -1;
}

void free_maker(PyObject* object) {
    MakerObject* self = as_maker(object);
    delete self->maker;
    Py_XDECREF(self->symbol);
    Py_XDECREF(self->venue);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

// ---- what it holds

PyObject* maker_current(PyObject* object, void*) {
    const BarMaker* maker = maker_of(object);
    if (!maker) return nullptr;
    return maker->current() ? bar_object(as_maker(object), *maker->current()) : Py_NewRef(Py_None);
}

PyObject* maker_end_ns(PyObject* object, void*) {
    const BarMaker* maker = maker_of(object);
    return maker ? PyLong_FromLongLong(maker->current() ? maker->current()->event_ns : 0) : nullptr;
}

PyObject* maker_due_ns(PyObject* object, void*) {
    const BarMaker* maker = maker_of(object);
    return maker ? PyLong_FromLongLong(maker->current() ? maker->due_ns() : 0) : nullptr;
}

PyObject* maker_late(PyObject* object, void*) {
    const BarMaker* maker = maker_of(object);
    return maker ? PyLong_FromUnsignedLongLong(maker->state().late) : nullptr;
}

PyObject* maker_outside(PyObject* object, void*) {
    const BarMaker* maker = maker_of(object);
    return maker ? PyLong_FromUnsignedLongLong(maker->state().outside) : nullptr;
}

PyMethodDef g_methods[] = {
    {"update", maker_update, METH_O, nullptr},
    {"update_rows", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(maker_update_rows)), METH_FASTCALL, nullptr},
    {"advance", maker_advance, METH_O, nullptr},
    {"set_grid", maker_set_grid, METH_VARARGS, nullptr},
    {"take_state", maker_state, METH_NOARGS, nullptr},
    {"put_state", maker_put_state, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_getsets[] = {
    {"current", maker_current, nullptr, nullptr, nullptr}, {"end_ns", maker_end_ns, nullptr, nullptr, nullptr},
    {"due_ns", maker_due_ns, nullptr, nullptr, nullptr},   {"late", maker_late, nullptr, nullptr, nullptr},
    {"outside", maker_outside, nullptr, nullptr, nullptr}, {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

void bind_bars(py::module_& module) {
    py::class_<BarGrid, std::shared_ptr<BarGrid>>(module, "BarGrid")
        .def(py::init(&make_grid), py::arg("length_ns"), py::arg("origin_ns") = 0, py::kw_only(),
             py::arg("sessions") = py::none(), py::arg("across_breaks") = false, py::arg("cells") = py::none());
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
                           {Py_tp_init, reinterpret_cast<void*>(maker_init)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(free_maker)},
                           {Py_tp_methods, g_methods},
                           {Py_tp_getset, g_getsets},
                           {Py_tp_doc, const_cast<char*>("Bars of one instrument, one period and one basis.")},
                           {0, nullptr}};
    PyType_Spec spec = {"gcg_quant._native.BarMaker", sizeof(MakerObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                        slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type || PyModule_AddObjectRef(module.ptr(), "BarMaker", type) < 0) throw py::error_already_set();
    Py_DECREF(type);
}
