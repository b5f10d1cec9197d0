// TickDesk: what a strategy of the tick engine trades through. Its methods are documented in _native.pyi.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <structmember.h>

#include <charconv>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "hft_run.h"
#include "record_types.h"

namespace py = pybind11;

namespace gcg::python::hft {

namespace {

struct DeskObject {
    PyObject_HEAD PyObject* owner;  // keeps the run alive
    Run* run;
    uint32_t strategy;
};

DeskObject* desk(PyObject* self) {
    return reinterpret_cast<DeskObject*>(self);
}

// Call the engine; what it throws becomes the Python error that belongs to it.
template <typename Call>
PyObject* guarded(Call call) {
    try {
        return call();
    } catch (const OrderError& error) {
        set_error("OrderError", error.what());
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

double number(PyObject* value, bool& failed) {
    if (value == Py_None) return kNaN;
    const double found = PyFloat_AsDouble(value);
    failed |= found == -1.0 && PyErr_Occurred();
    return found;
}

template <typename Number>
Number integer(PyObject* value, bool& failed) {
    const long long found = PyLong_AsLongLong(value);
    failed |= found == -1 && PyErr_Occurred();
    if constexpr (std::is_enum_v<Number>) {
        if (found < 0 || found > UINT8_MAX) return static_cast<Number>(UINT8_MAX);  // the engine says what is wrong
    }
    return static_cast<Number>(found);
}

// Set one argument of send_order() by its name. False with an error set.
bool set_term(OrderAsk& ask, const char* name, PyObject* value) {
    bool failed = false;
    const std::string_view key = name;
    if (key == "type")
        ask.type = integer<OrderType>(value, failed);
    else if (key == "time_in_force")
        ask.time_in_force = integer<TimeInForce>(value, failed);
    else if (key == "offset")
        ask.offset = integer<Offset>(value, failed);
    else if (key == "stop_price")
        ask.stop_price = number(value, failed);
    else if (key == "trail_amount")
        ask.trail_amount = number(value, failed);
    else if (key == "trail_percent")
        ask.trail_percent = number(value, failed);
    else if (key == "expire_ns")
        ask.expire_ns = integer<int64_t>(value, failed);
    else if (key == "post_only")
        ask.post_only = PyObject_IsTrue(value) == 1;
    else if (key == "reduce_only")
        ask.reduce_only = PyObject_IsTrue(value) == 1;
    else if (key == "tag") {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(value, &size);
        if (!text) return false;
        if (size > static_cast<Py_ssize_t>(sizeof ask.tag)) {
            set_error("OrderError", "An order's tag has at most 32 bytes.");
            return false;
        }
        std::memset(ask.tag, 0, sizeof ask.tag);
        std::memcpy(ask.tag, text, static_cast<std::size_t>(size));
    } else {
        PyErr_Format(PyExc_TypeError, "send_order() has no argument '%s'", name);
        return false;
    }
    return !failed && !PyErr_Occurred();
}

constexpr const char* kTerms[] = {"type",          "time_in_force", "offset",    "stop_price",  "trail_amount",
                                  "trail_percent", "expire_ns",     "post_only", "reduce_only", "tag"};

PyObject* send_order(PyObject* self, PyObject* const* values, Py_ssize_t count, PyObject* names) {
    constexpr Py_ssize_t kPlain = 4;
    if (count < kPlain || count > kPlain + static_cast<Py_ssize_t>(std::size(kTerms))) {
        PyErr_SetString(PyExc_TypeError, "send_order() takes symbol, side, price, quantity, and terms by name");
        return nullptr;
    }
    Run& run = *desk(self)->run;
    OrderAsk ask;
    bool failed = false;
    ask.instrument = run.number(values[0]);
    if (ask.instrument == 0) return nullptr;
    ask.side = integer<Side>(values[1], failed);
    ask.price = number(values[2], failed);
    ask.quantity = number(values[3], failed);
    if (failed) return nullptr;
    for (Py_ssize_t i = kPlain; i < count; ++i)
        if (!set_term(ask, kTerms[i - kPlain], values[i])) return nullptr;
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
        const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
        if (!name || !set_term(ask, name, values[count + i])) return nullptr;
    }
    return guarded([&] {
        const uint64_t id = run.engine.send(desk(self)->strategy, ask);
        return PyUnicode_FromFormat("%s-%llu", run.engine.strategies()[desk(self)->strategy - 1].c_str(),
                                    static_cast<unsigned long long>(id));
    });
}

// The number in an order's id, 0 if it is none of this strategy's. -1 with an error set.
int64_t order_number(PyObject* self, PyObject* id) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(id, &size);
    if (!text) return -1;
    const std::string& name = desk(self)->run->engine.strategies()[desk(self)->strategy - 1];
    const auto prefix = static_cast<Py_ssize_t>(name.size());
    if (size <= prefix + 1 || std::memcmp(text, name.data(), name.size()) != 0 || text[prefix] != '-') return 0;
    int64_t found = 0;
    const auto [end, error] = std::from_chars(text + prefix + 1, text + size, found);
    return error == std::errc() && end == text + size && found > 0 ? found : 0;
}

PyObject* cancel(PyObject* self, PyObject* id) {
    const int64_t found = order_number(self, id);
    if (found < 0) return nullptr;
    return guarded([&] {
        return PyBool_FromLong(desk(self)->run->engine.cancel(desk(self)->strategy, static_cast<uint64_t>(found)));
    });
}

PyObject* modify(PyObject* self, PyObject* args, PyObject* keywords) {
    static const char* kNames[] = {"order_id", "quantity", "price", "stop_price", nullptr};
    PyObject *id, *quantity = Py_None, *price = Py_None, *stop_price = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "U|OOO", const_cast<char**>(kNames), &id, &quantity, &price,
                                     &stop_price))
        return nullptr;
    bool failed = false;
    const double wanted[] = {number(quantity, failed), number(price, failed), number(stop_price, failed)};
    const int64_t found = order_number(self, id);
    if (failed || found < 0) return nullptr;
    return guarded([&] {
        return PyBool_FromLong(desk(self)->run->engine.modify(desk(self)->strategy, static_cast<uint64_t>(found),
                                                              wanted[0], wanted[1], wanted[2]));
    });
}

