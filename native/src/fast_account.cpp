#include "fast_account.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "fast_orders.h"

namespace gcg::python::fast {

namespace {

PyTypeObject* g_account_type = nullptr;

struct Names {
    PyObject* cash = PyUnicode_InternFromString("cash");
    PyObject* fund_shares = PyUnicode_InternFromString("_fundshares");
    PyObject* commissions = PyUnicode_InternFromString("comminfo");
    PyObject* name = PyUnicode_InternFromString("_name");
    PyObject* size = PyUnicode_InternFromString("size");
    PyObject* price = PyUnicode_InternFromString("price");
    PyObject* stock_like = PyUnicode_InternFromString("_stocklike");
    PyObject* params = PyUnicode_InternFromString("p");
    PyObject* short_cash = PyUnicode_InternFromString("shortcash");
    PyObject* mult = PyUnicode_InternFromString("mult");
    PyObject* leverage = PyUnicode_InternFromString("leverage");
    PyObject* margin = PyUnicode_InternFromString("margin");
    PyObject* auto_margin = PyUnicode_InternFromString("automargin");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

bool attribute(PyObject* object, PyObject* name, double& value) {
    PyObject* found = PyObject_GetAttr(object, name);
    if (!found) {
        PyErr_Clear();  // the slow way meets the same error and reports it
        return false;
    }
    const bool fits = plain_number(found, value);
    Py_DECREF(found);
    return fits;
}

int truth(PyObject* object, PyObject* name) {
    PyObject* found = PyObject_GetAttr(object, name);
    const int answer = found ? PyObject_IsTrue(found) : -1;
    Py_XDECREF(found);
    if (answer < 0) PyErr_Clear();
    return answer;
}

// The commission scheme of a data (borrowed), or null if it is none of Backtrader's own.
PyObject* scheme_of(const Account& account, PyObject* data) {
    PyObject* schemes = PyDict_GetItemWithError(account.attributes, names().commissions);
    PyObject* name = schemes && PyDict_CheckExact(schemes) ? PyObject_GetAttr(data, names().name) : nullptr;
    PyObject* scheme = name ? PyDict_GetItemWithError(schemes, name) : nullptr;
    Py_XDECREF(name);
    if (!scheme && schemes && name && !PyErr_Occurred()) scheme = PyDict_GetItemWithError(schemes, Py_None);
    PyErr_Clear();
    return scheme && PySet_Contains(account.standard, reinterpret_cast<PyObject*>(Py_TYPE(scheme))) == 1 ? scheme
                                                                                                         : nullptr;
}

struct Position {
    double size, price;
};

// BackBroker._get_value's line for a position: its value as the broker counts it, and its open profit.
bool value_of(PyObject* scheme, bool short_cash, const Position& held, double close, double& value, double& profit,
              double& leverage) {
    PyObject* params = PyObject_GetAttr(scheme, names().params);
    if (!params) {
        PyErr_Clear();
        return false;
    }
    double mult = 0, margin = 0, factor = 0;
    const int stock_like = truth(scheme, names().stock_like);
    bool fits =
        stock_like >= 0 && attribute(params, names().mult, mult) && attribute(params, names().leverage, leverage);
    if (fits && !stock_like) {
        fits = attribute(params, names().auto_margin, factor);
        if (fits && factor == 0.0)
            fits = attribute(params, names().margin, margin);
        else
            margin = close * (factor < 0.0 ? mult : factor);
        value = std::fabs(held.size) * margin;
    } else if (short_cash || held.size >= 0) {
        value = held.size * close;
    } else {
        value = held.price * held.size;
        value += (held.price - close) * held.size;
    }
    profit = held.size * (close - held.price) * mult;
    Py_DECREF(params);
    return fits && leverage != 0.0;
}

// The worth of the marked bar, in the order of Backtrader's own operations. False: it has to be asked itself.
bool compute(Account& account) {
    const Py_ssize_t waiting = PyObject_Size(account.additions);
    double cash, shares;
    if (waiting || !plain_number(account.cash, cash) ||
        !plain_number(PyDict_GetItemWithError(account.attributes, names().fund_shares), shares) || shares == 0.0)
        return false;
    const int short_cash = truth(account.params, names().short_cash);
    if (short_cash < 0) return false;
    double value = 0.0, unlevered = 0.0, unrealized = 0.0;
    PyObject *data, *position;
    for (Py_ssize_t at = 0; PyDict_Next(account.positions, &at, &data, &position);) {
        PyObject* scheme = scheme_of(account, data);
        PyObject* lines = scheme ? PyDict_GetItemWithError(account.prices, data) : nullptr;
        const Line* close_line = lines ? find(PyTuple_GET_ITEM(lines, 4)) : nullptr;
        Position held;
        double close, worth, profit, leverage;
        if (!close_line || !close_line->plain || !read(*close_line, 0, close) ||
            !attribute(position, names().size, held.size) || !attribute(position, names().price, held.price) ||
            !value_of(scheme, short_cash, held, close, worth, profit, leverage))
            return false;
        if (!short_cash) worth = std::fabs(worth);
        value += worth;
        unrealized += profit;
        if (worth > 0) {
            worth -= profit;
            unlevered += worth / leverage;
            unlevered += profit;
        } else {
            unlevered += worth;
        }
    }
    account.worth[kValue] = cash + unlevered;
    account.worth[kFundValue] = account.worth[kValue] / shares;
    account.worth[kMarket] = unlevered;
    account.worth[kLever] = cash + value;
    account.worth[kMarketLever] = value;
    account.worth[kLeverage] = value / (unlevered != 0.0 ? unlevered : 1.0);
    account.worth[kUnrealized] = unrealized;
    for (PyObject*& one : account.given) Py_CLEAR(one);
    return true;
}

Account& self_of(PyObject* self) {
    return *reinterpret_cast<Account*>(self);
}

PyObject* worth_object(Account& account, int which) {
    if (!refresh(account)) return nullptr;
    return account.given[which] ? Py_NewRef(account.given[which]) : PyFloat_FromDouble(account.worth[which]);
}

PyObject* account_worth(PyObject* self, PyObject* which) {
    const long at = PyLong_AsLong(which);
    if (at < 0 || at >= kWorths) return PyErr_Occurred() ? nullptr : PyErr_Format(PyExc_IndexError, "no worth %ld", at);
    return worth_object(self_of(self), static_cast<int>(at));
}

// set_worth(which, value)
PyObject* account_set_worth(PyObject* self, PyObject* arguments) {
    int at;
    PyObject* value;
    if (!PyArg_ParseTuple(arguments, "iO", &at, &value)) return nullptr;
    if (at < 0 || at >= kWorths) return PyErr_Format(PyExc_IndexError, "no worth %d", at);
    if (!refresh(self_of(self))) return nullptr;
    Py_XSETREF(self_of(self).given[at], Py_NewRef(value));
    Py_RETURN_NONE;
}

PyObject* account_get_value(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
    Account& account = self_of(self);
    if (!refresh(account)) return nullptr;
    if (!count && !keywords && !account.given[kValue]) return PyFloat_FromDouble(account.worth[kValue]);
    return PyObject_Vectorcall(account.slow_lookup, arguments, static_cast<std::size_t>(count), keywords);
}

PyObject* account_mark(PyObject* self, PyObject*) {
    if (!mark(self_of(self))) return nullptr;
    Py_RETURN_NONE;
}

PyObject* account_refresh(PyObject* self, PyObject*) {
    if (!refresh(self_of(self))) return nullptr;
    Py_RETURN_NONE;
}

// tell(order): BackBroker.notify.
PyObject* account_tell(PyObject* self, PyObject* order) {
    static PyObject* const append = PyUnicode_InternFromString("append");
    PyObject* told = clone_order(order);
    PyObject* done = told ? PyObject_CallMethodOneArg(self_of(self).notifications, append, told) : nullptr;
    Py_XDECREF(told);
    return done;
}

template <bool Account::* Flag>
PyObject* get_flag(PyObject* self, void*) {
    return PyBool_FromLong(self_of(self).*Flag);
}
template <bool Account::* Flag>
int set_flag(PyObject* self, PyObject* value, void*) {
    const int on = value ? PyObject_IsTrue(value) : -1;
    if (on < 0) return -1;
    self_of(self).*Flag = on;
    return 0;
}
PyObject* get_steps(PyObject* self, void*) {
    return PyLong_FromSsize_t(self_of(self).steps);
}

PyObject** const* references(Account& account, std::vector<PyObject**>& all) {
    all = {&account.broker,    &account.attributes,  &account.params,      &account.positions,     &account.pending,
           &account.submitted, &account.to_activate, &account.additions,   &account.notifications, &account.prices,
           &account.standard,  &account.slow_value,  &account.slow_lookup, &account.cash};
    for (PyObject*& one : account.given) all.push_back(&one);
    return all.data();
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    std::vector<PyObject**> all;
    references(self_of(self), all);
    for (PyObject** one : all) Py_VISIT(*one);
    return 0;
}
int clear(PyObject* self) {
    std::vector<PyObject**> all;
    references(self_of(self), all);
    for (PyObject** one : all) Py_CLEAR(*one);
    return 0;
}
void dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    clear(self);
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

// FastAccount(broker, prices, standard, slow_value, slow_lookup)
PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject*) {
    PyObject *broker, *prices, *standard, *slow_value, *slow_lookup;
    if (!PyArg_ParseTuple(arguments, "OO!O!OO", &broker, &PyDict_Type, &prices, &PySet_Type, &standard, &slow_value,
                          &slow_lookup))
        return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    Account& account = self_of(self);
    account.broker = Py_NewRef(broker);
    account.attributes = PyObject_GetAttrString(broker, "__dict__");
    account.params = PyObject_GetAttrString(broker, "p");
    account.positions = PyObject_GetAttrString(broker, "positions");
    account.pending = PyObject_GetAttrString(broker, "pending");
    account.submitted = PyObject_GetAttrString(broker, "submitted");
    account.to_activate = PyObject_GetAttrString(broker, "_toactivate");
    account.additions = PyObject_GetAttrString(broker, "_cash_addition");
    account.notifications = PyObject_GetAttrString(broker, "notifs");
    account.prices = Py_NewRef(prices);
    account.standard = Py_NewRef(standard);
    account.slow_value = Py_NewRef(slow_value);
    account.slow_lookup = Py_NewRef(slow_lookup);
    static const char* const worths[kWorths] = {"_value",         "_fundval",  "_valuemkt",  "_valuelever",
                                                "_valuemktlever", "_leverage", "_unrealized"};
    for (int i = 0; i < kWorths; ++i) account.given[i] = PyObject_GetAttrString(broker, worths[i]);
    if (PyErr_Occurred() || !PyDict_Check(account.positions)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "The broker's positions must be a dict.");
        Py_DECREF(self);
        return nullptr;
    }
    return self;
}

}  // namespace

