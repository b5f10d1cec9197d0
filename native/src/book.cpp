// One side of a displayed book: the search for a price, and the chunks that levels lie in.
#include "gcg/book.h"

#include <algorithm>

namespace gcg {

// Where a price is, or where it would be inserted; there is at least one level. Venues tell the changes of a book in
// the order of their prices, so the chunk of the last one is asked first; else changes are most frequent near the
// touch, and looking from there on is faster than halving.
BookSide::Place BookSide::find(int64_t ticks) const {
    const int64_t wanted = key(ticks);
    std::size_t chunks = hint_ < used_ && tops_[hint_] <= wanted ? hint_ + 1 : 0;
    while (chunks < used_ && tops_[chunks] <= wanted) ++chunks;
    if (chunks == 0) return {0, 0, false};  // better than all
    hint_ = chunks - 1;
    const Chunk& chunk = *chunks_[chunks - 1];
    std::size_t levels = near_ < chunk.count && key(chunk.levels[near_].ticks) <= wanted ? near_ + 1 : 1;
    while (levels < chunk.count && key(chunk.levels[levels].ticks) <= wanted) ++levels;
    near_ = levels - 1;
    const bool found = chunk.levels[levels - 1].ticks == ticks;
    return {chunks - 1, found ? levels - 1 : levels, found};
}

int64_t BookSide::lots_at(int64_t ticks) const {
    if (empty() || key(ticks) > key(worst().ticks)) return -1;
    const Place place = find(ticks);
    return place.found ? chunks_[place.chunk]->levels[place.at].lots : 0;
}

void BookSide::change(int64_t ticks, int64_t lots) {
    const Place place = find(ticks);
    if (place.found && lots > 0)
        chunks_[place.chunk]->levels[place.at].lots = lots;
    else if (place.found)
        erase(place);
    else if (lots > 0)
        insert(place, {ticks, lots});
}

void BookSide::insert(Place place, Level level) {
    if (chunks_[place.chunk]->count == kChunk) {  // its worse half moves to a chunk of its own
        constexpr std::size_t half = kChunk / 2;
        add_chunk(place.chunk + 1, key(chunks_[place.chunk]->levels[half].ticks));
        Chunk &better = *chunks_[place.chunk], &worse = *chunks_[place.chunk + 1];
        std::copy(better.levels.begin() + half, better.levels.end(), worse.levels.begin());
        better.count = half, worse.count = kChunk - half;
        if (place.at > half) ++place.chunk, place.at -= half;
    }
    Chunk& chunk = *chunks_[place.chunk];
    const auto at = chunk.levels.begin() + static_cast<std::ptrdiff_t>(place.at);
    std::copy_backward(at, chunk.levels.begin() + static_cast<std::ptrdiff_t>(chunk.count),
                       chunk.levels.begin() + static_cast<std::ptrdiff_t>(chunk.count + 1));
    *at = level;
    ++chunk.count;
    if (place.at == 0) tops_[place.chunk] = key(level.ticks);
}

void BookSide::erase(Place place) {
    Chunk& chunk = *chunks_[place.chunk];
    const auto at = chunk.levels.begin() + static_cast<std::ptrdiff_t>(place.at);
    std::copy(at + 1, chunk.levels.begin() + static_cast<std::ptrdiff_t>(chunk.count), at);
    if (--chunk.count == 0) {
        drop_chunk(place.chunk);
        return;
    }
    if (place.at == 0) tops_[place.chunk] = key(chunk.levels.front().ticks);
    // Few levels go to the chunk before them, so that the chunks of a book that shrinks do not stay as many.
    if (place.chunk == 0 || chunk.count > kChunk / 4) return;
    Chunk& before = *chunks_[place.chunk - 1];
    if (before.count > kChunk / 2) return;
    std::copy(chunk.levels.begin(), chunk.levels.begin() + static_cast<std::ptrdiff_t>(chunk.count),
              before.levels.begin() + static_cast<std::ptrdiff_t>(before.count));
    before.count += chunk.count;
    drop_chunk(place.chunk);
}

// A spare chunk at `row`, before those that were there.
void BookSide::make_room(std::size_t row) {
    if (used_ == chunks_.size()) {
        chunks_.push_back(std::make_unique<Chunk>());
        tops_.push_back(0);
    }
    const auto first = static_cast<std::ptrdiff_t>(row), spare = static_cast<std::ptrdiff_t>(used_);
    std::rotate(chunks_.begin() + first, chunks_.begin() + spare, chunks_.begin() + spare + 1);
    std::copy_backward(tops_.begin() + first, tops_.begin() + spare, tops_.begin() + spare + 1);
}

void BookSide::drop_chunk(std::size_t row) {
    const auto first = static_cast<std::ptrdiff_t>(row), end = static_cast<std::ptrdiff_t>(used_);
    std::rotate(chunks_.begin() + first, chunks_.begin() + first + 1, chunks_.begin() + end);
    std::copy(tops_.begin() + first + 1, tops_.begin() + end, tops_.begin() + first);
    --used_;
}

}  // namespace gcg
