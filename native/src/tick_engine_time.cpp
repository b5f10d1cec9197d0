// What goes by the tick engine's clock: trading days, timers, and what the account is worth at a time.
#include <algorithm>
#include <chrono>

#include "gcg/tick_engine.h"

namespace gcg {

namespace {

constexpr int64_t kDayNs = 86'400'000'000'000;

}  // namespace

// ---- trading days

int32_t TradingDays::at(int64_t now_ns) const {
    const auto after = std::upper_bound(starts.begin(), starts.end(), now_ns);
    if (after != starts.begin()) return days[static_cast<std::size_t>(after - starts.begin() - 1)];
    const std::chrono::sys_time<std::chrono::nanoseconds> moment{std::chrono::nanoseconds{now_ns}};
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(moment)};
    return static_cast<int>(date.year()) * 10'000 + static_cast<int>(static_cast<unsigned>(date.month())) * 100 +
           static_cast<int>(static_cast<unsigned>(date.day()));
}

int64_t TradingDays::close(int64_t now_ns) const {
    const auto after = std::upper_bound(closes.begin(), closes.end(), now_ns);
    if (after != closes.end()) return *after;
    return (now_ns / kDayNs + 1) * kDayNs;
}

// ---- timers

void TickEngine::set_timer(uint32_t strategy, const std::string& name, int64_t interval_ns, bool repeat) {
    if (interval_ns <= 0) throw OrderError("A timer's interval must be above 0.");
    cancel_timer(strategy, name);
    const int64_t due_ns = after(now_ns_, interval_ns);
    timers_.push_back({strategy, name, due_ns, interval_ns, repeat});
    timer_ns_ = std::min(timer_ns_, due_ns);
    quiet_ns_ = std::min(quiet_ns_, timer_ns_);
}

void TickEngine::cancel_timer(uint32_t strategy, const std::string& name) {
    std::erase_if(timers_, [&](const Timer& one) { return one.strategy == strategy && one.name == name; });
    find_timer();
}

void TickEngine::find_timer() {
    timer_ns_ = kNever;
    for (const Timer& one : timers_) timer_ns_ = std::min(timer_ns_, one.due_ns);
}

// Call the first timer that is due now; the next market event is seen at `gap_end_ns`.
void TickEngine::run_timer(int64_t gap_end_ns) {
    const int64_t now_ns = timer_ns_;
    const auto first = [&] {
        return std::find_if(timers_.begin(), timers_.end(), [&](const Timer& one) { return one.due_ns == timer_ns_; });
    };
    if (sleep(*first(), gap_end_ns)) {
        find_timer();
        return;
    }
    flush(delayed_ ? seen_ : venue_);
    if (timer_ns_ != now_ns) return;  // those who got the batch have taken it away
    now_ns_ = std::max(now_ns_, now_ns);
    const auto due = first();
    const Timer timer = *due;
    if (timer.repeat)
        due->due_ns = after(timer.due_ns, timer.interval_ns);
    else
        timers_.erase(due);
    find_timer();
    call([&] { strategies_[timer.strategy - 1]->on_timer(timer.name); });
    deliver();
}

// Whether a timer passes over what it would miss in a gap: it is due again at its last time before the gap ends.
bool TickEngine::sleep(Timer& timer, int64_t gap_end_ns) const {
    const int64_t idle_ns = options_.idle_timers_ns;
    if (!timer.repeat || timer.interval_ns >= idle_ns || timer.due_ns <= after(seen_ns_, idle_ns)) return false;
    const int64_t missed = (gap_end_ns - 1 - timer.due_ns) / timer.interval_ns;
    timer.due_ns += missed * timer.interval_ns;
    return missed > 0;
}

// ---- values

void TickEngine::mark() {
    for (uint32_t number = 1; number <= instruments_.size(); ++number) {
        const double last = risk_.last_price(number);
        if (last == last) account_.mark(number, last);
    }
}

double TickEngine::equity() {
    mark();
    return account_.total_equity();
}

void TickEngine::sample(int64_t at_ns) {
    const double worth = equity();
    equity_.push_back({at_ns, worth, account_.total_cash(), account_.total_margin()});
    sample_positions(at_ns);
}

}  // namespace gcg
