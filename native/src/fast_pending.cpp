// Whether a bar can do anything to the pending orders: the conditions of BackBroker's matching, without the matching.
#include "fast_pending.h"

namespace gcg::python::fast {

namespace {

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
    PyObject* time = PyUnicode_InternFromString("dt");
    PyObject* day_end = PyUnicode_InternFromString("dteos");
    PyObject* annotated = PyUnicode_InternFromString("pannotated");
    PyObject* amount = PyUnicode_InternFromString("trailamount");
    PyObject* percent = PyUnicode_InternFromString("trailpercent");
    PyObject* limit_offset = PyUnicode_InternFromString("_limitoffset");
    PyObject* trail = PyUnicode_InternFromString("trailadjust");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

// The attributes of an object that keeps them for the length of a block. They are borrowed; a dictionary, which Python
// would make and keep for the asking, is not asked for.
class Attributes {
 public:
    explicit Attributes(PyObject* object) : object_(object) {}
    [[nodiscard]] PyObject* get(PyObject* name) const {
        PyObject* found = object_ ? _PyObject_GenericGetAttrWithDict(object_, name, nullptr, 1) : nullptr;
        Py_XDECREF(found);
        return found;
    }
    [[nodiscard]] bool get(PyObject* name, double& value) const { return plain_number(get(name), value); }

 private:
    PyObject* object_;
};

// The same of an order, which has its dictionary since it was copied for its first notification.
class Entries {
 public:
    explicit Entries(PyObject* order) : dict_(PyObject_GenericGetDict(order, nullptr)) {}
    Entries(const Entries&) = delete;
    Entries& operator=(const Entries&) = delete;
    ~Entries() { Py_XDECREF(dict_); }
    [[nodiscard]] PyObject* get(PyObject* name) const { return dict_ ? PyDict_GetItemWithError(dict_, name) : nullptr; }
    [[nodiscard]] bool get(PyObject* name, double& value) const { return plain_number(get(name), value); }