PyObject* position(PyObject* self, PyObject* symbol) {
    const uint32_t found = desk(self)->run->number(symbol);
    return found ? PyFloat_FromDouble(desk(self)->run->engine.position(desk(self)->strategy, found)) : nullptr;
}

// A price of the best quotes: 0 the bid, 1 the ask, 2 between them.
PyObject* quote(PyObject* self, PyObject* symbol, int which) {
    Run& run = *desk(self)->run;
    const uint32_t found = run.number(symbol);
    if (!found) return nullptr;
    const MatchingEngine::Quotes quotes = run.engine.quotes(found);
    auto price = [&](int64_t ticks) { return ticks == kNoPrice ? kNaN : run.engine.account().price(found, ticks); };
    const double bid = price(quotes.bid), ask = price(quotes.ask);
    return PyFloat_FromDouble(which == 0 ? bid : which == 1 ? ask : (bid + ask) / 2);
}

PyObject* best_bid(PyObject* self, PyObject* symbol) {
    return quote(self, symbol, 0);
}
PyObject* best_ask(PyObject* self, PyObject* symbol) {
    return quote(self, symbol, 1);
}
PyObject* mid(PyObject* self, PyObject* symbol) {
    return quote(self, symbol, 2);
}

PyObject* last(PyObject* self, PyObject* symbol) {
    const uint32_t found = desk(self)->run->number(symbol);
    return found ? PyFloat_FromDouble(desk(self)->run->engine.last_price(found)) : nullptr;
}

py::array_t<double> side_of(Run& run, uint32_t instrument, Side side, std::size_t most) {
    const auto levels = run.engine.levels(instrument, side, most);
    py::array_t<double> found({static_cast<py::ssize_t>(levels.size()), py::ssize_t{2}});
    auto cells = found.mutable_unchecked<2>();
    for (py::ssize_t i = 0; i < static_cast<py::ssize_t>(levels.size()); ++i) {
        const auto& [ticks, lots] = levels[static_cast<std::size_t>(i)];
        cells(i, 0) = run.engine.account().price(instrument, ticks);
        cells(i, 1) = lots >= kUnlimited ? kNaN : run.engine.account().quantity(instrument, lots);
    }
    return found;
}

PyObject* book(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    if (count < 1 || count > 2) {
        PyErr_SetString(PyExc_TypeError, "book() takes a symbol and how many levels");
        return nullptr;
    }
    bool failed = false;
    const auto most = count == 2 ? integer<int64_t>(values[1], failed) : 10;
    if (!failed && most < 0) {
        PyErr_SetString(PyExc_ValueError, "book() takes how many levels: 0 or more");
        return nullptr;
    }
    const uint32_t found = failed ? 0 : desk(self)->run->number(values[0]);
    if (!found) return nullptr;
    return guarded([&] {
        Run& run = *desk(self)->run;
        const auto levels = static_cast<std::size_t>(most);
        return py::make_tuple(side_of(run, found, Side::buy, levels), side_of(run, found, Side::sell, levels))
            .release()
            .ptr();
    });
}

