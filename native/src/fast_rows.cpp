// FastRows: a queue of rows that came as columns or one by one. The loop takes them from here without making an object.
#include "fast_rows.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace gcg::python::fast {

namespace {

PyTypeObject* g_rows_type = nullptr;
constexpr std::size_t kColumns = kRowValues + 3;
constexpr std::size_t kDelivered = 4096;  // beyond those that are remembered, before they are dropped

Rows& self_of(PyObject* self) {
    return *reinterpret_cast<Rows*>(self);
}

// The columns of `extend`, held for its time.
class Held {
 public:
    Held() = default;
    ~Held() {
        for (std::size_t i = 0; i < count_; ++i) PyBuffer_Release(&columns_[i]);
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    // `kinds`: the formats that fit.
    bool add(PyObject* column, const char* kinds) {
        Py_buffer& held = columns_[count_];
        if (PyObject_GetBuffer(column, &held, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) return false;
        ++count_;
        const char* format = held.format ? held.format : "B";
        if (*format == '=' || *format == '@' || *format == '^' || *format == '<') ++format;
        const bool fits =
            held.ndim == 1 && held.itemsize == 8 && format[0] && !format[1] && std::strchr(kinds, *format);
        if (fits && held.shape[0] == columns_[0].shape[0]) return true;
        PyErr_SetString(PyExc_ValueError,
                        "FastRows.extend() takes columns of one length: doubles, then whole numbers of 8 bytes.");
        return false;
    }
    [[nodiscard]] std::size_t rows() const { return static_cast<std::size_t>(columns_[0].shape[0]); }
    template <typename T>
    void read(std::size_t column, std::size_t row, T& value) const {
        const Py_buffer& held = columns_[column];
        std::memcpy(&value, static_cast<const char*>(held.buf) + static_cast<Py_ssize_t>(row) * held.strides[0],
                    sizeof value);
    }

 private:
    Py_buffer columns_[kColumns];
    std::size_t count_ = 0;
};

void drop_delivered(Rows& rows) {
    if (rows.at < rows.kept + kDelivered) return;
    const std::size_t dropped = rows.at - rows.kept;
    rows.all->erase(rows.all->begin(), rows.all->begin() + static_cast<std::ptrdiff_t>(dropped));
    rows.at -= dropped;
}

bool add(Rows& rows, PyObject* given) {
    Row row;
    double* const v = row.values;
    long long start, end;
    unsigned long long id;
    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "A row of a feed must be a tuple.");
        return false;
    }
    if (!PyArg_ParseTuple(given, "dddddddLLK;a row of a feed has 7 values, start, end and id", &v[0], &v[1], &v[2],
                          &v[3], &v[4], &v[5], &v[6], &start, &end, &id))
        return false;
    row.start_ns = start;
    row.end_ns = end;
    row.id = id;
    rows.all->push_back(row);
    return true;
}

PyObject* tuple_of(const Row& row) {
    const double* const v = row.values;
    return Py_BuildValue("dddddddLLK", v[0], v[1], v[2], v[3], v[4], v[5], v[6], static_cast<long long>(row.start_ns),
                         static_cast<long long>(row.end_ns), static_cast<unsigned long long>(row.id));
}

PyObject* rows_append(PyObject* self, PyObject* given) {
    drop_delivered(self_of(self));
    if (!add(self_of(self), given)) return nullptr;
    Py_RETURN_NONE;
}

// extend(values, starts, ends, ids)
PyObject* rows_extend(PyObject* self, PyObject* arguments) {
    Rows& rows = self_of(self);
    PyObject* values;
    PyObject* whole[3];
    if (!PyArg_ParseTuple(arguments, "O!OOO", &PyTuple_Type, &values, &whole[0], &whole[1], &whole[2])) return nullptr;
    if (PyTuple_GET_SIZE(values) != static_cast<Py_ssize_t>(kRowValues))
        return PyErr_Format(PyExc_ValueError, "FastRows.extend() takes %zu columns of values.", kRowValues);
    Held held;
    for (std::size_t i = 0; i < kRowValues; ++i)
        if (!held.add(PyTuple_GET_ITEM(values, static_cast<Py_ssize_t>(i)), "d")) return nullptr;
    for (PyObject* one : whole)
        if (!held.add(one, "lqLQ")) return nullptr;
    drop_delivered(rows);
    const std::size_t first = rows.all->size();
    rows.all->resize(first + held.rows());
    for (std::size_t i = 0; i < held.rows(); ++i) {
        Row& row = (*rows.all)[first + i];
        for (std::size_t column = 0; column < kRowValues; ++column) held.read(column, i, row.values[column]);
        held.read(kRowValues, i, row.start_ns);
        held.read(kRowValues + 1, i, row.end_ns);
        held.read(kRowValues + 2, i, row.id);
    }
    Py_RETURN_NONE;
}

PyObject* rows_take(PyObject* self, PyObject*) {
    Rows& rows = self_of(self);
    if (!rows.waiting()) return PyErr_Format(PyExc_IndexError, "No row waits.");
    PyObject* taken = tuple_of((*rows.all)[rows.at]);
    rows.at += taken != nullptr;
    return taken;
}

// bounds(moment): where the newest delivered row of that `datetime` starts and ends, or None.
PyObject* rows_bounds(PyObject* self, PyObject* given) {
    const Rows& rows = self_of(self);
    const double moment = PyFloat_AsDouble(given);
    if (moment == -1.0 && PyErr_Occurred()) return nullptr;
    const std::size_t oldest = rows.at - std::min(rows.at, rows.kept);
    for (std::size_t i = rows.at; i > oldest; --i) {
        const Row& row = (*rows.all)[i - 1];
        if (row.values[kRowValues - 1] != moment) continue;
        return Py_BuildValue("LL", static_cast<long long>(row.start_ns), static_cast<long long>(row.end_ns));
    }
    Py_RETURN_NONE;
}

// What makes it anew: (type, (kept, delivered, waiting, flowing)).
PyObject* rows_reduce(PyObject* self, PyObject*) {
    const Rows& rows = self_of(self);
    const std::size_t oldest = rows.at - std::min(rows.at, rows.kept);
    PyObject* delivered = PyList_New(0);
    PyObject* waiting = PyList_New(0);
    bool fine = delivered && waiting;
    for (std::size_t i = oldest; fine && i < rows.all->size(); ++i) {
        PyObject* row = tuple_of((*rows.all)[i]);
        fine = row && PyList_Append(i < rows.at ? delivered : waiting, row) == 0;
        Py_XDECREF(row);
    }
    PyObject* made = fine ? Py_BuildValue("O(nOOi)", Py_TYPE(self), static_cast<Py_ssize_t>(rows.kept), delivered,
                                          waiting, static_cast<int>(rows.flowing))
                          : nullptr;
    Py_XDECREF(delivered);
    Py_XDECREF(waiting);
    return made;
}

Py_ssize_t rows_length(PyObject* self) {
    return static_cast<Py_ssize_t>(self_of(self).waiting());
}
PyObject* get_newest(PyObject* self, void*) {
    const Rows& rows = self_of(self);
    return PyLong_FromUnsignedLongLong(rows.at ? (*rows.all)[rows.at - 1].id : 0);
}
PyObject* get_flowing(PyObject* self, void*) {
    return PyBool_FromLong(self_of(self).flowing);
}
int set_flowing(PyObject* self, PyObject* value, void*) {
    const int on = value ? PyObject_IsTrue(value) : -1;
    if (on < 0) return -1;
    self_of(self).flowing = on;
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    delete self_of(self).all;
    type->tp_free(self);
    Py_DECREF(type);
}

// FastRows(kept, delivered=[], waiting=[], flowing=False)
PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject*) {
    Py_ssize_t kept;
    PyObject *delivered = nullptr, *waiting = nullptr;
    int flowing = 0;
    if (!PyArg_ParseTuple(arguments, "n|O!O!p", &kept, &PyList_Type, &delivered, &PyList_Type, &waiting, &flowing))
        return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    Rows& rows = self_of(self);
    rows.all = new std::vector<Row>;
    rows.kept = static_cast<std::size_t>(std::max<Py_ssize_t>(kept, 1));
    rows.flowing = flowing != 0;
    for (PyObject* list : {delivered, waiting}) {
        for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); ++i) {
            if (add(rows, PyList_GET_ITEM(list, i))) continue;
            Py_DECREF(self);
            return nullptr;
        }
        if (list && list == delivered) rows.at = rows.all->size();
    }
    return self;
}

}  // namespace

