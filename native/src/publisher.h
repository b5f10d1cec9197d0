// `Publisher`: the base of EventBus, a type of our own because a call through pybind11 takes longer than an append.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace gcg::python {

// Make the type and add it to the module. Returns 0, or -1 with a Python error set.
int add_publisher_type(PyObject* module);

// current_cause() and swap_cause(id) of the module.
PyObject* get_current_cause(PyObject* module, PyObject*);
PyObject* set_current_cause(PyObject* module, PyObject* id);

}  // namespace gcg::python
