#include "gcg/chan_strokes.h"

namespace gcg::chan {

namespace {

// The outer of two edges: the lower low of a top, the higher high of a bottom.
double outer(bool top, double a, double b) {
    return top ? std::min(a, b) : std::max(a, b);
}

double edge(bool top, const Merged& merged) {
    return top ? merged.low : merged.high;
}

}  // namespace

bool are_apart(const StrokeRule& rule, const Turn& begin, const Turn& end) {
    const int64_t distance = end.merged - begin.merged;
    if (distance < (rule.is_new ? 3 : 4)) return false;
    if (rule.is_new && end.first - begin.last - 1 < 3) return false;
    const double sign = end.sign();
    return begin.price * sign < end.end_edge * sign && end.price * sign > begin.begin_edge * sign;
}

void Strokes::on_merged(int64_t number, const Merged& merged) {
    Turn* turn = has_last_ ? &end_ : start_.newest();
    if (!turn || turn->merged != number - 1) return;
    turn->next_edge = edge(turn->top, merged);
    if (rule_.separation != Separation::loss) turn->begin_edge = outer(turn->top, turn->begin_edge, turn->next_edge);
}

StrokeChange Strokes::on_turn(int64_t number, const Merged& before, const Merged& merged, const RawBar& bar) {
    const bool top = merged.up;
    Turn turn{.top = merged.up,
              .merged = number,
              .first = merged.first,
              .last = merged.last,
              .bar = extreme_,
              .bar_ns = extreme_ns_,
              .price = top ? merged.high : merged.low};
    turn.end_edge = turn.begin_edge = edge(top, merged);
    if (rule_.separation != Separation::loss) turn.end_edge = outer(top, turn.end_edge, edge(top, before));
    if (rule_.separation == Separation::strict) {
        turn.begin_edge = turn.end_edge;
        turn.end_edge = outer(top, turn.end_edge, top ? bar.low : bar.high);
    }
    newest_ = turn;
    if (!has_last_) return begin(turn);
    const double sign = turn.sign();
    if (turn.top == end_.top) {
        if (turn.price * sign < end_.price * sign) return StrokeChange::none;
        move_to(turn);
        return StrokeChange::moved;
    }
    if (are_apart(rule_, end_, turn) && between_ * sign <= turn.price * sign) {
        add(turn);
        return StrokeChange::added;
    }
    if (turn.price * sign > between_ * sign) between_ = turn.price;
    return StrokeChange::none;
}

StrokeChange Strokes::begin(const Turn& turn) {
    Turn from;
    if (!start_.add(rule_, turn, from)) return StrokeChange::none;
    end_to_extreme_ = start_.areas(from.bar, extreme_);
    since_end_ = start_.areas(from.bar, start_.bars() - 1);
    end_ = from;
    start_.clear();
    add(turn);
    has_last_ = 1;
    return StrokeChange::added;
}

void Strokes::move_to(const Turn& turn) {
    last_.end = turn.bar;
    last_.end_price = turn.price;
    last_.end_ns = turn.bar_ns;
    area_ = begin_to_extreme_;
    since_end_ = since_extreme_;
    end_ = turn;
    between_ = turn.top ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

void Strokes::add(const Turn& turn) {
    last_ = {.up = turn.top, .begin = end_.bar, .begin_price = end_.price, .begin_ns = end_.bar_ns};
    begin_to_extreme_ = end_to_extreme_;
    since_begin_ = since_end_;
    move_to(turn);
}

void Strokes::on_bar(int64_t number, int64_t time_ns, double histogram, bool is_extreme) {
    if (!has_last_) start_.add_histogram(histogram);
    since_begin_.add(histogram);
    since_end_.add(histogram);
    since_extreme_.add(histogram);
    if (!is_extreme) return;
    extreme_ = number;
    extreme_ns_ = time_ns;
    begin_to_extreme_ = since_begin_;
    end_to_extreme_ = since_end_;
    since_extreme_ = {};
}

}  // namespace gcg::chan
