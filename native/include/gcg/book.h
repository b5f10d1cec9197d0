// One side of a displayed book: price levels in whole ticks and lots, the best one first.
//
// Levels lie in chunks of at most kChunk, in order, with an index of the chunks' best prices beside them. So a change
// moves at most one chunk, wherever it is: real books change hundreds of levels away from the touch as often as at it.
// Appending a worse level, as a snapshot does, moves nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gcg/trading.h"

namespace gcg {

class BookSide {
    static constexpr std::size_t kChunk = 32;

 public:
    struct Level {
        int64_t ticks;
        int64_t lots;
    };

 private:
    struct Chunk {
        std::array<Level, kChunk> levels;
        std::size_t count = 0;
    };
    using Chunks = std::vector<std::unique_ptr<Chunk>>;

    // Walks over the levels from the best one on. Their lots may be changed on the way, their prices not.
    template <typename Item>
    class Walk {
     public:
        explicit Walk(Chunks::const_iterator chunk) : chunk_(chunk) {}
        Item& operator*() const { return (*chunk_)->levels[at_]; }
        Walk& operator++() {
            if (++at_ == (*chunk_)->count) ++chunk_, at_ = 0;
            return *this;
        }
        bool operator==(const Walk& other) const = default;

     private:
        Chunks::const_iterator chunk_;
        std::size_t at_ = 0;
    };

 public:
    // `side` is buy for bids, where the highest price is the best one, and sell for asks.
    explicit BookSide(Side side) : flip_(side == Side::buy ? -1 : 0) {}

    [[nodiscard]] bool empty() const { return used_ == 0; }
    [[nodiscard]] const Level& best() const { return chunks_.front()->levels.front(); }  // only where one is
    [[nodiscard]] const Level& worst() const {
        const Chunk& last = *chunks_[used_ - 1];
        return last.levels[last.count - 1];
    }
    // The size displayed at a price: 0 where nobody is, -1 beyond all that is displayed.
    [[nodiscard]] int64_t lots_at(int64_t ticks) const;

    void clear() { used_ = 0; }
    // Set the size at a price; 0: the level is gone.
    void set(int64_t ticks, int64_t lots) {
        if (used_ > 0 && key(ticks) <= key(worst().ticks))
            change(ticks, lots);
        else if (lots > 0)
            append({ticks, lots});
    }
    // Nothing but one level.
    void assign(int64_t ticks, int64_t lots) {
        used_ = 0;
        append({ticks, lots});
    }

    [[nodiscard]] auto begin() { return Walk<Level>(chunks_.cbegin()); }
    [[nodiscard]] auto end() { return Walk<Level>(chunks_.cbegin() + static_cast<std::ptrdiff_t>(used_)); }
    [[nodiscard]] auto begin() const { return Walk<const Level>(chunks_.cbegin()); }
    [[nodiscard]] auto end() const { return Walk<const Level>(chunks_.cbegin() + static_cast<std::ptrdiff_t>(used_)); }

 private:
    struct Place {
        std::size_t chunk, at;
        bool found;
    };
    [[nodiscard]] int64_t key(int64_t ticks) const { return ticks ^ flip_; }  // smaller is better
    [[nodiscard]] Place find(int64_t ticks) const;
    void append(Level level) {  // as the worst one
        if (used_ == 0 || chunks_[used_ - 1]->count == kChunk) add_chunk(used_, key(level.ticks));
        Chunk& last = *chunks_[used_ - 1];
        last.levels[last.count++] = level;
    }
    void change(int64_t ticks, int64_t lots);
    void insert(Place place, Level level);
    void erase(Place place);
    void add_chunk(std::size_t row, int64_t top) {  // an empty one
        if (row < used_ || used_ == chunks_.size()) make_room(row);
        chunks_[row]->count = 0;
        tops_[row] = top;
        ++used_;
    }
    void make_room(std::size_t row);
    void drop_chunk(std::size_t row);

    int64_t flip_;
    std::size_t used_ = 0;                     // chunks that hold levels; those after them are spare
    mutable std::size_t hint_ = 0, near_ = 0;  // the chunk and the level of the last price that was looked for
    Chunks chunks_;
    std::vector<int64_t> tops_;  // the key of each chunk's best level
};

}  // namespace gcg
