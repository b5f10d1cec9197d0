// Kernels that compute each element from the operands' elements at the same place.
#include <algorithm>
#include <bit>
#include <cmath>

#include "gcg/kernels.h"
#include "kernel_range.h"

namespace gcg::kernels {

namespace {

// What a kernel's inner loop reads: two types, so that the compiler sees which operands are constant and vectorizes.
struct Line {
    const double* at;
    double operator[](size_t i) const { return at[i]; }
};
struct Constant {
    double value;
    double operator[](size_t) const { return value; }
};

template <typename Call>
size_t with(const Operand& a, Call call) {
    return a.data ? call(Line{a.data}) : call(Constant{a.value});
}

template <typename Call>
size_t with(const Operand& a, const Operand& b, Call call) {
    return with(a, [&](auto x) { return with(b, [&](auto y) { return call(x, y); }); });
}

constexpr size_t kBlock = 512;  // small enough to stay in the first-level cache

// dst[i] = operation(a[i], b[i]) up to the first element that two different NaNs make undefined. A block is computed
// first and looked at afterwards, and only if a NaN came out: so the loop has no branch.
template <typename A, typename B, typename Operation>
size_t arithmetic(double* dst, A a, B b, Range range, Operation operation) {
    for (size_t begin = range.start; begin < range.end; begin += kBlock) {
        const size_t end = std::min(begin + kBlock, range.end);
        unsigned nans = 0;
        for (size_t i = begin; i < end; ++i) {
            const double result = operation(a[i], b[i]);
            dst[i] = result;
            nans |= result != result;
        }
        if (!nans) continue;
        for (size_t i = begin; i < end; ++i)
            if (ambiguous(a[i], b[i])) return i;
    }
    return range.end;
}

template <typename A, typename B>
size_t divide(double* dst, A a, B b, Range range) {
    for (size_t begin = range.start; begin < range.end; begin += kBlock) {
        const size_t end = std::min(begin + kBlock, range.end);
        unsigned zeros = 0;
        for (size_t i = begin; i < end; ++i) zeros |= b[i] == 0.0;
        size_t stop = end;
        if (zeros)
            for (stop = begin; b[stop] != 0.0;) ++stop;
        const size_t done = arithmetic(dst, a, b, {begin, stop}, [](double x, double y) { return x / y; });
        if (done < end) return done;
    }
    return range.end;
}

template <typename A, typename B, typename Operation>
size_t compare(double* dst, A a, B b, Range range, Operation operation) {
    for (size_t i = range.start; i < range.end; ++i) dst[i] = operation(a[i], b[i]) ? 1.0 : 0.0;
    return range.end;
}

// float.__pow__ where it neither raises nor makes a complex number. The errors that Python reads from errno are those
// where the result is infinite, zero or subnormal: they are left to it.
bool power(double base, double exponent, double& result) {
    if (!std::isfinite(exponent) || exponent == 0.0) return false;
    if (std::isnan(base)) {
        result = base;
        return true;
    }
    if (!std::isfinite(base)) return false;
    const bool odd = std::fmod(std::fabs(exponent), 2.0) == 1.0;
    if (base == 0.0) {
        result = odd ? base : 0.0;
        return exponent > 0.0;
    }
    if (base < 0.0 && exponent != std::floor(exponent)) return false;
    result = std::pow(std::fabs(base), exponent);
    if (!std::isnormal(result)) return false;
    if (base < 0.0 && odd) result = -result;
    return true;
}

template <typename A, typename B>
size_t powers(double* dst, A a, B b, Range range) {
    for (size_t i = range.start; i < range.end; ++i) {
        double result;
        if (!power(a[i], b[i], result)) return i;
        dst[i] = result;
    }
    return range.end;
}

}  // namespace

bool ambiguous(double a, double b) {
    return a != a && b != b && std::bit_cast<uint64_t>(a) != std::bit_cast<uint64_t>(b);
}

size_t binary(Binary operation, Target target, Operand first, Operand second, Range range) {
    range.end = shortest(target, range, {first, second});
    double* dst = target.data;
    return with(first, second, [&](auto a, auto b) {
        switch (operation) {
            case Binary::Add:
                return arithmetic(dst, a, b, range, [](double x, double y) { return x + y; });
            case Binary::Subtract:
                return arithmetic(dst, a, b, range, [](double x, double y) { return x - y; });
            case Binary::Multiply:
                return arithmetic(dst, a, b, range, [](double x, double y) { return x * y; });
            case Binary::Divide:
                return divide(dst, a, b, range);
            case Binary::Power:
                return powers(dst, a, b, range);
            case Binary::Less:
                return compare(dst, a, b, range, [](double x, double y) { return x < y; });
            case Binary::LessEqual:
                return compare(dst, a, b, range, [](double x, double y) { return x <= y; });
            case Binary::Greater:
                return compare(dst, a, b, range, [](double x, double y) { return x > y; });
            case Binary::GreaterEqual:
                return compare(dst, a, b, range, [](double x, double y) { return x >= y; });
            case Binary::Equal:
                return compare(dst, a, b, range, [](double x, double y) { return x == y; });
            case Binary::NotEqual:
                return compare(dst, a, b, range, [](double x, double y) { return x != y; });
        }
        return range.start;
    });
}

size_t unary(Unary operation, Target target, Operand operand, Range range) {
    range.end = shortest(target, range, {operand});
    double* dst = target.data;
    return with(operand, [&](auto a) {
        for (size_t i = range.start; i < range.end; ++i) {
            switch (operation) {
                case Unary::Absolute:
                    dst[i] = std::fabs(a[i]);
                    break;
                case Unary::Negative:
                    dst[i] = -a[i];
                    break;
                case Unary::Truth:
                    dst[i] = a[i] != 0.0 ? 1.0 : 0.0;
                    break;
            }
        }
        return range.end;
    });
}

size_t copy(Target dst, Operand a, Range range, ptrdiff_t to, ptrdiff_t from) {
    const auto start = static_cast<ptrdiff_t>(range.start);
    if (start + to < 0 || start + from < 0) return range.start;  // Python's negative index reads from the end
    auto end = std::min<ptrdiff_t>(static_cast<ptrdiff_t>(range.end), static_cast<ptrdiff_t>(dst.size) - to);
    if (a.data) end = std::min(end, static_cast<ptrdiff_t>(a.size) - from);
    if (end <= start) return range.start;
    if (a.data)
        std::copy(a.data + start + from, a.data + end + from, dst.data + start + to);
    else
        std::fill(dst.data + start + to, dst.data + end + to, a.value);
    return static_cast<size_t>(end);
}

size_t divide_or(Target dst, Operand first, Operand second, double zero, Range range) {
    range.end = shortest(dst, range, {first, second});
    return with(first, second, [&](auto a, auto b) {
        for (size_t i = range.start; i < range.end; ++i) {
            if (ambiguous(a[i], b[i])) return i;
            dst.data[i] = b[i] != 0.0 ? a[i] / b[i] : zero;
        }
        return range.end;
    });
}

size_t divide_zero(Target dst, Operand first, Operand second, double single, double both, Range range) {
    range.end = shortest(dst, range, {first, second});
    return with(first, second, [&](auto a, auto b) {
        for (size_t i = range.start; i < range.end; ++i) {
            if (ambiguous(a[i], b[i])) return i;
            dst.data[i] = b[i] != 0.0 ? a[i] / b[i] : a[i] == 0.0 ? both : single;
        }
        return range.end;
    });
}

size_t choose(Target dst, Operand condition, Operand first, Operand second, Range range) {
    range.end = shortest(dst, range, {condition, first, second});
    return with(first, second, [&](auto a, auto b) {
        return with(condition, [&](auto when) {
            for (size_t i = range.start; i < range.end; ++i) dst.data[i] = when[i] != 0.0 ? a[i] : b[i];
            return range.end;
        });
    });
}

size_t choose_by_order(Target dst, Operand first, Operand second, Operand less, Operand equal, Operand greater,
                       Range range) {
    range.end = shortest(dst, range, {first, second, less, equal, greater});
    auto at = [](const Operand& one, size_t i) { return one.data ? one.data[i] : one.value; };
    return with(first, second, [&](auto a, auto b) {
        for (size_t i = range.start; i < range.end; ++i)
            dst.data[i] = at(a[i] < b[i] ? less : a[i] > b[i] ? greater : equal, i);
        return range.end;
    });
}

namespace {

// Of two operands, which most have.
template <typename A, typename B>
size_t of_two(Many operation, double* dst, A a, B b, Range range) {
    switch (operation) {
        case Many::Highest:
            for (size_t i = range.start; i < range.end; ++i) dst[i] = b[i] > a[i] ? b[i] : a[i];
            break;
        case Many::Lowest:
            for (size_t i = range.start; i < range.end; ++i) dst[i] = b[i] < a[i] ? b[i] : a[i];
            break;
        case Many::All:
            for (size_t i = range.start; i < range.end; ++i) dst[i] = (a[i] != 0.0) & (b[i] != 0.0);
            break;
        default:
            for (size_t i = range.start; i < range.end; ++i) dst[i] = (a[i] != 0.0) | (b[i] != 0.0);
            break;
    }
    return range.end;
}

}  // namespace

size_t many(Many operation, Target dst, const std::vector<Operand>& operands, Range range) {
    range.end = shortest(dst, range, {});
    if (operands.size() == 2 && operation != Many::Sum) {
        range.end = shortest(dst, range, {operands[0], operands[1]});
        return with(operands[0], operands[1], [&](auto a, auto b) { return of_two(operation, dst.data, a, b, range); });
    }
    for (const Operand& one : operands) range.end = std::max(range.start, std::min(range.end, one.size));
    std::vector<double> values(operands.size());
    for (size_t i = range.start; i < range.end; ++i) {
        for (size_t k = 0; k < operands.size(); ++k)
            values[k] = operands[k].data ? operands[k].data[i] : operands[k].value;
        double result = values[0];
        switch (operation) {
            case Many::Highest:
                for (double value : values) result = value > result ? value : result;
                break;
            case Many::Lowest:
                for (double value : values) result = value < result ? value : result;
                break;
            case Many::All:
                result = std::all_of(values.begin(), values.end(), [](double value) { return value != 0.0; });
                break;
            case Many::Any:
                result = std::any_of(values.begin(), values.end(), [](double value) { return value != 0.0; });
                break;
            case Many::Sum:
                if (!exact_sum(values.data(), values.size(), result)) return i;
                break;
        }
        dst.data[i] = result;
    }
    return range.end;
}

}  // namespace gcg::kernels
