// Indicator kernels at every edge of their buffers, which have exactly the size they say: a sanitizer sees one step too
// far. That the values are Backtrader's is shown in tests/backtest/test_kernels.py.
#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "check.h"
#include "gcg/kernels.h"

using namespace gcg::kernels;

namespace {

// A line of its own allocation, with nothing behind its end.
class Values {
 public:
    Values(std::mt19937& random, size_t size) : size_(size), data_(new double[size]) {
        std::uniform_int_distribution<int> cents(-3, 9);
        for (size_t i = 0; i < size; ++i) data_[i] = cents(random) / 4.0;
    }
    operator Operand() const { return {data_.get(), size_, 0.0}; }
    operator Target() const { return {data_.get(), size_}; }
    double operator[](size_t i) const { return data_[i]; }

 private:
    size_t size_;
    std::unique_ptr<double[]> data_;
};

struct Trial {
    size_t size_of_dst, size_of_a, size_of_b, period;
    Range range;
};

// Any sizes, also none; ranges that begin at 0, end behind the lines, or hold nothing.
Trial any_trial(std::mt19937& random) {
    auto up_to = [&](size_t most) { return std::uniform_int_distribution<size_t>(0, most)(random); };
    Trial trial{up_to(40) + 1, up_to(40) + 1, up_to(40) + 1, up_to(12), {up_to(20), 0}};
    trial.range.end = trial.range.start + up_to(40);
    return trial;
}

void check_range(const Trial& trial, size_t stop) {
    CHECK(stop >= trial.range.start);
    CHECK(stop <= trial.range.end);
    CHECK(stop == trial.range.start || stop <= trial.size_of_dst);
}

}  // namespace

TEST(kernels_stay_within_their_lines) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        const Trial trial = any_trial(random);
        const Values dst(random, trial.size_of_dst), a(random, trial.size_of_a), b(random, trial.size_of_b);
        const Operand constant{nullptr, Operand{}.size, 0.5};
        const Range range = trial.range;
        for (int kind = 0; kind <= static_cast<int>(Binary::NotEqual); ++kind) {
            check_range(trial, binary(static_cast<Binary>(kind), dst, a, b, range));
            check_range(trial, binary(static_cast<Binary>(kind), dst, constant, b, range));
        }
        for (Unary kind : {Unary::Absolute, Unary::Negative, Unary::Truth})
            check_range(trial, unary(kind, dst, a, range));
        for (ptrdiff_t shift : {-30, -3, 0, 3, 30}) {
            copy(dst, a, range, 0, shift);
            copy(dst, a, range, shift, 0);
            copy(dst, constant, range, shift, 0);
        }
        check_range(trial, divide_or(dst, a, b, 1.0, range));
        check_range(trial, divide_zero(dst, a, b, 1.0, 2.0, range));
        check_range(trial, choose(dst, a, b, constant, range));
        check_range(trial, choose_by_order(dst, a, constant, b, a, constant, range));
        for (Many kind : {Many::Highest, Many::Lowest, Many::Any, Many::All, Many::Sum}) {
            check_range(trial, many(kind, dst, {a, b}, range));
            check_range(trial, many(kind, dst, {a, constant, b}, range));
        }
        for (int kind = 0; kind <= static_cast<int>(Window::Rank); ++kind)
            check_range(trial, window(static_cast<Window>(kind), dst, a, range, trial.period));
        check_range(trial, window_sum(dst, a, range, trial.period, 0.0));
        check_range(trial, window_weighted(dst, a, range, trial.period, {0.25, 3.0, 0.5}, 2.0));
        check_range(trial, smooth(dst, a, constant, constant, range));
        check_range(trial, smooth(dst, a, b, constant, range));
        check_range(trial, accumulate(dst, a, range));
        check_range(trial, last_difference(dst, a, b, range));
        Trend trends[2] = {{1.0, 1.5, 0.02, true}, {1.0, 0.5, 0.02, false}};
        check_range(trial, parabolic(dst, a, b, range, 0.02, 0.2, trends));
        double stages[4] = {0.5, 0.25, 0.125, 0.0};
        check_range(trial, laguerre(dst, a, range, 0.5, round % 2, stages));
        check_range(trial, zero_lag(dst, a, b, range, 0.25, 0.75, {-1.0, 0.0, 0.5}));
    }
}

TEST(windows_slide_across_blocks) {
    std::mt19937 random(2);
    const size_t count = 9000, period = 700;
    const Values src(random, count), sums(random, count), highest(random, count);
    CHECK_EQUAL(window_sum(sums, src, {period - 1, count}, period, 0.0), count);
    CHECK_EQUAL(window(Window::Highest, highest, src, {period - 1, count}, period), count);
    for (size_t i = period - 1; i < count; i += 13) {
        double sum = 0.0, most = src[i];  // quarters: no addition rounds
        for (size_t k = i + 1 - period; k <= i; ++k) {
            sum += src[k];
            most = std::max(most, src[k]);
        }
        CHECK_EQUAL(sums[i], sum);
        CHECK_EQUAL(highest[i], most);
    }
}

TEST(sums_round_once) {
    double sum = 0.0;
    const double tie[] = {1.0, 0x1p-53, 0x1p-106};  // a tie that its last part breaks
    CHECK(exact_sum(tie, 3, sum));
    CHECK_EQUAL(sum, 1.0 + 0x1p-52);
    const double even[] = {1.0, 0x1p-53};
    CHECK(exact_sum(even, 2, sum));
    CHECK_EQUAL(sum, 1.0);
    const double lost[] = {1e300, 1.0, -1e300};
    CHECK(exact_sum(lost, 3, sum));
    CHECK_EQUAL(sum, 1.0);
    const double infinities[] = {HUGE_VAL, -HUGE_VAL};
    CHECK(!exact_sum(infinities, 2, sum));
    const double huge[] = {1e308};  // beside others math.fsum may overflow on its way
    CHECK(!exact_sum(huge, 1, sum));
}

TEST(sliding_sums_are_exact_however_the_window_moves) {
    std::mt19937_64 random(5);
    std::uniform_int_distribution<int> one_in(0, 39);
    std::uniform_real_distribution<double> price(90.0, 110.0);
    for (size_t period : {1, 2, 7, 30}) {
        std::vector<double> values;
        for (int i = 0; i < 4000; ++i) {
            const double odd[] = {0.0, -0.0, 1e-300, 5e-324, 1e200, -1e16, 1e308, INFINITY, NAN};
            values.push_back(one_in(random) ? price(random) : odd[static_cast<size_t>(i) % std::size(odd)]);
        }
        SlidingSum sliding(period);
        for (size_t end = period; end < values.size(); end += one_in(random) ? 1 : 3) {
            double* window = values.data() + end - period;
            if (!one_in(random)) window[period / 2] = price(random);  // a value of the past is changed
            double expected = 0.0, found = 0.0;
            const bool known = exact_sum(window, period, expected);
            CHECK_EQUAL(sliding.add(window, found), known);
            if (known) CHECK_EQUAL(std::bit_cast<uint64_t>(found), std::bit_cast<uint64_t>(expected));
            if (!one_in(random)) {  // the same bar again with another last value
                window[period - 1] = price(random);
                CHECK(exact_sum(window, period, expected) == sliding.add(window, found));
                if (expected == expected) CHECK_EQUAL(found, expected);
            }
        }
    }
}
