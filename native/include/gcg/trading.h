// What risk and matching share: sides, order types, and the rounding of market data to whole ticks and lots.
//
// The numbers of the enumerations are those of gcg_quant/enumerations.py, and so of the journal. Prices and quantities
// of orders arrive here as integers, rounded once by the instrument table; market data is rounded by Grid below, which
// follows the same rule: what floating point leaves behind is no error, anything more is.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace gcg {

enum class Side : uint8_t { none = 0, buy = 1, sell = 2 };
enum class OrderType : uint8_t {
    none = 0,
    market = 1,
    limit = 2,
    stop = 3,
    stop_limit = 4,
    trailing_stop = 5,
    trailing_stop_limit = 6
};
enum class TimeInForce : uint8_t { gtc = 0, day = 1, ioc = 2, fok = 3, gtd = 4 };

inline constexpr int64_t kNoPrice = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 4;  // a size that the market does not tell
inline constexpr double kMostUnits = 4e18;  // beyond it a count does not fit 64 bits

// Whole ticks and lots of one instrument.
struct Grid {
    double tick_size = 1e-8;
    double lot_size = 1e-8;

    // The price in ticks, or kNoPrice if it is absent. `up` and `down` round against whoever trades at it.
    [[nodiscard]] int64_t nearest(double price) const { return count(std::round(price / tick_size)); }
    [[nodiscard]] int64_t up(double price) const {
        const double exact = price / tick_size, whole = whole_near(exact);
        return count(std::fabs(exact - whole) <= slack(exact) ? whole : std::ceil(exact));
    }
    [[nodiscard]] int64_t down(double price) const {
        const double exact = price / tick_size, whole = whole_near(exact);
        return count(std::fabs(exact - whole) <= slack(exact) ? whole : std::floor(exact));
    }
    // The size in whole lots, or kUnlimited if it is absent.
    [[nodiscard]] int64_t lots(double size) const {
        if (!(size == size)) return kUnlimited;
        const double exact = size / lot_size, whole = whole_near(exact);
        const double lots = std::fabs(exact - whole) <= slack(exact) ? whole : std::floor(exact);
        if (lots <= 0) return 0;
        return lots >= static_cast<double>(kUnlimited) ? kUnlimited : static_cast<int64_t>(lots);
    }

 private:
    // The whole number next to it, of two the even one; a call to round() costs more than the rest. Beyond 2^52 all
    // numbers are whole.
    static double whole_near(double exact) {
        constexpr double kWhole = 4503599627370496.0;
        if (!(std::fabs(exact) < kWhole)) return exact;
        return exact < 0 ? (exact - kWhole) + kWhole : (exact + kWhole) - kWhole;
    }
    static double slack(double exact) { return 1e-6 + std::fabs(exact) * 1e-15; }
    static int64_t count(double whole) {
        return std::fabs(whole) < kMostUnits ? static_cast<int64_t>(whole) : kNoPrice;  // NaN fails the comparison
    }
};

}  // namespace gcg
