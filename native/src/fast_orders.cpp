// Orders and trades as Backtrader makes and copies them: the same attributes, set in the same order.
//
// Backtrader keeps every copy of every order. Attributes that are set one by one lie in the object and share their
// names with all others of the class; a dictionary, as Backtrader's copies have, is made when somebody asks for it.
// What holds nothing but numbers is no part of any cycle, and the garbage collector need not walk over it again and
// again.
#include "fast_orders.h"

#include <cmath>

#include "fast_objects.h"

namespace gcg::python::fast {

namespace {

constexpr long kHistorical = 7;  // Order.Historical

struct Names {
    PyObject* executed = PyUnicode_InternFromString("executed");
    PyObject* bits = PyUnicode_InternFromString("exbits");
    PyObject* told = PyUnicode_InternFromString("p1");
    PyObject* news = PyUnicode_InternFromString("p2");
    PyObject* limit_property = PyUnicode_InternFromString("plimit");
    PyObject* close = PyUnicode_InternFromString("pclose");
    PyObject* time = PyUnicode_InternFromString("dt");
    PyObject* size = PyUnicode_InternFromString("size");
    PyObject* left = PyUnicode_InternFromString("remsize");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* limit = PyUnicode_InternFromString("pricelimit");
    PyObject* trail_amount = PyUnicode_InternFromString("trailamount");
    PyObject* trail_percent = PyUnicode_InternFromString("trailpercent");
    PyObject* own_limit = PyUnicode_InternFromString("_plimit");
    PyObject* value = PyUnicode_InternFromString("value");
    PyObject* commission = PyUnicode_InternFromString("comm");
    PyObject* margin = PyUnicode_InternFromString("margin");
    PyObject* profit = PyUnicode_InternFromString("pnl");
    PyObject* held = PyUnicode_InternFromString("psize");
    PyObject* held_price = PyUnicode_InternFromString("pprice");
    PyObject* owner = PyUnicode_InternFromString("owner");
    PyObject* data = PyUnicode_InternFromString("data");
    PyObject* kind = PyUnicode_InternFromString("exectype");
    PyObject* valid = PyUnicode_InternFromString("valid");
    PyObject* trade = PyUnicode_InternFromString("tradeid");
    PyObject* group = PyUnicode_InternFromString("oco");
    PyObject* parent = PyUnicode_InternFromString("parent");
    PyObject* transmit = PyUnicode_InternFromString("transmit");
    PyObject* simulated = PyUnicode_InternFromString("simulated");
    PyObject* tell_history = PyUnicode_InternFromString("histnotify");
    PyObject* params = PyUnicode_InternFromString("params");
    PyObject* short_params = PyUnicode_InternFromString("p");
    PyObject* reference = PyUnicode_InternFromString("ref");
    PyObject* broker = PyUnicode_InternFromString("broker");
    PyObject* info = PyUnicode_InternFromString("info");
    PyObject* scheme = PyUnicode_InternFromString("comminfo");
    PyObject* triggered = PyUnicode_InternFromString("triggered");
    PyObject* active = PyUnicode_InternFromString("_active");
    PyObject* status = PyUnicode_InternFromString("status");
    PyObject* created = PyUnicode_InternFromString("created");
    PyObject* limit_offset = PyUnicode_InternFromString("_limitoffset");
    PyObject* follow = PyUnicode_InternFromString("trailadjust");
    PyObject* position = PyUnicode_InternFromString("position");
    PyObject* day_end = PyUnicode_InternFromString("dteos");
    PyObject* zero = PyLong_FromLong(0);
    PyObject* nought = PyFloat_FromDouble(0.0);
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

// Backtrader's classes, looked up when the first order is made.
struct Classes {
    Ref order_data, info, queue;
    Classes() {
        const Ref order(PyImport_ImportModule("backtrader.order"));
        const Ref collections(PyImport_ImportModule("collections"));
        order_data = Ref(PyObject_GetAttrString(order.get(), "OrderData"));
        info = Ref(PyObject_GetAttrString(order.get(), "AutoOrderedDict"));
        queue = Ref(PyObject_GetAttrString(collections.get(), "deque"));
    }
};
const Classes& classes() {
    static const Classes& all = *new Classes;
    return all;
}

// Whether the garbage collector follows any of these attributes, but for the executions of an order.
bool leads_on(const Ref& attributes) {
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(attributes.get(), &at, &name, &value);)
        if (name != names().bits && PyObject_IS_GC(value)) return true;
    return false;
}

// A shallow copy of a thing with these attributes; `changed` has another value in it.
Ref copy_of(PyObject* thing, const Ref& attributes, PyObject* changed = nullptr, PyObject* other = nullptr) {
    Ref copy = blank(reinterpret_cast<PyObject*>(Py_TYPE(thing)));
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(attributes.get(), &at, &name, &value);) {
        if (!PyUnicode_CheckExact(name) || name == names().limit_property) {  // nothing that an assignment leaves there
            const Ref its = attributes_of(copy.get());
            check(PyDict_SetItem(its.get(), name, value));
        } else {
            check(PyObject_GenericSetAttr(copy.get(), name, name == changed ? other : value));
        }
    }
    return copy;
}

Ref clone(PyObject* order) {
    const Names& n = names();
    const Ref facts = attributes_of(order);
    PyObject* const executed = entry(facts.get(), n.executed);
    const Ref done = attributes_of(executed);
    const Py_ssize_t bits = PyObject_Size(entry(done.get(), n.bits));
    if (bits < 0) throw PythonError{};
    check(PyDict_SetItem(done.get(), n.told, entry(done.get(), n.news)));
    check(PyDict_SetItem(done.get(), n.news, whole(bits).get()));
    const Ref copy = copy_of(executed, done);
    if (!PyObject_GC_IsTracked(executed)) {
        if (leads_on(done)) {
            PyObject_GC_Track(executed);
        } else {
            PyObject_GC_UnTrack(done.get());
            PyObject_GC_UnTrack(copy.get());
        }
    }
    return copy_of(order, facts, n.executed, copy.get());
}

struct Terms {
    PyObject *time, *size, *price, *limit, *left, *close, *trail_amount, *trail_percent;
};

// OrderData(...): its attributes in its order.
Ref order_data(const Terms& terms) {
    const Names& n = names();
    Ref made = blank(classes().order_data.get());
    PyObject* const self = made.get();
    const bool limited = truth(terms.limit);
    set(self, n.close, terms.close);
    const Ref bits(PyObject_CallNoArgs(classes().queue.get()));
    set(self, n.bits, bits);
    set(self, n.told, n.zero);
    set(self, n.news, n.zero);
    set(self, n.time, terms.time);
    set(self, n.size, terms.size);
    set(self, n.left, terms.left);
    set(self, n.price, limited && !truth(terms.price) ? terms.limit : terms.price);
    set(self, n.limit, limited ? terms.limit : terms.price);
    set(self, n.trail_amount, terms.trail_amount);
    set(self, n.trail_percent, terms.trail_percent);
    set(self, n.own_limit, terms.limit);
    set(self, n.value, n.nought);
    set(self, n.commission, n.nought);
    set(self, n.margin, Py_None);
    set(self, n.profit, n.nought);
    set(self, n.held, n.zero);
    set(self, n.held_price, n.zero);
    PyObject_GC_UnTrack(bits.get());
    for (PyObject* one : {terms.size, terms.price, terms.limit, terms.left, terms.trail_amount, terms.trail_percent})
        if (PyObject_IS_GC(one)) return made;
    PyObject_GC_UnTrack(self);
    return made;
}

// What fast_make_order is given, in its order.
struct Wanted {
    PyObject *cls, *params, *reference, *sells, *time, *close, *expiry, *day_end;
    PyObject *owner, *data, *size, *price, *limit, *kind, *valid, *trade, *trail_amount, *trail_percent;
    PyObject *parent, *transmit, *tell_history;
};
constexpr Py_ssize_t kWanted = sizeof(Wanted) / sizeof(PyObject*);

Ref params_of(const Wanted& wanted) {
    const Names& n = names();
    Ref made = blank(wanted.params);
    PyObject* const self = made.get();
    set(self, n.owner, wanted.owner);
    set(self, n.data, wanted.data);
    set(self, n.size, wanted.size);
    set(self, n.price, wanted.price);
    set(self, n.limit, wanted.limit);
    set(self, n.kind, wanted.kind);
    set(self, n.valid, wanted.valid);
    set(self, n.trade, wanted.trade);
    set(self, n.group, Py_None);
    set(self, n.trail_amount, wanted.trail_amount);
    set(self, n.trail_percent, wanted.trail_percent);
    set(self, n.parent, wanted.parent);
    set(self, n.transmit, wanted.transmit);
    set(self, n.simulated, Py_False);
    set(self, n.tell_history, wanted.tell_history);
    return made;
}

bool trails(PyObject* kind) {
    if (!PyLong_Check(kind)) return false;
    const long which = PyLong_AsLong(kind);
    if (which == -1 && PyErr_Occurred()) PyErr_Clear();
    return which == 5 || which == 6;  // Order.StopTrail, Order.StopTrailLimit
}

// A trailing order begins at infinity, so that its first price is the first stop.
void begin_to_trail(PyObject* order, PyObject* created, bool sells) {
    const Names& n = names();
    const Ref start = get(created, n.price);
    set(order, n.limit_offset, start - get(created, n.limit));
    set(created, n.price, number(sells ? -HUGE_VAL : HUGE_VAL));
    const Ref done(PyObject_CallMethodOneArg(order, n.follow, start.get()));
}

// OrderBase.__init__: its attributes in its order.
Ref order_of(const Wanted& wanted) {
    const Names& n = names();
    const Ref params = params_of(wanted);
    Ref made = blank(wanted.cls);
    PyObject* const self = made.get();
    const bool sells = wanted.sells == Py_True;
    set(self, n.params, params);
    set(self, n.short_params, params);
    set(self, n.reference, wanted.reference);
    set(self, n.broker, Py_None);
    const Ref info(PyObject_CallNoArgs(classes().info.get()));
    PyObject_GC_UnTrack(info.get());  // a dict is looked at again once something is put into it that leads on
    set(self, n.info, info);
    set(self, n.scheme, Py_None);
    set(self, n.triggered, Py_False);
    set(self, n.active, wanted.parent == Py_None ? Py_True : Py_False);
    set(self, n.status, n.zero);
    set(self, n.own_limit, wanted.limit);
    if (wanted.kind == Py_None) set(self, n.kind, n.zero);
    const Ref size = sells ? -Ref::to(wanted.size) : Ref::to(wanted.size);
    if (sells) set(self, n.size, size);
    PyObject* const price = !truth(wanted.price) && !truth(wanted.limit) ? wanted.close : wanted.price;
    const Ref created = order_data({wanted.time, size.get(), price, wanted.limit, n.zero, wanted.close,
                                    wanted.trail_amount, wanted.trail_percent});
    set(self, n.created, created);
    if (trails(wanted.kind))
        begin_to_trail(self, created.get(), sells);
    else
        set(self, n.limit_offset, n.nought);
    set(self, n.executed, order_data({Py_None, n.zero, n.nought, n.nought, size.get(), n.nought, n.nought, n.nought}));
    set(self, n.position, n.zero);
    if (wanted.expiry != Py_None) set(self, n.valid, wanted.expiry);
    set(self, n.day_end, wanted.day_end);
    return made;
}

// Call something that throws from where Python calls.
template <class Work>
PyObject* returned(Work work) {
    try {
        return work().release();
    } catch (const PythonError&) {
        return nullptr;
    }
}

}  // namespace

