// Indicator kernels for Python: Kernels of gcg_quant._native, described in _native.pyi. No logic here.
//
// By Python's own interface, which compiles in a second. The GIL is kept: the lines belong to Backtrader's objects, and
// a whole line takes a millisecond or so.
#include "indicator_bindings.h"

#include <Python.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "gcg/kernels.h"

using namespace gcg::kernels;

namespace {

struct Raised {};  // a Python error is set

[[noreturn]] void raise(PyObject* type, const char* text) {
    PyErr_SetString(type, text);
    throw Raised{};
}

// A line's array('d'), held as long as the call lasts, so that it cannot be moved.
class Line {
 public:
    Line(PyObject* object, bool writable) {
        const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view_, flags) < 0) throw Raised{};
        if (view_.ndim == 1 && view_.format && !std::strcmp(view_.format, "d")) return;
        PyBuffer_Release(&view_);
        raise(PyExc_TypeError, "a kernel takes one-dimensional arrays of doubles");
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    ~Line() { PyBuffer_Release(&view_); }

    size_t size() const { return static_cast<size_t>(view_.len) / sizeof(double); }
    double* data() const { return static_cast<double*>(view_.buf); }

 private:
    Py_buffer view_;
};

class Output : public Line {
 public:
    explicit Output(PyObject* object) : Line(object, true) {}
    operator Target() const { return {data(), size()}; }
};

class Input : public Line {
 public:
    explicit Input(PyObject* object) : Line(object, false) {}
    operator Operand() const { return {size() ? data() : &nothing, size(), 0.0}; }

 private:
    static constexpr double nothing = 0.0;
};

// An array, or a float that stands in every place.
class Either {
 public:
    explicit Either(PyObject* object) {
        if (PyFloat_Check(object))
            operand_.value = PyFloat_AS_DOUBLE(object);
        else
            operand_ = *(line_ = std::make_unique<Input>(object));
    }
    operator Operand() const { return operand_; }

 private:
    std::unique_ptr<Input> line_;
    Operand operand_;
};

template <typename... Places>
void parse(PyObject* arguments, const char* format, Places... places) {
    if (!PyArg_ParseTuple(arguments, format, places...)) throw Raised{};
}

struct Places {
    Py_ssize_t start = 0, end = 0;
    operator Range() const {
        if (start < 0 || end < start) raise(PyExc_ValueError, "a kernel takes 0 <= start <= end");
        return {static_cast<size_t>(start), static_cast<size_t>(end)};
    }
};

size_t length(Py_ssize_t period) {
    if (period < 0) raise(PyExc_ValueError, "a kernel takes a period of 0 or more");
    return static_cast<size_t>(period);
}

std::vector<double> numbers(PyObject* sequence) {
    const std::unique_ptr<PyObject, void (*)(PyObject*)> items(
        PySequence_Fast(sequence, "a kernel takes a sequence of floats"), Py_XDECREF);
    if (!items) throw Raised{};
    std::vector<double> found(static_cast<size_t>(PySequence_Fast_GET_SIZE(items.get())));
    for (size_t i = 0; i < found.size(); ++i) {
        found[i] = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items.get(), static_cast<Py_ssize_t>(i)));
        if (found[i] == -1.0 && PyErr_Occurred()) throw Raised{};
    }
    return found;
}

PyObject* tuple_of(const std::vector<double>& values) {
    PyObject* made = PyTuple_New(static_cast<Py_ssize_t>(values.size()));
    for (size_t i = 0; made && i < values.size(); ++i) {
        PyObject* value = PyFloat_FromDouble(values[i]);
        if (!value)
            Py_CLEAR(made);
        else
            PyTuple_SET_ITEM(made, static_cast<Py_ssize_t>(i), value);
    }
    return made;
}

// The place of a name among the enumerators, which have the same order.
template <typename Kind, size_t count>
Kind named(const char* name, const char* const (&names)[count]) {
    for (size_t i = 0; i < count; ++i)
        if (!std::strcmp(name, names[i])) return static_cast<Kind>(i);
    raise(PyExc_ValueError, (std::string("no kernel is called ") + name).c_str());
}

constexpr const char* kBinary[] = {"add",        "subtract", "multiply",      "divide", "power",    "less",
                                   "less_equal", "greater",  "greater_equal", "equal",  "not_equal"};
