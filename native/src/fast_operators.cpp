// What `line > 3`, `line - other` and the like mean while a strategy runs: the same with the values of now.
#include <cmath>

#include "fast_lines.h"

namespace gcg::python::fast {

namespace {

using Binary = PyObject* (*)(PyObject*, PyObject*);

bool is_line(PyObject* object) {
    if (PyFloat_CheckExact(object) || PyLong_CheckExact(object)) return false;
    if (find(object)) return true;
    return PyObject_IsInstance(object, line_root) == 1;
}

// The stage of an operand that is a line: 1 while indicators are declared, 2 while the strategy runs. -1 with an error
// set.
long stage_of(PyObject* line) {
    if (const Line* known = find(line)) return known->stage;
    PyObject* stage = PyObject_GetAttrString(line, "_opstage");
    if (!stage) return -1;
    const long value = PyLong_AsLong(stage);
    Py_DECREF(stage);
    return value;
}

PyObject* value_now(PyObject* line) {
    const Line* known = find(line);
    if (known && known->plain) {
        const Line* one = known->first ? find(known->first) : known;
        double value;
        if (one && one->plain && read(*one, 0, value)) return PyFloat_FromDouble(value);
    }
    PyObject* zero = PyLong_FromLong(0);
    PyObject* value = PyObject_GetItem(line, zero);
    Py_DECREF(zero);
    return value;
}

PyObject* operand(PyObject* object) {
    return is_line(object) ? value_now(object) : Py_NewRef(object);
}

// Both values of now, if they are plain numbers that C can work with exactly as Python does.
bool as_number(PyObject* object, double& value) {
    if (PyFloat_CheckExact(object)) {
        value = PyFloat_AS_DOUBLE(object);
        return true;
    }
    if (PyLong_CheckExact(object)) {
        int overflow;
        const long whole = PyLong_AsLongAndOverflow(object, &overflow);
        value = static_cast<double>(whole);
        return !overflow && whole > -(1l << 53) && whole < (1l << 53);
    }
    const Line* known = find(object);
    if (!known || !known->plain || known->stage != 2) return false;
    if (known->first && (!(known = find(known->first)) || !known->plain)) return false;
    return read(*known, 0, value);
}

PyObject* stock(PyObject* line, const char* name, PyObject* other) {
    PyObject* method = PyObject_GetAttrString(line_root, name);
    if (!method) return nullptr;
    PyObject* result = PyObject_CallFunctionObjArgs(method, line, other, nullptr);
    Py_DECREF(method);
    return result;
}

PyObject* combine(PyObject* left, PyObject* right, Binary operation, const char* name, const char* reflected) {
    const bool forward = is_line(left);
    const long stage = stage_of(forward ? left : right);
    if (stage < 0) return nullptr;
    if (stage == 1) return forward ? stock(left, name, right) : stock(right, reflected, left);
    PyObject* a = operand(left);
    PyObject* b = a ? operand(right) : nullptr;
    PyObject* result = b ? operation(a, b) : nullptr;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

PyObject* add(PyObject* left, PyObject* right) {
    double a, b;
    if (as_number(left, a) && as_number(right, b)) return PyFloat_FromDouble(a + b);
    return combine(left, right, PyNumber_Add, "__add__", "__radd__");
}
PyObject* subtract(PyObject* left, PyObject* right) {
    double a, b;
    if (as_number(left, a) && as_number(right, b)) return PyFloat_FromDouble(a - b);
    return combine(left, right, PyNumber_Subtract, "__sub__", "__rsub__");
}
PyObject* multiply(PyObject* left, PyObject* right) {
    double a, b;
    if (as_number(left, a) && as_number(right, b)) return PyFloat_FromDouble(a * b);
    return combine(left, right, PyNumber_Multiply, "__mul__", "__rmul__");
}
PyObject* divide(PyObject* left, PyObject* right) {
    return combine(left, right, PyNumber_TrueDivide, "__truediv__", "__rtruediv__");
}
PyObject* floor_divide(PyObject* left, PyObject* right) {
    return combine(left, right, PyNumber_FloorDivide, "__floordiv__", "__rfloordiv__");
}
PyObject* power(PyObject* left, PyObject* right, PyObject* modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    const Binary raise = [](PyObject* a, PyObject* b) { return PyNumber_Power(a, b, Py_None); };
    return combine(left, right, raise, "__pow__", "__rpow__");
}

PyObject* alone(PyObject* self, PyObject* (*operation)(PyObject*), const char* name) {
    const long stage = stage_of(self);
    if (stage < 0) return nullptr;
    if (stage == 1) return PyObject_CallMethod(line_root, name, "O", self);
    PyObject* value = value_now(self);
    PyObject* result = value ? operation(value) : nullptr;
    Py_XDECREF(value);
    return result;
}
PyObject* negative(PyObject* self) {
    return alone(self, PyNumber_Negative, "__neg__");
}
PyObject* absolute(PyObject* self) {
    return alone(self, PyNumber_Absolute, "__abs__");
}
int truth(PyObject* self) {
    double number;
    if (as_number(self, number)) return number != 0.0;
    PyObject* result = alone(self, [](PyObject* value) { return PyBool_FromLong(PyObject_IsTrue(value)); }, "__bool__");
    if (!result) return -1;
    if (!PyBool_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__bool__ should return bool, returned %s", Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return -1;
    }
    const int answer = result == Py_True;
    Py_DECREF(result);
    return answer;
}

PyObject* compare(PyObject* self, PyObject* other, int how) {
    double a, b;
    if (as_number(self, a) && as_number(other, b)) Py_RETURN_RICHCOMPARE(a, b, how);
    const long stage = stage_of(self);
    if (stage < 0) return nullptr;
    static const char* const names[] = {"__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"};
    if (stage == 1) return stock(self, names[how], other);
    PyObject* left = value_now(self);
    PyObject* right = left ? operand(other) : nullptr;
    PyObject* result = right ? PyObject_RichCompare(left, right, how) : nullptr;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

Py_hash_t hash(PyObject* self) {
    return PyBaseObject_Type.tp_hash(self);  // by identity, as LineRoot has it
}

template <class Function>
void* slot(Function* function) {
    return reinterpret_cast<void*>(function);
}

}  // namespace

PyType_Slot operator_slots[] = {
    {Py_nb_add, slot(add)},
    {Py_nb_subtract, slot(subtract)},
    {Py_nb_multiply, slot(multiply)},
    {Py_nb_true_divide, slot(divide)},
    {Py_nb_floor_divide, slot(floor_divide)},
    {Py_nb_power, slot(power)},
    {Py_nb_negative, slot(negative)},
    {Py_nb_absolute, slot(absolute)},
    {Py_nb_bool, slot(truth)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_hash, slot(hash)},
};
const int operator_count = sizeof(operator_slots) / sizeof(operator_slots[0]);

}  // namespace gcg::python::fast
