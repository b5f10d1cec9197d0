// Books in a venue's own numbers, and OKX's messages of them: their face to Python.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace gcg::python {

// Add the type LevelBook and the function read_okx_book() to the module. Return 0, or -1 with an error set.
int add_level_book(PyObject* module);

}  // namespace gcg::python
