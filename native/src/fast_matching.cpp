// A bar's part of BackBroker.next that is about pending orders: the usual ones here, whatever is unusual by
// Backtrader's own methods, at the same place and in the same order.
#include "fast_fills.h"
#include "fast_objects.h"
#include "fast_orders.h"
#include "fast_pending.h"

namespace gcg::python::fast {

namespace {

enum Status : long { kCompleted = 4, kExpired = 6 };  // Backtrader's; what is less than completed is alive

struct Names {
    PyObject* take = PyUnicode_InternFromString("popleft");
    PyObject* add = PyUnicode_InternFromString("append");
    PyObject* extend = PyUnicode_InternFromString("extend");
    PyObject* expire = PyUnicode_InternFromString("expire");
    PyObject* active = PyUnicode_InternFromString("_active");
    PyObject* try_order = PyUnicode_InternFromString("_try_exec");
    PyObject* execute = PyUnicode_InternFromString("_execute");
    PyObject* notify = PyUnicode_InternFromString("notify");
    PyObject* check_group = PyUnicode_InternFromString("_ococheck");
    PyObject* bracket = PyUnicode_InternFromString("_bracketize");
    PyObject* cancel = PyUnicode_InternFromString("cancel");
    PyObject* status = PyUnicode_InternFromString("status");
    PyObject* executed = PyUnicode_InternFromString("executed");
    PyObject* time = PyUnicode_InternFromString("dt");
    PyObject* params = PyUnicode_InternFromString("p");
    PyObject* parent = PyUnicode_InternFromString("parent");
    PyObject* kind = PyUnicode_InternFromString("exectype");
    PyObject* reference = PyUnicode_InternFromString("ref");
    PyObject* children = PyUnicode_InternFromString("_pchildren");
    PyObject* to_activate = PyUnicode_InternFromString("_toactivate");
    PyObject* triggered = PyUnicode_InternFromString("triggered");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* limit = PyUnicode_InternFromString("pricelimit");
    PyObject* slip_percent = PyUnicode_InternFromString("slip_perc");
    PyObject* slip_fixed = PyUnicode_InternFromString("slip_fixed");
    PyObject* on_close = PyUnicode_InternFromString("coc");
    PyObject* on_open = PyUnicode_InternFromString("coo");
    PyObject* ago = PyUnicode_InternFromString("ago");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

class Matching {
 public:
    Matching(Account& account, PyObject* broker, PyObject* positions, PyObject* is_paid_in_full)
        : account_(account),
          broker_(broker),
          looked_at_(is_paid_in_full == Py_None),
          fills_{account, broker, positions, is_paid_in_full} {}

    void all() {
        PyObject* const pending = account_.pending;
        invoke(pending, names().add, Py_None);
        for (;;) {
            const Ref order = invoke(pending, names().take);
            if (order.is(Py_None)) return;
            one(order.get(), pending);
        }
    }

 private:
    void one(PyObject* order, PyObject* pending) {
        const Names& n = names();
        Seen seen;
        const Effect effect = look(account_, order, seen);
        if (PyErr_Occurred()) throw PythonError{};
        switch (effect) {
            case Effect::none:
            case Effect::notes_close:
            case Effect::trails:
                if (!carry(order, effect, seen.bar)) throw PythonError{};
                invoke(pending, n.add, order);
                return;
            case Effect::expires:
                set(order, n.status, whole(kExpired));
                set(get(order, n.executed).get(), n.time, number(seen.bar.time));
                ended(order);
                return;
            case Effect::unknown:
                if (truth(invoke(order, n.expire))) {
                    ended(order);
                } else if (!truth(get(order, n.active))) {
                    invoke(pending, n.add, order);
                } else {
                    invoke(broker_, n.try_order, order);
                    tried(order, pending);
                }
                return;
            case Effect::open:
                if (plain(seen))
                    fill(order, seen);
                else
                    invoke(broker_, n.try_order, order);
                tried(order, pending);
        }
    }

    void ended(PyObject* order) {
        const Names& n = names();
        invoke(broker_, n.notify, order);
        invoke(broker_, n.check_group, order);
        cancel_bracket(broker_, order);
    }

