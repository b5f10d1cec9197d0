// Kernels that look through the last `period` elements: their extremes, where these are, and how many are true or
// lower.
#include <algorithm>

#include "gcg/kernels.h"

namespace gcg::kernels {

namespace {

// The places of a window that may still become its extreme, in a ring: the front is the extreme, and each is beaten by
// the one before it. `first` keeps the earlier of two equal values in front, which is what max() and min() return; else
// the later one is.
template <typename Beats, bool first>
class Candidates {
 public:
    explicit Candidates(size_t period) : ring_(period + 1) {}

    void push(const double* src, size_t at) {
        while (count_ && beaten(src[ring_[place(count_ - 1)]], src[at])) --count_;
        ring_[place(count_++)] = at;
    }
    void drop_before(size_t at) {
        while (count_ && ring_[begin_] < at) {
            begin_ = begin_ + 1 == ring_.size() ? 0 : begin_ + 1;
            --count_;
        }
    }
    size_t front() const { return ring_[begin_]; }

 private:
    static bool beaten(double old, double fresh) { return first ? Beats{}(fresh, old) : !Beats{}(old, fresh); }
    size_t place(size_t offset) const {
        const size_t at = begin_ + offset;
        return at < ring_.size() ? at : at - ring_.size();
    }

    std::vector<size_t> ring_;
    size_t begin_ = 0, count_ = 0;
};

struct Greater {
    bool operator()(double a, double b) const { return a > b; }
};
struct Lower {
    bool operator()(double a, double b) const { return a < b; }
};

// max() or min() as Python finds it: with a NaN in the window it depends on the order.
template <typename Beats>
double scan(const double* values, size_t count) {
    double extreme = values[0];
    for (size_t i = 1; i < count; ++i)
        if (Beats{}(values[i], extreme)) extreme = values[i];
    return extreme;
}

// Call found(i, place of the extreme), or odd(i) where a NaN is in the window; odd returns whether to go on.
template <typename Beats, bool first, typename Found, typename Odd>
size_t walk(const double* src, Range range, size_t period, Found found, Odd odd) {
    Candidates<Beats, first> candidates(period);
    size_t clean = range.start - period + 1;  // from here on there is no NaN
    for (size_t i = clean; i < range.end; ++i) {
        if (src[i] != src[i])
            clean = i + 1;
        else
            candidates.push(src, i);
        if (i < range.start) continue;
        const size_t begin = i - period + 1;
        candidates.drop_before(begin);
        if (clean <= begin)
            found(i, candidates.front());
        else if (!odd(i))
            return i;
    }
    return range.end;
}

template <typename Beats>
size_t extreme(double* dst, const double* src, Range range, size_t period) {
    return walk<Beats, true>(
        src, range, period, [&](size_t i, size_t place) { dst[i] = src[place]; },
        [&](size_t i) {
            dst[i] = scan<Beats>(src + i - period + 1, period);
            return true;
        });
}

// How many elements ago the extreme was. With a NaN in the window Python's search may find nothing and raise: left to
// it.
template <typename Beats, bool first>
size_t place_of(double* dst, const double* src, Range range, size_t period) {
    return walk<Beats, first>(
        src, range, period, [&](size_t i, size_t place) { dst[i] = static_cast<double>(i - place); },
        [](size_t) { return false; });
}

// Whether any, or all, of the values are true; a NaN is.
size_t truth(double* dst, const double* src, Range range, size_t period, bool all) {
    size_t count = 0;
    for (size_t i = range.start - period + 1; i < range.start; ++i) count += src[i] != 0.0;
    for (size_t i = range.start; i < range.end; ++i) {
        count += src[i] != 0.0;
        dst[i] = (all ? count == period : count > 0) ? 1.0 : 0.0;
        count -= src[i - period + 1] != 0.0;
    }
    return range.end;
}

size_t rank(double* dst, const double* src, Range range, size_t period) {
    for (size_t i = range.start; i < range.end; ++i) {
        size_t below = 0;
        for (size_t k = i - period + 1; k < i; ++k) below += src[k] < src[i];
        dst[i] = static_cast<double>(below) / static_cast<double>(period);
    }
    return range.end;
}

}  // namespace

size_t window(Window operation, Target dst, Operand operand, Range range, size_t period) {
    if (!period || range.start + 1 < period) return range.start;  // Python's slice would begin at the end
    range.end = std::max(range.start, std::min({range.end, dst.size, operand.size}));
    if (range.end == range.start) return range.start;
    const double* src = operand.data;
    switch (operation) {
        case Window::Highest:
            return extreme<Greater>(dst.data, src, range, period);
        case Window::Lowest:
            return extreme<Lower>(dst.data, src, range, period);
        case Window::LastHighest:
            return place_of<Greater, false>(dst.data, src, range, period);
        case Window::LastLowest:
            return place_of<Lower, false>(dst.data, src, range, period);
        case Window::FirstHighest:
            return place_of<Greater, true>(dst.data, src, range, period);
        case Window::FirstLowest:
            return place_of<Lower, true>(dst.data, src, range, period);
        case Window::Any:
            return truth(dst.data, src, range, period, false);
        case Window::All:
            return truth(dst.data, src, range, period, true);
        case Window::Rank:
            return rank(dst.data, src, range, period);
    }
    return range.start;
}

}  // namespace gcg::kernels
