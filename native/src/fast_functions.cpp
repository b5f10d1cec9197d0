// The functions that put objects into a fast run and take them out again.
#include <memory>

#include "fast_delivery.h"
#include "fast_fills.h"
#include "fast_next.h"
#include "fast_orders.h"
#include "fast_pending.h"
#include "fast_submission.h"

namespace gcg::python::fast {

namespace {

void release(Line* line) {
    Py_XDECREF(line->array);
    Py_XDECREF(reinterpret_cast<PyObject*>(line->clock));
    Py_XDECREF(line->bindings);
    Py_XDECREF(line->first);
    Py_XDECREF(line->positions);
    Py_XDECREF(line->feed);
    Py_XDECREF(line->adopt);
    Py_XDECREF(line->guard);
    delete line;
}

PyObject* enter(PyObject* object, Line* line) {
    if (attach(object, line)) Py_RETURN_NONE;
    release(line);
    PyErr_SetString(PyExc_RuntimeError, "This line is in another fast run already.");
    return nullptr;
}

// setup(LineRoot, LineBuffer.datetime)
PyObject* setup(PyObject*, PyObject* arguments) {
    PyObject *root, *stock_datetime;
    if (!PyArg_ParseTuple(arguments, "OO", &root, &stock_datetime) || !check_arrays() || !setup_dates(stock_datetime))
        return nullptr;
    Py_XSETREF(line_root, Py_NewRef(root));
    Py_RETURN_NONE;
}

// attach_line(line, index, length, array, bindings, stage, clock, plain)
PyObject* attach_line(PyObject*, PyObject* arguments) {
    PyObject *object, *array, *bindings, *clock;
    Py_ssize_t index, length;
    long stage;
    int plain;
    if (!PyArg_ParseTuple(arguments, "OnnOO!lO!p", &object, &index, &length, &array, &PyList_Type, &bindings, &stage,
                          clock_type(), &clock, &plain))
        return nullptr;
    auto* line = new Line{};
    line->array = Py_NewRef(array);
    line->clock = reinterpret_cast<Clock*>(Py_NewRef(clock));
    line->bindings = Py_NewRef(bindings);
    line->stage = stage;
    line->plain = plain != 0;
    line->offset = index + 1 - line->clock->position;
    line->length_offset = length - line->clock->position;
    return enter(object, line);
}

// attach_series(series, first_line, stage, clock, plain)
PyObject* attach_series(PyObject*, PyObject* arguments) {
    PyObject *object, *first, *clock;
    long stage;
    int plain;
    if (!PyArg_ParseTuple(arguments, "OOlO!p", &object, &first, &stage, clock_type(), &clock, &plain)) return nullptr;
    auto* line = new Line{};
    line->clock = reinterpret_cast<Clock*>(Py_NewRef(clock));
    line->first = Py_NewRef(first);
    line->stage = stage;
    line->plain = plain != 0;
    return enter(object, line);
}

// set_clock(line, clock): from now on the line moves with this clock; where it stands does not change.
PyObject* set_clock(PyObject*, PyObject* arguments) {
    PyObject *object, *clock;
    if (!PyArg_ParseTuple(arguments, "OO!", &object, clock_type(), &clock)) return nullptr;
    Line* line = find(object);
    if (!line || line->first) {
        PyErr_SetString(PyExc_RuntimeError, "set_clock() needs a line that was attached.");
        return nullptr;
    }
    const Py_ssize_t index = line->index(), length = line->length();
    Py_SETREF(line->clock, reinterpret_cast<Clock*>(Py_NewRef(clock)));
    line->offset = index + 1 - line->clock->position;
    line->length_offset = length - line->clock->position;
    Py_RETURN_NONE;
}

// set_guard(line, guard, array): call `guard()` before the first value that is written into the line; `array`: and
// before its array is handed out.
PyObject* set_guard(PyObject*, PyObject* arguments) {
    PyObject *object, *guard;
    int array = 0;
    if (!PyArg_ParseTuple(arguments, "OO|p", &object, &guard, &array)) return nullptr;
    Line* line = find(object);
    if (!line || line->first) {
        PyErr_SetString(PyExc_RuntimeError, "set_guard() needs a line that was attached.");
        return nullptr;
    }
    Py_XSETREF(line->guard, Py_NewRef(guard));
    line->guards_array = array != 0;
    Py_RETURN_NONE;
}

// set_position(strategy, positions, data, adopt): where the strategy's `position` is looked up; `adopt(data, position)`
// is called first with one that has a class of which none was seen yet. A strategy that keeps its class looks itself.
PyObject* set_position(PyObject*, PyObject* arguments) {
    PyObject *object, *positions, *data, *adopt;
    if (!PyArg_ParseTuple(arguments, "OO!OO", &object, &PyDict_Type, &positions, &data, &adopt)) return nullptr;
    Line* line = find(object);
    if (!line) Py_RETURN_NONE;
    if (!line->first) {
        PyErr_SetString(PyExc_RuntimeError, "set_position() needs a strategy, and was given a line.");
        return nullptr;
    }
    Py_XSETREF(line->positions, Py_NewRef(positions));
    Py_XSETREF(line->feed, Py_NewRef(data));
    Py_XSETREF(line->adopt, Py_NewRef(adopt));
    Py_RETURN_NONE;
}

// detach(object) -> (index, length, array, stage) of a line, the stage of a series, None of what is not attached.
PyObject* detach(PyObject*, PyObject* object) {
    Line* line = find(object);
    if (!line) Py_RETURN_NONE;
    PyObject* state = line->first ? PyLong_FromLong(line->stage)
                                  : Py_BuildValue("(nnOl)", line->index(), line->length(), line->array, line->stage);
    if (!state) return nullptr;
    forget(object);
    release(line);
    return state;
}

// set_values(lines, values): `line[0] = value` for each line of a tuple, with the first values of another.
PyObject* set_values(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != 2 || !PyTuple_Check(arguments[0]) || !PyTuple_Check(arguments[1]) ||
        PyTuple_GET_SIZE(arguments[0]) > PyTuple_GET_SIZE(arguments[1])) {
        PyErr_SetString(PyExc_TypeError,
                        "fast_set_values() takes a tuple of lines, and one of at least as many values.");
        return nullptr;
    }
    PyObject* zero = PyLong_FromLong(0);
    bool fine = zero != nullptr;
    for (Py_ssize_t i = 0; fine && i < PyTuple_GET_SIZE(arguments[0]); ++i)
        fine = PyObject_SetItem(PyTuple_GET_ITEM(arguments[0], i), zero, PyTuple_GET_ITEM(arguments[1], i)) == 0;
    Py_XDECREF(zero);
    if (!fine) return nullptr;
    Py_RETURN_NONE;
}

PyMethodDef g_functions[] = {
    {"fast_setup", setup, METH_VARARGS, nullptr},
    {"fast_attach_line", attach_line, METH_VARARGS, nullptr},
    {"fast_attach_series", attach_series, METH_VARARGS, nullptr},
    {"fast_set_clock", set_clock, METH_VARARGS, nullptr},
    {"fast_set_guard", set_guard, METH_VARARGS, nullptr},
    {"fast_set_position", set_position, METH_VARARGS, nullptr},
    {"fast_detach", detach, METH_O, nullptr},
    {"fast_set_values", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(set_values)), METH_FASTCALL,
     nullptr},
    {"fast_run_once", run_once, METH_VARARGS, nullptr},
    {"fast_run_next", run_next, METH_VARARGS, nullptr},
    {"fast_days", days_of_times, METH_VARARGS, nullptr},
    {"fast_match", match_pending, METH_VARARGS, nullptr},
    {"fast_trade", trade_order, METH_VARARGS, nullptr},
    {"fast_check_submitted", check_submitted, METH_VARARGS, nullptr},
    {"fast_place", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(place_order)), METH_FASTCALL, nullptr},
    {"fast_deliver", deliver_orders, METH_VARARGS, nullptr},
    {"fast_tell", tell_strategy, METH_VARARGS, nullptr},
    {"fast_clone_order", clone_of, METH_O, nullptr},
    {"fast_make_order", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(make_order)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_fast_functions(PyObject* module) {
    for (auto add : {add_line_types, add_account_type, add_feed_type, add_rows_type, add_program_type})
        if (add(module) < 0) return -1;
    return PyModule_AddFunctions(module, g_functions);
}

}  // namespace gcg::python::fast
