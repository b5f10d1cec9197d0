// Indicator kernels for Python: Kernels of gcg_quant._native, described in _native.pyi. No logic here.
//
// The GIL is kept: the lines belong to Backtrader's objects, and a whole line takes a millisecond or so.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gcg/kernels.h"

namespace py = pybind11;
using namespace gcg::kernels;

namespace {

// Whose static methods the kernels are.
struct Kernels {};

// A line's array('d'), held as long as the call lasts, so that it cannot be moved.
class Line {
 public:
    Line(py::handle object, bool writable) {
        const int flags = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) < 0) throw py::error_already_set();
        if (view_.ndim != 1 || !view_.format || std::string_view(view_.format) != "d") {
            PyBuffer_Release(&view_);
            throw py::type_error("a kernel takes one-dimensional arrays of doubles");
        }
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
    explicit Output(py::handle object) : Line(object, true) {}
    operator Target() const { return {data(), size()}; }
};

class Input : public Line {
 public:
    explicit Input(py::handle object) : Line(object, false) {}
    operator Operand() const { return {size() ? data() : &nothing, size(), 0.0}; }

 private:
    static constexpr double nothing = 0.0;
};

// An array, or a float that stands in every place.
class Either {
 public:
    explicit Either(py::handle object) {
        if (PyFloat_Check(object.ptr()))
            operand_.value = PyFloat_AS_DOUBLE(object.ptr());
        else
            operand_ = *(line_ = std::make_unique<Input>(object));
    }
    operator Operand() const { return operand_; }

 private:
    std::unique_ptr<Input> line_;
    Operand operand_;
};

void bind_elements(py::class_<Kernels>& kernels) {
    kernels
        .def_static("binary",
                    [](Binary operation, py::object dst, py::object a, py::object b, size_t start, size_t end) {
                        return binary(operation, Output(dst), Either(a), Either(b), {start, end});
                    })
        .def_static("unary", [](Unary operation, py::object dst, py::object a, size_t start,
                                size_t end) { return unary(operation, Output(dst), Input(a), {start, end}); })
        .def_static("copy", [](py::object dst, py::object a, size_t start, size_t end, ptrdiff_t to,
                               ptrdiff_t from) { return copy(Output(dst), Either(a), {start, end}, to, from); })
        .def_static("divide_or",
                    [](py::object dst, py::object a, py::object b, double zero, size_t start, size_t end) {
                        return divide_or(Output(dst), Either(a), Either(b), zero, {start, end});
                    })
        .def_static(
            "divide_zero",
            [](py::object dst, py::object a, py::object b, double single, double both, size_t start, size_t end) {
                return divide_zero(Output(dst), Either(a), Either(b), single, both, {start, end});
            })
        .def_static("choose",
                    [](py::object dst, py::object condition, py::object a, py::object b, size_t start, size_t end) {
                        return choose(Output(dst), Either(condition), Either(a), Either(b), {start, end});
                    })
        .def_static("choose_by_order",
                    [](py::object dst, py::object a, py::object b, py::object less, py::object equal,
                       py::object greater, size_t start, size_t end) {
                        return choose_by_order(Output(dst), Either(a), Either(b), Either(less), Either(equal),
                                               Either(greater), {start, end});
                    })
        .def_static("many", [](Many operation, py::object dst, const std::vector<py::object>& operands, size_t start,
                               size_t end) {
            if (operands.size() < 2) throw py::value_error("many() takes two operands or more");
            std::vector<Either> held(operands.begin(), operands.end());
            return many(operation, Output(dst), std::vector<Operand>(held.begin(), held.end()), {start, end});
        });
}

void bind_windows(py::class_<Kernels>& kernels) {
    kernels
        .def_static("window_sum",
                    [](py::object dst, py::object src, size_t start, size_t end, size_t period, double divisor) {
                        return window_sum(Output(dst), Input(src), {start, end}, period, divisor);
                    })
        .def_static("window_weighted",
                    [](py::object dst, py::object src, size_t start, size_t end, size_t period,
                       const std::vector<double>& weights, double coefficient) {
                        return window_weighted(Output(dst), Input(src), {start, end}, period, weights, coefficient);
                    })
        .def_static("window",
                    [](Window operation, py::object dst, py::object src, size_t start, size_t end, size_t period) {
                        return window(operation, Output(dst), Input(src), {start, end}, period);
                    });
}

