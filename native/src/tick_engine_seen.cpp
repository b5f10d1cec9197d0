// The second book of a market that is seen later: made when somebody asks for it.
#include "gcg/seen_market.h"

namespace gcg {

namespace {

template <typename Record>
Record numbered(const Rows& rows, uint32_t row) {
    Record record = *static_cast<const Record*>(rows.at(row));
    record.instrument = rows.instrument;
    return record;
}

}  // namespace

void SeenMarket::set_grid(uint32_t instrument, Grid grid) {
    market_.set_grid(instrument, grid);
    grids_.push_back(grid);
    lines_.resize(instrument + 1);
}

MatchingEngine::Quotes SeenMarket::quotes(uint32_t instrument) {
    if (instrument < lines_.size() && lines_[instrument].active) {
        MatchingEngine::Quotes found;
        found.bid = lines_[instrument].bid, found.ask = lines_[instrument].ask;
        return found;
    }
    return market_.quotes(instrument);
}

std::vector<std::pair<int64_t, int64_t>> SeenMarket::levels(uint32_t instrument, Side side, std::size_t most) {
    const bool lacks = instrument < lines_.size() && lines_[instrument].deltas && !has_books_;
    if (lacks) make_books();
    return market_.levels(instrument, side, most);
}

void SeenMarket::feed_row(const Rows& rows, uint32_t row) {
    switch (rows.type) {
        case Tick::kType:
            feed(numbered<Tick>(rows, row));
            break;
        case TradeTick::kType:
            feed(numbered<TradeTick>(rows, row));
            break;
        case Depth::kType:
            feed(numbered<Depth>(rows, row));
            break;
        case BookDelta::kType:
            feed(numbered<BookDelta>(rows, row));
            break;
        case Bar::kType:
            feed(numbered<Bar>(rows, row));
            break;
        default:
            break;
    }
}

// Read the data once more, up to what was seen.
void SeenMarket::make_books() {
    Replay replay;
    for (const auto& stream : streams_) replay.add(stream());
    MatchingEngine fresh;
    for (std::size_t i = 0; i < grids_.size(); ++i) fresh.set_grid(static_cast<uint32_t>(i + 1), grids_[i]);
    market_ = std::move(fresh);
    uint64_t left = shown_;
    for (Rows rows; left > 0 && replay.next(rows);) {
        for (uint32_t row = 0; row < rows.count && left > 0; ++row, --left) feed_row(rows, row);
    }
    has_books_ = true;
}

}  // namespace gcg
