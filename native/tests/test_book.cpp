// One side of a displayed book against a plain map, over changes near the touch and far from it.
#include <map>
#include <random>

#include "check.h"
#include "gcg/book.h"

using namespace gcg;

namespace {

// The levels of a map and of a side must be the same, from the best one on.
void check_same(const std::map<int64_t, int64_t>& map, const BookSide& side, bool bids) {
    CHECK_EQUAL(side.empty(), map.empty());
    std::vector<std::pair<int64_t, int64_t>> wanted(map.begin(), map.end()), got;
    if (bids) wanted.assign(map.rbegin(), map.rend());
    for (const BookSide::Level& level : side) got.emplace_back(level.ticks, level.lots);
    CHECK(got == wanted);
    if (!map.empty()) {
        CHECK_EQUAL(side.best().ticks, wanted.front().first);
        CHECK_EQUAL(side.worst().ticks, wanted.back().first);
    }
}

void change_at_random(Side name, uint32_t seed) {
    const bool bids = name == Side::buy;
    std::mt19937 random(seed);
    std::map<int64_t, int64_t> map;
    BookSide side(name);
    // Wide books and narrow ones, that grow and shrink in turn.
    for (int step = 0; step < 6000; ++step) {
        const int64_t width = step / 1000 % 2 ? 40 : 900;
        const int64_t ticks = static_cast<int64_t>(random() % static_cast<uint32_t>(width)) - width / 2;
        const bool removes = random() % 10 < (step / 1500 % 2 ? 8 : 3);
        const int64_t lots = removes ? 0 : 1 + random() % 50;
        if (lots > 0)
            map[ticks] = lots;
        else
            map.erase(ticks);
        side.set(ticks, lots);
        if (random() % 2000 == 0) map.clear(), side.clear();
        const int64_t asked = static_cast<int64_t>(random() % 1000) - 500;
        const bool beyond = map.empty() || (bids ? asked < map.begin()->first : asked > map.rbegin()->first);
        const auto found = map.find(asked);
        CHECK_EQUAL(side.lots_at(asked), beyond ? -1 : found == map.end() ? 0 : found->second);
        if (step % 50 == 0) check_same(map, side, bids);
    }
    check_same(map, side, bids);
}

}  // namespace

TEST(book_side_is_a_sorted_map) {
    for (uint32_t seed = 1; seed <= 4; ++seed) {
        change_at_random(Side::buy, seed);
        change_at_random(Side::sell, seed);
    }
}

TEST(book_side_takes_a_snapshot_from_either_end) {
    for (const bool best_first : {true, false}) {
        BookSide asks(Side::sell);
        for (int64_t i = 0; i < 500; ++i) asks.set(best_first ? i : 499 - i, i + 1);
        int64_t ticks = 0;
        for (BookSide::Level& level : asks) CHECK_EQUAL(level.ticks, ticks++);
        CHECK_EQUAL(ticks, 500);
        for (int64_t i = 0; i < 500; ++i) asks.set(best_first ? i : 499 - i, 0);
        CHECK(asks.empty());
        CHECK_EQUAL(asks.lots_at(3), -1);
    }
}