 private:
    PyObject* dict_;
};

bool read_bar(const Account& account, PyObject* data, Bar& bar) {
    PyObject* lines = PyDict_GetItemWithError(account.prices, data);
    if (!lines) return false;
    double* const values[] = {&bar.time, &bar.open, &bar.high, &bar.low, &bar.close};
    for (int i = 0; i < 5; ++i) {
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

bool is_buy(PyObject* order, bool& buy) {
    PyObject* side = Attributes(order).get(names().side);
    buy = side && PyLong_CheckExact(side) && PyLong_AsLong(side) == 0;
    return side != nullptr;
}

// Set an attribute to a number. False with an error set.
bool put(PyObject* object, PyObject* name, double value) {
    PyObject* number = PyFloat_FromDouble(value);
    const int failed = number ? PyObject_GenericSetAttr(object, name, number) : -1;
    Py_XDECREF(number);
    return !failed;
}

bool call_trail(PyObject* order, double close) {
    PyObject* number = PyFloat_FromDouble(close);
    PyObject* done = number ? PyObject_CallMethodOneArg(order, names().trail, number) : nullptr;
    Py_XDECREF(number);
    Py_XDECREF(done);
    return done != nullptr;
}

}  // namespace

Effect look(const Account& account, PyObject* order, Seen& seen) {
    const Entries own(order);
    const Attributes params(own.get(names().params));
    PyObject* active = own.get(names().active);
    PyObject* kind = own.get(names().kind);
    if (!kind) kind = params.get(names().kind);
    PyObject* valid = own.get(names().valid);
    if (!valid) valid = params.get(names().valid);
    PyObject* const data = params.get(names().data);
    seen.created = own.get(names().created);
    const Bar& bar = seen.bar;
    if (!active || !kind || !PyLong_CheckExact(kind) || !valid || !data || !seen.created || !is_buy(order, seen.buy) ||
        (data != seen.data && !read_bar(account, data, seen.bar)))
        return Effect::unknown;
    seen.data = data;
    seen.kind = static_cast<Kind>(PyLong_AsLong(kind));
    if (valid != Py_None && seen.kind != Kind::market) {
        if (!PyFloat_CheckExact(valid)) return Effect::unknown;
        const double end = PyFloat_AS_DOUBLE(valid);
        if (end != 0.0 && bar.time > end) return Effect::expires;
    }
    if (active == Py_False) return Effect::none;
    if (active != Py_True) return Effect::unknown;
    const Attributes created(seen.created);
    double day_end;
    if (!created.get(names().time, seen.time)) return Effect::unknown;
    if (seen.kind == Kind::market) return Effect::open;
    if (!created.get(names().price, seen.price)) return Effect::unknown;
    const bool limited = created.get(names().limit, seen.limit);
    PyObject* triggered = own.get(names().triggered);
    seen.triggered = triggered == Py_True;
    const auto unless = [](bool met, Effect otherwise) { return met ? Effect::open : otherwise; };
    switch (seen.kind) {
        case Kind::close:
            if (!own.get(names().day_end, day_end)) return Effect::unknown;
            return unless(bar.time > seen.time && bar.time >= day_end, Effect::notes_close);
        case Kind::limit:
            return unless(limit_met(seen.buy, seen.price, bar), Effect::none);
        case Kind::stop:
            return unless(stop_met(seen.buy, seen.price, bar), Effect::none);
        case Kind::trail:
            return unless(stop_met(seen.buy, seen.price, bar), Effect::trails);
        case Kind::stop_limit:
        case Kind::trail_limit:
            if (!limited || (triggered != Py_True && triggered != Py_False)) return Effect::unknown;
            if (seen.triggered) return unless(limit_met(seen.buy, seen.limit, bar), Effect::none);
            return unless(stop_met(seen.buy, seen.price, bar),
                          seen.kind == Kind::trail_limit ? Effect::trails : Effect::none);
        default:
            return Effect::unknown;
    }
}

// Order.trailadjust: the stop follows the close, in one direction only. False with an error set.
bool trail(PyObject* order, double close) {
    const Entries own(order);
    const Attributes params(own.get(names().params));
    PyObject* created_object = own.get(names().created);
    const Attributes created(created_object);
    bool buy;
    if (!is_buy(order, buy)) return call_trail(order, close);
    double stop, amount = 0.0;
    PyObject* given = params.get(names().amount);
    PyObject* percent = params.get(names().percent);
    if (!given || !percent || !created.get(names().price, stop)) return call_trail(order, close);
    if (given != Py_None && !PyFloat_CheckExact(given)) return call_trail(order, close);
    if (given != Py_None) amount = PyFloat_AS_DOUBLE(given);
    if (amount == 0.0 && percent != Py_None) {
        if (!PyFloat_CheckExact(percent)) return call_trail(order, close);
        amount = close * PyFloat_AS_DOUBLE(percent);
    }
    const double wanted = buy ? close + amount : close - amount;
    if (buy ? !(wanted < stop) : !(wanted > stop)) return true;
    PyObject* kind = own.get(names().kind);
    if (!kind) kind = params.get(names().kind);
    if (!kind || !PyLong_CheckExact(kind)) return call_trail(order, close);
    if (static_cast<Kind>(PyLong_AsLong(kind)) != Kind::trail_limit) return put(created_object, names().price, wanted);
    double offset;
    if (!own.get(names().limit_offset, offset)) return call_trail(order, close);
    return put(created_object, names().price, wanted) && put(created_object, names().limit, wanted - offset);
}

// Do what a bar does to an order beside the matching. False with an error set.
bool carry(PyObject* order, Effect effect, const Bar& bar) {
    if (effect == Effect::trails) return trail(order, bar.close);
    return effect != Effect::notes_close || put(order, names().annotated, bar.close);
}

int has_work(Account& account) {
    PyObject* const queues[] = {account.submitted, account.to_activate, account.additions};
    for (PyObject* queue : queues) {
        const Py_ssize_t waiting = PyObject_Size(queue);
        if (waiting) return waiting < 0 ? -1 : 1;
    }
    if (!account.quiet) return 1;
    const Py_ssize_t orders = PyObject_Size(account.pending);
    bool carries = false;
    Seen seen;
    for (int round = 0; round < 1 + carries;
         ++round) {  // nothing is carried on a bar that is matched, which does it itself
        for (Py_ssize_t i = 0; i < orders; ++i) {
            PyObject* order = PySequence_GetItem(account.pending, i);
            if (!order) return -1;
            const Effect effect = look(account, order, seen);
            carries = carries || effect == Effect::trails || effect == Effect::notes_close;
            const bool fine = !PyErr_Occurred() && (round == 0 || carry(order, effect, seen.bar));
            Py_DECREF(order);
            if (!fine) return -1;
            if (effect == Effect::unknown || effect == Effect::open || effect == Effect::expires) return 1;
        }
    }
    return orders < 0 ? -1 : 0;
}

}  // namespace gcg::python::fast