PyObject* clone_order(PyObject* order) {
    return returned([&] { return clone(order); });
}

PyObject* clone_of(PyObject*, PyObject* order) {
    return clone_order(order);
}

PyObject* copy_thing(PyObject*, PyObject* thing) {
    return returned([&] { return copy_of(thing, attributes_of(thing)); });
}

PyObject* is_told(PyObject*, PyObject* order) {
    const Names& n = names();
    // An attribute that is not there is asked for without the exception, which costs more than all the rest.
    PyObject* kind = _PyObject_GenericGetAttrWithDict(order, n.kind, nullptr, 1);
    if (!kind && !PyErr_Occurred()) {
        PyObject* params = _PyObject_GenericGetAttrWithDict(order, n.params, nullptr, 1);
        kind = params ? PyObject_GetAttr(params, n.kind) : nullptr;
        Py_XDECREF(params);
    }
    if (!kind) return nullptr;
    const bool plain = PyLong_CheckExact(kind) && PyLong_AsLong(kind) != kHistorical;
    Py_DECREF(kind);
    if (plain) Py_RETURN_TRUE;
    return returned([&] {
        const Ref history = whole(kHistorical);
        if (compare(get(order, n.kind), history, Py_NE)) return Ref::to(Py_True);
        return Ref::to(truth(get(order, n.tell_history)) ? Py_True : Py_False);
    });
}

PyObject* make_order(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != kWanted)
        return PyErr_Format(PyExc_TypeError, "fast_make_order takes %zd arguments, not %zd.", kWanted, count);
    return returned([&] { return order_of(*reinterpret_cast<const Wanted*>(arguments)); });
}

}  // namespace gcg::python::fast
