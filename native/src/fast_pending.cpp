// Whether a bar can do anything to the pending orders: the conditions of BackBroker's matching, without the matching.
#include "fast_account.h"

namespace gcg::python::fast {

namespace {

enum Kind : long { kMarket, kClose, kLimit, kStop, kStopLimit };  // Backtrader's exectypes; trailing ones come after

struct Names {
    PyObject* params = PyUnicode_InternFromString("params");
    PyObject* kind = PyUnicode_InternFromString("exectype");
    PyObject* valid = PyUnicode_InternFromString("valid");
    PyObject* active = PyUnicode_InternFromString("_active");
    PyObject* created = PyUnicode_InternFromString("created");
    PyObject* triggered = PyUnicode_InternFromString("triggered");
    PyObject* side = PyUnicode_InternFromString("ordtype");
    PyObject* data = PyUnicode_InternFromString("data");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* limit = PyUnicode_InternFromString("pricelimit");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

// An attribute dictionary for the length of a block.
class Attributes {
 public:
    explicit Attributes(PyObject* object) : dict_(object ? PyObject_GenericGetDict(object, nullptr) : nullptr) {}
    ~Attributes() { Py_XDECREF(dict_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    [[nodiscard]] PyObject* get(PyObject* name) const { return dict_ ? PyDict_GetItemWithError(dict_, name) : nullptr; }
    [[nodiscard]] bool get(PyObject* name, double& value) const {
        PyObject* found = get(name);
        if (!found || !PyFloat_CheckExact(found)) return false;
        value = PyFloat_AS_DOUBLE(found);
        return true;
    }

 private:
    PyObject* dict_;
};

struct Bar {
    double time, open, high, low;
};

bool read_bar(const Account& account, PyObject* data, Bar& bar) {
    PyObject* lines = PyDict_GetItemWithError(account.prices, data);
    if (!lines) return false;
    double* const values[] = {&bar.time, &bar.open, &bar.high, &bar.low};
    for (int i = 0; i < 4; ++i) {
        const Line* line = find(PyTuple_GET_ITEM(lines, i));
        if (!line || !line->plain || !read(*line, 0, *values[i])) return false;
    }
    return true;
}

bool limit_met(bool buy, double limit, const Bar& bar) {
    return buy ? limit >= bar.open || limit >= bar.low : limit <= bar.open || limit <= bar.high;
}
bool stop_met(bool buy, double stop, const Bar& bar) {
    return buy ? bar.open >= stop || bar.high >= stop : bar.open <= stop || bar.low <= stop;
}

// False only if it is certain that Backtrader would leave the order as it is.
bool concerned(const Account& account, PyObject* order) {
    const Attributes own(order);
    const Attributes params(own.get(names().params));
    PyObject* active = own.get(names().active);
    PyObject* kind = own.get(names().kind);
    if (!kind) kind = params.get(names().kind);
    PyObject* valid = own.get(names().valid);
    if (!valid) valid = params.get(names().valid);
    PyObject* data = params.get(names().data);
    Bar bar;
    if (!active || !kind || !PyLong_CheckExact(kind) || !valid || !data || !read_bar(account, data, bar)) return true;
    if (valid != Py_None && (!PyFloat_CheckExact(valid) || bar.time > PyFloat_AS_DOUBLE(valid)))
        return true;  // it expires
    if (active == Py_False) return false;
    PyObject* side = PyObject_GetAttr(order, names().side);
    if (!side) return true;
    const bool buy = PyLong_CheckExact(side) && PyLong_AsLong(side) == 0;
    Py_DECREF(side);
    const Attributes created(own.get(names().created));
    double price, limit;
    PyObject* triggered = own.get(names().triggered);
    if (!created.get(names().price, price)) return true;
    switch (PyLong_AsLong(kind)) {
        case kLimit:
            return limit_met(buy, price, bar);
        case kStop:
            return stop_met(buy, price, bar);
        case kStopLimit:
            if (triggered == Py_False) return stop_met(buy, price, bar);
            return !created.get(names().limit, limit) || limit_met(buy, limit, bar);
        default:
            return true;
    }
}

}  // namespace

int has_work(Account& account) {
    PyObject* const queues[] = {account.submitted, account.to_activate, account.additions};
    for (PyObject* queue : queues) {
        const Py_ssize_t waiting = PyObject_Size(queue);
        if (waiting) return waiting < 0 ? -1 : 1;
    }
    if (!account.quiet) return 1;
    const Py_ssize_t orders = PyObject_Size(account.pending);
    for (Py_ssize_t i = 0; i < orders; ++i) {
        PyObject* order = PySequence_GetItem(account.pending, i);
        if (!order) return -1;
        const bool work = concerned(account, order);
        Py_DECREF(order);
        if (PyErr_Occurred()) return -1;
        if (work) return 1;
    }
    return orders < 0 ? -1 : 0;
}

}  // namespace gcg::python::fast
