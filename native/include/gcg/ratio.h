// Prices and quantities from whole ticks and lots: exactly the floats that gcg_quant/instruments.py has.
#pragma once

#include <cstdint>

namespace gcg {

// A tick or lot size as the fraction that its decimal is: 0.01 is no binary fraction, 1/100 is exact.
struct Ratio {
    int64_t numerator = 1, denominator = 1;  // above 0

    // count * numerator / denominator, rounded once: what Python's division of integers gives.
    [[nodiscard]] double of(int64_t count) const {
        int64_t product;
        if (__builtin_mul_overflow(count, numerator, &product) || product > kExact || product < -kExact ||
            denominator > kExact)
            return of_large(count);
        // Both are exact as doubles, so that the division is the only rounding.
        return denominator == 1 ? static_cast<double>(product)
                                : static_cast<double>(product) / static_cast<double>(denominator);
    }

 private:
    static constexpr int64_t kExact = int64_t{1} << 53;
    [[nodiscard]] double of_large(int64_t count) const;
};

}  // namespace gcg
