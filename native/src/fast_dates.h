// Backtrader's float days (num2date and date2num) as whole microseconds since 1970, UTC: the same operations on the
// same doubles, without datetime objects.
#pragma once

#include <cstdint>

namespace gcg::python::fast {

constexpr std::int64_t kDayUs = 86'400'000'000;
constexpr std::int64_t kEpochDay = 719'163;  // the proleptic ordinal of 1970-01-01

struct Date {
    int year, month, day;
};

// A proleptic Gregorian date from its ordinal (1 is 0001-01-01), by counting in eras of 400 years that begin in March.
Date date_of(long ordinal);

// num2date. False, without an error, where Backtrader has to be asked.
bool time_of_days(double days, std::int64_t& us);
// date2num, for a time of the years 1 to 9999.
double days_of_time(std::int64_t us);

// The ordinal of a time's day, and the microseconds since its midnight.
inline long day_of(std::int64_t us) {
    return static_cast<long>((us >= 0 ? us : us - kDayUs + 1) / kDayUs + kEpochDay);
}
inline std::int64_t time_in_day(std::int64_t us) {
    return us - (day_of(us) - kEpochDay) * kDayUs;
}

}  // namespace gcg::python::fast
