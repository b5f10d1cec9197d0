// Books for Python: LevelBook and read_okx_book() of gcg_quant._native, described in _native.pyi. No logic here.
//
// A type of its own, by Python's own interface: several thousand messages of dozens of levels come in a second.
#include "level_book_object.h"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "gcg/level_book.h"
#include "gcg/okx_book.h"

namespace gcg::python {

namespace {

struct BookObject {
    PyObject_HEAD LevelBook* book;  // never null
};

LevelBook& book_of(PyObject* self) {
    return *reinterpret_cast<BookObject*>(self)->book;
}

PyObject* new_book(PyTypeObject* type, PyObject*, PyObject*) {
    std::unique_ptr<LevelBook> book(new (std::nothrow) LevelBook);
    if (!book) return PyErr_NoMemory();
    PyObject* self = type->tp_alloc(type, 0);
    if (self) reinterpret_cast<BookObject*>(self)->book = book.release();
    return self;
}

void free_book(PyObject* self) {
    delete reinterpret_cast<BookObject*>(self)->book;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

// A level of a list: price and size first. False with an error set.
bool read_level(PyObject* row, BookLevel& level) {
    PyObject* values = PySequence_Fast(row, "a level is a price and a size");
    if (!values) return false;
    const bool whole = PySequence_Fast_GET_SIZE(values) >= 2;
    if (whole) {
        level.price = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(values, 0));
        if (!PyErr_Occurred()) level.size = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(values, 1));
    } else {
        PyErr_SetString(PyExc_ValueError, "a level is a price and a size");
    }
    Py_DECREF(values);
    return !PyErr_Occurred();
}

// Levels as bytes, of `BookLevel`, or as a list. False with an error set.
bool read_levels(PyObject* told, std::vector<BookLevel>& levels) {
    if (PyBytes_Check(told)) {
        const auto bytes = static_cast<std::size_t>(PyBytes_GET_SIZE(told));
        if (bytes % sizeof(BookLevel)) {
            PyErr_SetString(PyExc_ValueError, "levels in bytes are 24 each: price, size, orders");
            return false;
        }
        levels.resize(bytes / sizeof(BookLevel));
        if (bytes) std::memcpy(levels.data(), PyBytes_AS_STRING(told), bytes);
    } else {
        PyObject* rows = PySequence_Fast(told, "levels are bytes or a list");
        if (!rows) return false;
        levels.resize(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(rows)));
        for (std::size_t i = 0; i < levels.size() && !PyErr_Occurred(); ++i)
            read_level(PySequence_Fast_GET_ITEM(rows, static_cast<Py_ssize_t>(i)), levels[i]);
        Py_DECREF(rows);
        if (PyErr_Occurred()) return false;
    }
    for (const BookLevel& level : levels) {
        if (LevelBook::is_possible(level.price, level.size)) continue;
        PyErr_SetString(PyExc_ValueError, "a level's price must be above 0 and its size 0 or more, both finite");
        return false;
    }
    return true;
}

