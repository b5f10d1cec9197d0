// Marks after fills, beside a reference that searches the whole stream for each.

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "check.h"
#include "gcg/fill_marks.h"

using namespace gcg;

namespace {

struct Mid {
    int64_t event_ns;
    double mid;
};

// The last mid at or before a time, NaN if there is none.
double last_at(const std::vector<Mid>& mids, int64_t event_ns) {
    const auto after = std::upper_bound(mids.begin(), mids.end(), event_ns,
                                        [](int64_t time, const Mid& one) { return time < one.event_ns; });
    return after == mids.begin() ? std::nan("") : std::prev(after)->mid;
}

bool same(double left, double right) {
    return left == right || (std::isnan(left) && std::isnan(right));
}

}  // namespace

TEST(mark_is_the_last_mid_at_or_before_its_time) {
    FillMarks marks({0, 10});
    marks.on_mid(1, 100, std::nan(""));
    marks.on_fill(0, 1, 100);  // the mid of 100 is 5
    marks.on_mid(1, 100, 5);   // another event of the same time: the mid becomes 6
    CHECK(std::isnan(marks.row(0)[0]));
    marks.on_mid(1, 105, 6);
    CHECK_EQUAL(marks.row(0)[0], 6.0);
    marks.on_mid(1, 110, 7);
    CHECK(std::isnan(marks.row(0)[1]));  // the mid of 110 is not known yet
    marks.on_mid(1, 111, 8);
    CHECK_EQUAL(marks.row(0)[1], 8.0);
    CHECK_EQUAL(marks.pending(), std::size_t{0});
}

TEST(marks_after_the_end_stay_unknown) {
    FillMarks marks({5, 6, std::numeric_limits<int64_t>::max()});
    marks.on_fill(0, 3, 100);
    marks.finish(3, 105, 9);
    CHECK_EQUAL(marks.row(0)[0], 9.0);
    CHECK(std::isnan(marks.row(0)[1]));
    CHECK(std::isnan(marks.row(0)[2]));
    marks.finish(7, 105, 9);  // nothing was ever filled of it
}

TEST(without_horizons_there_are_no_marks) {
    FillMarks marks({});
    marks.on_fill(0, 1, 100);
    marks.on_mid(1, 200, 5);
    CHECK_EQUAL(marks.rows(), std::size_t{0});
    bool refused = false;
    try {
        FillMarks wrong({-1});
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

TEST(marks_of_random_streams_are_those_of_a_search) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        const std::vector<int64_t> horizons{0, 3, static_cast<int64_t>(random() % 40), 1000};
        FillMarks marks(horizons);
        std::vector<std::vector<Mid>> streams(4);
        struct Fill {
            uint32_t instrument;
            int64_t event_ns;
        };
        std::vector<Fill> fills;
        int64_t now = 100;
        for (int step = 0; step < 300; ++step) {
            now += static_cast<int64_t>(random() % 4);
            const auto instrument = static_cast<uint32_t>(random() % streams.size());
            std::vector<Mid>& stream = streams[instrument];
            if (random() % 3 == 0) {
                marks.on_fill(fills.size(), instrument, now);
                fills.push_back({instrument, now});
            } else {
                marks.on_mid(instrument, now, stream.empty() ? std::nan("") : stream.back().mid);
                stream.push_back({now, random() % 10 == 0 ? std::nan("") : static_cast<double>(random() % 1000)});
            }
        }
        for (uint32_t instrument = 0; instrument < streams.size(); ++instrument)
            marks.finish(instrument, now, streams[instrument].empty() ? std::nan("") : streams[instrument].back().mid);
        CHECK_EQUAL(marks.rows(), fills.size());
        std::size_t unknown = 0;
        for (std::size_t row = 0; row < fills.size(); ++row)
            for (std::size_t i = 0; i < horizons.size(); ++i) {
                const int64_t due = fills[row].event_ns + horizons[i];
                unknown += due > now;
                const double wanted = due > now ? std::nan("") : last_at(streams[fills[row].instrument], due);
                CHECK(same(marks.row(row)[i], wanted));
            }
        CHECK_EQUAL(marks.pending(), unknown);
    }
}
