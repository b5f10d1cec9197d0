#include "gcg/chan_segments.h"

#include <algorithm>

namespace gcg::chan {

Segment Segments::row(const Level& level, int64_t last, const Place& end, int64_t confirmed) {
    return {.up = level.up,
            .first = level.first,
            .last = last,
            .begin = level.begin.bar,
            .begin_price = level.begin.price,
            .end = end.bar,
            .end_price = end.price,
            .begin_ns = level.begin.ns,
            .end_ns = end.ns,
            .confirmed = confirmed};
}

Segments::Step Segments::step(Level& level, const Stroke& stroke, int64_t number) {
    const double sign = level.up ? 1 : -1;
    if (stroke.up == level.up) {
        if (!level.has_candidate || stroke.end_price * sign <= level.turn.price * sign) return Step::none;
        level.has_candidate = level.has_gap = 0;
        return Step::dropped;
    }
    const double high = stroke.begin_price * sign, low = stroke.end_price * sign;
    const bool has_turned = level.has_candidate && low < level.own_low;
    const bool is_first = level.features++ == 0;
    if (!is_first && high <= level.high && low >= level.low) {
        level.low = low;
    } else {
        if (!is_first && high > level.peak) {
            level.has_candidate = 1;
            level.has_gap = level.high < low;
            level.own = number;
            level.turn = begin_of(stroke);
            level.own_low = low;
        }
        level.high = high;
        level.low = low;
    }
    const bool is_found = level.has_candidate && level.own == number;
    level.peak = is_first ? high : std::max(level.peak, high);
    return has_turned ? Step::turned : is_found ? Step::found : Step::none;
}

// The first segment: the oldest three strokes of which the second stays within the first and the third goes beyond it.
void Segments::start(const Stroke& stroke) {
    if (count_ < 2) return;
    const Stroke &first = last_[1], &second = last_[0];
    const double sign = first.up ? 1 : -1;
    if (second.end_price * sign < first.begin_price * sign || stroke.end_price * sign <= first.end_price * sign) return;
    levels_[0] = {.up = first.up, .first = count_ - 2, .begin = begin_of(first)};
    depth_ = 1;
    step(levels_[0], second, count_ - 1);
}

void Segments::add(const Stroke& stroke, int64_t confirmed, std::vector<Segment>& closed) {
    if (!depth_) start(stroke);
    bool has_turned[3] = {};
    for (uint64_t i = 0; i < depth_; ++i) {
        const Step did = step(levels_[i], stroke, count_);
        has_turned[i] = did == Step::turned;
        if (did == Step::dropped) depth_ = i + 1;
        if (did == Step::found && i < 2) {
            depth_ = i + 2;
            levels_[i + 1] = {.up = stroke.up, .first = count_, .begin = begin_of(stroke)};
            break;
        }
    }
    for (int i = 0; i < 2 && (levels_[0].has_gap ? has_turned[i + 1] : has_turned[i]); ++i) {
        const Level& done = levels_[0];
        closed.push_back(row(done, done.own - 1, done.turn, confirmed));
        std::copy(levels_ + 1, levels_ + 3, levels_);
        --depth_;
    }
    last_[1] = last_[0];
    last_[0] = stroke;
    ++count_;
}

void Segments::open(std::vector<Segment>& rows) const {
    if (!depth_) return;
    const Level& level = levels_[0];
    const int64_t newest = count_ - 1;
    const bool same = last_[0].up == level.up;
    int64_t last = same ? newest : newest - 1;
    Place end = end_of(last_[same ? 0 : 1]);
    if (level.has_candidate) {
        last = level.own - 1;
        end = level.turn;
    }
    if (last - level.first >= 2) rows.push_back(row(level, last, end, kOpen));
}

}  // namespace gcg::chan
