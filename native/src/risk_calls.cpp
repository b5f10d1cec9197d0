#include "risk_calls.h"

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

namespace py = pybind11;

namespace gcg::python {

namespace {

// The engine behind an object. Null with an error set: it is none, or was never initialised.
RiskEngine* engine_of(PyObject* object) {
    try {
        return py::cast<RiskEngine*>(py::handle(object));
    } catch (const py::cast_error&) {
        PyErr_SetString(PyExc_TypeError, "a RiskEngine was expected");
    }
    return nullptr;
}

// An integer argument as the type that the engine wants; `failed` is set, with an error, for anything else.
template <typename Wanted>
Wanted integer(PyObject* value, bool& failed) {
    if constexpr (std::is_same_v<Wanted, uint64_t>) {
        const unsigned long long number = PyLong_AsUnsignedLongLong(value);
        failed |= number == static_cast<unsigned long long>(-1) && PyErr_Occurred();
        return number;
    } else {
        const long long number = PyLong_AsLongLong(value);
        failed |= number == -1 && PyErr_Occurred();
        return static_cast<Wanted>(number);
    }
}

int64_t ticks(PyObject* value, bool& failed) {
    return value == Py_None ? kNoPrice : integer<int64_t>(value, failed);
}

template <typename... Parameters, std::size_t... Places>
PyObject* pass_on(RiskEngine& engine, void (RiskEngine::*method)(Parameters...), PyObject* const* values,
                  std::index_sequence<Places...>) {
    bool failed = false;
    const std::tuple<Parameters...> numbers{integer<Parameters>(values[Places], failed)...};
    if (failed) return nullptr;
    (engine.*method)(std::get<Places>(numbers)...);
    Py_RETURN_NONE;
}

template <typename... Parameters>
PyObject* call(PyObject* self, void (RiskEngine::*method)(Parameters...), const char* name, PyObject* const* values,
               Py_ssize_t count) {
    RiskEngine* engine = engine_of(self);
    if (!engine) return nullptr;
    constexpr auto wanted = static_cast<Py_ssize_t>(sizeof...(Parameters));
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "RiskEngine.%s() takes %zd arguments, found %zd", name, wanted, count);
        return nullptr;
    }
    return pass_on(*engine, method, values, std::index_sequence_for<Parameters...>());
}

PyObject* count_order(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::count_order, "count_order", values, count);
}
PyObject* open_order(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::open_order, "open_order", values, count);
}
PyObject* reduce_order(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::reduce_order, "reduce_order", values, count);
}
PyObject* close_order(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::close_order, "close_order", values, count);
}
PyObject* move_position(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::move_position, "move_position", values, count);
}
PyObject* set_sides(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::set_sides, "set_sides", values, count);
}
PyObject* rest(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::rest, "rest", values, count);
}
PyObject* lift(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    return call(self, &RiskEngine::lift, "lift", values, count);
}

PyObject* findings_of(const RiskResult& result) {
    PyObject* findings = PyList_New(result.count);
    for (int i = 0; findings && i < result.count; ++i) {
        const RiskFinding& finding = result.findings[static_cast<std::size_t>(i)];
        PyObject* row =
            Py_BuildValue("Kdd", static_cast<unsigned long long>(finding.reason), finding.value, finding.limit);
        if (!row) {
            Py_CLEAR(findings);
            break;
        }
        PyList_SET_ITEM(findings, i, row);
    }
    return findings;
}

PyObject* check(PyObject* self, PyObject* const* values, Py_ssize_t count) {
    const RiskEngine* engine = engine_of(self);
    if (!engine) return nullptr;
    if (count != 9 && count != 11) {
        PyErr_Format(PyExc_TypeError, "RiskEngine.check() takes 9 or 11 arguments, found %zd", count);
        return nullptr;
    }
    bool failed = false;
    RiskOrder order;
    order.strategy = integer<uint32_t>(values[0], failed);
    order.instrument = integer<uint32_t>(values[1], failed);
    order.side = integer<Side>(values[2], failed);
    order.lots = integer<int64_t>(values[3], failed);
    order.price_ticks = ticks(values[4], failed);
    order.stop_ticks = ticks(values[5], failed);
    order.replaces_lots = integer<int64_t>(values[6], failed);
    order.now_ns = integer<int64_t>(values[7], failed);
    order.trading_day = integer<int32_t>(values[8], failed);
    order.opens = count == 9 ? order.lots : integer<int64_t>(values[9], failed);
    order.adds = count == 9 ? order.lots - order.replaces_lots : integer<int64_t>(values[10], failed);
    if (failed) return nullptr;
    const RiskResult result = engine->check(order);
    PyObject* findings = findings_of(result);
    return findings ? Py_BuildValue("iN", result.rules, findings) : nullptr;
}

PyObject* clock_ns(PyObject* self, void*) {
    const RiskEngine* engine = engine_of(self);
    return engine ? PyLong_FromLongLong(engine->clock_ns()) : nullptr;
}

using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);
PyMethodDef method(const char* name, Fast function) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL, nullptr};
}

// The interpreter keeps pointers to these.
std::array methods = {method("count_order", count_order),
                      method("open_order", open_order),
                      method("reduce_order", reduce_order),
                      method("close_order", close_order),
                      method("move_position", move_position),
                      method("set_sides", set_sides),
                      method("rest", rest),
                      method("lift", lift),
                      method("check", check)};
PyGetSetDef clock_property = {"clock_ns", clock_ns, nullptr, nullptr, nullptr};

}  // namespace

void bind_risk_calls(py::class_<RiskEngine>& engine) {
    auto* type = reinterpret_cast<PyTypeObject*>(engine.ptr());
    for (PyMethodDef& one : methods)
        engine.attr(one.ml_name) = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &one));
    engine.attr("clock_ns") = py::reinterpret_steal<py::object>(PyDescr_NewGetSet(type, &clock_property));
}

}  // namespace gcg::python
