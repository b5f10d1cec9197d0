// Chan theory (缠论), bar by bar: merged bars, fractals, strokes, segments, pivots, and buy and sell points.
//
// docs/chan.md states the rules. A bar costs constant time, whatever came before (amortised: the search for the first
// stroke looks back once). Rows that are confirmed never change. Bars one by one, many at once, or after a restore of
// the saved state: the same rows, bit by bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gcg/chan_bars.h"
#include "gcg/chan_pivots.h"
#include "gcg/chan_rows.h"
#include "gcg/chan_segments.h"
#include "gcg/chan_strokes.h"

namespace gcg::chan {

enum class Force : uint8_t { area, amplitude, slope };

struct Options {
    StrokeRule stroke = {};
    Force force = Force::area;
    PointRule point = {};
    int32_t fast = 12, slow = 26, signal = 9;  // of the MACD, bars
    int64_t keep = 0;                          // so many confirmed rows of each kind stay; 0: all
};

class Analyzer {
 public:
    // std::invalid_argument for options that make no sense.
    explicit Analyzer(const Options& options = {});

    // Take the next bar and return the change_bit() of each kind with rows that are new or other. std::invalid_argument
    // for a bar that cannot be: not finite, high below low, or not after the one before; nothing has changed then.
    uint32_t bar(const RawBar& bar) {
        check(bar, last_ns_, bars_);
        return take(bar);
    }
    // Take many, of which column i of each is one; all or nothing.
    uint32_t extend(std::size_t count, const int64_t* times_ns, const double* highs, const double* lows,
                    const double* closes);

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] int64_t bars() const { return bars_; }
    [[nodiscard]] int64_t last_ns() const { return last_ns_; }

    // All that the next bar meets, with a version and a checksum.
    [[nodiscard]] std::vector<std::byte> save() const;
    // std::invalid_argument for bytes that save() did not make, or that were damaged.
    [[nodiscard]] static Analyzer restore(std::span<const std::byte> data);

    Rows<Merged> merged;
    Rows<Fractal> fractals;
    Rows<Stroke> strokes;
    Rows<Segment> segments;
    Rows<Pivot> pivots;
    Rows<Point> points;

 private:
    static void check(const RawBar& bar, int64_t last_ns, int64_t number);
    uint32_t take(const RawBar& bar);
    bool absorb(const RawBar& bar);
    uint32_t turn(const RawBar& bar);
    uint32_t on_stroke(StrokeChange change);
    uint32_t confirm_stroke();
    [[nodiscard]] Stroke last_stroke() const;
    template <typename Archive>
    void each(Archive& archive);
    [[nodiscard]] bool is_sound() const;

    Options options_;
    int64_t bars_ = 0;
    int64_t last_ns_ = std::numeric_limits<int64_t>::min();
    Macd macd_;
    Merged before_;  // the merged bar before the one in the making, which is merged.open[0]
    Strokes stroke_maker_;
    Segments segment_maker_;  // after all confirmed strokes
    Pivots pivot_maker_;      // so, too
};

}  // namespace gcg::chan