constexpr const char* kUnary[] = {"absolute", "negative", "truth"};
constexpr const char* kMany[] = {"highest", "lowest", "any", "all", "sum"};
constexpr const char* kWindow[] = {"highest",      "lowest", "last_highest", "last_lowest", "first_highest",
                                   "first_lowest", "any",    "all",          "rank"};

size_t call_binary(PyObject* arguments) {
    const char* name;
    PyObject *dst, *a, *b;
    Places at;
    parse(arguments, "sOOOnn", &name, &dst, &a, &b, &at.start, &at.end);
    return binary(named<Binary>(name, kBinary), Output(dst), Either(a), Either(b), at);
}

size_t call_unary(PyObject* arguments) {
    const char* name;
    PyObject *dst, *a;
    Places at;
    parse(arguments, "sOOnn", &name, &dst, &a, &at.start, &at.end);
    return unary(named<Unary>(name, kUnary), Output(dst), Input(a), at);
}

size_t call_copy(PyObject* arguments) {
    PyObject *dst, *a;
    Places at;
    Py_ssize_t to, from;
    parse(arguments, "OOnnnn", &dst, &a, &at.start, &at.end, &to, &from);
    return copy(Output(dst), Either(a), at, to, from);
}

size_t call_divide_or(PyObject* arguments) {
    PyObject *dst, *a, *b;
    double zero;
    Places at;
    parse(arguments, "OOOdnn", &dst, &a, &b, &zero, &at.start, &at.end);
    return divide_or(Output(dst), Either(a), Either(b), zero, at);
}

size_t call_divide_zero(PyObject* arguments) {
    PyObject *dst, *a, *b;
    double single, both;
    Places at;
    parse(arguments, "OOOddnn", &dst, &a, &b, &single, &both, &at.start, &at.end);
    return divide_zero(Output(dst), Either(a), Either(b), single, both, at);
}

size_t call_choose(PyObject* arguments) {
    PyObject *dst, *condition, *a, *b;
    Places at;
    parse(arguments, "OOOOnn", &dst, &condition, &a, &b, &at.start, &at.end);
    return choose(Output(dst), Either(condition), Either(a), Either(b), at);
}

size_t call_choose_by_order(PyObject* arguments) {
    PyObject *dst, *a, *b, *less, *equal, *greater;
    Places at;
    parse(arguments, "OOOOOOnn", &dst, &a, &b, &less, &equal, &greater, &at.start, &at.end);
    return choose_by_order(Output(dst), Either(a), Either(b), Either(less), Either(equal), Either(greater), at);
}

size_t call_many(PyObject* arguments) {
    const char* name;
    PyObject *dst, *given;
    Places at;
    parse(arguments, "sOO!nn", &name, &dst, &PyList_Type, &given, &at.start, &at.end);
    std::vector<std::unique_ptr<Either>> held;
    std::vector<Operand> operands;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(given); ++i) {
        held.push_back(std::make_unique<Either>(PyList_GET_ITEM(given, i)));
        operands.push_back(*held.back());
    }
    if (operands.size() < 2) raise(PyExc_ValueError, "many() takes two operands or more");
    return many(named<Many>(name, kMany), Output(dst), operands, at);
}

size_t call_window_sum(PyObject* arguments) {
    PyObject *dst, *src;
    Places at;
    Py_ssize_t period;
    double divisor;
    parse(arguments, "OOnnnd", &dst, &src, &at.start, &at.end, &period, &divisor);
    return window_sum(Output(dst), Input(src), at, length(period), divisor);
}

size_t call_window_weighted(PyObject* arguments) {
    PyObject *dst, *src, *weights;
    Places at;
    Py_ssize_t period;
    double coefficient;
    parse(arguments, "OOnnnOd", &dst, &src, &at.start, &at.end, &period, &weights, &coefficient);
    return window_weighted(Output(dst), Input(src), at, length(period), numbers(weights), coefficient);
}

size_t call_window(PyObject* arguments) {
    const char* name;
    PyObject *dst, *src;
    Places at;
    Py_ssize_t period;
    parse(arguments, "sOOnnn", &name, &dst, &src, &at.start, &at.end, &period);
    return window(named<Window>(name, kWindow), Output(dst), Input(src), at, length(period));
}

