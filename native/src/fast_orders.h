// Backtrader's orders, made and copied without its general machinery.
#pragma once

#include <Python.h>

namespace gcg::python::fast {

// What `order.clone()` returns: a new reference, or null with an error set. The order's own marks of what was told move
// on.
PyObject* clone_order(PyObject* order);

PyObject* copy_thing(PyObject* module, PyObject* thing);
PyObject* clone_of(PyObject* module, PyObject* order);
// Whether its strategy hears of it: not of an order of another time, unless it is to be told.
PyObject* is_told(PyObject* module, PyObject* order);
PyObject* make_order(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

}  // namespace gcg::python::fast
