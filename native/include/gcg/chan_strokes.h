// Strokes (笔) from fractals, one fractal at a time, in constant time: nothing looks back over what was.
#pragma once

#include <cstdint>
#include <vector>

#include "gcg/chan_bars.h"
#include "gcg/chan_rows.h"

namespace gcg::chan {

// How far the two fractals of a stroke must be apart, and what must lie beyond what.
enum class Separation : uint8_t { loss, half, strict };
struct StrokeRule {
    bool is_new = false;  // 新笔, else 老笔
    Separation separation = Separation::strict;
};

// A fractal as strokes need it. A top's edges are lows, a bottom's are highs.
struct Turn {
    uint64_t top = 0;
    int64_t merged = 0, first = 0, last = 0;  // the merged bar, and its raw bars
    int64_t bar = 0, bar_ns = 0;              // the last raw bar with the extreme price
    double price = 0;
    double end_edge = 0;    // what must lie beyond a stroke's begin, if it ends here
    double begin_edge = 0;  // what a stroke's end must lie beyond, if it begins here
    double next_edge = 0;   // the edge of the merged bar behind, known once that is complete
    [[nodiscard]] double sign() const { return top ? 1 : -1; }
    template <typename Archive>
    void each(Archive& archive) {
        archive(top, merged, first, last, bar, bar_ns, price, end_edge, begin_edge, next_edge);
    }
};

// Whether a stroke from one fractal to another of the other kind is long enough and its ends are separate. Not looked
// at: whether its end is the extreme of all that is between.
[[nodiscard]] bool are_apart(const StrokeRule& rule, const Turn& begin, const Turn& end);

// The search for the first stroke, which tries a new fractal against all the earlier ones.
//
// Whether any of them fits is asked of two stacks in amortised constant time; only when the answer is yes, which is
// once, the first that does is looked for. A fractal E fits as the begin for an end F if E is low enough, and F is
// higher than E's own edge and not lower than all that is between (for an end at the bottom: mirrored). The second
// condition is a threshold for F's height that only grows with time and never does from earlier to later fractals: a
// monotone stack of thresholds, with the lowest fractal of each, answers.
class FirstStroke {
 public:
    // Whether the new fractal ends the first stroke; `begin` is its begin then. Else it is remembered.
    [[nodiscard]] bool add(const StrokeRule& rule, const Turn& turn, Turn& begin);
    [[nodiscard]] Turn* newest() { return turns_.empty() ? nullptr : &turns_.back(); }
    // Take the next bar's MACD histogram: the first stroke may begin at any bar.
    void add_histogram(double value) { histogram_.push_back(value); }
    [[nodiscard]] int64_t bars() const { return std::ssize(histogram_); }
    [[nodiscard]] bool is_sound(int64_t bars) const;
    [[nodiscard]] Areas areas(int64_t after, int64_t until) const;
    void clear() { *this = {}; }
    template <typename Archive>
    void each(Archive& archive) {
        archive(turns_, ready_, sides_[0], sides_[1], histogram_);
    }

 private:
    struct Group {          // fractals with the same threshold
        double height = 0;  // of the threshold
        double equal = 0;   // the lowest of those that an end of just this height fits
        double higher = 0;  // the lowest of those that only a higher end fits
        template <typename Archive>
        void each(Archive& archive) {
            archive(height, equal, higher);
        }
    };
    struct Side {  // strokes of one direction; all heights are prices times a sign
        std::vector<Group> groups;
        void raise(double height);
        void insert(double height, bool equal, double low);
        [[nodiscard]] bool fits(double height, double edge) const;
        template <typename Archive>
        void each(Archive& archive) {
            archive(groups);
        }
    };
    void take(const Turn& turn);
    [[nodiscard]] bool find(const StrokeRule& rule, const Turn& end, Turn& begin) const;

    std::vector<Turn> turns_;
    uint64_t ready_ = 0;  // so many of them are on the stacks: those that any later end is far enough from
    Side sides_[2];       // strokes down, strokes up
    std::vector<double> histogram_;
};

enum class StrokeChange : uint8_t { none, moved, added };

class Strokes {
 public:
    explicit Strokes(const StrokeRule& rule = {}) : rule_(rule) {}

    // A merged bar is complete. Call it before on_turn().
    void on_merged(int64_t number, const Merged& merged);
    // Merged bar `number` is a fractal, as `bar` tells, the first of the merged bar behind it. Forces are the
    // caller's.
    StrokeChange on_turn(int64_t number, const Merged& before, const Merged& merged, const RawBar& bar);
    // The next raw bar, when all else of it is done: is it the newest with its merged bar's extreme price?
    void on_bar(int64_t number, int64_t time_ns, double histogram, bool is_extreme);

    // The last stroke, once there is one: it may still change.
    [[nodiscard]] bool has_last() const { return has_last_ != 0; }
    [[nodiscard]] const Stroke& last() const { return last_; }
    [[nodiscard]] const Turn& newest_turn() const { return newest_; }
    // Whether this may be the state after so many bars.
    [[nodiscard]] bool is_sound(int64_t bars) const {
        return has_last_ || (start_.is_sound(bars) && extreme_ >= 0 && extreme_ <= bars);
    }
    // The MACD's area in the last stroke's direction, from the bar behind its begin to its end.
    [[nodiscard]] double area() const { return area_.of(last_.up != 0); }

    template <typename Archive>
    void each(Archive& archive) {
        archive(has_last_, extreme_, extreme_ns_, end_, between_, last_, area_, since_begin_, begin_to_extreme_,
                since_end_, end_to_extreme_, since_extreme_, start_);
    }

 private:
    StrokeChange begin(const Turn& turn);
    void move_to(const Turn& turn);
    void add(const Turn& turn);

    StrokeRule rule_;
    uint64_t has_last_ = 0;
    int64_t extreme_ = 0, extreme_ns_ = 0;  // the last raw bar with the extreme price of the merged bar in the making
    Turn newest_;                           // the fractal of this bar
    Turn end_;                              // of the last stroke
    double between_ = 0;                    // the highest (lowest) fractal since it that did not become an end
    Stroke last_;
    Areas area_;  // of the last stroke
    // Sums of bars behind the last stroke's begin, behind its end, and behind the extreme bar: up to now, and up to the
    // extreme bar. A stroke's area is thus always added up from its begin, bar by bar.
    Areas since_begin_, begin_to_extreme_, since_end_, end_to_extreme_, since_extreme_;
    FirstStroke start_;
};

}  // namespace gcg::chan
