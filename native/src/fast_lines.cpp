#include "fast_lines.h"

#include <bit>
#include <cstdint>
#include <vector>

namespace gcg::python::fast {

PyObject* line_root = nullptr;

namespace {

PyTypeObject* g_array_type = nullptr;
const void* g_double_description = nullptr;

// Open addressing with linear probing; a removal closes its gap, so that there are no tombstones.
class Table {
 public:
    Line* find(PyObject* object) const {
        for (std::size_t at = home(object);; at = (at + 1) & mask_) {
            if (slots_[at].object == object) return slots_[at].line;
            if (!slots_[at].object) return nullptr;
        }
    }
    void insert(PyObject* object, Line* line) {
        if (2 * ++used_ > slots_.size()) grow();
        place(object, line);
    }
    void erase(PyObject* object) {
        std::size_t at = home(object);
        while (slots_[at].object != object) {
            if (!slots_[at].object) return;
            at = (at + 1) & mask_;
        }
        --used_;
        for (std::size_t next = (at + 1) & mask_; slots_[next].object; next = (next + 1) & mask_) {
            const std::size_t wanted = home(slots_[next].object);
            if (((next - wanted) & mask_) < ((next - at) & mask_)) continue;
            slots_[at] = slots_[next];
            at = next;
        }
        slots_[at] = {};
    }

 private:
    struct Slot {
        PyObject* object = nullptr;
        Line* line = nullptr;
    };
    std::size_t home(PyObject* object) const {
        return (reinterpret_cast<std::uintptr_t>(object) * 0x9E3779B97F4A7C15ull >> 20) & mask_;
    }
    void place(PyObject* object, Line* line) {
        std::size_t at = home(object);
        while (slots_[at].object) at = (at + 1) & mask_;
        slots_[at] = {object, line};
    }
    void grow() {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old)
            if (slot.object) place(slot.object, slot.line);
    }
    std::vector<Slot> slots_ = std::vector<Slot>(1024);
    std::size_t mask_ = 1023, used_ = 0;
};

Table& table() {
    static Table& only = *new Table;
    return only;
}

}  // namespace

DoubleArray* as_doubles(PyObject* array) {
    if (Py_TYPE(array) != g_array_type) return nullptr;
    auto* doubles = reinterpret_cast<DoubleArray*>(array);
    return doubles->description == g_double_description ? doubles : nullptr;
}

bool check_arrays() {
    if (g_array_type) return true;
    PyObject* module = PyImport_ImportModule("array");
    if (!module) return false;
    PyObject* sample = PyObject_CallMethod(module, "array", "s(dd)", "d", 1.5, -2.5);
    Py_DECREF(module);
    if (!sample) return false;
    Py_buffer buffer;
    if (PyObject_GetBuffer(sample, &buffer, PyBUF_SIMPLE) < 0) {
        Py_DECREF(sample);
        return false;
    }
    const auto* doubles = reinterpret_cast<DoubleArray*>(sample);
    const bool fits = Py_TYPE(sample)->tp_basicsize == sizeof(DoubleArray) && doubles->items == buffer.buf &&
                      Py_SIZE(sample) == 2 && doubles->allocated >= 2 && doubles->exports == 1 &&
                      doubles->items[1] == -2.5;
    if (fits) {
        g_array_type = Py_TYPE(sample);
        g_double_description = doubles->description;
    } else {
        PyErr_SetString(PyExc_NotImplementedError, "array.array of this Python is laid out in another way");
    }
    PyBuffer_Release(&buffer);
    Py_DECREF(sample);
    return fits;
}

bool append(PyObject* array, double value) {
    DoubleArray* doubles = as_doubles(array);
    if (doubles && Py_SIZE(doubles) < doubles->allocated && doubles->exports == 0) {
        doubles->items[Py_SIZE(doubles)] = value;
        Py_SET_SIZE(reinterpret_cast<PyVarObject*>(doubles), Py_SIZE(doubles) + 1);
        return true;
    }
    PyObject* done = PyObject_CallMethod(array, "append", "d", value);  // grows ahead
    Py_XDECREF(done);
    return done != nullptr;
}

Line* find(PyObject* object) {
    return table().find(object);
}

Line* find_line(PyObject* object) {
    Line* line = table().find(object);
    return line && line->first ? table().find(line->first) : line;
}

bool attach(PyObject* object, Line* line) {
    if (table().find(object)) return false;
    table().insert(object, line);
    return true;
}

void forget(PyObject* object) {
    table().erase(object);
}

bool read_now(const Line& line, double& value) {
    if (read(line, 0, value)) return true;
    PyObject* found = PySequence_GetItem(line.array, line.index());
    value = found ? PyFloat_AsDouble(found) : -1.0;
    Py_XDECREF(found);
    return !PyErr_Occurred();
}

static bool write_bound(PyObject* object, double value) {
    Line* line = find(object);
    if (line && !line->guard && is_plainly_set(object)) return write_now(*line, value);
    PyObject* number = PyFloat_FromDouble(value);
    PyObject* zero = PyLong_FromLong(0);
    const bool fine = number && zero && PyObject_SetItem(object, zero, number) == 0;
    Py_XDECREF(number);
    Py_XDECREF(zero);
    return fine;
}

bool write_now(Line& line, double value) {
    DoubleArray* doubles = as_doubles(line.array);
    Py_ssize_t at = line.index();
    if (doubles && at >= 0 && at < Py_SIZE(doubles)) {
        doubles->items[at] = value;
    } else {
        PyObject* number = PyFloat_FromDouble(value);
        if (!number) return false;
        const int failed = PySequence_SetItem(line.array, at, number);
        Py_DECREF(number);
        if (failed) return false;
    }
    bool fine = true;
    for (Py_ssize_t i = 0; fine && line.bindings && i < PyList_GET_SIZE(line.bindings); ++i)
        fine = write_bound(PyList_GET_ITEM(line.bindings, i), value);
    return fine;
}

bool warn(Line& line) {
    PyObject* guard = line.guard;
    if (!guard) return true;
    line.guard = nullptr;
    PyObject* done = PyObject_CallNoArgs(guard);
    Py_DECREF(guard);
    Py_XDECREF(done);
    return done != nullptr;
}

PyObject* line_bars(PyObject* self, PyObject*) {
    const Line* line = find(self);
    if (!line) return PyErr_Format(PyExc_RuntimeError, "A line left the fast run while it went on.");
    const Py_ssize_t size = PyObject_Size(line->array);
    PyObject* all = size < 0 ? nullptr : PyLong_FromSsize_t(size);
    PyObject* extension = all ? PyObject_GetAttrString(self, "extension") : nullptr;
    PyObject* bars = extension ? PyNumber_Subtract(all, extension) : nullptr;
    Py_XDECREF(all);
    Py_XDECREF(extension);
    return bars;
}

}  // namespace gcg::python::fast