void bind_recursions(py::class_<Kernels>& kernels) {
    kernels
        .def_static("smooth",
                    [](py::object dst, py::object src, py::object keep, py::object take, size_t start, size_t end) {
                        return smooth(Output(dst), Input(src), Either(keep), Either(take), {start, end});
                    })
        .def_static("accumulate", [](py::object dst, py::object src, size_t start,
                                     size_t end) { return accumulate(Output(dst), Input(src), {start, end}); })
        .def_static("last_difference", [](py::object dst, py::object a, py::object b, size_t start, size_t end) {
            return last_difference(Output(dst), Input(a), Input(b), {start, end});
        });
}

// The state goes in and comes back beside the place where the kernel stopped.
void bind_states(py::class_<Kernels>& kernels) {
    using State = std::tuple<double, double, double, bool>;
    kernels
        .def_static("parabolic",
                    [](py::object dst, py::object high, py::object low, size_t start, size_t end, double factor,
                       double most, const std::array<State, 2>& given) {
                        Trend trends[2];
                        for (size_t k = 0; k < 2; ++k)
                            trends[k] = {std::get<0>(given[k]), std::get<1>(given[k]), std::get<2>(given[k]),
                                         std::get<3>(given[k])};
                        const size_t stop =
                            parabolic(Output(dst), Input(high), Input(low), {start, end}, factor, most, trends);
                        std::array<State, 2> left;
                        for (size_t k = 0; k < 2; ++k)
                            left[k] = {trends[k].stop, trends[k].extreme, trends[k].factor, trends[k].up};
                        return std::pair(stop, left);
                    })
        .def_static("laguerre",
                    [](py::object dst, py::object src, size_t start, size_t end, double gamma, bool strength,
                       std::array<double, 4> stages) {
                        const size_t stop =
                            laguerre(Output(dst), Input(src), {start, end}, gamma, strength, stages.data());
                        return std::pair(stop, stages);
                    })
        .def_static("zero_lag", [](py::object dst, py::object src, py::object average, size_t start, size_t end,
                                   double take, double keep, const std::vector<double>& gains) {
            return zero_lag(Output(dst), Input(src), Input(average), {start, end}, take, keep, gains);
        });
}

}  // namespace

void bind_indicators(py::module_& module) {
    py::class_<Kernels> kernels(module, "Kernels");
    py::enum_<Binary>(kernels, "Binary")
        .value("ADD", Binary::Add)
        .value("SUBTRACT", Binary::Subtract)
        .value("MULTIPLY", Binary::Multiply)
        .value("DIVIDE", Binary::Divide)
        .value("POWER", Binary::Power)
        .value("LESS", Binary::Less)
        .value("LESS_EQUAL", Binary::LessEqual)
        .value("GREATER", Binary::Greater)
        .value("GREATER_EQUAL", Binary::GreaterEqual)
        .value("EQUAL", Binary::Equal)
        .value("NOT_EQUAL", Binary::NotEqual);
    py::enum_<Unary>(kernels, "Unary")
        .value("ABSOLUTE", Unary::Absolute)
        .value("NEGATIVE", Unary::Negative)
        .value("TRUTH", Unary::Truth);
    py::enum_<Many>(kernels, "Many")
        .value("HIGHEST", Many::Highest)
        .value("LOWEST", Many::Lowest)
        .value("ANY", Many::Any)
        .value("ALL", Many::All)
        .value("SUM", Many::Sum);
    py::enum_<Window>(kernels, "Window")
        .value("HIGHEST", Window::Highest)
        .value("LOWEST", Window::Lowest)
        .value("LAST_HIGHEST", Window::LastHighest)
        .value("LAST_LOWEST", Window::LastLowest)
        .value("FIRST_HIGHEST", Window::FirstHighest)
        .value("FIRST_LOWEST", Window::FirstLowest)
        .value("ANY", Window::Any)
        .value("ALL", Window::All)
        .value("RANK", Window::Rank);
    bind_elements(kernels);
    bind_windows(kernels);
    bind_recursions(kernels);
    bind_states(kernels);
}
