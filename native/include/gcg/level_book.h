// Both sides of a venue's book in the venue's own numbers: prices and sizes as doubles, with the best ten levels shown.
//
// Doubles above 0 lie in the order of their bits, so the sides are those of book.h with bits for ticks and lots: no
// price is rounded, and none is another than the one that came.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gcg/book.h"

namespace gcg {

// A level as a venue tells it; `orders` is the number of them, -1: not told. A size of 0: the level is gone.
struct BookLevel {
    double price, size;
    int64_t orders;
};

class LevelBook {
 public:
    static constexpr std::size_t kShown = 10;                 // levels of each side
    using Shown = std::array<std::array<double, kShown>, 4>;  // bid prices, bid sizes, ask prices, ask sizes; NaN: none

    // Whether a level can be: a price above 0 and a size of 0 or more, both finite.
    [[nodiscard]] static bool is_possible(double price, double size);

    void clear();
    // Take new sizes of prices; every level is possible.
    void change(Side side, std::span<const BookLevel> levels);
    // The best bid is at or above the best ask.
    [[nodiscard]] bool crossed() const;
    // Bring `shown` up to date; return whether it is another one, or was never asked for before.
    bool refresh();
    [[nodiscard]] const Shown& shown() const { return shown_; }
    [[nodiscard]] std::size_t depth() const { return depth_; }  // levels shown of the side that has more
    // Call with the price and the size of the best levels of a side, best first.
    template <typename Call>
    void best(Side side, std::size_t count, Call call) const {
        const BookSide& levels = side == Side::buy ? bids_ : asks_;
        auto level = levels.begin();
        for (const auto end = levels.end(); count > 0 && level != end; --count, ++level)
            call(number((*level).ticks), number((*level).lots));
    }

 private:
    [[nodiscard]] static double number(int64_t bits);

    BookSide bids_{Side::buy}, asks_{Side::sell};
    Shown shown_ = {};
    std::size_t depth_ = 0;
    bool was_shown_ = false;
};

}  // namespace gcg
