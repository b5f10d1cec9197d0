// Strategy._addnotification and Strategy._notify: the same calls in the same order.
#include "fast_delivery.h"

#include "fast_objects.h"
#include "fast_orders.h"

namespace gcg::python::fast {

namespace {

struct Names {
    PyObject* take = PyUnicode_InternFromString("popleft");
    PyObject* add = PyUnicode_InternFromString("append");
    PyObject* params = PyUnicode_InternFromString("p");
    PyObject* owner = PyUnicode_InternFromString("owner");
    PyObject* simulated = PyUnicode_InternFromString("simulated");
    PyObject* orders = PyUnicode_InternFromString("_orderspending");
    PyObject* news = PyUnicode_InternFromString("_tradespending");
    PyObject* trades = PyUnicode_InternFromString("_trades");
    PyObject* keeps_history = PyUnicode_InternFromString("_tradehistoryon");
    PyObject* executed = PyUnicode_InternFromString("executed");
    PyObject* size = PyUnicode_InternFromString("size");
    PyObject* pending = PyUnicode_InternFromString("iterpending");
    PyObject* data = PyUnicode_InternFromString("data");
    PyObject* compensates = PyUnicode_InternFromString("_compensate");
    PyObject* trade_id = PyUnicode_InternFromString("tradeid");
    PyObject* history = PyUnicode_InternFromString("historyon");
    PyObject* update = PyUnicode_InternFromString("update");
    PyObject* scheme = PyUnicode_InternFromString("comminfo");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* profit = PyUnicode_InternFromString("pnl");
    PyObject* closed = PyUnicode_InternFromString("closed");
    PyObject* closed_value = PyUnicode_InternFromString("closedvalue");
    PyObject* closed_commission = PyUnicode_InternFromString("closedcomm");
    PyObject* opened = PyUnicode_InternFromString("opened");
    PyObject* opened_value = PyUnicode_InternFromString("openedvalue");
    PyObject* opened_commission = PyUnicode_InternFromString("openedcomm");
    PyObject* is_closed = PyUnicode_InternFromString("isclosed");
    PyObject* just_opened = PyUnicode_InternFromString("justopened");
    PyObject* notify_order = PyUnicode_InternFromString("notify_order");
    PyObject* notify_trade = PyUnicode_InternFromString("notify_trade");
    Ref of_trade = Ref(PyTuple_Pack(3, data, trade_id, history));  // keywords of Trade
    Ref of_update = Ref(PyTuple_Pack(1, scheme));
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

PyObject* trade_class() {
    static PyObject* const cls = [] {
        const Ref module(PyImport_ImportModule("backtrader.trade"));
        return Ref(PyObject_GetAttrString(module.get(), "Trade")).release();
    }();
    return cls;
}

// Call `work(item)` for each item, as a `for` loop does: what is appended meanwhile is seen, too.
template <class Work>
void each(PyObject* items, Work work) {
    const Ref every(PyObject_GetIter(items));
    while (PyObject* next = PyIter_Next(every.get())) {
        const Ref one(next);
        work(one.get());
    }
    if (PyErr_Occurred()) throw PythonError{};
}

// An order that was executed, in whole or in part, and the trades of its strategy.
class Executed {
 public:
    Executed(PyObject* owner, PyObject* order)
        : owner_(owner), order_(order), terms_(get(order, names().params)), told_(get(owner, names().news)) {
        const Names& n = names();
        data_ = get(get(terms_.get(), n.data).get(), n.compensates);
        if (data_.is(Py_None)) data_ = get(terms_.get(), n.data);
        trades_ = item(item(get(owner, n.trades), data_.get()), get(terms_.get(), n.trade_id).get());
        trade_ = truth(trades_) ? item(trades_, whole(-1).get()) : another();
    }

