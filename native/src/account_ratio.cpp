#include <bit>
#include <cmath>

#include "gcg/ratio.h"

namespace gcg {

namespace {

__extension__ using Wide = unsigned __int128;

int bits(Wide value) {
    const auto high = static_cast<uint64_t>(value >> 64), low = static_cast<uint64_t>(value);
    return high ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

}  // namespace

// 55 or 56 bits of the quotient, the lowest of them set if anything is left over: rounding those to 53 bits is rounding
// the quotient itself. Numerator and denominator have 63 bits at most, so that nothing overflows 128.
double Ratio::of_large(int64_t count) const {
    const uint64_t size = count < 0 ? uint64_t{0} - static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
    Wide over = Wide{size} * static_cast<uint64_t>(numerator), under = static_cast<uint64_t>(denominator);
    if (over == 0) return 0.0;
    const int shift = bits(over) - bits(under) - 55;
    if (shift < 0)
        over <<= -shift;
    else
        under <<= shift;
    auto quotient = static_cast<uint64_t>(over / under);
    if (over % under) quotient |= 1;
    const double value = std::ldexp(static_cast<double>(quotient), shift);
    return count < 0 ? -value : value;
}

}  // namespace gcg
