// Pivots (中枢), and the buy and sell points (买卖点) on them, from strokes, one stroke at a time, in constant time.
#pragma once

#include <cstdint>
#include <vector>

#include "gcg/chan_rows.h"

namespace gcg::chan {

struct PointRule {
    double ratio = 1.0;        // the last stroke's force must be below so much of the entering one's
    int64_t trend_pivots = 2;  // in a row in the trend's direction
};

class Pivots {
 public:
    explicit Pivots(const PointRule& rule = {}) : rule_(rule) {}

    // Take the next stroke; append the pivot that it closes and the points at its end. `bar` is the one that confirmed
    // the stroke, kOpen if none has.
    void add(const Stroke& stroke, int64_t bar, std::vector<Pivot>& closed, std::vector<Point>& points);
    // Append the pivot that is open, if there is one.
    void open(std::vector<Pivot>& rows) const {
        if (is_open_) rows.push_back(pivot_);
    }

    // Whether this may be the state after so many strokes.
    [[nodiscard]] bool is_sound(int64_t strokes) const { return count_ == strokes; }

    template <typename Archive>
    void each(Archive& archive) {
        archive(count_, search_from_, is_open_, pivot_, closed_, entering_, trends_[0], trends_[1]);
        archive(last_[0], last_[1], last_[2], first_points_[0], first_points_[1]);
    }

 private:
    // Pivots in a row, each beyond the one before; [0] of falling ones, [1] of rising ones. Extremes in that direction.
    struct Trend {
        int64_t pivots = 0;
        double extreme = 0;  // of the strokes from the first pivot's first on
        template <typename Archive>
        void each(Archive& archive) {
            archive(pivots, extreme);
        }
    };
    struct FirstPoint {  // whether a stroke has a point of the first kind
        uint64_t is_there = 0;
        double price = 0;
        int64_t pivot = 0;
        template <typename Archive>
        void each(Archive& archive) {
            archive(is_there, price, pivot);
        }
    };

    void form(const Stroke& stroke, int64_t bar);
    void extend(const Stroke& stroke);
    [[nodiscard]] bool is_first_point(const Stroke& stroke) const;
    [[nodiscard]] Point point(const Stroke& stroke, int number, int64_t pivot, int64_t bar) const;

    PointRule rule_;
    int64_t count_ = 0;  // strokes
    int64_t search_from_ = 1;
    uint64_t is_open_ = 0;
    Pivot pivot_;         // the newest
    int64_t closed_ = 0;  // how many are
    Stroke entering_;     // the stroke before the newest pivot's first
    Trend trends_[2];
    Stroke last_[3];              // the newest strokes, the newest first
    FirstPoint first_points_[2];  // of the newest two
};

}  // namespace gcg::chan
