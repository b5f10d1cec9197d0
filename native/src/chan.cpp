#include "gcg/chan.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace gcg::chan {

namespace {

// Put other rows behind the confirmed ones; return whether they differ.
template <typename Row>
bool replace_open(Rows<Row>& rows, std::vector<Row>& open) {
    const bool same = open.size() == rows.open.size() &&
                      (open.empty() || std::memcmp(open.data(), rows.open.data(), open.size() * sizeof(Row)) == 0);
    rows.open.swap(open);
    return !same;
}

template <typename Row>
bool add_all(Rows<Row>& rows, const std::vector<Row>& more) {
    for (const Row& row : more) rows.add(row);
    return !more.empty();
}

}  // namespace

Analyzer::Analyzer(const Options& options)
    : options_(options),
      macd_(options.fast, options.slow, options.signal),
      stroke_maker_(options.stroke),
      pivot_maker_(options.point) {
    if (options.fast < 1 || options.slow < 1 || options.signal < 1)
        throw std::invalid_argument("macd takes three lengths in bars, of 1 or more: (12, 26, 9)");
    if (!std::isfinite(options.point.ratio) || options.point.ratio <= 0)
        throw std::invalid_argument("ratio must be a number above 0: 1.0 calls any less force a divergence");
    if (options.point.trend_pivots < 1)
        throw std::invalid_argument("trend_pivots must be 1 or more: the pivots that make a trend");
    if (options.keep < 0 || options.keep > int64_t{1} << 40)
        throw std::invalid_argument("keep must be a number of rows, or 0 for all of them");
    merged.set_keep(options.keep);
    fractals.set_keep(options.keep);
    strokes.set_keep(options.keep);
    segments.set_keep(options.keep);
    pivots.set_keep(options.keep);
    points.set_keep(options.keep);
}

void Analyzer::check(const RawBar& bar, int64_t last_ns, int64_t number) {
    const std::string name = "bar " + std::to_string(number);
    if (!std::isfinite(bar.high) || !std::isfinite(bar.low) || !std::isfinite(bar.close))
        throw std::invalid_argument(name + " has a price that is no finite number: leave out bars without prices");
    if (bar.high < bar.low) throw std::invalid_argument(name + " has a high below its low: look at its source");
    if (bar.time_ns <= last_ns)
        throw std::invalid_argument(name + " is not after the bar before it: feed each bar once, sorted by time");
}

uint32_t Analyzer::extend(std::size_t count, const int64_t* times_ns, const double* highs, const double* lows,
                          const double* closes) {
    int64_t last_ns = last_ns_;
    for (std::size_t i = 0; i < count; ++i) {
        check({times_ns[i], highs[i], lows[i], closes[i]}, last_ns, bars_ + static_cast<int64_t>(i));
        last_ns = times_ns[i];
    }
    uint32_t changed = 0;
    for (std::size_t i = 0; i < count; ++i) changed |= take({times_ns[i], highs[i], lows[i], closes[i]});
    return changed;
}

uint32_t Analyzer::take(const RawBar& bar) {
    uint32_t changed = change_bit(Kind::merged);
    bool is_extreme = true;
    if (bars_ == 0) {
        merged.open.push_back({.high = bar.high, .low = bar.low});
    } else {
        const Merged& open = merged.open[0];
        const bool is_within = open.high >= bar.high && open.low <= bar.low;
        if (is_within || (open.high <= bar.high && open.low >= bar.low))
            is_extreme = absorb(bar);
        else
            changed |= turn(bar);
    }
    stroke_maker_.on_bar(bars_, bar.time_ns, macd_.add(bar.close), is_extreme);
    last_ns_ = bar.time_ns;
    ++bars_;
    return changed;
}

// Take an included bar into the merged bar; return whether it has the extreme price in its direction.
bool Analyzer::absorb(const RawBar& bar) {
    Merged& open = merged.open[0];
    const double far = open.up ? open.high : open.low;
    if (bar.high != bar.low || bar.high != far) {
        open.high = open.up ? std::max(open.high, bar.high) : std::min(open.high, bar.high);
        open.low = open.up ? std::max(open.low, bar.low) : std::min(open.low, bar.low);
    }
    open.last = bars_;
    return open.up ? bar.high == open.high : bar.low == open.low;
}

// A bar starts the next merged bar: the one before is complete, and perhaps a fractal.
uint32_t Analyzer::turn(const RawBar& bar) {
    Merged done = merged.open[0];
    done.confirmed = bars_;
    const int64_t number = merged.confirmed();
    merged.add(done);
    const uint64_t up = bar.high > done.high;
    merged.open[0] = {.first = bars_, .last = bars_, .high = bar.high, .low = bar.low, .up = up};
    stroke_maker_.on_merged(number, done);
    uint32_t changed = 0;
    if (number > 0 && up != done.up) {
        const StrokeChange change = stroke_maker_.on_turn(number, before_, done, bar);
        const Turn& turn = stroke_maker_.newest_turn();
        fractals.add({.top = turn.top, .merged = number, .bar = turn.bar, .price = turn.price, .confirmed = bars_});
        changed = change_bit(Kind::fractal) | on_stroke(change);
    }
    before_ = done;
    return changed;
}

Stroke Analyzer::last_stroke() const {
    Stroke stroke = stroke_maker_.last();
    const double amplitude = std::fabs(stroke.end_price - stroke.begin_price);
    if (options_.force == Force::area)
        stroke.force = stroke_maker_.area();
    else if (options_.force == Force::amplitude)
        stroke.force = amplitude;
    else
        stroke.force = amplitude / static_cast<double>(stroke.end - stroke.begin);
    return stroke;
}

// The last stroke was confirmed by the next one.
uint32_t Analyzer::confirm_stroke() {
    Stroke stroke = strokes.open[0];
    stroke.confirmed = bars_;
    strokes.add(stroke);
    std::vector<Segment> closed;
    std::vector<Pivot> left;
    std::vector<Point> found;
    segment_maker_.add(stroke, bars_, closed);
    pivot_maker_.add(stroke, bars_, left, found);
    return (add_all(segments, closed) ? change_bit(Kind::segment) : 0) |
           (add_all(pivots, left) ? change_bit(Kind::pivot) : 0) |
           (add_all(points, found) ? change_bit(Kind::point) : 0);
}

uint32_t Analyzer::on_stroke(StrokeChange change) {
    if (change == StrokeChange::none) return 0;
    uint32_t changed = change_bit(Kind::stroke);
    if (change == StrokeChange::added && !strokes.open.empty()) changed |= confirm_stroke();
    const Stroke last = last_stroke();
    strokes.open.assign(1, last);
    // What the last stroke, which may still change, makes of all above it: on copies of a few hundred bytes.
    Segments segment_maker = segment_maker_;
    Pivots pivot_maker = pivot_maker_;
    std::vector<Segment> open_segments;
    std::vector<Pivot> open_pivots;
    std::vector<Point> open_points;
    segment_maker.add(last, kOpen, open_segments);
    segment_maker.open(open_segments);
    pivot_maker.add(last, kOpen, open_pivots, open_points);
    pivot_maker.open(open_pivots);
    if (replace_open(segments, open_segments)) changed |= change_bit(Kind::segment);
    if (replace_open(pivots, open_pivots)) changed |= change_bit(Kind::pivot);
    if (replace_open(points, open_points)) changed |= change_bit(Kind::point);
    return changed;
}

}  // namespace gcg::chan
