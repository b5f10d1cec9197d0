// Window sums that are exact until one rounding at the end, as math.fsum's are, in constant time an element.
//
// A block of values that lie within a few powers of two of each other is a row of integers of one unit: their sum
// slides through the block without an error in 64 or 128 bits. Where the values lie too far apart, or are not finite,
// each window is summed by itself, with Shewchuk's expansions ("Adaptive Precision Floating-Point Arithmetic and Fast
// Robust Geometric Predicates", 1997).
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "gcg/kernels.h"

namespace gcg::kernels {

namespace {

constexpr size_t kLeastBlock = 1024;
constexpr double kNoOverflow = 0x1p1000;  // sums of so many such values, and what Shewchuk makes on the way, are finite
constexpr size_t kLongestPeriod = 1 << 20;
constexpr int kMostBits = 124;  // of a sum in an int128

// The powers of two between which the non-zero values of a block lie.
struct Span {
    bool finite = true;
    int low = 2000;    // of the lowest bit that is set in any of them
    int high = -2000;  // above the highest

    void add(double value) {
        const auto bits = std::bit_cast<uint64_t>(value);
        const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
        uint64_t mantissa = bits & 0xfffffffffffffULL;
        if (exponent == 0x7ff) {
            finite = false;
            return;
        }
        if (exponent)
            mantissa |= 1ULL << 52;
        else if (!mantissa)
            return;
        const int unit = (exponent ? exponent : 1) - 1075;
        low = std::min(low, unit + std::countr_zero(mantissa));
        high = std::max(high, unit + 64 - std::countl_zero(mantissa));
    }
    bool empty() const { return high < low; }
    int bits() const { return empty() ? 0 : high - low; }
    // The unit and one over it must be normal numbers, and sums must not overflow.
    bool scalable() const { return empty() || (low >= -1000 && low <= 900 && high <= 900); }
};

Span span_of(const double* values, size_t count) {
    Span span;
    for (size_t i = 0; i < count; ++i) span.add(values[i]);
    return span;
}

int bits_of(size_t count) {
    return 64 - std::countl_zero(static_cast<uint64_t>(count));
}

struct Divided {
    double divisor;
    double operator()(double sum) const { return divisor != 0.0 ? sum / divisor : sum; }
};

// Sums of whole units. Converting an integer to double rounds once, to nearest even; the unit is a power of two, so
// nothing else does.
template <typename Integer>
void slide(double* dst, const double* src, Range range, size_t period, int low, Divided finish) {
    const double per_unit = std::ldexp(1.0, -low), unit = std::ldexp(1.0, low);
    Integer sum = 0;
    for (size_t i = range.start - period + 1; i < range.start; ++i) sum += static_cast<Integer>(src[i] * per_unit);
    for (size_t i = range.start; i < range.end; ++i) {
        sum += static_cast<Integer>(src[i] * per_unit);
        dst[i] = finish(static_cast<double>(sum) * unit);
        sum -= static_cast<Integer>(src[i - period + 1] * per_unit);
    }
}

// A sum as a row of numbers that do not overlap, the smallest first (Shewchuk's Grow-Expansion).
class Expansion {
 public:
    void add(double value) {
        size_t kept = 0;
        for (double part : parts_) {
            if (std::fabs(value) < std::fabs(part)) std::swap(value, part);
            const double sum = value + part;
            const double error = part - (sum - value);
            if (error != 0.0) parts_[kept++] = error;
            value = sum;
        }
        parts_.resize(kept);
        if (value != 0.0) parts_.push_back(value);
    }

    double rounded() const {
        if (parts_.empty()) return 0.0;
        size_t left = parts_.size() - 1;
        double sum = parts_[left], error = 0.0;
        while (left > 0 && error == 0.0) {
            const double part = parts_[--left];
            const double next = sum + part;
            error = part - (next - sum);
            sum = next;
        }
        // A tie was rounded to even: what lies below it may say otherwise.
        if (left > 0 && error != 0.0 && std::signbit(error) == std::signbit(parts_[left - 1])) {
            const double other = sum + 2.0 * error;
            if (other - sum == 2.0 * error) sum = other;
        }
        return sum;
    }

