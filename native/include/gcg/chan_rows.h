// What the Chan analyzer finds, as rows: the layout of NumPy's structured arrays, without a byte that is not a field.
//
// Bars, merged bars, fractals, strokes, ... are numbered from 0 on, over the whole history. `confirmed` is the bar with
// which a row became final, -1 as long as it may still change. docs/chan.md has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <type_traits>
#include <vector>

namespace gcg::chan {

inline constexpr int64_t kOpen = -1;  // in `confirmed`: it may still change
inline constexpr double kNoForce = std::numeric_limits<double>::quiet_NaN();

enum class Kind : uint8_t { merged, fractal, stroke, segment, pivot, point };
inline constexpr int kKinds = 6;

// The bit of a kind in what bar() returns.
constexpr uint32_t change_bit(Kind kind) {
    return uint32_t{1} << static_cast<int>(kind);
}

struct Merged {
    int64_t first = 0, last = 0;  // raw bars
    double high = 0, low = 0;
    uint64_t up = 1;  // a bool and seven bytes of zero, as all of its kind here
    int64_t confirmed = kOpen;
};

struct Fractal {
    uint64_t top = 0;
    int64_t merged = 0, bar = 0;
    double price = 0;
    int64_t confirmed = kOpen;
};

struct Stroke {
    uint64_t up = 0;
    int64_t begin = 0;
    double begin_price = 0;
    int64_t end = 0;
    double end_price = 0;
    int64_t begin_ns = 0, end_ns = 0;
    double force = 0;
    int64_t confirmed = kOpen;
};

struct Segment {
    uint64_t up = 0;
    int64_t first = 0, last = 0;  // strokes
    int64_t begin = 0;
    double begin_price = 0;
    int64_t end = 0;
    double end_price = 0;
    int64_t begin_ns = 0, end_ns = 0;
    int64_t confirmed = kOpen;
};

struct Pivot {
    int64_t first = 0, last = 0;  // strokes
    double zd = 0, zg = 0, dd = 0, gg = 0;
    int64_t begin = 0, end = 0;
    int64_t begin_ns = 0, end_ns = 0;
    int64_t formed = kOpen;
    int64_t confirmed = kOpen;
};

struct Point {
    uint64_t kind = 0;  // two letters and six bytes of zero: point_kind()
    int64_t stroke = 0, bar = 0;
    double price = 0;
    int64_t time_ns = 0, pivot = 0;
    double force = 0, force_before = kNoForce;
    int64_t confirmed = kOpen;
};

// "B1" ... "S3" as the first two bytes of a little-endian word.
constexpr uint64_t point_kind(bool sell, int number) {
    return static_cast<uint64_t>(sell ? 'S' : 'B') | static_cast<uint64_t>('0' + number) << 8;
}

template <typename Row>
inline constexpr bool kIsPlain = std::is_trivially_copyable_v<Row> && sizeof(Row) % 8 == 0;
static_assert(kIsPlain<Merged> && sizeof(Merged) == 48);
static_assert(kIsPlain<Fractal> && sizeof(Fractal) == 40);
static_assert(kIsPlain<Stroke> && sizeof(Stroke) == 72);
static_assert(kIsPlain<Segment> && sizeof(Segment) == 80);
static_assert(kIsPlain<Pivot> && sizeof(Pivot) == 96);
static_assert(kIsPlain<Point> && sizeof(Point) == 72);

// The confirmed rows of a kind, of which the newest `keep` are kept (0: all), and those behind them that may change.
template <typename Row>
class Rows {
 public:
    void set_keep(int64_t keep) { keep_ = keep; }
    void add(const Row& row) {
        rows_.push_back(row);
        if (keep_ > 0 && std::ssize(rows_) >= 2 * keep_ + 64) drop(std::ssize(rows_) - keep_);
    }
    [[nodiscard]] int64_t confirmed() const { return dropped_ + std::ssize(rows_); }
    [[nodiscard]] int64_t count() const { return confirmed() + std::ssize(open); }
    // The number of the oldest row that is there.
    [[nodiscard]] int64_t begin() const { return keep_ > 0 && confirmed() > keep_ ? confirmed() - keep_ : 0; }
    // The row of a number from begin() on.
    [[nodiscard]] const Row& at(int64_t number) const {
        return number < confirmed() ? rows_[static_cast<std::size_t>(number - dropped_)]
                                    : open[static_cast<std::size_t>(number - confirmed())];
    }
    // Copy all rows from a number on, which is begin() or later, one behind the other.
    void copy(int64_t from, void* target) const {
        auto* out = static_cast<char*>(target);
        const auto copy_all = [&out](const Row* row, int64_t rows) {
            if (rows == 0) return;
            std::memcpy(out, row, static_cast<std::size_t>(rows) * sizeof(Row));
            out += static_cast<std::size_t>(rows) * sizeof(Row);
        };
        if (from < confirmed()) copy_all(rows_.data() + (from - dropped_), confirmed() - from);
        const int64_t skipped = from > confirmed() ? from - confirmed() : 0;
        copy_all(open.data() + skipped, std::ssize(open) - skipped);
    }
    // Whether these may be the rows after so many bars, of all that put() may have brought.
    [[nodiscard]] bool is_sound(int64_t bars) const {
        return dropped_ >= 0 && dropped_ <= bars && confirmed() <= bars && dropped_ <= begin() && std::ssize(open) <= 4;
    }
    // Take confirmed rows from elsewhere; the first of them has the number `first`.
    void put(std::vector<Row> rows, int64_t first) {
        rows_ = std::move(rows);
        dropped_ = first;
    }

    std::vector<Row> open;

 private:
    void drop(int64_t rows) {
        rows_.erase(rows_.begin(), rows_.begin() + rows);
        dropped_ += rows;
    }
    std::vector<Row> rows_;
    int64_t dropped_ = 0, keep_ = 0;
};

}  // namespace gcg::chan
