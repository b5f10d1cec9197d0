#include "gcg/chan_pivots.h"

#include <algorithm>

namespace gcg::chan {

namespace {

double high_of(const Stroke& stroke) {
    return std::max(stroke.begin_price, stroke.end_price);
}

double low_of(const Stroke& stroke) {
    return std::min(stroke.begin_price, stroke.end_price);
}

// The extreme of a stroke in a direction: 1 up, 0 down.
double extreme_of(const Stroke& stroke, int up) {
    return up ? high_of(stroke) : low_of(stroke);
}

double further(int up, double a, double b) {
    return up ? std::max(a, b) : std::min(a, b);
}

bool meets(const Stroke& stroke, const Pivot& pivot) {
    return high_of(stroke) >= pivot.zd && low_of(stroke) <= pivot.zg;
}

}  // namespace

void Pivots::form(const Stroke& stroke, int64_t bar) {
    if (count_ < search_from_ + 2) return;
    const Stroke &first = last_[1], &second = last_[0];
    const double zd = std::max({low_of(first), low_of(second), low_of(stroke)});
    const double zg = std::min({high_of(first), high_of(second), high_of(stroke)});
    if (zd >= zg) return;
    const bool is_beyond[2] = {zg<pivot_.zd, zd> pivot_.zg};
    for (int up = 0; up < 2; ++up) {
        Trend& trend = trends_[up];
        if (trend.pivots && is_beyond[up]) {
            ++trend.pivots;
        } else {
            trend = {1, further(up, extreme_of(first, up), extreme_of(second, up))};
        }
    }
    entering_ = last_[2];
    is_open_ = 1;
    pivot_ = {.first = count_ - 2,
              .last = count_,
              .zd = zd,
              .zg = zg,
              .begin = first.begin,
              .end = stroke.end,
              .begin_ns = first.begin_ns,
              .end_ns = stroke.end_ns,
              .formed = bar};
    pivot_.dd = std::min({low_of(first), low_of(second), low_of(stroke)});
    pivot_.gg = std::max({high_of(first), high_of(second), high_of(stroke)});
}

void Pivots::extend(const Stroke& stroke) {
    pivot_.last = count_;
    pivot_.dd = std::min(pivot_.dd, low_of(stroke));
    pivot_.gg = std::max(pivot_.gg, high_of(stroke));
    pivot_.end = stroke.end;
    pivot_.end_ns = stroke.end_ns;
}

bool Pivots::is_first_point(const Stroke& stroke) const {
    const Trend& trend = trends_[stroke.up];
    const double sign = stroke.up ? 1 : -1;
    return trend.pivots && trend.pivots >= rule_.trend_pivots && entering_.up == stroke.up &&
           stroke.end_price * sign > trend.extreme * sign && stroke.force < rule_.ratio * entering_.force;
}

Point Pivots::point(const Stroke& stroke, int number, int64_t pivot, int64_t bar) const {
    return {.kind = point_kind(stroke.up, number),
            .stroke = count_,
            .bar = stroke.end,
            .price = stroke.end_price,
            .time_ns = stroke.end_ns,
            .pivot = pivot,
            .force = stroke.force,
            .force_before = number == 1 ? entering_.force : kNoForce,
            .confirmed = bar};
}

void Pivots::add(const Stroke& stroke, int64_t bar, std::vector<Pivot>& closed, std::vector<Point>& points) {
    bool has_left = false;  // the pivot that it closes, without touching it
    if (!is_open_) {
        form(stroke, bar);
    } else if (meets(stroke, pivot_)) {
        extend(stroke);
    } else {
        has_left = true;
        is_open_ = 0;
        search_from_ = count_;
        closed.push_back(pivot_);
        closed.back().confirmed = bar;
        ++closed_;
    }
    const double sign = stroke.up ? 1 : -1;
    FirstPoint first;
    if (is_first_point(stroke)) {
        first = {1, stroke.end_price, is_open_ ? closed_ : closed_ - 1};
        points.push_back(point(stroke, 1, first.pivot, bar));
    }
    const FirstPoint& before = first_points_[1];
    if (before.is_there && stroke.end_price * sign <= before.price * sign)
        points.push_back(point(stroke, 2, before.pivot, bar));
    // Only the stroke that comes back toward the pivot can miss it: up from below, or down from above.
    if (has_left) points.push_back(point(stroke, 3, closed_ - 1, bar));

    for (int up = 0; up < 2; ++up) trends_[up].extreme = further(up, trends_[up].extreme, extreme_of(stroke, up));
    first_points_[1] = first_points_[0];
    first_points_[0] = first;
    std::copy_backward(last_, last_ + 2, last_ + 3);
    last_[0] = stroke;
    ++count_;
}

}  // namespace gcg::chan