PyTypeObject* account_type() {
    return g_account_type;
}

bool plain_number(PyObject* object, double& value) {
    if (object && PyFloat_CheckExact(object)) {
        value = PyFloat_AS_DOUBLE(object);
        return true;
    }
    if (!object || (!PyLong_CheckExact(object) && !PyBool_Check(object))) return false;
    int overflow;
    const long whole = PyLong_AsLongAndOverflow(object, &overflow);
    value = static_cast<double>(whole);
    return !overflow && whole > -(1l << 53) && whole < (1l << 53);
}

bool mark(Account& account) {
    PyObject* cash = PyDict_GetItemWithError(account.attributes, names().cash);
    if (!cash) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_AttributeError, "cash");
        return false;
    }
    Py_XSETREF(account.cash, Py_NewRef(cash));
    if (!PyFloat_CheckExact(cash)) {  // a bar subtracts the interest from it, 0.0 as a rule: it is a float from then on
        PyObject* nothing = PyFloat_FromDouble(0.0);
        PyObject* left = nothing ? PyNumber_Subtract(cash, nothing) : nullptr;
        Py_XDECREF(nothing);
        if (!left) return false;
        Py_SETREF(account.cash, left);
        if (PyDict_SetItem(account.attributes, names().cash, left) < 0) return false;
    }
    account.dirty = true;
    return !account.eager || refresh(account);
}