PyTypeObject* rows_type() {
    return g_rows_type;
}

bool show_next(Rows& rows, const std::vector<Line*>& lines) {
    const Row row = (*rows.all)[rows.at++];  // a copy: what is bound to a line may run code of any kind
    for (std::size_t i = 0; i < kRowValues; ++i)
        if (!write_now(*lines[i], row.values[i])) return false;
    return true;
}

int add_rows_type(PyObject* module) {
    static PyMethodDef methods[] = {
        {"append", rows_append, METH_O, nullptr},          {"extend", rows_extend, METH_VARARGS, nullptr},
        {"take", rows_take, METH_NOARGS, nullptr},         {"bounds", rows_bounds, METH_O, nullptr},
        {"__reduce__", rows_reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr},
    };
    static PyGetSetDef attributes[] = {
        {"newest_id", get_newest, nullptr, nullptr, nullptr},
        {"flowing", get_flowing, set_flowing, nullptr, nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(create)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_mp_length, reinterpret_cast<void*>(rows_length)},
        {Py_tp_methods, methods},
        {Py_tp_getset, attributes},
        {Py_tp_doc, const_cast<char*>("What waits for a live feed to deliver it, and the last that it has delivered.")},
        {0, nullptr},
    };
    PyType_Spec spec = {"gcg_quant._native.FastRows", sizeof(Rows), 0, Py_TPFLAGS_DEFAULT, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    const int failed = PyModule_AddObjectRef(module, "FastRows", type);
    Py_DECREF(type);
    g_rows_type = reinterpret_cast<PyTypeObject*>(type);
    return failed;
}

}  // namespace gcg::python::fast