    void clear() { parts_.clear(); }

 private:
    std::vector<double> parts_;
};

// What math.fsum returns for values of which some are not finite; false where it raises, or where two different NaNs
// meet.
bool special_sum(const double* values, size_t count, double& sum) {
    bool rising = false, falling = false;
    double nan = 0.0;
    sum = 0.0;
    for (size_t i = 0; i < count; ++i) {
        const double value = values[i];
        if (std::isfinite(value)) continue;
        if (std::isnan(value)) {
            if (ambiguous(nan, value)) return false;
            nan = value;
        } else {
            (value > 0 ? rising : falling) = true;
        }
        sum += value;
    }
    return !(rising && falling);
}

bool exact_sum(const double* values, size_t count, Expansion& expansion, double& sum) {
    expansion.clear();
    bool special = false;
    for (size_t i = 0; i < count; ++i) {
        if (!std::isfinite(values[i]))
            special = true;
        else if (std::fabs(values[i]) > kNoOverflow)
            return false;
        else
            expansion.add(values[i]);
    }
    if (special) return special_sum(values, count, sum);
    sum = expansion.rounded();
    return true;
}

// One window after the other.
size_t step(double* dst, const double* src, Range range, size_t period, Divided finish) {
    Expansion expansion;
    for (size_t i = range.start; i < range.end; ++i) {
        double sum;
        if (!exact_sum(src + i - period + 1, period, expansion, sum)) return i;
        dst[i] = finish(sum);
    }
    return range.end;
}

// Sums of products for a block of windows at once, one weight after the other. Each product is cut into a high part, a
// multiple of `grain`, and the rest; both rows of sums are exact, so that the one addition at the end rounds as
// math.fsum does.
void weigh(double* dst, const double* src, Range range, size_t period, const std::vector<double>& weights,
           double coefficient, double grain) {
    const size_t count = range.end - range.start;
    const double cutter = 0x1.8p52 * grain;  // its last bit is worth one grain
    double high[kLeastBlock] = {}, low[kLeastBlock] = {};
    for (size_t k = 0; k < weights.size(); ++k) {
        const double weight = weights[k];
        const double* values = src + range.start - period + 1 + k;
        for (size_t i = 0; i < count; ++i) {
            const double product = values[i] * weight;
            const double part = (product + cutter) - cutter;
            high[i] += part;
            low[i] += product - part;
        }
    }
    for (size_t i = 0; i < count; ++i) dst[range.start + i] = coefficient * (high[i] + low[i]);
}

}  // namespace

bool exact_sum(const double* values, size_t count, double& sum) {
    Expansion expansion;
    return exact_sum(values, count, expansion, sum);
}

bool SlidingSum::add(const double* window, double& sum) {
    int128 newest = 0;
    const bool moved = known_ && !std::memcmp(seen_.data() + first_, window, (period_ - 1) * sizeof(double)) &&
                       units_of(window[period_ - 1], newest);
    if (moved) {
        sum_ += newest;
    } else if (!begin(window)) {
        known_ = false;
        return exact_sum(window, period_, sum);
    }
    sum = static_cast<double>(sum_) * unit_;
    int128 oldest = 0;
    known_ = units_of(window[0], oldest);
    sum_ -= oldest;
    remember(window, moved);
    return true;
}

// Choose a unit with room on both sides for the values to come, and sum all but the rounding.
bool SlidingSum::begin(const double* window) {
    const Span span = span_of(window, period_);
    const int count_bits = bits_of(period_ + 1), room = kMostBits - count_bits - span.bits();
    if (!span.finite || !span.scalable() || room < 0) return false;
    const int low = std::max(span.empty() ? -kMostBits / 2 : span.low - room / 2, -1000);
    unit_ = std::ldexp(1.0, low);
    per_unit_ = std::ldexp(1.0, -low);
    most_ = std::ldexp(1.0, kMostBits - count_bits);
    sum_ = 0;
    for (size_t i = 0; i < period_; ++i) {
        int128 units = 0;
        if (!units_of(window[i], units)) return false;
        sum_ += units;
    }
    return true;
}

// A value as a whole number of units; false if it is none, or too large.
bool SlidingSum::units_of(double value, int128& units) const {
    const double scaled = value * per_unit_;
    if (!(std::fabs(scaled) <= most_) || scaled != std::trunc(scaled) || (scaled == 0.0 && value != 0.0)) return false;
    units = static_cast<int128>(scaled);
    return true;
}

void SlidingSum::remember(const double* window, bool moved) {
    if (moved && first_ + period_ < seen_.size()) {
        seen_[first_ + period_ - 1] = window[period_ - 1];
        ++first_;
        return;
    }
    seen_.resize(4 * period_);
    std::copy(window + 1, window + period_, seen_.begin());
    first_ = 0;
}

size_t window_sum(Target dst, Operand src, Range range, size_t period, double divisor) {
    // Python's slice would begin at the end.
    if (!period || period > kLongestPeriod || range.start + 1 < period) return range.start;
    const size_t end = std::min({range.end, dst.size, src.size});
    const size_t block = std::max(kLeastBlock, 4 * period);
    for (size_t begin = range.start; begin < end; begin += block) {
        const Range part{begin, std::min(begin + block, end)};
        const Span span = span_of(src.data + part.start - period + 1, part.end - part.start + period - 1);
        const int bits = span.bits() + bits_of(period + 1);  // the sum holds one value more for a moment
        const bool whole = span.finite && span.scalable();
        const int low = span.empty() ? 0 : span.low;
        if (whole && bits <= 62) {
            slide<int64_t>(dst.data, src.data, part, period, low, {divisor});
        } else if (whole && bits <= 125) {
            slide<int128>(dst.data, src.data, part, period, low, {divisor});
        } else {
            const size_t done = step(dst.data, src.data, part, period, {divisor});
            if (done < part.end) return done;
        }
    }
    return std::max(end, range.start);
}

size_t window_weighted(Target dst, Operand src, Range range, size_t period, const std::vector<double>& all,
                       double coefficient) {
    if (!period || period > kLongestPeriod || range.start + 1 < period) return range.start;
    const size_t end = std::min({range.end, dst.size, src.size});
    const std::vector<double> weights(all.begin(), all.begin() + static_cast<ptrdiff_t>(std::min(all.size(), period)));
    const size_t count = weights.size();
    const Span weight = span_of(weights.data(), count);
    std::vector<double> products(count);
    Expansion expansion;
    for (size_t begin = range.start; begin < end; begin += kLeastBlock) {
        const Range part{begin, std::min(begin + kLeastBlock, end)};
        const Span span = span_of(src.data + part.start - period + 1, part.end - part.start + period - 1);
        // A product lies below 2^high. Rounded to 53 bits it has no bit below the lower of two: its exact lowest one,
        // and the last of the smallest product's. The exact one alone is lower than both.
        const int high = span.high + weight.high, lowest = span.low + weight.low;
        const int sum_bits = bits_of(count);
        const int grain = high + sum_bits - 52;  // 2^sum_bits high parts fill 52 bits
        const bool wide = span.empty() || weight.empty();
        const bool fits = lowest > -1000 && high < 900 && grain + sum_bits - lowest <= 52;
        if (span.finite && weight.finite && !wide && fits) {
            weigh(dst.data, src.data, part, period, weights, coefficient, std::ldexp(1.0, grain));
            continue;
        }
        for (size_t i = part.start; i < part.end; ++i) {
            const double* values = src.data + i - period + 1;
            double sum;
            for (size_t k = 0; k < count; ++k) {
                if (ambiguous(values[k], weights[k])) return i;
                products[k] = values[k] * weights[k];
            }
            if (!exact_sum(products.data(), count, expansion, sum) || ambiguous(sum, coefficient)) return i;
            dst.data[i] = coefficient * sum;
        }
    }
    return std::max(end, range.start);
}

}  // namespace gcg::kernels
