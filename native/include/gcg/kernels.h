// Indicator kernels: what Backtrader's once() methods compute over whole lines, to the last bit.
//
// Every kernel writes dst[start .. stop) exactly as stock Backtrader would and returns `stop`. Where stop < end,
// element `stop` is one that only stock's own method gets right: it raises there (a zero divisor), reads past a line's
// end, or the bits of a NaN are not defined by the operation (two different NaNs meet). The caller lets stock do that
// element and goes on behind it. Elements behind `stop` may already hold values; whoever goes on overwrites them.
//
// dst must not be one of the operands. Nothing here allocates more than a window or a block, and nothing throws but
// std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace gcg::kernels {

__extension__ typedef __int128 int128;

// A line's values, or one number that stands for all of them.
struct Operand {
    const double* data = nullptr;  // null: a constant
    size_t size = std::numeric_limits<size_t>::max();
    double value = 0.0;
};

struct Target {
    double* data;
    size_t size;
};

// The elements to compute.
struct Range {
    size_t start;
    size_t end;
};

enum class Binary { Add, Subtract, Multiply, Divide, Power, Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual };
enum class Unary { Absolute, Negative, Truth };
enum class Many { Highest, Lowest, Any, All, Sum };
enum class Window { Highest, Lowest, LastHighest, LastLowest, FirstHighest, FirstLowest, Any, All, Rank };

// Element by element.
size_t binary(Binary operation, Target dst, Operand a, Operand b, Range range);
size_t unary(Unary operation, Target dst, Operand a, Range range);
// dst[i + to] = a[i + from]
size_t copy(Target dst, Operand a, Range range, ptrdiff_t to, ptrdiff_t from);
// a / b, or `zero` where b is zero.
size_t divide_or(Target dst, Operand a, Operand b, double zero, Range range);
// a / b, or where b is zero `both` if a is zero as well, else `single`.
size_t divide_zero(Target dst, Operand a, Operand b, double single, double both, Range range);
// condition ? a : b
size_t choose(Target dst, Operand condition, Operand a, Operand b, Range range);
// a < b ? less : a > b ? greater : equal; without `numbers` NaN counts as equal.
size_t choose_by_order(Target dst, Operand a, Operand b, Operand less, Operand equal, Operand greater, Range range);
// Of several operands, two or more: the first highest, the truth of all of them, the sum as math.fsum has it, ...
size_t many(Many operation, Target dst, const std::vector<Operand>& operands, Range range);

// Over the last `period` elements, the present one included.
// math.fsum of the window, divided by `divisor` if that is not 0.
size_t window_sum(Target dst, Operand src, Range range, size_t period, double divisor);
// coefficient * math.fsum of the window's first values times the weights, product by product.
size_t window_weighted(Target dst, Operand src, Range range, size_t period, const std::vector<double>& weights,
                       double coefficient);
// LastHighest ... FirstLowest: how many elements ago the last or the first of the extreme values was. Rank: the share
// of values below the present one.
size_t window(Window operation, Target dst, Operand src, Range range, size_t period);

// Each from the result before it, dst[start - 1].
// previous * keep + src * take
size_t smooth(Target dst, Operand src, Operand keep, Operand take, Range range);
size_t accumulate(Target dst, Operand src, Range range);
// a - b, or the result before where that is zero.
size_t last_difference(Target dst, Operand a, Operand b, Range range);

// What indicators without a once() of their own carry from bar to bar in attributes; a kernel takes it over and leaves
// it as their next() would. Only finite numbers: at the first other one a kernel stops.
struct Trend {
    double stop, extreme, factor;
    bool up;
};
// The parabolic stop; `trends` are those of even and of odd bars, from the second bar on.
size_t parabolic(Target dst, Operand high, Operand low, Range range, double factor, double most, Trend trends[2]);
// Laguerre's filter of four stages, or the relative strength among them.
size_t laguerre(Target dst, Operand src, Range range, double gamma, bool strength, double stages[4]);
// The average corrected by the gain that comes nearest to the price, from the result before.
size_t zero_lag(Target dst, Operand src, Operand average, Range range, double take, double keep,
                const std::vector<double>& gains);

// math.fsum of `count` values, one by one. Return false where it would raise, or where the result's NaN is not defined.
bool exact_sum(const double* values, size_t count, double& sum);

// math.fsum of a window that moves on by one value at a time, in constant time as long as it does. A window that did
// not, or whose old values were changed, is summed anew: the values are compared.
class SlidingSum {
 public:
    explicit SlidingSum(size_t period) : period_(period) {}
    // The sum of the `period` values from `window` on; false where exact_sum() is.
    bool add(const double* window, double& sum);

 private:
    bool begin(const double* window);
    bool units_of(double value, int128& units) const;
    void remember(const double* window, bool moved);

    size_t period_;
    std::vector<double> seen_;  // values [first_, first_ + period - 1) are those that the next window begins with
    size_t first_ = 0;
    bool known_ = false;
    int128 sum_ = 0;  // of these, in units
    double unit_ = 1.0, per_unit_ = 1.0, most_ = 0.0;
};

// Whether two NaNs meet whose bits differ: which of them comes out is then the compiler's choice, in Python as well.
bool ambiguous(double a, double b);

}  // namespace gcg::kernels
