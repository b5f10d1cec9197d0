// The slow half of a lane: preparing pages ahead of the writers, and bringing what they wrote to the disk.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "gcg/crc32c.h"
#include "gcg/lane.h"

namespace gcg {

// --- pages ahead -------------------------------------------------------------------------------------------------

void LaneJournal::map_window(uint64_t first, uint64_t last) {
    std::lock_guard preparing(prepare_mutex_);
    const uint64_t current = current_page();
    Window window;
    for (const auto& page : window_)  // read without the lane's lock: nobody else changes it while we hold the mutex
        if (page->index() >= current) window.push_back(page);
    bool changed = window.size() != window_.size();
    const std::string tag = std::to_string(bus_.slots.slot());
    for (uint64_t index = first; index <= last; ++index) {
        const auto mapped = [index](const auto& page) { return page->index() == index; };
        if (std::any_of(window.begin(), window.end(), mapped)) continue;
        if (index < current_page()) continue;  // left behind, and perhaps pruned: the append looks again
        Page::prepare(kind_, index, tag);
        auto page = kOneMapping ? this->page(index) : Page::open(kind_, index, true);
        if (!page && index < current_page()) continue;
        if (!page) throw JournalError(Fault::io, kind_.path(index) + " was removed while it was put into use");
        window.push_back(std::move(page));
        changed = true;
    }
    if (!changed) return;
    std::lock_guard guard(lock_);
    window_.swap(window);  // the old pages are unmapped after the lock is released
    warm_ = window_page(warm_index_);
}

static constexpr double kHorizon = 0.25e9;  // ns
static constexpr uint64_t kMostPagesAhead = 4;
static constexpr uint64_t kLeastAhead = 256 * 1024;
static constexpr uint64_t kMostPopulated = 16 << 20;  // it counts as this process's memory until it is passed
static constexpr uint64_t kPopulateStep = 1024 * 1024;
static constexpr int64_t kShortestTurn = 10'000'000;  // ns; a rate measured over less is a burst

uint64_t LaneJournal::populate(const Window& window, uint64_t from, uint64_t to) {
    while (from < to) {
        const uint64_t index = from / kind_.page_bytes;
        const uint64_t begin = from % kind_.page_bytes;
        const uint64_t bytes = std::min({kPopulateStep, to - from, kind_.page_bytes - begin});
        const auto found =
            std::find_if(window.begin(), window.end(), [&](const auto& page) { return page->index() == index; });
        if (found == window.end()) return from;
        (*found)->populate(begin, begin + bytes);
        // Where the writers were faster there is nothing left to do.
        from = std::max(from + bytes, std::min(place(position()), to));
    }
    return from;
}

bool LaneJournal::prepare_ahead(int64_t since_last_ns) {
    const uint64_t appends = appended_.load(std::memory_order_relaxed);  // relaxed: see append()
    if (appends == std::exchange(appends_before_, appends)) return false;
    const Position at = position();
    const uint64_t here = place(at);
    const uint64_t moved = here - std::min(here, std::exchange(place_before_, here));
    const double rate = static_cast<double>(moved) / static_cast<double>(std::max(since_last_ns, kShortestTurn));
    const uint64_t least = std::min(kLeastAhead, kind_.page_bytes / 2);
    const uint64_t ahead = static_cast<uint64_t>(std::clamp(rate * kHorizon, static_cast<double>(least),
                                                            static_cast<double>(kMostPagesAhead * kind_.page_bytes)));
    if (at.offset > kind_.page_bytes / 2 || ahead > kind_.page_bytes) map_window(at.page, at.page + 1);
    if (ahead > kind_.page_bytes) map_window(at.page, (here + ahead) / kind_.page_bytes);
    Window window;
    {
        std::lock_guard preparing(prepare_mutex_);
        window = window_;
    }
    const uint64_t populated = std::min(ahead, kMostPopulated);
    populated_to_ = populate(window, std::max(here, populated_to_), here + populated);
    call_keeper_at_.store(here + populated / 2, std::memory_order_relaxed);  // relaxed: see call_keeper()
    return true;
}

// --- sync --------------------------------------------------------------------------------------------------------

static uint32_t mark_crc(const SyncMark& mark) {
    return crc32c(0, &mark, offsetof(SyncMark, crc));
}

SyncMark LaneJournal::mark() const {
    SyncMark newest{};
    for (const SyncMark& mark : state_->marks)
        if (mark.serial > newest.serial && mark.crc == mark_crc(mark)) newest = mark;
    return newest;
}

// Under the lane's lock, or when nobody else is there.
void LaneJournal::write_mark(const Position& at) {
    const SyncMark newest = mark();
    if (newest.serial != 0 && newest.next_seq >= at.next_seq && newest.page >= at.page) return;
    SyncMark next{newest.serial + 1, at.page, at.offset, at.next_seq, at.last_ns, 0, 0};
    next.crc = mark_crc(next);
    state_->marks[next.serial & 1] = next;  // killed halfway: the other copy is whole
}

// Through a writable mapping: msync() passes over one whose file was opened for reading, and reports success.
void LaneJournal::sync_pages(const SyncMark& from, const Position& to) {
    Window window;
    {
        std::lock_guard preparing(prepare_mutex_);
        window = window_;
    }
    for (uint64_t index = std::max<uint64_t>(from.page, 1); index <= to.page; ++index) {
        const auto mapped =
            std::find_if(window.begin(), window.end(), [index](const auto& page) { return page->index() == index; });
        const auto page = mapped != window.end() ? *mapped : Page::open(kind_, index, true);
        if (!page) continue;  // pruned meanwhile
        try {
            page->sync(index == from.page ? from.offset : 0, index == to.page ? to.offset : kind_.page_bytes);
        } catch (const JournalError& error) {
            bus_.fail(error.what());
            throw;
        }
    }
    if (to.page != from.page) sync_folder(kind_.folder);
}

void LaneJournal::sync(bool with_state) {
    std::lock_guard syncing(sync_mutex_);
    const Position at = position();
    const SyncMark from = mark();  // another process may be writing one of the two copies, never both
    if (at.page != from.page || at.offset != from.offset) {
        sync_pages(from, at);
        try {
            std::lock_guard guard(lock_);
            write_mark(at);
        } catch (const JournalError& error) {
            if (error.fault != Fault::busy) throw;
            // A stuck owner: the data is on the disk, only the mark stays behind, and the next sync moves it.
        }
    }
    if (with_state) state_mapping_.sync(0, sizeof(LaneState), kind_.folder + "/lane.state");
}

void LaneJournal::reset(const Position& at, bool synced) {
    state_->lock.store(0, std::memory_order_relaxed);  // relaxed: nobody else is there
    commit(at);
    if (synced) write_mark(at);
    std::memcpy(state_->magic, kLaneStateMagic, sizeof kLaneStateMagic);  // a new state file counts from here on
}

}  // namespace gcg
