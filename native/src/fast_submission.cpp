// BackBroker.check_submitted, and what its buy() and sell() do with an order: the usual orders here, whatever is
// unusual by Backtrader's own methods.
#include "fast_submission.h"

#include "fast_fills.h"
#include "fast_objects.h"

namespace gcg::python::fast {

namespace {

enum Status : long { kSubmitted = 1, kAccepted = 2 };  // Backtrader's

struct Names {
    PyObject* params = PyUnicode_InternFromString("p");
    PyObject* cash = PyUnicode_InternFromString("cash");
    PyObject* position = PyUnicode_InternFromString("position");
    PyObject* held = PyUnicode_InternFromString("positions");
    PyObject* submitted = PyUnicode_InternFromString("submitted");
    PyObject* pending = PyUnicode_InternFromString("pending");
    PyObject* orders = PyUnicode_InternFromString("orders");
    PyObject* groups = PyUnicode_InternFromString("_ocos");
    PyObject* members = PyUnicode_InternFromString("_ocol");
    PyObject* children = PyUnicode_InternFromString("_pchildren");
    PyObject* take = PyUnicode_InternFromString("popleft");
    PyObject* add = PyUnicode_InternFromString("append");
    PyObject* data = PyUnicode_InternFromString("data");
    PyObject* parent = PyUnicode_InternFromString("parent");
    PyObject* reference = PyUnicode_InternFromString("ref");
    PyObject* transmit = PyUnicode_InternFromString("transmit");
    PyObject* compensates = PyUnicode_InternFromString("_compensate");
    PyObject* short_cash = PyUnicode_InternFromString("shortcash");
    PyObject* on_open = PyUnicode_InternFromString("coo");
    PyObject* checks = PyUnicode_InternFromString("checksubmit");
    PyObject* scheme_of = PyUnicode_InternFromString("getcommissioninfo");
    PyObject* take_children = PyUnicode_InternFromString("_take_children");
    PyObject* execute = PyUnicode_InternFromString("_execute");
    PyObject* notify = PyUnicode_InternFromString("notify");
    PyObject* check_group = PyUnicode_InternFromString("_ococheck");
    PyObject* make_group = PyUnicode_InternFromString("_ocoize");
    PyObject* submit = PyUnicode_InternFromString("submit");
    PyObject* accept = PyUnicode_InternFromString("submit_accept");
    PyObject* margin = PyUnicode_InternFromString("margin");
    PyObject* size = PyUnicode_InternFromString("size");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* left = PyUnicode_InternFromString("remsize");
    PyObject* executed = PyUnicode_InternFromString("executed");
    PyObject* created = PyUnicode_InternFromString("created");
    PyObject* annotated = PyUnicode_InternFromString("pannotated");
    PyObject* status = PyUnicode_InternFromString("status");
    PyObject* broker = PyUnicode_InternFromString("broker");
    PyObject* length = PyUnicode_InternFromString("plen");
    Ref nought = number(0.0);
    Ref submitted_status = whole(kSubmitted), accepted_status = whole(kAccepted);
    Ref for_trial = Ref(PyTuple_Pack(2, cash, position));  // keywords of _execute
    Ref for_submit = Ref(PyTuple_Pack(1, PyUnicode_InternFromString("check")));
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

bool contains(const Ref& container, PyObject* key) {
    const int found = PySequence_Contains(container.get(), key);
    check(found);
    return found;
}

// `getattr(parent, "ref", otherwise)`
Ref reference_of(PyObject* parent, PyObject* otherwise) {
    PyObject* found = PyObject_GetAttr(parent, names().reference);
    if (found) return Ref(found);
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError{};
    PyErr_Clear();
    return Ref::to(otherwise);
}

// What orders together would leave of the cash, if each were filled at the price it was created with.
class Trial {
 public:
    Trial(PyObject* broker, PyObject* is_paid_in_full)
        : broker_(broker), is_paid_in_full_(is_paid_in_full), cash_(get(broker, names().cash)), held_(PyDict_New()) {}

    void all() {
        const Names& n = names();
        const Ref waiting = get(broker_, n.submitted);
        while (truth(waiting)) {
            const Ref order = invoke(waiting.get(), n.take);
            const Ref terms = get(order.get(), n.params);
            if (orphaned(order.get(), terms)) continue;
            const Ref data = get(terms.get(), n.data);
            fill(order.get(), data.get());
            if (compare(cash_, n.nought, Py_GE))
                accept(order.get(), data.get());
            else
                refuse(order.get());
        }
    }

 private:
    // Whether its parent is gone, and it is rejected.
    bool orphaned(PyObject* order, const Ref& terms) const {
        const Names& n = names();
        const Ref parent = get(terms.get(), n.parent);
        if (parent.is(Py_None)) return false;
        if (contains(get(broker_, n.children), reference_of(parent.get(), Py_None).get())) return false;
        return invoke(broker_, n.take_children, order).is(Py_None);
    }

    void fill(PyObject* order, PyObject* data) {
        const Names& n = names();
        const Ref now = item(get(broker_, n.held), data), scheme = invoke(broker_, n.scheme_of, data);
        Ref held = Ref::to(Py_None);
        if (PyObject* known = PyDict_GetItemWithError(held_.get(), data))
            held = Ref::to(known);
        else if (PyErr_Occurred())
            throw PythonError{};
        const bool first = held.is(Py_None);
        const Ref size = first ? get(now.get(), n.size) : Ref::to(PyTuple_GET_ITEM(held.get(), 0));
        const Ref price = first ? get(now.get(), n.price) : Ref::to(PyTuple_GET_ITEM(held.get(), 1));
        const Ref settings = get(broker_, n.params);
        if (get(data, n.compensates).is(Py_None) && truth(get(settings.get(), n.short_cash)) &&
            !truth(get(settings.get(), n.on_open)) && truth(Ref(PyObject_CallOneArg(is_paid_in_full_, scheme.get()))))
            reckon(order, data, scheme.get(), size, price);
        else
            pretend(order, data, size, price);
    }

