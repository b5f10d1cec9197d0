// What goes by the tick engine's clock: trading days, what happens between two market events, timers, and what the
// account is worth at a time.
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

// ---- what is due

int64_t TickEngine::next_due() const {
    const int64_t late_ns = late_.empty() ? kNever : late_.front().seen_ns;
    return std::min({matching_.next_due_ns(), see_ns_, late_ns, bar_ns_, timer_ns_, sample_ns_});
}

// Let happen what is due before a moment.
void TickEngine::pass_time(int64_t before_ns) {
    for (;;) {
        throw_failure();
        const int64_t due_ns = next_due();
        if (due_ns >= before_ns) {
            quiet_ns_ = due_ns;
            return;
        }
        if (matching_.next_due_ns() <= due_ns) {
            matching_.advance(due_ns);
            if (matching_.has_reports()) collect();
            if (!sayings_.empty()) {
                flush(delayed_ ? seen_ : venue_);
                now_ns_ = std::max(now_ns_, due_ns);
                deliver();
            }
        } else if (see_ns_ <= due_ns) {
            now_ns_ = seen_ns_ = due_ns;
            const uint32_t row = seen_.row++;
            show(seen_.rows, row);
            if (!sayings_.empty()) settle_down();
            see();
        } else if (!late_.empty() && late_.front().seen_ns <= due_ns) {
            flush(delayed_ ? seen_ : venue_);
            now_ns_ = due_ns;
            const Late late = late_.front();
            late_.pop_front();
            book(late.report, late.mid);
            deliver();
        } else if (bar_ns_ <= due_ns) {
            flush(delayed_ ? seen_ : venue_);
            now_ns_ = due_ns;
            close_bars();
        } else if (timer_ns_ <= due_ns) {
            run_timer(see_ns_ != kNever ? see_ns_ : before_ns);
        } else {
            sample(due_ns);
            sample_ns_ = kNever;
        }
    }
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

double TickEngine::mid(uint32_t instrument) {
    const MatchingEngine::Quotes quotes = matching_.quotes(instrument);
    if (quotes.bid == kNoPrice || quotes.ask == kNoPrice) return kNaN;
    return (account_.price(instrument, quotes.bid) + account_.price(instrument, quotes.ask)) / 2;
}

void TickEngine::sample_positions(int64_t at_ns) {
    const auto& held = account_.positions();
    held_.resize(held.size());
    std::size_t at = 0;
    for (const HeldPosition& one : held) {
        const bool is_held = one.lots != 0;
        if (is_held || held_[at])
            positions_.push_back({at_ns, one.instrument, one.strategy, one.quantity, one.average_price,
                                  account_.last_price(one), one.realised, account_.unrealised(one), one.fees});
        held_[at++] = is_held;
    }
}

}  // namespace gcg