size_t call_smooth(PyObject* arguments) {
    PyObject *dst, *src, *keep, *take;
    Places at;
    parse(arguments, "OOOOnn", &dst, &src, &keep, &take, &at.start, &at.end);
    return smooth(Output(dst), Input(src), Either(keep), Either(take), at);
}

size_t call_accumulate(PyObject* arguments) {
    PyObject *dst, *src;
    Places at;
    parse(arguments, "OOnn", &dst, &src, &at.start, &at.end);
    return accumulate(Output(dst), Input(src), at);
}

size_t call_last_difference(PyObject* arguments) {
    PyObject *dst, *a, *b;
    Places at;
    parse(arguments, "OOOnn", &dst, &a, &b, &at.start, &at.end);
    return last_difference(Output(dst), Input(a), Input(b), at);
}

size_t call_zero_lag(PyObject* arguments) {
    PyObject *dst, *src, *average, *gains;
    Places at;
    double take, keep;
    parse(arguments, "OOOnnddO", &dst, &src, &average, &at.start, &at.end, &take, &keep, &gains);
    return zero_lag(Output(dst), Input(src), Input(average), at, take, keep, numbers(gains));
}

// The next two: the state goes in and comes back beside the place where the kernel stopped.
PyObject* call_parabolic(PyObject* arguments) {
    PyObject *dst, *high, *low;
    Places at;
    double factor, most;
    Trend trends[2];
    int up[2];
    parse(arguments, "OOOnndd((dddp)(dddp))", &dst, &high, &low, &at.start, &at.end, &factor, &most, &trends[0].stop,
          &trends[0].extreme, &trends[0].factor, &up[0], &trends[1].stop, &trends[1].extreme, &trends[1].factor,
          &up[1]);
    for (int k = 0; k < 2; ++k) trends[k].up = up[k] != 0;
    const size_t stop = parabolic(Output(dst), Input(high), Input(low), at, factor, most, trends);
    auto truth = [](bool value) { return value ? Py_True : Py_False; };
    return Py_BuildValue("n((dddO)(dddO))", static_cast<Py_ssize_t>(stop), trends[0].stop, trends[0].extreme,
                         trends[0].factor, truth(trends[0].up), trends[1].stop, trends[1].extreme, trends[1].factor,
                         truth(trends[1].up));
}

PyObject* call_laguerre(PyObject* arguments) {
    PyObject *dst, *src;
    Places at;
    double gamma;
    int strength;
    std::vector<double> stages(4);
    parse(arguments, "OOnndp(dddd)", &dst, &src, &at.start, &at.end, &gamma, &strength, &stages[0], &stages[1],
          &stages[2], &stages[3]);
    const size_t stop = laguerre(Output(dst), Input(src), at, gamma, strength != 0, stages.data());
    return Py_BuildValue("nN", static_cast<Py_ssize_t>(stop), tuple_of(stages));
}

template <auto call>
PyObject* guarded(PyObject*, PyObject* arguments) {
    try {
        if constexpr (std::is_same_v<decltype(call(arguments)), size_t>)
            return PyLong_FromSize_t(call(arguments));
        else
            return call(arguments);
    } catch (const Raised&) {
        return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

template <auto call>
constexpr PyMethodDef method(const char* name) {
    return {name, guarded<call>, METH_VARARGS | METH_STATIC, nullptr};
}

}  // namespace

int gcg::python::add_kernels(PyObject* module) {
    static PyMethodDef methods[] = {
        method<call_binary>("binary"),
        method<call_unary>("unary"),
        method<call_copy>("copy"),
        method<call_divide_or>("divide_or"),
        method<call_divide_zero>("divide_zero"),
        method<call_choose>("choose"),
        method<call_choose_by_order>("choose_by_order"),
        method<call_many>("many"),
        method<call_window_sum>("window_sum"),
        method<call_window_weighted>("window_weighted"),
        method<call_window>("window"),
        method<call_smooth>("smooth"),
        method<call_accumulate>("accumulate"),
        method<call_last_difference>("last_difference"),
        method<call_parabolic>("parabolic"),
        method<call_laguerre>("laguerre"),
        method<call_zero_lag>("zero_lag"),
        {nullptr, nullptr, 0, nullptr},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};
    static PyType_Spec spec = {"gcg_quant._native.Kernels", 0, 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    const int failed = PyModule_AddObjectRef(module, "Kernels", type);
    Py_DECREF(type);
    return failed;
}
