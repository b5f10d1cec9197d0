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
    }
    std::lock_guard guard(lock_);
    window_.swap(window);  // the old pages are unmapped after the lock is released
}

bool LaneJournal::prepare_ahead(int64_t since_last_ns) {
    const uint64_t appends = appended_.load(std::memory_order_relaxed);  // relaxed: see append()
    if (appends == std::exchange(appends_before_, appends)) return false;
    const Position at = position();
    if (at.offset > kind_.page_bytes / 2) map_window(at.page, at.page + 1);

    // What a second will need at this rate, at least 256 KB: on this page, then on the next one.
    const uint64_t place = at.page * kind_.page_bytes + at.offset;
    const uint64_t moved = place - std::min(place, std::exchange(place_before_, place));
    const double rate = static_cast<double>(moved) / static_cast<double>(std::max<int64_t>(since_last_ns, 1'000'000));
    uint64_t wanted = static_cast<uint64_t>(std::clamp(rate * 1e9, 262144.0, static_cast<double>(kind_.page_bytes)));
    Window window;
    {
        std::lock_guard preparing(prepare_mutex_);
        window = window_;
    }
    for (const auto& page : window) {
        if (page->index() < at.page) continue;
        const uint64_t from = page->index() == at.page ? at.offset : 0;
        const uint64_t to = std::min(from + wanted, kind_.page_bytes);
        const uint64_t done = page->index() == populated_page_ ? populated_to_ : 0;
        wanted -= to - from;
        if (page->index() < populated_page_ || std::max(from, done) >= to) continue;
        page->populate(std::max(from, done), to);
        populated_page_ = page->index();
        populated_to_ = to;
    }
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

void LaneJournal::sync_pages(const SyncMark& from, const Position& to) {
    for (uint64_t index = std::max<uint64_t>(from.page, 1); index <= to.page; ++index) {
        const auto page = this->page(index);
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
