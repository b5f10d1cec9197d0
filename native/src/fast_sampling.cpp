// Backtrader's Resampler and Replayer (resamplerfilter.py): the same decisions in the same order, on whole microseconds
// where it makes datetime objects. The numbers of a bar are added and compared as Python does.
#include "fast_sampling.h"

#include <cmath>
#include <limits>

namespace gcg::python::fast {

namespace {

constexpr int kTicks = 1, kMicroSeconds = 2, kSeconds = 3, kMinutes = 4, kDays = 5, kWeeks = 6, kMonths = 7, kYears = 8;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

// _Bar.MAXDATE: date2num(datetime.max) - 2
double max_date() {
    static const double days = days_of_time((3'652'059 - kEpochDay + 1) * kDayUs - 1) - 2;
    return days;
}

// --- the bar that is being made
// -------------------------------------------------------------------------------------------------

void start_bar(Sampler& sampler) {
    double* bar = sampler.bar;
    bar[kClose] = bar[kOpen] = kNan;
    bar[kLow] = kInfinity;
    bar[kHigh] = -kInfinity;
    bar[kVolume] = bar[kInterest] = 0.0;
    bar[kTime] = max_date();
}

bool update_bar(Feed& feed, Sampler& sampler, bool reopen = false) {
    double given[kColumns];
    for (int at = 0; at < kColumns; ++at)
        if (!value_of(feed, at, 0, given[at])) return false;
    if (reopen) start_bar(sampler);
    double* bar = sampler.bar;
    bar[kTime] = given[kTime];
    if (given[kHigh] > bar[kHigh]) bar[kHigh] = given[kHigh];
    if (given[kLow] < bar[kLow]) bar[kLow] = given[kLow];
    bar[kClose] = given[kClose];
    bar[kVolume] += given[kVolume];
    bar[kInterest] += given[kInterest];
    if (reopen || !sampler.is_open()) bar[kOpen] = given[kOpen];
    return true;
}

// `_updatebar(bar.lvalues(), forward=False, ago=ago)`
bool write_bar(Feed& feed, const Sampler& sampler, Py_ssize_t ago) {
    for (int at = 0; at < kColumns; ++at)
        if (!put_value(feed, at, ago, sampler.bar[at])) return false;
    return true;
}

// `_save2stack(erase=True)`
bool take_back(Feed& feed) {
    std::vector<double> bar(static_cast<std::size_t>(feed.shown));
    for (Py_ssize_t at = 0; at < feed.shown; ++at)
        if (!value_of(feed, at, 0, bar[static_cast<std::size_t>(at)])) return false;
    return add_to_stack(feed, bar.data(), feed.shown) && backwards(feed);
}

// --- where time frames end
// ------------------------------------------------------------------------------------------------------

// Where a time stands in its day, in units of the time frame, and what is left over.
void point_of(const Sampler& sampler, std::int64_t us, std::int64_t& point, std::int64_t& rest) {
    const std::int64_t in_day = time_in_day(us);
    if (sampler.timeframe < kSeconds) {
        point = in_day;
        rest = 0;
    } else if (sampler.timeframe < kMinutes) {
        point = in_day / 1'000'000;
        rest = in_day % 1'000'000;
    } else {
        point = in_day / 60'000'000;
        rest = in_day / 1'000'000 % 60 + in_day % 1'000'000;
    }
    point += sampler.offset;
}

// The time of the bar that has come, or for which one is asked.
bool time_now(Feed& feed, const double* forced, double& now) {
    if (!forced) return value_of(feed, kTime, 0, now);
    now = *forced;
    return true;
}

// 1: at the end of the session or over it, 0: not, -1: an error.
int check_session(Feed& feed, Sampler& sampler, const double* forced, bool exact) {
    if (!sampler.next_end_set) {
        if (!session_end_of(feed, sampler.next_end, sampler.next_days)) return -1;
        sampler.next_end_set = sampler.next_days_known = true;
    }
    double now;
    if (!time_now(feed, forced, now)) return -1;
    bool over = now == sampler.next_days;
    if (!exact && now > sampler.next_days) over = sampler.is_open() && sampler.bar[kTime] <= sampler.next_days;
    if (!over) return 0;
    sampler.last_end = sampler.next_end;
    sampler.last_days = sampler.next_days;
    sampler.last_end_known = sampler.last_days_known = true;
    sampler.next_end_set = false;
    sampler.next_days = -kInfinity;
    return 1;
}

long iso_week(long ordinal) {
    const long thursday = ordinal - (ordinal + 6) % 7 + 3;
    const long year = date_of(thursday).year, before = year - 1;
    return year * 100 + (thursday - (365 * before + before / 4 - before / 100 + before / 400 + 1)) / 7 + 1;
}

int is_over(Feed& feed, Sampler& sampler, const double* forced) {
    std::int64_t made, came, point, coming, rest;
    const int timeframe = sampler.timeframe;
    if (timeframe == kTicks) return sampler.is_open();
    if (timeframe == kDays) return check_session(feed, sampler, forced, false);
    if (timeframe > kYears) return 0;
    if (timeframe < kDays) {
        const int ended = check_session(feed, sampler, forced, false);
        if (ended) return ended;
    }
    double now;
    if (!time_now(feed, forced, now)) return -1;
    if (timeframe < kDays && now < sampler.bar[kTime]) return 0;
    if (!time_of(sampler.bar[kTime], made) || !time_of(now, came)) return -1;
    if (timeframe == kWeeks) return iso_week(day_of(came)) > iso_week(day_of(made));
    const Date from = date_of(day_of(made)), to = date_of(day_of(came));
    if (timeframe == kMonths) return to.year * 100 + to.month > from.year * 100 + from.month;
    if (timeframe == kYears) return to.year > from.year;
    point_of(sampler, made, point, rest);
    point_of(sampler, came, coming, rest);
    if (coming <= point) return 0;
    return !sampler.to_edge || sampler.compression == 1 || coming / sampler.compression > point / sampler.compression;
}

// 1: the bar is complete, 0: not, -1: an error. A check does not count: no bar has come.
int check_over(Feed& feed, Sampler& sampler, const double* forced = nullptr) {
    if (!sampler.counts_only) {
        const int over = is_over(feed, sampler, forced);
        if (over <= 0) return over;
    }
    if (sampler.below_days && sampler.to_edge) return 1;
    return !forced && ++sampler.count % sampler.compression == 0;
}

int is_on_edge(Feed& feed, Sampler& sampler) {
    if (!sampler.below_weeks) return 0;
    const int ended = check_session(feed, sampler, nullptr, true);
    if (ended || !sampler.below_days) return ended;
    double now;
    std::int64_t us, point, rest;
    if (!value_of(feed, kTime, 0, now) || !time_of(now, us)) return -1;
    point_of(sampler, us, point, rest);
    return !rest && point % sampler.compression == 0;
}

// `_calcadjtime()`: the edge that the bar's time is moved to.
bool edge_of(const Sampler& sampler, double& days) {
    if (!sampler.next_end_set) {
        if (sampler.last_days_known) {
            days = sampler.last_days;
            return true;
        }
        Py_XDECREF(PyObject_GetAttrString(sampler.object, "_lastdteos"));  // there is none: raises as Backtrader does
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "a resampler has an end of session of its own");
        return false;
    }
    std::int64_t us, point, rest;
    if (!time_of(sampler.bar[kTime], us)) return false;
    const std::int64_t midnight = us - time_in_day(us);
    if (sampler.timeframe == kDays) {
        days = days_of_time(midnight + time_in_day(sampler.next_end));
        return true;
    }
    point_of(sampler, us, point, rest);
    point = (point / sampler.compression + sampler.right_edge) * sampler.compression;
    const std::int64_t unit = sampler.timeframe == kMinutes   ? 60'000'000
                              : sampler.timeframe == kSeconds ? 1'000'000
                                                              : 1;
    days = days_of_time(midnight + point * unit);
    return true;
}

// `_adjusttime(greater)`. 1: moved, 0: not, -1: an error.
int move_to_edge(Sampler& sampler, bool greater) {
    double days;
    if (!edge_of(sampler, days)) return -1;
    if (greater && days <= sampler.bar[kTime]) return 0;
    sampler.bar[kTime] = days;
    return 1;
}

// 1: this time was delivered already, 0: not, -1: an error.
int is_late(Feed& feed, const Sampler& sampler) {
    if (!sampler.below_days || (*feed.lines)[0]->length() <= 1) return 0;
    double now, before;
    if (!value_of(feed, kTime, 0, now) || !value_of(feed, kTime, -1, before)) return -1;
    return now <= before;
}

// The bar that came late becomes part of the present one, whose time must be later than that of the last one delivered.
bool time_after_last(Feed& feed, Sampler& sampler) {
    double before;
    if (!value_of(feed, kTime, -1, before)) return false;
    sampler.bar[kTime] = before + 0.000001;
    return true;
}

int resample(Feed& feed, Sampler& sampler, const double* forced) {
    bool consumed = false, on_edge = false;
    if (!forced) {
        const int late = is_late(feed, sampler);
        if (late < 0) return -1;
        if (late) {
            const bool fine = !sampler.take_late || (update_bar(feed, sampler) && time_after_last(feed, sampler));
            return fine && backwards(feed) ? 1 : -1;
        }
        if (sampler.counts_only) {
            std::int64_t end;
            if (!session_end_of(feed, end, sampler.last_days)) return -1;
            sampler.last_days_known = consumed = true;
        } else {
            const int edge = is_on_edge(feed, sampler);
            if (edge < 0) return -1;
            on_edge = consumed = edge != 0;
        }
    }
    if (consumed && !(update_bar(feed, sampler) && backwards(feed))) return -1;
    bool deliver = sampler.is_open();
    if (deliver && !on_edge) {
        const int over = check_over(feed, sampler, forced);
        if (over < 0) return -1;
        deliver = over != 0;
    }
    if (deliver && forced) {
        deliver = sampler.timeframe == kTicks;
        if (sampler.timeframe == kMinutes || sampler.timeframe == kDays) {
            double days;
            if (!edge_of(sampler, days)) return -1;
            deliver = days <= *forced;
        }
    }
    if (deliver) {
        if (!on_edge && sampler.adjusts && move_to_edge(sampler, true) < 0) return -1;
        if (!add_to_stack(feed, sampler.bar, kColumns)) return -1;
        start_bar(sampler);
    }
    if (!forced && !consumed && !(update_bar(feed, sampler) && backwards(feed))) return -1;
    return 1;
}

// What follows the end of a replayed bar. False with an error set.
bool end_replayed(Feed& feed, Sampler& sampler, bool consumed, bool on_edge) {
    const bool adjusting = !on_edge && sampler.adjusts;
    if (adjusting) {
        const int moved = move_to_edge(sampler, true);
        if (moved < 0 || (moved && !write_bar(feed, sampler, consumed ? 0 : -1))) return false;
    }
    if (!consumed) {
        if (!update_bar(feed, sampler, true)) return false;
        return !adjusting || take_back(feed);
    }
    if (!adjusting && !((sampler.first_bar || backwards(feed)) && write_bar(feed, sampler, 0))) return false;
    start_bar(sampler);
    sampler.first_bar = true;
    return true;
}

int replay(Feed& feed, Sampler& sampler) {
    bool on_edge = false;
    const int late = is_late(feed, sampler);
    if (late < 0) return -1;
    if (late && !sampler.take_late) return backwards(feed) ? 1 : -1;
    bool consumed = late || sampler.counts_only;
    if (!consumed) {
        const int edge = is_on_edge(feed, sampler);
        if (edge < 0) return -1;
        on_edge = consumed = edge != 0;
    }
    if (!fill_ticks(feed)) return -1;
    if (consumed && !update_bar(feed, sampler)) return -1;
    if (late && !time_after_last(feed, sampler)) return -1;
    int over = on_edge;
    if (!over) {
        over = check_over(feed, sampler);
        if (over < 0) return -1;
    }
    if (over) return end_replayed(feed, sampler, consumed, on_edge) ? 0 : -1;
    if (!consumed && !update_bar(feed, sampler)) return -1;
    if (!sampler.first_bar && !backwards(feed)) return -1;
    if (!write_bar(feed, sampler, 0)) return -1;
    sampler.first_bar = false;
    return 0;
}

}  // namespace

bool session_end_of(Feed& feed, std::int64_t& end, double& days) {
    if (!feed.root_length->length()) {
        end = (1 - kEpochDay) * kDayUs;  // datetime.min
        days = 0.0;
        return true;
    }
    double now;
    std::int64_t us;
    if (!read(*feed.root_time, 0, now)) {
        PyErr_SetString(PyExc_IndexError, "array index out of range");
        return false;
    }
    if (!time_of(now, us)) return false;
    const long day = day_of(us);
    if (day != feed.end_day) {
        // To days and back: what is left of the microseconds then is what times are compared with.
        if (!time_of(days_of_time((day - kEpochDay) * kDayUs + feed.session_end), feed.end_time)) return false;
        feed.end_days = days_of_time(feed.end_time);
        feed.end_day = day;
    }
    end = feed.end_time;
    days = feed.end_days;
    if (us > end) {
        end += (us - end + kDayUs - 1) / kDayUs * kDayUs;
        days = days_of_time(end);
    }
    return true;
}

int sample(Feed& feed, Sampler& sampler, const double* forced) {
    return sampler.replays ? replay(feed, sampler) : resample(feed, sampler, forced);
}

}  // namespace gcg::python::fast
