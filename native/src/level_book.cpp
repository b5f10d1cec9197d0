// A book in a venue's own numbers: its changes, and the best levels of it.
#include "gcg/level_book.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace gcg {

bool LevelBook::is_possible(double price, double size) {
    constexpr double largest = std::numeric_limits<double>::max();
    return price > 0 && price <= largest && size >= 0 && size <= largest;  // false for what is no number
}

double LevelBook::number(int64_t bits) {
    return std::bit_cast<double>(bits);
}

void LevelBook::clear() {
    bids_.clear();
    asks_.clear();
}

void LevelBook::change(Side side, std::span<const BookLevel> levels) {
    BookSide& book = side == Side::buy ? bids_ : asks_;
    for (const BookLevel& level : levels)  // a size of -0.0 is none, too
        book.set(std::bit_cast<int64_t>(level.price), level.size > 0 ? std::bit_cast<int64_t>(level.size) : 0);
}

bool LevelBook::crossed() const {
    return !bids_.empty() && !asks_.empty() && bids_.best().ticks >= asks_.best().ticks;
}

bool LevelBook::refresh() {
    Shown now;
    std::size_t depth = 0;
    for (const Side side : {Side::buy, Side::sell}) {
        const std::size_t row = side == Side::buy ? 0 : 2;
        std::size_t count = 0;
        best(side, kShown, [&](double price, double size) {
            now[row][count] = price;
            now[row + 1][count++] = size;
        });
        for (auto* levels : {&now[row], &now[row + 1]})
            std::fill(levels->begin() + static_cast<std::ptrdiff_t>(count), levels->end(),
                      std::numeric_limits<double>::quiet_NaN());
        depth = std::max(depth, count);
    }
    if (was_shown_ && std::memcmp(&now, &shown_, sizeof now) == 0) return false;
    shown_ = now, depth_ = depth, was_shown_ = true;
    return true;
}

}  // namespace gcg
