#include "gcg/lane.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <utility>

#include "gcg/clock.h"
#include "gcg/crc32c.h"

namespace gcg {

LaneJournal::LaneJournal(BusContext& bus, Lane lane, Mapping state)
    : bus_(bus),
      state_mapping_(std::move(state)),
      state_(reinterpret_cast<LaneState*>(state_mapping_.data())),
      lock_(*state_, bus.slots, std::string("the ") + lane_name(lane) + " lane of " + bus.folder) {
    kind_.folder = bus.folder + "/" + lane_name(lane);
    kind_.lane = lane;
    kind_.world = static_cast<World>(bus.meta.world);
    kind_.page_bytes = bus.meta.page_bytes;
    std::memcpy(kind_.bus_id, bus.meta.bus_id, sizeof kind_.bus_id);
}

// --- position ----------------------------------------------------------------------------------------------------

Position LaneJournal::position() const {
    for (;;) {
        // C1: acquire, pairs with C0 in commit().
        const uint64_t commits = state_->commits.load(std::memory_order_acquire);
        const auto& copy = state_->positions[commits & 1];
        Position at;
        // C2: acquire, each pairs with its store in commit(), so that the second look at `commits` cannot come before
        // them: if it is unchanged, nobody was writing the copy we read.
        at.page = copy.page.load(std::memory_order_acquire);
        at.offset = copy.offset.load(std::memory_order_acquire);
        at.next_seq = copy.next_seq.load(std::memory_order_acquire);
        at.last_ns = copy.last_ns.load(std::memory_order_acquire);
        if (state_->commits.load(std::memory_order_relaxed) == commits) return at;
    }
}

Position LaneJournal::own_position() const {
    // relaxed, all: only the lock's holder writes them
    const auto& copy = state_->positions[state_->commits.load(std::memory_order_relaxed) & 1];
    Position at;
    at.page = copy.page.load(std::memory_order_relaxed);
    at.offset = copy.offset.load(std::memory_order_relaxed);
    at.next_seq = copy.next_seq.load(std::memory_order_relaxed);
    at.last_ns = copy.last_ns.load(std::memory_order_relaxed);
    return at;
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
    const uint64_t commits = state_->commits.load(std::memory_order_acquire);  // C1
    return state_->positions[commits & 1].next_seq.load(std::memory_order_acquire);
}

uint64_t LaneJournal::current_page() const {
    const uint64_t commits = state_->commits.load(std::memory_order_acquire);  // C1
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

namespace {

// The part of a frame's header that its CRC covers, as whole words: the CRC loads words, and a word that was stored in
// pieces just before would have to wait until these have reached the cache.
struct HeaderWords {
    uint64_t words[kCrcTrailerBytes / 8];

    HeaderWords(const FrameSpec& spec, uint64_t seq, int64_t time_ns)
        : words{seq, static_cast<uint64_t>(time_ns), spec.cause,
                spec.instrument | uint64_t{spec.type} << 32 | uint64_t{spec.source} << 48,
                spec.flags | uint64_t{spec.schema} << 16 | uint64_t{spec.count} << 32} {}

    void put(std::byte* frame, uint32_t crc) const {
        std::memcpy(frame + offsetof(FrameHeader, crc32c), &crc, sizeof crc);
        for (std::size_t at = 0; at < std::size(words); ++at)
            std::memcpy(frame + kFrameCrcFrom + 8 * at, &words[at], sizeof words[at]);
    }
};
static_assert(offsetof(FrameHeader, instrument) == kFrameCrcFrom + 24 &&
              offsetof(FrameHeader, flags) == kFrameCrcFrom + 32);

}  // namespace

static constexpr uint64_t kPrefetchAhead = 2048;

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
        const bool ends = header.type == kPageEnd;  // its CRC too: readers do not go past a damaged one
        if (const auto damage = frame_damage(page, kind_.page_bytes, at.offset, length, at.next_seq, ends);
            !damage.empty())
            throw JournalError(Fault::corrupt, kind_.path(at.page) + " offset " + std::to_string(at.offset) + ", seq " +
                                                   std::to_string(at.next_seq) + ": " + damage);
        if (ends) return true;
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

// The usual way: one frame, and the page it goes to is mapped and has room. What takes time is done before the lock.
Appended LaneJournal::append(const FrameSpec& spec, const void* payload, uint32_t bytes) {
    const uint64_t need = align8(kFrameHeaderBytes + bytes);
    if (spec.type != kPageEnd && spec.count != 0 && bytes < kind_.page_bytes) {
        const uint32_t crc = crc32c(0, payload, bytes);
        const int64_t now = stamp_clock().now();
        std::unique_lock guard(lock_);
        bus_.check_writable();  // under the lock, so that close() can wait for whoever is inside
        Position at = own_position();
        std::byte* page = at.page == warm_index_ ? warm_ : nullptr;
        // R0: acquire, pairs with A0 in publish(). A length that is not 0: a killed writer's frame, to be stepped over.
        if (page && at.offset + need + kFrameHeaderBytes <= kind_.page_bytes &&
            length_of(page + at.offset).load(std::memory_order_acquire) == 0) {
            const uint64_t seq = at.next_seq;
            std::byte* frame = page + at.offset;
            // The cache lines of a frame to come: a lock that is taken waits until all earlier stores are done.
            for (uint64_t line = 0; line < 192; line += 64) __builtin_prefetch(frame + kPrefetchAhead + line, 1);
            const int64_t time_ns = std::max(now, at.last_ns);
            if (bytes % 8 != 0) std::memset(frame + (need - 8), 0, 8);  // the payload's last bytes come on top
            if (bytes > 0) std::memcpy(frame + kFrameHeaderBytes, payload, bytes);  // else `payload` may be null
            const HeaderWords header(spec, seq, time_ns);
            header.put(frame, crc32c_trailer(crc, header.words));
            publish(page, at, spec.count, bytes, time_ns);
            commit(at);
            // relaxed: only the lock holder writes it, and the keeper wants no more than a guess
            appended_.store(appended_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            guard.unlock();
            call_keeper(place(at));
            return {make_event_id(lane(), seq), time_ns};
        }
    }
    return append_many(&spec, &payload, &bytes, 1);
}

Appended LaneJournal::append_many(const FrameSpec* specs, const void* const* payloads, const uint32_t* bytes,
                                  std::size_t n) {
    check_arguments(specs, bytes, n);
    for (;;) {
        uint64_t first_missing, last_needed;
        {
            std::unique_lock guard(lock_);
            bus_.check_writable();  // as above
            Position at = own_position();
            bool page_ended = false;
            if (settle(at, page_ended)) {
                last_needed = at.page + turns(at, page_ended, bytes, n);
                first_missing = at.page + 1;
                while (first_missing <= last_needed && window_page(first_missing)) ++first_missing;
                if (first_missing > last_needed) {
                    const int64_t time_ns = std::max(stamp_clock().now(), at.last_ns);
                    const uint64_t first = at.next_seq;
                    std::byte* page = window_page(at.page);
                    for (std::size_t item = 0; item < n; ++item) {
                        const uint64_t need = align8(kFrameHeaderBytes + bytes[item]);
                        if (page_ended || at.offset + need > kind_.page_bytes) page = turn(at, page_ended, time_ns);
                        page_ended = false;
                        write(page, at, specs[item], payloads[item], bytes[item], time_ns);
                    }
                    commit(at);
                    warm_index_ = at.page;
                    warm_ = page;
                    appended_.store(appended_.load(std::memory_order_relaxed) + n,
                                    std::memory_order_relaxed);  // as above
                    guard.unlock();
                    call_keeper(place(at));
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
    const uint64_t need = align8(kFrameHeaderBytes + bytes);
    if (bytes % 8 != 0) std::memset(frame + (need - 8), 0, 8);  // the payload's last bytes come on top
    const HeaderWords header(spec, at.next_seq, time_ns);
    header.put(frame, copy_crc32c_with_trailer(frame + kFrameHeaderBytes, payload, bytes, header.words));
    publish(page, at, spec.count, bytes, time_ns);
}

// All of the frame but its length is in its place.
void LaneJournal::publish(std::byte* page, Position& at, uint32_t count, uint32_t bytes, int64_t time_ns) {
    std::byte* frame = page + at.offset;
    const uint64_t length = kFrameHeaderBytes + bytes;
    const uint64_t next = at.offset + align8(length);
    // Z0: relaxed, ordered by A0: who sees this frame sees no stale length behind it. Only the lock holder writes.
    if (next + kFrameHeaderBytes <= kind_.page_bytes) length_of(page + next).store(0, std::memory_order_relaxed);
    // A0: pairs with R0 and R1 (the readers); publishes header, payload and the zero behind them.
    length_of(frame).store(static_cast<uint32_t>(length), std::memory_order_release);
    at.offset = next;
    at.next_seq += count;
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

}  // namespace gcg