    // What follows an attempt, by the order's status.
    void tried(PyObject* order, PyObject* pending) {
        const Names& n = names();
        const long status = PyLong_AsLong(get(order, n.status).get());
        if (status == -1 && PyErr_Occurred()) throw PythonError{};
        if (status < kCompleted) {
            invoke(pending, n.add, order);
        } else if (status == kCompleted) {
            if (get(get(order, n.params).get(), n.parent)
                    .is(Py_None)) {  // its children are activated with the next bar
                const Ref families = get(broker_, n.children);
                const Ref children(PyObject_GetItem(families.get(), get(order, n.reference).get()));
                invoke(children.get(), n.take);  // itself
                invoke(account_.to_activate, n.extend, children.get());
            } else {
                invoke(broker_, n.bracket, order);
            }
        }
    }

    // Whether the price of a fill is one of the bar's or of the order's own.
    bool plain(const Seen& seen) const {
        const Names& n = names();
        if (looked_at_ || !account_.quiet || seen.kind == Kind::close) return false;
        const Ref settings = get(broker_, n.params);
        if (truth(get(settings.get(), n.slip_percent)) || truth(get(settings.get(), n.slip_fixed))) return false;
        return seen.kind != Kind::market ||
               (!truth(get(settings.get(), n.on_close)) && !truth(get(settings.get(), n.on_open)));
    }

    // BackBroker._try_exec_market, _limit, _stop and _stoplimit where nothing slips.
    void fill(PyObject* order, const Seen& seen) {
        const Names& n = names();
        const Bar& bar = seen.bar;
        switch (seen.kind) {
            case Kind::market:
                if (bar.time > seen.time) fills_.execute(order, number(bar.open));
                return;
            case Kind::limit:
                limit(order, seen, seen.price, n.price);
                return;
            case Kind::stop:
            case Kind::trail:
                // beyond its price from the start, or within the bar
                fills_.execute(order, gap(seen) ? number(bar.open) : get(seen.created, n.price));
                break;
            default:
                if (seen.triggered) {
                    limit(order, seen, seen.limit, n.limit);
                    return;
                }
                set(order, n.triggered, Py_True);
                stop_limit(order, seen);
        }
        if (seen.kind == Kind::stop || seen.kind == Kind::stop_limit) return;
        const long status = PyLong_AsLong(get(order, n.status).get());
        if (status == -1 && PyErr_Occurred()) throw PythonError{};
        if (status < kCompleted && !trail(order, bar.close)) throw PythonError{};
    }

    static bool gap(const Seen& seen) { return seen.buy ? seen.bar.open >= seen.price : seen.bar.open <= seen.price; }

    void limit(PyObject* order, const Seen& seen, double price, PyObject* name) {
        const Bar& bar = seen.bar;
        if (seen.buy ? price >= bar.open : price <= bar.open)
            fills_.execute(order, number(bar.open));
        else if (seen.buy ? price >= bar.low : price <= bar.high)
            fills_.execute(order, get(seen.created, name));
    }

    // A stop with a limit that was met by this bar: it fills where the course of the bar leaves no doubt.
    void stop_limit(PyObject* order, const Seen& seen) {
        const Names& n = names();
        const Bar& bar = seen.bar;
        const bool buy = seen.buy;
        if (gap(seen)) {
            limit(order, seen, seen.limit, n.limit);
        } else if (buy ? seen.limit >= seen.price : seen.limit <= seen.price) {
            fills_.execute(order, get(seen.created, n.price));
        } else if (buy ? bar.open > bar.close && seen.limit >= bar.close
                       : bar.open <= bar.close && seen.limit <= bar.close) {
            fills_.execute(order, get(seen.created, n.limit));
        }
    }

    Account& account_;
    PyObject* broker_;
    bool looked_at_;  // the broker looks at each attempt itself
    Fills fills_;
};

}  // namespace

PyObject* match_pending(PyObject*, PyObject* arguments) {
    PyObject *account, *broker, *positions, *is_paid_in_full;
    if (!PyArg_ParseTuple(arguments, "O!OOO", account_type(), &account, &broker, &positions, &is_paid_in_full))
        return nullptr;
    try {
        Matching(*reinterpret_cast<Account*>(account), broker, positions, is_paid_in_full).all();
    } catch (const PythonError&) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
