// What a bar does to a pending order: the conditions of BackBroker's matching, without the matching.
#pragma once

#include "fast_account.h"

namespace gcg::python::fast {

enum class Kind : long { market, close, limit, stop, stop_limit, trail, trail_limit };  // Backtrader's exectypes

struct Bar {
    double time, open, high, low, close;
};

// A pending order as the matching sees it. The pointers are borrowed.
struct Seen {
    PyObject* data = nullptr;  // whose bar it is; one that was seen before is not read again
    PyObject* created;
    Bar bar;
    Kind kind;
    bool buy, triggered;
    double time, price, limit;  // as it was created, or has followed the price since
};

enum class Effect {
    unknown,      // the order or its numbers are of a kind that Backtrader itself has to look at
    open,         // the bar may fill it
    none,         // it stays as it is
    notes_close,  // it stays, and notes the close
    trails,       // it stays, and its stop follows the close
    expires,
};

Effect look(const Account& account, PyObject* order, Seen& seen);
// Do what a bar does to an order beside the matching. False with an error set.
bool carry(PyObject* order, Effect effect, const Bar& bar);
// Order.trailadjust: the stop follows the close, in one direction only. False with an error set.
bool trail(PyObject* order, double close);

// fast_match(account, broker, positions, is_paid_in_full): a bar's part of BackBroker.next that is about pending
// orders.
PyObject* match_pending(PyObject* module, PyObject* arguments);

}  // namespace gcg::python::fast