// Both sides are read before anything is changed.
PyObject* take(PyObject* self, PyObject* const* arguments, Py_ssize_t count, bool whole) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "a book takes levels of bids and of asks");
        return nullptr;
    }
    try {
        std::vector<BookLevel> bids, asks;
        if (!read_levels(arguments[0], bids) || !read_levels(arguments[1], asks)) return nullptr;
        LevelBook& book = book_of(self);
        if (whole) book.clear();
        book.change(Side::buy, bids);
        book.change(Side::sell, asks);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyObject* replace(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    return take(self, arguments, count, true);
}

PyObject* change(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
    return take(self, arguments, count, false);
}

PyObject* moved(PyObject* self, PyObject*) {
    return PyBool_FromLong(book_of(self).refresh());
}

PyObject* best_of(const LevelBook& book, Side side, std::size_t count) {
    PyObject* list = PyList_New(0);
    bool good = list != nullptr;
    book.best(side, count, [&](double price, double size) {
        PyObject* level = good ? Py_BuildValue("dd", price, size) : nullptr;
        good = level && PyList_Append(list, level) == 0;
        Py_XDECREF(level);
    });
    if (good) return list;
    Py_XDECREF(list);
    return nullptr;
}

PyObject* best(PyObject* self, PyObject* most) {
    const Py_ssize_t count = PyNumber_AsSsize_t(most, PyExc_OverflowError);
    if (count < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "a count of levels is 0 or more");
        return nullptr;
    }
    PyObject* bids = best_of(book_of(self), Side::buy, static_cast<std::size_t>(count));
    PyObject* asks = bids ? best_of(book_of(self), Side::sell, static_cast<std::size_t>(count)) : nullptr;
    PyObject* both = asks ? PyTuple_Pack(2, bids, asks) : nullptr;
    Py_XDECREF(bids);
    Py_XDECREF(asks);
    return both;
}

PyObject* crossed(PyObject* self, void*) {
    return PyBool_FromLong(book_of(self).crossed());
}

PyObject* shown(PyObject* self, void*) {
    const LevelBook::Shown& levels = book_of(self).shown();
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(&levels), sizeof levels);
}

PyObject* depth(PyObject* self, void*) {
    return PyLong_FromSize_t(book_of(self).depth());
}

PyObject* bytes_of(const std::vector<BookLevel>& levels) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(levels.data()),
                                     static_cast<Py_ssize_t>(levels.size() * sizeof(BookLevel)));
}

// read_okx_book(text, local_ns) -> the fields of an OkxBook, or None.
PyObject* read_book(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != 2 || !PyBytes_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "read_okx_book() takes the message's bytes and when it came");
        return nullptr;
    }
    try {
        OkxBook book;
        if (!read_okx_book({PyBytes_AS_STRING(arguments[0]), static_cast<std::size_t>(PyBytes_GET_SIZE(arguments[0]))},
                           book))
            Py_RETURN_NONE;
        constexpr int64_t ns_per_ms = 1'000'000;
        PyObject *bids = bytes_of(book.bids), *asks = bytes_of(book.asks);
        if (!bids || !asks) {
            Py_XDECREF(bids);
            Py_XDECREF(asks);
            return nullptr;
        }
        return Py_BuildValue("(s#OLOLLLNN)", book.symbol.data(), static_cast<Py_ssize_t>(book.symbol.size()),
                             arguments[1], static_cast<long long>(book.time_ms * ns_per_ms),
                             book.snapshot ? Py_True : Py_False, static_cast<long long>(book.sequence),
                             static_cast<long long>(book.previous), static_cast<long long>(book.checksum), bids, asks);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

template <typename Function>
PyCFunction fast(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_methods[] = {
    {"replace", fast(replace), METH_FASTCALL, nullptr},
    {"change", fast(change), METH_FASTCALL, nullptr},
    {"moved", moved, METH_NOARGS, nullptr},
    {"best", best, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_getsets[] = {
    {"crossed", crossed, nullptr, nullptr, nullptr},
    {"shown", shown, nullptr, nullptr, nullptr},
    {"depth", depth, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef g_functions[] = {
    {"read_okx_book", fast(read_book), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_level_book(PyObject* module) {
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_book)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(free_book)},
                           {Py_tp_methods, g_methods},
                           {Py_tp_getset, g_getsets},
                           {Py_tp_doc, const_cast<char*>("A book in a venue's own numbers.")},
                           {0, nullptr}};
    PyType_Spec spec = {"gcg_quant._native.LevelBook", sizeof(BookObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                        slots};
    PyObject* type = PyType_FromSpec(&spec);
    const int result = type ? PyModule_AddObjectRef(module, "LevelBook", type) : -1;
    Py_XDECREF(type);
    return result < 0 ? result : PyModule_AddFunctions(module, g_functions);
}

}  // namespace gcg::python