    void note(PyObject* data, const Ref& size, const Ref& price) {
        const Ref after(PyTuple_Pack(2, size.get(), price.get()));
        check(PyDict_SetItem(held_.get(), data, after.get()));
    }

    void reckon(PyObject* order, PyObject* data, PyObject* scheme, const Ref& held, const Ref& before) {
        const Names& n = names();
        const Ref price = get(get(order, n.created).get(), n.price);
        const Move move = moved(held, before, get(get(order, n.executed).get(), n.left), price);
        const Scheme costs(scheme);
        if (truth(move.closed)) {
            cash_ = cash_ + costs.paid(-move.closed * price);
            cash_ = cash_ - costs.commission(move.closed, price);
        }
        if (truth(move.opened)) {
            cash_ = cash_ - costs.paid(move.opened * price);
            cash_ = cash_ - costs.commission(move.opened, price);
        }
        note(data, move.size, move.price);
    }

    void pretend(PyObject* order, PyObject* data, const Ref& size, const Ref& price) {
        static PyObject* const position_class = [] {
            const Ref module(PyImport_ImportModule("backtrader.position"));
            return Ref(PyObject_GetAttrString(module.get(), "Position")).release();
        }();
        const Names& n = names();
        const Ref position(PyObject_CallFunctionObjArgs(position_class, size.get(), price.get(), nullptr));
        PyObject* const arguments[] = {broker_, order, cash_.get(), position.get()};
        cash_ = Ref(PyObject_VectorcallMethod(n.execute, arguments, 2, n.for_trial.get()));
        note(data, get(position.get(), n.size), get(position.get(), n.price));
    }

    void accept(PyObject* order, PyObject* data) const {
        const Names& n = names();
        const Py_ssize_t length = PyObject_Size(data);
        if (length < 0) throw PythonError{};
        set(order, n.annotated, Py_None);
        set(order, n.status, n.accepted_status);
        set(order, n.broker, Py_None);
        set(order, n.length, whole(length));
        invoke(get(broker_, n.pending).get(), n.add, order);
        invoke(broker_, n.notify, order);
    }

    void refuse(PyObject* order) const {
        const Names& n = names();
        invoke(order, n.margin);
        invoke(broker_, n.notify, order);
        invoke(broker_, n.check_group, order);
        cancel_bracket(broker_, order);
    }

    PyObject* broker_;
    PyObject* is_paid_in_full_;
    Ref cash_, held_;  // held_: dict, data -> (size, price)
};

Ref submit(PyObject* broker, PyObject* order, PyObject* checked) {
    PyObject* const arguments[] = {broker, order, checked};
    return Ref(PyObject_VectorcallMethod(names().submit, arguments, 2, names().for_submit.get()));
}

// BackBroker.transmit
void transmit(PyObject* broker, PyObject* order, PyObject* checked) {
    const Names& n = names();
    if (!truth(checked) || !truth(get(get(broker, n.params).get(), n.checks))) {
        invoke(broker, n.accept, order);
        return;
    }
    const Ref data = get(get(order, n.params).get(), n.data);
    const Py_ssize_t length = PyObject_Size(data.get());
    if (length < 0) throw PythonError{};
    set(order, n.status, n.submitted_status);
    set(order, n.broker, Py_None);
    set(order, n.length, whole(length));
    invoke(get(broker, n.submitted).get(), n.add, order);
    invoke(get(broker, n.orders).get(), n.add, order);
    invoke(broker, n.notify, order);
}

Ref place(PyObject* broker, PyObject* order, PyObject* group, PyObject* checked) {
    const Names& n = names();
    const Ref terms = get(order, n.params), parent = get(terms.get(), n.parent);
    Ref reference = get(order, n.reference);
    if (group == Py_None) {  // its own group
        check(PyObject_SetItem(get(broker, n.groups).get(), reference.get(), reference.get()));
        invoke(item(get(broker, n.members), reference.get()).get(), n.add, reference.get());
    } else {
        PyObject* const arguments[] = {broker, order, group};
        const Ref done(PyObject_VectorcallMethod(n.make_group, arguments, 3, nullptr));
    }
    const Ref families = get(broker, n.children);
    if (!parent.is(Py_None)) {
        reference = reference_of(parent.get(), reference.get());
        if (!contains(families, reference.get())) return submit(broker, order, checked);
    }
    const Ref family = item(families, reference.get());
    invoke(family.get(), n.add, order);
    if (!truth(get(terms.get(), n.transmit))) return Ref::to(order);
    const Ref every(PyObject_GetIter(family.get()));
    while (PyObject* next = PyIter_Next(every.get())) {
        const Ref one(next);
        transmit(broker, one.get(), checked);
    }
    if (PyErr_Occurred()) throw PythonError{};
    return Ref::to(order);
}

}  // namespace

PyObject* check_submitted(PyObject*, PyObject* arguments) {
    PyObject *broker, *is_paid_in_full;
    if (!PyArg_ParseTuple(arguments, "OO", &broker, &is_paid_in_full)) return nullptr;
    try {
        Trial(broker, is_paid_in_full).all();
    } catch (const PythonError&) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject* place_order(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != 4) return PyErr_Format(PyExc_TypeError, "fast_place takes 4 arguments, not %zd.", count);
    try {
        return place(arguments[0], arguments[1], arguments[2], arguments[3]).release();
    } catch (const PythonError&) {
        return nullptr;
    }
}

}  // namespace gcg::python::fast
