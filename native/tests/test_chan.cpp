// The Chan analyzer's saved state under damage, its cost in input made to be slow, and its first stroke against a
// search through all earlier fractals. Its rows are compared with the reference lists in tests/strategy_engine/chan.

#include <cstring>
#include <ctime>
#include <random>
#include <stdexcept>

#include "check.h"
#include "gcg/chan.h"
#include "gcg/crc32c.h"

using namespace gcg;
using namespace gcg::chan;

namespace {

// Bars of a random walk on a coarse grid, so that many prices are equal.
class Walk {
 public:
    explicit Walk(uint32_t seed) : random_(seed) {}
    RawBar next() {
        price_ += move(4);
        const double high = price_ + std::abs(move(3)), low = price_ - std::abs(move(3));
        return {++time_ns_, high, low, price_};
    }

 private:
    double move(int most) { return static_cast<double>(static_cast<int>(random_() % (2 * most + 1)) - most); }
    std::mt19937 random_;
    double price_ = 100;
    int64_t time_ns_ = 0;
};

Analyzer walked(int bars, const Options& options = {}) {
    Analyzer analyzer(options);
    Walk walk(7);
    for (int i = 0; i < bars; ++i) analyzer.bar(walk.next());
    return analyzer;
}

bool is_refused(std::span<const std::byte> data) {
    try {
        (void)Analyzer::restore(data);
    } catch (const std::invalid_argument&) {
        return true;
    }
    return false;
}

// Put the checksum right that damage made wrong, so that the values themselves have to be looked at.
void seal(std::vector<std::byte>& data) {
    const uint32_t crc = crc32c(0, data.data() + 16, data.size() - 16);
    std::memcpy(data.data() + 12, &crc, sizeof crc);
}

// An expanding or a narrowing row of highs and lows, which never has a stroke, or only late: every bar a merged bar,
// every merged bar a fractal.
RawBar zigzag(int64_t i, double step) {
    const double width = 1e6 + step * static_cast<double>(i);
    const double middle = i % 2 ? width : -width;
    return {i, middle + 1, middle - 1, middle};
}

template <typename Bar>
double seconds(int64_t bars, Bar bar) {
    Analyzer analyzer;
    const std::clock_t begin = std::clock();  // processor time: the machine may be busy with something else
    for (int64_t i = 1; i <= bars; ++i) analyzer.bar(bar(i));
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// The bar at which the first stroke to the newest fractal begins, by the words of the rule; -1 if there is none.
int64_t searched_begin(const Analyzer& analyzer) {
    const StrokeRule& rule = analyzer.options().stroke;
    const auto side = [&](int64_t merged, bool high) {
        const Merged& row = analyzer.merged.at(merged);
        return high ? row.high : row.low;
    };
    const Fractal& end = analyzer.fractals.at(analyzer.fractals.count() - 1);
    const bool up = end.top != 0;
    const double sign = up ? 1 : -1;
    const int beside = rule.separation == Separation::strict, inside = rule.separation != Separation::loss;
    for (int64_t number = 0; number + 1 < analyzer.fractals.count(); ++number) {
        const Fractal& begin = analyzer.fractals.at(number);
        const int64_t distance = end.merged - begin.merged;
        const int64_t raw = analyzer.merged.at(end.merged).first - analyzer.merged.at(begin.merged).last - 1;
        bool fits = begin.top != end.top && (rule.is_new ? distance >= 3 && raw >= 3 : distance >= 4);
        for (int64_t k = begin.merged + 1; k < end.merged; ++k) fits = fits && side(k, up) * sign <= end.price * sign;
        for (int64_t k = end.merged - inside; k <= end.merged + beside; ++k)
            fits = fits && begin.price * sign < side(k, !up) * sign;
        for (int64_t k = begin.merged - beside; k <= begin.merged + inside; ++k)
            fits = fits && end.price * sign > side(k, up) * sign;
        if (fits) return begin.bar;
    }
    return -1;
}

}  // namespace

TEST(chan_state_with_any_bit_changed_is_refused) {
    const std::vector<std::byte> data = walked(60).save();
    CHECK(!is_refused(data));
    for (std::size_t bit = 0; bit < data.size() * 8; bit += 5) {
        std::vector<std::byte> damaged = data;
        damaged[bit / 8] ^= std::byte(1 << bit % 8);
        CHECK(is_refused(damaged));
    }
    for (std::size_t bytes = 0; bytes < data.size(); bytes += 3) CHECK(is_refused(std::span(data).first(bytes)));
}

// Whoever changes values and the checksum may get wrong rows, but no memory that is not there.
TEST(chan_state_with_a_right_checksum_and_wrong_values_does_no_harm) {
    int refused = 0;
    for (const int bars : {3, 40, 600}) {
        const std::vector<std::byte> data = walked(bars, {.keep = bars > 100 ? 20 : 0}).save();
        for (std::size_t at = 24; at + 8 <= data.size(); at += 8) {
            for (const uint64_t word : {uint64_t{0}, uint64_t{3}, uint64_t{1} << 40}) {
                std::vector<std::byte> forged = data;
                std::memcpy(forged.data() + at, &word, sizeof word);
                seal(forged);
                try {
                    Analyzer analyzer = Analyzer::restore(forged);
                    for (int64_t i = 1; i < 40; ++i) analyzer.bar({analyzer.last_ns() + 1, 100.0 + i % 7, 99, 100});
                } catch (const std::invalid_argument&) {
                    ++refused;
                }
            }
        }
    }
    CHECK(refused > 100);
}

TEST(chan_state_restored_at_any_bar_ends_the_same) {
    for (const bool is_new : {false, true}) {
        const Options options{.stroke = {is_new, Separation::half}, .point = {.trend_pivots = 1}};
        Analyzer alone(options), restored(options);
        Walk walk(3);
        for (int i = 0; i < 1500; ++i) {
            const RawBar bar = walk.next();
            restored = Analyzer::restore(restored.save());
            CHECK_EQUAL(restored.bar(bar), alone.bar(bar));
        }
        CHECK(alone.strokes.count() > 20);
        CHECK(restored.save() == alone.save());
    }
}

// Ten times the bars take about ten times as long, also where no stroke begins and each bar is a fractal or included.
TEST(chan_bar_costs_the_same_whatever_came_before) {
    const auto expanding = [](int64_t i) { return zigzag(i, 1); };
    const auto narrowing = [](int64_t i) { return zigzag(i, -1); };
    const auto level = [](int64_t i) { return zigzag(i, 0); };
    const auto included = [](int64_t i) {
        const double width = 1e9 - static_cast<double>(i);
        return RawBar{i, width, -width, 0};
    };
    // Lows that fall and highs of all sizes, each below the one that a begin would have to reach.
    const auto saw = [](int64_t i) {
        const double high = i % 2 ? static_cast<double>((i * 7919) % 1000) : -static_cast<double>(i);
        return RawBar{i, high + 1, high, high};
    };
    const auto is_linear = [](auto bar) {
        const double few = std::min(seconds(20'000, bar), seconds(20'000, bar));
        const double many = seconds(400'000, bar);  // were it quadratic: 400 times as long
        return many < 100 * few + 0.05;
    };
    CHECK(is_linear(expanding));
    CHECK(is_linear(narrowing));
    CHECK(is_linear(level));
    CHECK(is_linear(included));
    CHECK(is_linear(saw));
}

TEST(chan_first_stroke_is_the_one_that_a_search_finds) {
    int late = 0;
    for (uint32_t seed = 0; seed < 3000; ++seed) {
        const StrokeRule rule{seed % 2 == 1, static_cast<Separation>(seed / 2 % 3)};
        Analyzer analyzer({.stroke = rule});
        Walk walk(seed);
        const int growth = static_cast<int>(seed / 6 % 4);  // wider and wider, so that the first stroke comes late
        int64_t fractals = 0;
        for (int i = 1; i < 120 && analyzer.strokes.count() == 0; ++i) {
            const RawBar step = walk.next();
            const double swing = i % 2 ? growth * i : -growth * i;
            analyzer.bar({i, step.high + swing, step.low + swing, step.close});
            if (analyzer.fractals.count() == fractals) continue;
            fractals = analyzer.fractals.count();
            const int64_t begin = searched_begin(analyzer);
            CHECK_EQUAL(analyzer.strokes.count(), int64_t{begin >= 0});
            if (begin < 0) continue;
            CHECK_EQUAL(analyzer.strokes.at(0).begin, begin);
            CHECK_EQUAL(analyzer.strokes.at(0).end, analyzer.fractals.at(fractals - 1).bar);
            late += fractals > 12;
        }
    }
    CHECK(late > 100);
}
