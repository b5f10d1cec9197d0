#include "gcg/lane.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gcg/clock.h"
#include "gcg/crc32c.h"

namespace gcg {

// ThreadSanitizer takes two mappings of a page for two memories: give it one, so that it sees writers and readers meet.
#ifdef __SANITIZE_THREAD__
static constexpr bool kOneMapping = true;
#else
static constexpr bool kOneMapping = false;
#endif

class LaneJournal::Guard {
 public:
    explicit Guard(LaneJournal& journal) : journal_(journal) { journal_.lock(); }
    ~Guard() { journal_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

 private:
    LaneJournal& journal_;
};

LaneJournal::LaneJournal(BusContext& bus, Lane lane, Mapping state)
    : bus_(bus), state_mapping_(std::move(state)), state_(reinterpret_cast<LaneState*>(state_mapping_.data())) {
    kind_.folder = bus.folder + "/" + lane_name(lane);
    kind_.lane = lane;
    kind_.world = static_cast<World>(bus.meta.world);
    kind_.page_bytes = bus.meta.page_bytes;
    std::memcpy(kind_.bus_id, bus.meta.bus_id, sizeof kind_.bus_id);
}

// --- position ----------------------------------------------------------------------------------------------------

Position LaneJournal::position() const {
    for (;;) {
        // C1: acquire, pairs with C0 in commit(). The fields are acquire-loads too (pair with C2), so that the second
        // look at `commits` cannot come before them: if it is unchanged, nobody was writing the copy we read.
        const uint64_t commits = state_->commits.load(std::memory_order_acquire);
        const auto& copy = state_->positions[commits & 1];
        Position at;
        at.page = copy.page.load(std::memory_order_acquire);
        at.offset = copy.offset.load(std::memory_order_acquire);
        at.next_seq = copy.next_seq.load(std::memory_order_acquire);
        at.last_ns = copy.last_ns.load(std::memory_order_acquire);
        if (state_->commits.load(std::memory_order_relaxed) == commits) return at;
    }
}

void LaneJournal::commit(const Position& at) {
    // relaxed: only the lock holder writes `commits`
    const uint64_t commits = state_->commits.load(std::memory_order_relaxed) + 1;
    auto& copy = state_->positions[commits & 1];
    // C2: release, each pairs with its load in position(): who sees a field of commit n sees the count n - 1 at least.
    copy.page.store(at.page, std::memory_order_release);
    copy.offset.store(at.offset, std::memory_order_release);
    copy.next_seq.store(at.next_seq, std::memory_order_release);
    copy.last_ns.store(at.last_ns, std::memory_order_release);
    // C0: pairs with C1 in position(); a writer killed before it leaves the old copy valid.
    state_->commits.store(commits, std::memory_order_release);
}

// One field needs no second look: whichever copy it is read from, the frames below it are published.
uint64_t LaneJournal::head() const {
    const uint64_t commits = state_->commits.load(std::memory_order_acquire);
    return state_->positions[commits & 1].next_seq.load(std::memory_order_acquire);
}

uint64_t LaneJournal::current_page() const {
    const uint64_t commits = state_->commits.load(std::memory_order_acquire);
    return state_->positions[commits & 1].page.load(std::memory_order_acquire);
}

Position LaneJournal::end() {
    Position at = position();
    if (at.page == 0) return at;
    const auto page = this->page(at.page);
    if (!page) return at;
    while (at.offset + kFrameHeaderBytes <= kind_.page_bytes) {
        // R0: acquire, pairs with A0 in write().
        const uint32_t length = length_of(page->data() + at.offset).load(std::memory_order_acquire);
        const auto& header = *reinterpret_cast<const FrameHeader*>(page->data() + at.offset);
        if (length == 0 || header.type == kPageEnd) break;
        if (!frame_damage(page->data(), kind_.page_bytes, at.offset, length, at.next_seq, false).empty()) break;
        at.offset += align8(length);
        at.next_seq += header.count;
        at.last_ns = header.time_ns;
    }
    return at;
}

std::shared_ptr<Page> LaneJournal::page(uint64_t index) {
    std::lock_guard guard(cache_mutex_);
    std::erase_if(cache_, [](const auto& entry) { return entry.second.expired(); });
    auto& entry = cache_[index];
    auto page = entry.lock();
    if (!page) entry = page = Page::open(kind_, index, kOneMapping);
    return page;
}

// --- the lock ----------------------------------------------------------------------------------------------------

void LaneJournal::lock() {
    uint64_t expected = 0;
    // L0: acquire, pairs with L1 in unlock(): we see all that the last owner wrote, also to the window.
    if (!state_->lock.compare_exchange_strong(expected, bus_.slots.word(), std::memory_order_acquire,
                                              std::memory_order_relaxed))
        lock_slowly();
}

void LaneJournal::lock_slowly() {
    constexpr int64_t kLookEvery = 1'000'000;
    uint64_t seen_owner = 0, seen_commits = 0;
    int64_t since = 0, next_look = 0;
    for (;;) {
        for (int turn = 0; turn < 64; ++turn) {
            // relaxed: only a hint; the exchange decides
            uint64_t expected = state_->lock.load(std::memory_order_relaxed);
            if (expected == 0 &&
                state_->lock.compare_exchange_weak(expected, bus_.slots.word(),  // L0
                                                   std::memory_order_acquire, std::memory_order_relaxed))
                return;
            pause_processor();
        }
        const int64_t now = monotonic_ns();
        uint64_t owner = state_->lock.load(std::memory_order_relaxed);
        const uint64_t commits =
            state_->commits.load(std::memory_order_relaxed);  // relaxed: shows that somebody goes on
        if (owner != seen_owner || commits != seen_commits) {
            seen_owner = owner, seen_commits = commits;
            since = now, next_look = now + kLookEvery;
        } else if (owner != 0 && now >= next_look) {
            next_look = now + kLookEvery;
            // L2: the exact word of the dead owner, which never comes again, so only one of several rescuers succeeds.
            // What the dead one wrote is visible: the kernel dropped its file lock after its last instruction.
            if (!bus_.slots.alive(owner)) {
                if (state_->lock.compare_exchange_strong(owner, bus_.slots.word(), std::memory_order_acquire,
                                                         std::memory_order_relaxed))
                    return;
            } else if (now - since >= kLockPatience) {
                throw JournalError(Fault::busy, "the " + std::string(lane_name(lane())) + " lane of " + bus_.folder +
                                                    " has been locked for 100 ms by " + bus_.slots.describe(owner) +
                                                    ", which is alive but does not go on: resume or end that process");
            }
        }
        if (now - since < 50'000) {
            sched_yield();
        } else {
            const timespec nap{0, 50'000};
            nanosleep(&nap, nullptr);
        }
    }
}

void LaneJournal::unlock() {
    // L1: pairs with L0 and L2 in lock(). An exchange, not a store: after close() let our slot go, the word may already
    // be somebody else's.
    uint64_t mine = bus_.slots.word();
    state_->lock.compare_exchange_strong(mine, 0, std::memory_order_release, std::memory_order_relaxed);
}

bool LaneJournal::drain() {
    const int64_t deadline = monotonic_ns() + kLockPatience;
    while (state_->lock.load(std::memory_order_acquire) == bus_.slots.word()) {
        if (monotonic_ns() > deadline) return false;
        sched_yield();
    }
    return true;
}

// --- append ------------------------------------------------------------------------------------------------------

std::byte* LaneJournal::window_page(uint64_t index) const {
    for (const auto& page : window_)
        if (page->index() == index) return page->data();
    return nullptr;
}

// Step over frames that were published but not committed. False if the page is not mapped.
bool LaneJournal::settle(Position& at, bool& page_ended) const {
    page_ended = true;
    if (at.page == 0) return true;
    const std::byte* page = window_page(at.page);
    if (!page) return false;
    while (at.offset + kFrameHeaderBytes <= kind_.page_bytes) {
        const uint32_t length = length_of(page + at.offset).load(std::memory_order_acquire);  // R0
        const auto& header = *reinterpret_cast<const FrameHeader*>(page + at.offset);
        if (length == 0) {
            page_ended = false;
            return true;
        }
        if (header.type == kPageEnd) return true;
        if (const auto damage = frame_damage(page, kind_.page_bytes, at.offset, length, at.next_seq, false);
            !damage.empty())
            throw JournalError(Fault::corrupt, kind_.path(at.page) + " offset " + std::to_string(at.offset) + ", seq " +
                                                   std::to_string(at.next_seq) + ": " + damage);
        at.offset += align8(length);
        at.next_seq += header.count;
        at.last_ns = header.time_ns;
    }
    return true;
}

uint64_t LaneJournal::turns(const Position& at, bool page_ended, const uint32_t* bytes, std::size_t n) const {
    uint64_t turned = 0;
    uint64_t offset = page_ended ? kind_.page_bytes : at.offset;
    for (std::size_t item = 0; item < n; ++item) {
        const uint64_t need = align8(kFrameHeaderBytes + bytes[item]);
        if (offset + need > kind_.page_bytes) {
            ++turned;
            offset = kPageHeaderBytes;
        }
        offset += need;
    }
    return turned;
}

void LaneJournal::check_arguments(const FrameSpec* specs, const uint32_t* bytes, std::size_t n) const {
    const uint64_t room = kind_.page_bytes - kPageHeaderBytes - kFrameHeaderBytes;
    if (n == 0) throw JournalError(Fault::argument, "there is no frame to append");
    for (std::size_t item = 0; item < n; ++item) {
        if (specs[item].type == kPageEnd)
            throw JournalError(Fault::argument, "type 0 is the page end marker: give the frame another type");
        if (specs[item].count == 0) throw JournalError(Fault::argument, "a frame holds at least one record");
        if (bytes[item] > room)
            throw JournalError(Fault::argument, "a payload of " + std::to_string(bytes[item]) +
                                                    " bytes does not fit into a page of " + bus_.folder +
                                                    ", which has room for " + std::to_string(room) +
                                                    ": split it or create the bus with larger pages");
    }
}

Appended LaneJournal::append(const FrameSpec* specs, const void* const* payloads, const uint32_t* bytes,
                             std::size_t n) {
    check_arguments(specs, bytes, n);
    for (;;) {
        uint64_t first_missing, last_needed;
        {
            Guard guard(*this);
            bus_.check_writable();  // under the lock, so that close() can wait for whoever is inside
            Position at = position();
            bool page_ended = false;
            if (settle(at, page_ended)) {
                last_needed = at.page + turns(at, page_ended, bytes, n);
                first_missing = at.page + 1;
                while (first_missing <= last_needed && window_page(first_missing)) ++first_missing;
                if (first_missing > last_needed) {
                    const int64_t time_ns = std::max(now_ns(), at.last_ns);
                    const uint64_t first = at.next_seq;
                    std::byte* page = window_page(at.page);
                    for (std::size_t item = 0; item < n; ++item) {
                        const uint64_t need = align8(kFrameHeaderBytes + bytes[item]);
                        if (page_ended || at.offset + need > kind_.page_bytes) page = turn(at, page_ended, time_ns);
                        page_ended = false;
                        write(page, at, specs[item], payloads[item], bytes[item], time_ns);
                    }
                    commit(at);
                    // relaxed: only the lock holder writes it, and the keeper wants no more than a guess
                    appended_.store(appended_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
                    return {make_event_id(lane(), first), time_ns};
                }
            } else {
                first_missing = last_needed = at.page;
            }
        }
        map_window(first_missing, last_needed);
    }
}

void LaneJournal::write(std::byte* page, Position& at, const FrameSpec& spec, const void* payload, uint32_t bytes,
                        int64_t time_ns) {
    std::byte* frame = page + at.offset;
    const uint64_t length = kFrameHeaderBytes + bytes;
    const uint64_t next = at.offset + align8(length);
    FrameHeader header;
    header.length = 0;
    header.seq = at.next_seq;
    header.time_ns = time_ns;
    header.cause = spec.cause;
    header.instrument = spec.instrument;
    header.type = spec.type;
    header.source = spec.source;
    header.flags = spec.flags;
    header.schema = spec.schema;
    header.count = spec.count;
    const uint32_t crc = copy_crc32c(0, frame + kFrameHeaderBytes, payload, bytes);
    header.crc32c =
        crc32c(crc, reinterpret_cast<const std::byte*>(&header) + kFrameCrcFrom, kFrameHeaderBytes - kFrameCrcFrom);
    // The length word is left alone: it is 0 until the frame is whole.
    std::memcpy(frame + sizeof header.length, &header.crc32c, kFrameHeaderBytes - sizeof header.length);
    std::memset(frame + length, 0, align8(length) - length);
    // Z0: relaxed, ordered by A0: who sees this frame sees no stale length behind it. Only the lock holder writes.
    if (next + kFrameHeaderBytes <= kind_.page_bytes) length_of(page + next).store(0, std::memory_order_relaxed);
    // A0: pairs with R0 and R1 (the readers); publishes header, payload and the zero behind them.
    length_of(frame).store(static_cast<uint32_t>(length), std::memory_order_release);
    at.offset = next;
    at.next_seq += spec.count;
    at.last_ns = time_ns;
}

void LaneJournal::write_page_end(std::byte* page, const Position& at) const {
    FrameHeader header{};
    header.seq = at.next_seq;
    header.time_ns = at.last_ns;
    header.length = kFrameHeaderBytes;
    header.crc32c = frame_crc(header, nullptr);
    std::byte* frame = page + at.offset;
    std::memcpy(frame + sizeof header.length, &header.crc32c, kFrameHeaderBytes - sizeof header.length);
    length_of(frame).store(header.length, std::memory_order_release);  // A0
}

// Killed after the page end marker: the next writer finds it and turns again. Killed after begin(): begin() is
// idempotent.
std::byte* LaneJournal::turn(Position& at, bool page_ended, int64_t time_ns) {
    if (!page_ended && at.offset + kFrameHeaderBytes <= kind_.page_bytes) write_page_end(window_page(at.page), at);
    at.page += 1;
    for (const auto& page : window_) {
        if (page->index() != at.page) continue;
        page->begin(at.next_seq, time_ns,
                    bus_.state.epoch.load(std::memory_order_relaxed));  // relaxed: set before opening ends
        if (page->first_seq() != at.next_seq)
            throw JournalError(Fault::corrupt, page->path() + " begins with seq " + std::to_string(page->first_seq()) +
                                                   " instead of " + std::to_string(at.next_seq));
    }
    at.offset = kPageHeaderBytes;
    commit(at);
    return window_page(at.page);
}

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
        Page::prepare(kind_, index, tag);
        auto page = kOneMapping ? this->page(index) : Page::open(kind_, index, true);
        if (!page) throw JournalError(Fault::io, kind_.path(index) + " was removed while it was put into use");
        window.push_back(std::move(page));
    }
    Guard guard(*this);
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

void LaneJournal::move_mark(const Position& at) {
    Guard guard(*this);
    const SyncMark newest = mark();
    if (newest.serial != 0 && newest.next_seq >= at.next_seq && newest.page >= at.page) return;
    SyncMark next{newest.serial + 1, at.page, at.offset, at.next_seq, at.last_ns, 0, 0};
    next.crc = mark_crc(next);
    state_->marks[next.serial & 1] = next;
}

void LaneJournal::sync(bool with_state) {
    std::lock_guard syncing(sync_mutex_);
    const Position at = position();
    SyncMark from{};
    {
        Guard guard(*this);
        from = mark();
    }
    if (at.page != from.page || at.offset != from.offset) {
        for (uint64_t index = std::max<uint64_t>(from.page, 1); index <= at.page; ++index) {
            const auto page = this->page(index);
            if (!page) continue;  // pruned meanwhile
            page->sync(index == from.page ? from.offset : 0, index == at.page ? at.offset : kind_.page_bytes);
        }
        if (at.page != from.page) sync_folder(kind_.folder);
        move_mark(at);
    }
    if (with_state) state_mapping_.sync(0, sizeof(LaneState), kind_.folder + "/lane.state");
}

void LaneJournal::reset(const Position& at, bool synced) {
    state_->lock.store(0, std::memory_order_release);
    commit(at);
    if (!synced) return;
    std::memset(state_->marks, 0, sizeof state_->marks);
    SyncMark mark{1, at.page, at.offset, at.next_seq, at.last_ns, 0, 0};
    mark.crc = mark_crc(mark);
    state_->marks[1] = mark;
}

}  // namespace gcg
