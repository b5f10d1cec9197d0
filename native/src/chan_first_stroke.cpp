#include "gcg/chan_strokes.h"

namespace gcg::chan {

namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();
// From so many merged bars on every rule says that two fractals are far enough apart.
constexpr int64_t kFar = 4;

}  // namespace

// A height was reached: whoever began before fits only ends that are not lower.
void FirstStroke::Side::raise(double height) {
    double low = kNone;
    while (!groups.empty() && groups.back().height < height) {
        low = std::min({low, groups.back().equal, groups.back().higher});
        groups.pop_back();
    }
    if (low < kNone) insert(height, true, low);
}

void FirstStroke::Side::insert(double height, bool equal, double low) {
    if (groups.empty() || groups.back().height != height) groups.push_back({height, kNone, kNone});
    double& lowest = equal ? groups.back().equal : groups.back().higher;
    lowest = std::min(lowest, low);
}

// Whether a fractal lower than `edge` fits an end of such a height. The groups that are passed have lower thresholds:
// within a few merged bars the end raises them, so that each is passed a few times only.
bool FirstStroke::Side::fits(double height, double edge) const {
    for (auto group = groups.rbegin(); group != groups.rend() && group->height <= height; ++group) {
        if (group->equal < edge || (group->height < height && group->higher < edge)) return true;
    }
    return false;
}

void FirstStroke::take(const Turn& turn) {
    // For strokes that end at this kind it is a height that was reached, ...
    sides_[turn.top].raise(turn.price * turn.sign());
    // ... for those of the other direction it is a begin, with its own edge to pass, and the way to it behind.
    const double sign = -turn.sign(), next = turn.next_edge * sign, own = turn.begin_edge * sign;
    Side& side = sides_[1 - turn.top];
    side.raise(next);
    side.insert(std::max(next, own), next > own, turn.price * sign);
}

bool FirstStroke::add(const StrokeRule& rule, const Turn& turn, Turn& begin) {
    for (; ready_ < turns_.size() && turns_[ready_].merged <= turn.merged - kFar; ++ready_) take(turns_[ready_]);
    const double sign = turn.sign();
    bool near = false, is_passed = false;
    for (std::size_t i = turns_.size(); i > ready_; --i) {  // a few
        const Turn& other = turns_[i - 1];
        if (other.top == turn.top)
            is_passed = is_passed || other.price * sign > turn.price * sign;
        else
            near = near || (!is_passed && are_apart(rule, other, turn));
    }
    const bool far = !is_passed && sides_[turn.top].fits(turn.price * sign, turn.end_edge * sign);
    if ((near || far) && find(rule, turn, begin)) return true;
    turns_.push_back(turn);
    return false;
}

// The first begin that fits; once in an analyzer's life.
bool FirstStroke::find(const StrokeRule& rule, const Turn& end, Turn& begin) const {
    const double sign = end.sign();
    bool is_found = false;
    for (auto turn = turns_.rbegin(); turn != turns_.rend(); ++turn) {
        if (turn->top == end.top) {
            if (turn->price * sign > end.price * sign) break;
        } else if (are_apart(rule, *turn, end)) {
            begin = *turn;
            is_found = true;
        }
    }
    return is_found;
}

bool FirstStroke::is_sound(int64_t bars) const {
    const auto is_sound = [bars](const Turn& turn) { return turn.top <= 1 && turn.bar >= 0 && turn.bar < bars; };
    return ready_ <= turns_.size() && std::ssize(histogram_) == bars && std::ranges::all_of(turns_, is_sound);
}

Areas FirstStroke::areas(int64_t after, int64_t until) const {
    Areas areas;
    for (int64_t bar = after + 1; bar <= until; ++bar) areas.add(histogram_[static_cast<std::size_t>(bar)]);
    return areas;
}

}  // namespace gcg::chan