bool refresh(Account& account) {
    if (!account.dirty) return true;
    account.dirty = false;
    if (compute(account)) return true;
    if (PyErr_Occurred()) return false;
    PyObject* done = PyObject_CallNoArgs(account.slow_value);
    Py_XDECREF(done);
    return done != nullptr;
}

int add_account_type(PyObject* module) {
    static PyMethodDef methods[] = {
        {"worth", account_worth, METH_O, nullptr},
        {"set_worth", account_set_worth, METH_VARARGS, nullptr},
        {"get_value", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(account_get_value)),
         METH_FASTCALL | METH_KEYWORDS, nullptr},
        {"mark", account_mark, METH_NOARGS, nullptr},
        {"refresh", account_refresh, METH_NOARGS, nullptr},
        {"tell", account_tell, METH_O, nullptr},
        {nullptr, nullptr, 0, nullptr},
    };
    static PyGetSetDef attributes[] = {
        {"quiet", get_flag<&Account::quiet>, set_flag<&Account::quiet>, nullptr, nullptr},
        {"eager", get_flag<&Account::eager>, set_flag<&Account::eager>, nullptr, nullptr},
        {"steps", get_steps, nullptr, nullptr, nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(create)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(clear)},
        {Py_tp_methods, methods},
        {Py_tp_getset, attributes},
        {Py_tp_doc,
         const_cast<char*>("What a Backtrader broker is worth during a fast run, worked out when it is asked.")},
        {0, nullptr},
    };
    PyType_Spec spec = {"gcg_quant._native.FastAccount", sizeof(Account), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                        slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    const int failed = PyModule_AddObjectRef(module, "FastAccount", type);
    Py_DECREF(type);
    g_account_type = reinterpret_cast<PyTypeObject*>(type);
    return failed;
}

}  // namespace gcg::python::fast
