// The market as strategies see it where the data reaches them later than the venue.
//
// Of instruments whose book is told by deltas the best prices wait in a queue from when the venue has them until they
// are seen, so that the book need not be kept twice. Whoever asks for its levels gets a second book: made from the
// beginning of the data when that is asked for first, and kept from then on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gcg/matching.h"
#include "gcg/replay.h"

namespace gcg {

class SeenMarket {
 public:
    void set_grid(uint32_t instrument, Grid grid);
    // Make the streams of the data anew, in the order in which they are merged.
    using Streams = std::vector<std::function<std::unique_ptr<MarketStream>()>>;
    explicit SeenMarket(const Streams& streams) : streams_(streams) {}

    // An event has changed the venue's market: the next one, counted from 0. `whole`: no delta of its group follows.
    void at_venue(uint32_t instrument, bool is_delta, bool whole, MatchingEngine& venue) {
        const uint64_t ordinal = at_venue_++;
        if (instrument >= lines_.size()) return;
        Line& line = lines_[instrument];
        line.deltas |= is_delta;
        if (line.deltas && whole) note(line, ordinal, venue.quotes(instrument));
    }
    // The next event is seen; its record is for feed().
    template <typename Record>
    void show(const Record& record) {
        const uint64_t ordinal = shown_++;
        if (record.instrument < lines_.size()) {
            Line& line = lines_[record.instrument];
            while (!line.due.empty() && line.due.front().ordinal <= ordinal) {
                line.bid = line.due.front().bid, line.ask = line.due.front().ask;
                line.due.pop_front();
                line.active = true;
            }
        }
        if (has_books_ || Record::kType != BookDelta::kType) feed(record);
    }

    [[nodiscard]] MatchingEngine::Quotes quotes(uint32_t instrument);
    [[nodiscard]] std::vector<std::pair<int64_t, int64_t>> levels(uint32_t instrument, Side side, std::size_t most);

 private:
    struct Quote {
        uint64_t ordinal;
        int64_t bid, ask;
    };
    struct Line {
        std::deque<Quote> due;                             // told at the venue, not seen yet
        int64_t bid = kNoPrice, ask = kNoPrice;            // seen
        int64_t told_bid = kNoPrice, told_ask = kNoPrice;  // told last
        bool deltas = false, told = false, active = false;
    };

    static void note(Line& line, uint64_t ordinal, const MatchingEngine::Quotes& now) {
        if (line.told && now.bid == line.told_bid && now.ask == line.told_ask) return;
        line.told = true;
        line.told_bid = now.bid, line.told_ask = now.ask;
        line.due.push_back({ordinal, now.bid, now.ask});
    }
    void feed(const Tick& tick) { market_.on_tick(tick); }
    void feed(const TradeTick& trade) { market_.on_trade(trade); }
    void feed(const Depth& depth) { market_.on_depth(depth); }
    void feed(const BookDelta& delta) { market_.on_delta(delta); }
    void feed(const Bar& bar) { market_.on_bar(bar); }
    void feed_row(const Rows& rows, uint32_t row);
    void make_books();

    const Streams& streams_;
    MatchingEngine market_;    // without orders; of deltas only once it has_books_
    std::vector<Line> lines_;  // by instrument
    std::vector<Grid> grids_;  // by instrument - 1
    uint64_t at_venue_ = 0, shown_ = 0;
    bool has_books_ = false;
};

}  // namespace gcg
