// The execution of one pending order: BackBroker._execute for what is paid in full when it is bought.
#pragma once

#include "fast_account.h"
#include "fast_objects.h"

namespace gcg::python::fast {

// The pointers are borrowed.
struct Fills {
    Account& account;
    PyObject* broker;
    PyObject* positions;        // the run's LazyPositions
    PyObject* is_paid_in_full;  // (scheme) -> whether its formulas are Backtrader's own, of shares

    // Execute an order at a price, here or by the broker's own `_execute`.
    void execute(PyObject* order, const Ref& price) const;
    // Execute `size` of an order whose scheme is paid in full; `time` is that of the execution.
    void trade(PyObject* order, PyObject* data, PyObject* scheme, const Ref& size, const Ref& price,
               const Ref& time) const;
};

// fast_trade(account, broker, positions, order, data, scheme, size, price, time)
PyObject* trade_order(PyObject* module, PyObject* arguments);

// `_bracketize(order, cancel=True)`
void cancel_bracket(PyObject* broker, PyObject* order);

}  // namespace gcg::python::fast
