// The face of replay_text.h to Python.
#pragma once

#include <pybind11/pybind11.h>

namespace gcg::python {

// Add read_plain() to the module.
void bind_text(pybind11::module_& module);

}  // namespace gcg::python
