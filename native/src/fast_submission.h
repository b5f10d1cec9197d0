// What orders go through between `buy()` and the broker's pending orders.
#pragma once

#include <Python.h>

namespace gcg::python::fast {

// fast_check_submitted(broker, is_paid_in_full): BackBroker.check_submitted.
PyObject* check_submitted(PyObject* module, PyObject* arguments);
// fast_place(broker, order, oco, check): what BackBroker.buy and .sell do with an order they have made.
PyObject* place_order(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

}  // namespace gcg::python::fast