    void bit(PyObject* bit) {
        const Names& n = names();
        if (truth(get(bit, n.closed))) {
            update(bit, n.closed, n.closed_value, n.closed_commission);
            if (is(n.is_closed)) tell();
        }
        if (truth(get(bit, n.opened))) {
            if (is(n.is_closed)) trade_ = another();
            update(bit, n.opened, n.opened_value, n.opened_commission);
            if (is(n.is_closed)) tell();
        }
        if (is(n.just_opened)) tell();
    }

 private:
    [[nodiscard]] bool is(PyObject* name) const { return truth(get(trade_.get(), name)); }

    Ref another() {
        const Names& n = names();
        const Ref id = get(terms_.get(), n.trade_id), history = get(owner_, n.keeps_history);
        PyObject* const arguments[] = {data_.get(), id.get(), history.get()};
        Ref made(PyObject_Vectorcall(trade_class(), arguments, 0, n.of_trade.get()));
        invoke(trades_.get(), n.add, made.get());
        return made;
    }

    void update(PyObject* bit, PyObject* size_name, PyObject* value_name, PyObject* commission_name) {
        const Names& n = names();
        const Ref size = get(bit, size_name), price = get(bit, n.price), value = get(bit, value_name);
        const Ref commission = get(bit, commission_name), profit = get(bit, n.profit), scheme = get(order_, n.scheme);
        PyObject* const arguments[] = {trade_.get(), order_,           size.get(),   price.get(),
                                       value.get(),  commission.get(), profit.get(), scheme.get()};
        const Ref done(PyObject_VectorcallMethod(n.update, arguments, 7, n.of_update.get()));
    }

    void tell() {
        const Ref copy(copy_thing(nullptr, trade_.get()));
        invoke(told_.get(), names().add, copy.get());
    }

    PyObject *owner_, *order_;
    Ref terms_, told_, data_, trades_, trade_;
};

void deliver(PyObject* notifications, PyObject* first) {
    const Names& n = names();
    for (;;) {
        const Py_ssize_t waiting = PyObject_Size(notifications);
        if (waiting < 0) throw PythonError{};
        if (!waiting) return;
        const Ref order = invoke(notifications, n.take);
        const Ref terms = get(order.get(), n.params);
        Ref owner = get(terms.get(), n.owner);
        if (owner.is(Py_None)) owner = Ref::to(first);
        if (!truth(get(terms.get(), n.simulated))) invoke(get(owner.get(), n.orders).get(), n.add, order.get());
        const Ref execution = get(order.get(), n.executed);
        if (!truth(get(execution.get(), n.size))) continue;
        Executed executed(owner.get(), order.get());
        each(invoke(execution.get(), n.pending).get(), [&](PyObject* bit) { executed.bit(bit); });
    }
}

void tell(PyObject* strategy, PyObject* of_order, PyObject* of_trade) {
    const Names& n = names();
    const auto listen = [](PyObject* listeners, PyObject* news) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(listeners); ++i)
            const Ref done(PyObject_CallOneArg(PyTuple_GET_ITEM(listeners, i), news));
    };
    each(get(strategy, n.orders).get(), [&](PyObject* order) {
        if (Ref(is_told(nullptr, order)).is(Py_True)) invoke(strategy, n.notify_order, order);
        listen(of_order, order);
    });
    each(get(strategy, n.news).get(), [&](PyObject* trade) {
        invoke(strategy, n.notify_trade, trade);
        listen(of_trade, trade);
    });
}

}  // namespace

PyObject* deliver_orders(PyObject*, PyObject* arguments) {
    PyObject *notifications, *first;
    if (!PyArg_ParseTuple(arguments, "OO", &notifications, &first)) return nullptr;
    try {
        deliver(notifications, first);
    } catch (const PythonError&) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyObject* tell_strategy(PyObject*, PyObject* arguments) {
    PyObject *strategy, *of_order, *of_trade;
    if (!PyArg_ParseTuple(arguments, "OO!O!", &strategy, &PyTuple_Type, &of_order, &PyTuple_Type, &of_trade))
        return nullptr;
    try {
        tell(strategy, of_order, of_trade);
    } catch (const PythonError&) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
