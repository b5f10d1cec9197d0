// What a broker is worth, worked out when somebody asks, and whether its pending orders can be filled by a bar.
#pragma once

#include "fast_lines.h"

namespace gcg::python::fast {

enum Worth : int { kValue, kFundValue, kMarket, kLever, kMarketLever, kLeverage, kUnrealized, kWorths };

struct Account {
    PyObject_HEAD PyObject* broker;
    PyObject* attributes;  // the broker's __dict__
    PyObject* params;
    PyObject* positions;
    PyObject *pending, *submitted, *to_activate, *additions, *notifications;
    PyObject* prices;          // dict: data -> (datetime, open, high, low, close), its lines
    PyObject* standard;        // set: the classes of commission schemes whose formulas are Backtrader's own
    PyObject* slow_value;      // () -> None: Backtrader's own way to the value
    PyObject* slow_lookup;     // (datas, mkt, lever) -> value
    PyObject* given[kWorths];  // what was set from outside, owned; null: see worth
    double worth[kWorths];
    PyObject* cash;    // as the bar's matching left it
    Py_ssize_t steps;  // bars the broker has seen
    bool dirty;        // worth is that of an earlier bar
    bool quiet;        // a bar changes nothing of positions and cash unless an order is filled
    bool eager;        // user code runs while orders are matched: the value must be that of the bar before
};

PyTypeObject* account_type();

// The value of an int or a float. Other numbers (numpy's, Decimal) have arithmetic of their own, which is Python's
// business.
bool plain_number(PyObject* object, double& value);

// Note that the broker has done its part of a bar. False with an error set.
bool mark(Account& account);
// Work out the value of the bar that was marked last. False with an error set.
bool refresh(Account& account);
// Whether the broker has to look at this bar: 1, 0, or -1 with an error set. If it has not, trailing stops have
// followed the close already.
int has_work(Account& account);

}  // namespace gcg::python::fast
