// The indicator kernels' face to Python.
#pragma once

#include <Python.h>

namespace gcg::python {

// Add the type Kernels to the module. Return 0, or -1 with an error set.
int add_kernels(PyObject* module);

}  // namespace gcg::python
