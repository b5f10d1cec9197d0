// The Chan analyzer's face to Python.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace gcg::python {

// Add the type ChanAnalyzer to the module. Return 0, or -1 with an error set.
int add_chan_analyzer(PyObject* module);

}  // namespace gcg::python