PyObject* set_timer(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "set_timer() takes a name, an interval in ns, and whether to repeat");
        return nullptr;
    }
    bool failed = false;
    const char* name = PyUnicode_AsUTF8(values[0]);
    const auto interval = integer<int64_t>(values[1], failed);
    const int repeat = PyObject_IsTrue(values[2]);
    if (!name || failed || repeat < 0) return nullptr;
    return guarded([&] {
        desk(self)->run->engine.set_timer(desk(self)->strategy, name, interval, repeat == 1);
        return Py_NewRef(Py_None);
    });
}

PyObject* cancel_timer(PyObject* self, PyObject* name) {
    const char* text = PyUnicode_AsUTF8(name);
    if (!text) return nullptr;
    desk(self)->run->engine.cancel_timer(desk(self)->strategy, text);
    Py_RETURN_NONE;
}

PyObject* open_orders(PyObject* self, PyObject*) {
    return guarded([&] {
        Run& run = *desk(self)->run;
        py::list found;
        const Account& account = run.engine.account();
        const std::string& name = run.engine.strategies()[desk(self)->strategy - 1];
        for (const uint64_t id : run.engine.open_orders(desk(self)->strategy)) {
            const TickOrder& order = *run.engine.order(id);
            const uint32_t number = order.instrument;
            const char* tag = order.asked.tag;
            found.append(py::make_tuple(name + "-" + std::to_string(id), number, static_cast<int>(order.asked.side),
                                        account.quantity(number, order.lots),
                                        order.price_ticks == kNoPrice ? kNaN : account.price(number, order.price_ticks),
                                        account.quantity(number, order.filled), static_cast<int>(order.asked.type),
                                        static_cast<int>(order.status),
                                        std::string(tag, strnlen(tag, sizeof order.asked.tag))));
        }
        return found.release().ptr();
    });
}

PyObject* get_now(PyObject* self, void*) {
    return PyLong_FromLongLong(desk(self)->run->engine.now_ns());
}
PyObject* get_cash(PyObject* self, void*) {
    return PyFloat_FromDouble(desk(self)->run->engine.cash());
}
PyObject* get_equity(PyObject* self, void*) {
    return PyFloat_FromDouble(desk(self)->run->engine.equity());
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(desk(self)->owner);
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(desk(self)->owner);
    type->tp_free(self);
    Py_DECREF(type);
}

template <typename Function>
PyCFunction plain(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {{"send_order", plain(send_order), METH_FASTCALL | METH_KEYWORDS, nullptr},
                         {"cancel", cancel, METH_O, nullptr},
                         {"modify", plain(modify), METH_VARARGS | METH_KEYWORDS, nullptr},
                         {"position", position, METH_O, nullptr},
                         {"best_bid", best_bid, METH_O, nullptr},
                         {"best_ask", best_ask, METH_O, nullptr},
                         {"mid", mid, METH_O, nullptr},
                         {"last", last, METH_O, nullptr},
                         {"book", plain(book), METH_FASTCALL, nullptr},
                         {"set_timer", plain(set_timer), METH_FASTCALL, nullptr},
                         {"cancel_timer", cancel_timer, METH_O, nullptr},
                         {"open_orders", open_orders, METH_NOARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};
PyGetSetDef properties[] = {{"now_ns", get_now, nullptr, nullptr, nullptr},
                            {"cash", get_cash, nullptr, nullptr, nullptr},
                            {"equity", get_equity, nullptr, nullptr, nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyTypeObject* desk_type = nullptr;

}  // namespace

int add_desk_type(PyObject* module) {
    static PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                                  {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                  {Py_tp_methods, methods},
                                  {Py_tp_getset, properties},
                                  {0, nullptr}};
    static PyType_Spec spec = {"gcg_quant._native.TickDesk", sizeof(DeskObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    desk_type = reinterpret_cast<PyTypeObject*>(type);
    return PyModule_AddObjectRef(module, "TickDesk", type);
}

PyObject* make_desk(PyObject* owner, Run& run, uint32_t strategy) {
    PyObject* object = desk_type->tp_alloc(desk_type, 0);
    if (!object) return nullptr;
    desk(object)->owner = Py_NewRef(owner);
    desk(object)->run = &run;
    desk(object)->strategy = strategy;
    return object;
}

}  // namespace gcg::python::hft
