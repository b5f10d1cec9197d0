// The way of order notifications from the broker to the strategies, and what they do to a strategy's trades.
#pragma once

#include <Python.h>

namespace gcg::python::fast {

// fast_deliver(notifications, first): hand each order of a broker's notifications to the strategy it is about, or to
// the first, for what `Strategy._addnotification` does.
PyObject* deliver_orders(PyObject* module, PyObject* arguments);
// fast_tell(strategy, of_order, of_trade): `Strategy._notify` without cash and value; the tuples are the analyzers'
// methods.
PyObject* tell_strategy(PyObject* module, PyObject* arguments);

}  // namespace gcg::python::fast
