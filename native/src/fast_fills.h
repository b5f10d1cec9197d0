// The execution of one pending order: BackBroker._execute for what is paid in full when it is bought.
#pragma once

#include "fast_account.h"
#include "fast_objects.h"

namespace gcg::python::fast {

struct Move {
    Ref size, price, opened, closed;
};
// Position.update: what a position of `held` at `price` becomes by `size` more at the price `at`.
Move moved(const Ref& held, const Ref& price, const Ref& size, const Ref& at);

// The terms of a commission scheme under which everything is paid in full.
class Scheme {
 public:
    explicit Scheme(PyObject* scheme);
    [[nodiscard]] Ref commission(const Ref& size, const Ref& price) const;
    // What is paid for a value: less with a leverage, unless it is sold short.
    [[nodiscard]] Ref paid(const Ref& value) const;

 private:
    Ref rate_, leverage_;
    bool percent_;
};

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
