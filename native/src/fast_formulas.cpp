// One bar of a formula: the kernels' arithmetic, on the values that Backtrader's next() would read.
#include <array>

#include "fast_program.h"

namespace gcg::python::fast {

namespace {

using namespace gcg::kernels;

constexpr std::size_t kMostOperands = 8;
constexpr Range kOne{0, 1};

bool now(const Source& source, double& value) {
    if (source.line) return read(*source.line, 0, value);
    value = source.value;
    return true;
}

bool same(const std::vector<Watched>& watched) {
    for (const Watched& one : watched) {
        PyObject* found = PyDict_GetItemWithError(one.attributes, one.name);
        if (found != one.value && (found || one.value != Py_None)) return false;
    }
    return true;
}

// The values from `period` bars ago until now. Null where Python's slice would be another one.
const double* window_of(const Source& source, Py_ssize_t period) {
    const DoubleArray* doubles = source.line ? as_doubles(source.line->array) : nullptr;
    const Py_ssize_t end = doubles ? source.line->index() + 1 : 0;
    if (!doubles || period < 1 || end < period || end > Py_SIZE(doubles)) return nullptr;
    return doubles->items + end - period;
}

bool of_values(Operation& operation, double& result) {
    std::array<double, kMostOperands> values;
    const std::size_t count = operation.sources.size();
    if (count > kMostOperands) return false;
    for (std::size_t i = 0; i < count; ++i)
        if (!now(operation.sources[i], values[i])) return false;
    const auto operand = [&](std::size_t at) { return Operand{&values[at], 1, 0.0}; };
    const Target target{&result, 1};
    switch (operation.formula) {
        case Formula::binary:
            return binary(static_cast<Binary>(operation.code), target, operand(0), operand(1), kOne) == 1;
        case Formula::unary:
            return unary(static_cast<Unary>(operation.code), target, operand(0), kOne) == 1;
        case Formula::divide_or:
            return divide_or(target, operand(0), operand(1), operation.x, kOne) == 1;
        case Formula::divide_zero:
            return divide_zero(target, operand(0), operand(1), operation.x, operation.y, kOne) == 1;
        case Formula::choose:
            return choose(target, operand(0), operand(1), operand(2), kOne) == 1;
        case Formula::order: {
            const Operand less{nullptr, 1, -1.0}, equal{nullptr, 1, 0.0}, greater{nullptr, 1, 1.0};
            return choose_by_order(target, operand(0), operand(1), less, equal, greater, kOne) == 1;
        }
        case Formula::many: {
            std::vector<Operand> operands;
            for (std::size_t i = 0; i < count; ++i) operands.push_back(operand(i));
            return many(static_cast<Many>(operation.code), target, operands, kOne) == 1;
        }
        default:
            return false;
    }
}

bool of_window(Operation& operation, double& result) {
    const Py_ssize_t period = operation.span;
    const double* values = window_of(operation.sources[0], period);
    if (!values) return false;
    const auto size = static_cast<std::size_t>(period);
    if (operation.formula == Formula::sum) {
        if (!operation.sliding->add(values, result)) return false;
        if (operation.x != 0.0) result /= operation.x;
        return true;
    }
    operation.room.resize(size);
    const Target target{operation.room.data(), size};
    const Operand source{values, size, 0.0};
    const Range last{size - 1, size};
    const std::size_t done = operation.formula == Formula::weighted
                                 ? window_weighted(target, source, last, size, operation.weights, operation.x)
                                 : window(static_cast<Window>(operation.code), target, source, last, size);
    result = operation.room.back();
    return done == size;
}

// Formulas that go on from the value before.
bool of_before(Operation& operation, const Line& own, double& result) {
    double results[2];
    std::array<double, 3> values;
    if (!read(own, -1, results[0])) return false;
    for (std::size_t i = 0; i < operation.sources.size(); ++i)
        if (!now(operation.sources[i], values[i])) return false;
    const Target target{results, 2};
    const Range second{1, 2};
    const double a[2] = {0.0, values[0]};
    const Operand source{a, 2, 0.0};
    const auto constant = [&](std::size_t at) { return Operand{nullptr, 2, values[at]}; };
    std::size_t done = 0;
    switch (operation.formula) {
        case Formula::smooth:
            done = smooth(target, source, constant(1), constant(2), second);
            break;
        case Formula::accumulate:
            done = accumulate(target, source, second);
            break;
        default:
            done = last_difference(target, source, constant(1), second);
            break;
    }
    result = results[1];
    return done == 2;
}

}  // namespace

bool compute(Operation& operation, const Line& own, double& result) {
    if (!same(operation.watched)) return false;
    switch (operation.formula) {
        case Formula::delay: {
            const Source& source = operation.sources[0];
            result = source.value;
            return !source.line || read(*source.line, operation.span, result);
        }
        case Formula::sum:
        case Formula::weighted:
        case Formula::window:
            return of_window(operation, result);
        case Formula::smooth:
        case Formula::accumulate:
        case Formula::difference:
            return of_before(operation, own, result);
        default:
            return of_values(operation, result);
    }
}

}  // namespace gcg::python::fast
