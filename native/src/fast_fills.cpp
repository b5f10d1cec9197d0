// The same operations on the same numbers in the same order as `BackBroker._execute` with `CommInfoBase`, whose methods
// are not called, and as `Order.execute`.
#include "fast_fills.h"

#include "fast_orders.h"

namespace gcg::python::fast {

namespace {

enum Status : long { kPartial = 3, kCompleted = 4 };  // Backtrader's

struct Names {
    PyObject* params = PyUnicode_InternFromString("p");
    PyObject* data = PyUnicode_InternFromString("data");
    PyObject* compensates = PyUnicode_InternFromString("_compensate");
    PyObject* scheme_of = PyUnicode_InternFromString("getcommissioninfo");
    PyObject* filler = PyUnicode_InternFromString("filler");
    PyObject* short_cash = PyUnicode_InternFromString("shortcash");
    PyObject* interest_in_profit = PyUnicode_InternFromString("int2pnl");
    PyObject* execute = PyUnicode_InternFromString("_execute");
    PyObject* notify = PyUnicode_InternFromString("notify");
    PyObject* check_group = PyUnicode_InternFromString("_ococheck");
    PyObject* bracket = PyUnicode_InternFromString("_bracketize");
    PyObject* held = PyUnicode_InternFromString("positions");
    PyObject* cash = PyUnicode_InternFromString("cash");
    PyObject* credit = PyUnicode_InternFromString("d_credit");
    PyObject* take = PyUnicode_InternFromString("pop");
    PyObject* datetime = PyUnicode_InternFromString("datetime");
    PyObject* update = PyUnicode_InternFromString("update");
    PyObject* last_close = PyUnicode_InternFromString("last_close");
    PyObject* write_credit = PyUnicode_InternFromString("write_credit");
    PyObject* executed =
        PyUnicode_InternFromString("executed");  // of an order its execution, of LazyPositions a method
    PyObject* size = PyUnicode_InternFromString("size");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* base = PyUnicode_InternFromString("adjbase");
    PyObject* left = PyUnicode_InternFromString("remsize");
    PyObject* bits = PyUnicode_InternFromString("exbits");
    PyObject* add = PyUnicode_InternFromString("append");
    PyObject* time = PyUnicode_InternFromString("dt");
    PyObject* closed = PyUnicode_InternFromString("closed");
    PyObject* opened = PyUnicode_InternFromString("opened");
    PyObject* closed_value = PyUnicode_InternFromString("closedvalue");
    PyObject* opened_value = PyUnicode_InternFromString("openedvalue");
    PyObject* closed_commission = PyUnicode_InternFromString("closedcomm");
    PyObject* opened_commission = PyUnicode_InternFromString("openedcomm");
    PyObject* value = PyUnicode_InternFromString("value");
    PyObject* commission = PyUnicode_InternFromString("comm");
    PyObject* profit = PyUnicode_InternFromString("pnl");
    PyObject* size_after = PyUnicode_InternFromString("psize");
    PyObject* price_after = PyUnicode_InternFromString("pprice");
    PyObject* margin = PyUnicode_InternFromString("margin");
    PyObject* status = PyUnicode_InternFromString("status");
    PyObject* scheme = PyUnicode_InternFromString("comminfo");
    PyObject* rate = PyUnicode_InternFromString("commission");
    PyObject* commission_kind = PyUnicode_InternFromString("_commtype");
    PyObject* percent = PyUnicode_InternFromString("COMM_PERC");
    PyObject* leverage = PyUnicode_InternFromString("leverage");
    PyObject* mult = PyUnicode_InternFromString("mult");
    Ref zero = whole(0);
    Ref nought = number(0.0);
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

PyObject* bit_class() {
    static PyObject* const cls = [] {
        const Ref module(PyImport_ImportModule("backtrader.order"));
        return Ref(PyObject_GetAttrString(module.get(), "OrderExecutionBit")).release();
    }();
    return cls;
}

bool positive(const Ref& number) {
    return compare(number, names().zero, Py_GT);
}
bool negative(const Ref& number) {
    return compare(number, names().zero, Py_LT);
}

// What a part of an execution is worth, and what it costs.
struct Part {
    Ref value = names().nought, commission = names().nought;
};

struct Bit {
    Ref time, size, price;
    Move move;
    Part closed, opened;
    Ref profit;
};

// OrderData.addbit(OrderExecutionBit(...)), and what Order.execute does beside.
void enter(PyObject* order, PyObject* scheme, const Ref& margin, const Bit& bit) {
    const Names& n = names();
    const Ref made = blank(bit_class());
    PyObject* const self = made.get();
    const Ref value = bit.closed.value + bit.opened.value;
    const Ref commission = bit.closed.commission + bit.opened.commission;
    set(self, n.time, bit.time);
    set(self, n.size, bit.size);
    set(self, n.price, bit.price);
    set(self, n.closed, bit.move.closed);
    set(self, n.opened, bit.move.opened);
    set(self, n.closed_value, bit.closed.value);
    set(self, n.opened_value, bit.opened.value);
    set(self, n.closed_commission, bit.closed.commission);
    set(self, n.opened_commission, bit.opened.commission);
    set(self, n.value, value);
    set(self, n.commission, commission);
    set(self, n.profit, bit.profit);
    set(self, n.size_after, bit.move.size);
    set(self, n.price_after, bit.move.price);
    if (!PyObject_IS_GC(bit.size.get()) && !PyObject_IS_GC(bit.price.get()))
        PyObject_GC_UnTrack(self);  // numbers alone, as those of its order

    const Ref execution = get(order, n.executed);
    PyObject* const done = execution.get();
    invoke(get(done, n.bits).get(), n.add, self);
    const Ref left = get(done, n.left) - bit.size;
    set(done, n.left, left);
    set(done, n.time, bit.time);
    const Ref size = get(done, n.size);
    const Ref before = size * get(done, n.price);
    const Ref after = bit.size * bit.price;
    const Ref total = size + bit.size;
    set(done, n.size, total);
    set(done, n.price, (before + after) / total);
    set(done, n.value, get(done, n.value) + value);
    set(done, n.commission, get(done, n.commission) + commission);
    set(done, n.profit, get(done, n.profit) + bit.profit);
    set(done, n.size_after, bit.move.size);
    set(done, n.price_after, bit.move.price);
    set(done, n.margin, margin);
    set(order, n.status, whole(truth(left) ? kPartial : kCompleted));
    set(order, n.scheme, scheme);
}

}  // namespace

Move moved(const Ref& held, const Ref& price, const Ref& size, const Ref& at) {
    const Names& n = names();
    const Ref total = held + size;
    if (!truth(total)) return {total, n.nought, n.zero, size};
    if (!truth(held)) return {total, at, size, n.zero};
    const bool is_long = positive(held);
    if (is_long ? positive(size) : negative(size)) return {total, (price * held + size * at) / total, size, n.zero};
    if (is_long ? positive(total) : negative(total)) return {total, price, n.zero, size};
    return {total, at, total, -held};
}

Scheme::Scheme(PyObject* scheme) {
    const Names& n = names();
    const Ref terms = get(scheme, n.params);
    rate_ = get(terms.get(), n.rate);
    leverage_ = get(terms.get(), n.leverage);
    percent_ = compare(get(scheme, n.commission_kind), get(scheme, n.percent), Py_EQ);
}

Ref Scheme::commission(const Ref& size, const Ref& price) const {
    return percent_ ? absolute(size) * rate_ * price : absolute(size) * rate_;
}

Ref Scheme::paid(const Ref& value) const {
    return positive(value) ? value / leverage_ : value;
}

void cancel_bracket(PyObject* broker, PyObject* order) {
    static PyObject* const keywords = PyTuple_Pack(1, PyUnicode_InternFromString("cancel"));
    PyObject* const arguments[] = {broker, order, Py_True};
    const Ref done(PyObject_VectorcallMethod(names().bracket, arguments, 2, keywords));
}

void Fills::execute(PyObject* order, const Ref& price) const {
    const Names& n = names();
    const Ref terms = get(order, n.params);
    const Ref data = get(terms.get(), n.data);
    const Ref settings = get(broker, n.params);
    if (get(data.get(), n.compensates).is(Py_None) && get(settings.get(), n.filler).is(Py_None) &&
        truth(get(settings.get(), n.short_cash))) {
        const Ref scheme = invoke(broker, n.scheme_of, data.get());
        if (truth(Ref(PyObject_CallOneArg(is_paid_in_full, scheme.get())))) {
            const Ref size = get(get(order, n.executed).get(), n.left);
            const Ref times = get(data.get(), n.datetime);
            trade(order, data.get(), scheme.get(), size, price, Ref(PyObject_GetItem(times.get(), n.zero.get())));
            return;
        }
    }
    PyObject* const arguments[] = {broker, order, n.zero.get(), price.get()};
    const Ref done(PyObject_VectorcallMethod(n.execute, arguments, 4, nullptr));
}

void Fills::trade(PyObject* order, PyObject* data, PyObject* scheme, const Ref& size, const Ref& price,
                  const Ref& time) const {
    const Names& n = names();
    const Ref terms = get(scheme, n.params);
    const Ref all = get(broker, n.held);
    const Ref position(PyObject_GetItem(all.get(), data));
    const Ref mine = attributes_of(position.get());
    const bool quiet = account.quiet;
    const Ref held = Ref::to(entry(mine.get(), n.size)), before = Ref::to(entry(mine.get(), n.price));
    Bit bit;
    bit.price = price;
    bit.time = time;
    Move& move = bit.move = moved(held, before, size, price);
    bit.profit = -move.closed * (price - before) * get(terms.get(), n.mult);
    Ref cash = get(broker, n.cash);
    const Scheme costs(scheme);
    if (quiet && truth(held))  // the close of the bar before, as the broker saw it
        check(PyDict_SetItem(mine.get(), n.base, invoke(positions, n.last_close, data).get()));
    const bool closes = truth(move.closed);
    if (closes) {
        bit.closed.value = -move.closed * before;
        cash = cash + (costs.paid(bit.closed.value) + bit.profit * Ref::to(Py_True));
        bit.closed.commission = costs.commission(move.closed, price);
        cash = cash - bit.closed.commission;
        cash = cash + n.nought;
        set(broker, n.cash, cash);
    }
    const bool wanted = truth(move.opened);
    bool refused = false;
    if (wanted) {
        bit.opened.value = move.opened * price;
        cash = cash - costs.paid(bit.opened.value);
        bit.opened.commission = costs.commission(move.opened, price);
        cash = cash - bit.opened.commission;
        refused = compare(cash, n.nought, Py_LT);
        if (refused) {
            move.opened = n.zero;
            bit.opened = Part{};
        } else {
            if (compare(absolute(move.size), absolute(move.opened), Py_GT)) cash = cash + n.nought;
            check(PyDict_SetItem(mine.get(), n.base, price.get()));
            set(broker, n.cash, cash);
        }
    }
    bit.size = move.closed + move.opened;
    if (truth(bit.size)) {
        const bool popped = closes && truth(get(get(broker, n.params).get(), n.interest_in_profit));
        if (quiet && truth(held) && !popped) invoke(positions, n.write_credit, data);
        const Ref times = get(data, n.datetime);
        const Ref moment(PyObject_CallMethodNoArgs(times.get(), n.datetime));
        const Ref updated(
            PyObject_CallMethodObjArgs(position.get(), n.update, bit.size.get(), price.get(), moment.get(), nullptr));
        if (popped) {
            const Ref credit = get(broker, n.credit);
            const Ref owed(PyObject_CallMethodObjArgs(credit.get(), n.take, data, n.nought.get(), nullptr));
            bit.closed.commission = bit.closed.commission + owed;
        }
        if (quiet) {
            PyObject* const anew = popped || !truth(held) ? Py_True : Py_False;
            const Ref noted(PyObject_CallMethodObjArgs(positions, n.executed, data, position.get(), anew, nullptr));
        }
        enter(order, scheme, get(terms.get(), n.margin), bit);
        invoke(broker, n.notify, order);
        invoke(broker, n.check_group, order);
    }
    if (wanted && refused) {
        const Ref called(PyObject_CallMethodNoArgs(order, n.margin));
        invoke(broker, n.notify, order);
        invoke(broker, n.check_group, order);
        cancel_bracket(broker, order);
    }
}

PyObject* trade_order(PyObject*, PyObject* arguments) {
    PyObject *account, *broker, *positions, *order, *data, *scheme, *size, *price, *time;
    if (!PyArg_ParseTuple(arguments, "O!OOOOOOOO", account_type(), &account, &broker, &positions, &order, &data,
                          &scheme, &size, &price, &time))
        return nullptr;
    try {
        const Fills fills{*reinterpret_cast<Account*>(account), broker, positions, nullptr};
        fills.trade(order, data, scheme, Ref::to(size), Ref::to(price), Ref::to(time));
    } catch (const PythonError&) {
        return nullptr;
    }
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
