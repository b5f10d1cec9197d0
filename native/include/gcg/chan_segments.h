// Segments (线段) from strokes by the feature sequence, one stroke at a time, in constant time.
//
// A segment ends before the first stroke of its candidate, and the next one begins there, so its strokes would have to
// be gone through again. Instead it is followed from the moment on at which there is a candidate: it is the next level.
// Its own candidate, which the gap rule asks for, is what this needs from the reverse sequence. Two levels beside the
// first are enough: the second has a candidate only if the first one's has a gap, and before the third gets one the
// stroke that makes it possible ends the first segment.
//
// All is written for segments up; a segment down is one of prices times -1.
#pragma once

#include <cstdint>
#include <vector>

#include "gcg/chan_rows.h"

namespace gcg::chan {

class Segments {
 public:
    // Take the next stroke; append the segments that it closes, with `confirmed` for their bar.
    void add(const Stroke& stroke, int64_t confirmed, std::vector<Segment>& closed);
    // Append the segment that is open, as far as it goes, if it has three strokes.
    void open(std::vector<Segment>& rows) const;

    template <typename Archive>
    void each(Archive& archive) {
        archive(count_, depth_, levels_[0], levels_[1], levels_[2], last_[0], last_[1]);
    }
    // Whether this may be the state after so many strokes.
    [[nodiscard]] bool is_sound(int64_t strokes) const { return count_ == strokes && depth_ <= 3; }

 private:
    struct Place {  // where a stroke begins
        int64_t bar = 0, ns = 0;
        double price = 0;
        template <typename Archive>
        void each(Archive& archive) {
            archive(bar, ns, price);
        }
    };
    struct Level {
        uint64_t up = 0;
        int64_t first = 0;  // stroke
        Place begin = {};
        uint64_t features = 0;     // how many feature strokes there were
        double high = 0, low = 0;  // the newest standard element
        double peak = 0;           // the highest of all feature strokes
        uint64_t has_candidate = 0, has_gap = 0;
        int64_t own = 0;     // the candidate's first stroke, ...
        Place turn = {};     // ... where that begins, ...
        double own_low = 0;  // ... and its low
        template <typename Archive>
        void each(Archive& archive) {
            archive(up, first, begin, features, high, low, peak, has_candidate, has_gap, own, turn, own_low);
        }
    };
    enum class Step : uint8_t { none, turned, dropped, found };  // what a stroke did to a level's candidate

    static Place begin_of(const Stroke& stroke) { return {stroke.begin, stroke.begin_ns, stroke.begin_price}; }
    static Place end_of(const Stroke& stroke) { return {stroke.end, stroke.end_ns, stroke.end_price}; }
    static Segment row(const Level& level, int64_t last, const Place& end, int64_t confirmed);
    static Step step(Level& level, const Stroke& stroke, int64_t number);
    void start(const Stroke& stroke);

    int64_t count_ = 0;  // strokes
    uint64_t depth_ = 0;
    Level levels_[3];
    Stroke last_[2];  // the newest strokes, the newest first
};

}  // namespace gcg::chan
