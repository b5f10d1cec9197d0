// One lane of a bus: a journal that many processes append to and read.
//
// Writers take the lock word in lane.state. Inside the lock there is no system call, no allocation and no Python: pages
// are created, mapped and populated outside, and put into the window. The steps of an append, in this order:
//
//   1. step over frames that a killed writer published but did not commit
//   2. turn the page if the frames need it: page end marker, begin of the next page, commit
//   3. per frame: header and payload, zero the length word behind it, publish the length word (release)
//   4. commit the position, unlock, wake sleepers
//
// Whatever a killed writer left behind the last published length word is overwritten by the next one.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gcg/bus.h"
#include "gcg/context.h"
#include "gcg/lock.h"
#include "gcg/page.h"
#include "gcg/state.h"

namespace gcg {

// ThreadSanitizer takes two mappings of a page for two memories: give it one, so that it sees writers and readers meet.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kOneMapping = true;
#else
inline constexpr bool kOneMapping = false;
#endif

// Thread-safe.
class LaneJournal {
 public:
    LaneJournal(BusContext& bus, Lane lane, Mapping state);
    LaneJournal(const LaneJournal&) = delete;
    LaneJournal& operator=(const LaneJournal&) = delete;

    [[nodiscard]] Lane lane() const { return kind_.lane; }
    [[nodiscard]] const PageKind& kind() const { return kind_; }
    [[nodiscard]] LaneState& state() { return *state_; }
    [[nodiscard]] BusContext& bus() { return bus_; }

    // Where the next frame goes, as committed: one consistent state of it.
    [[nodiscard]] Position position() const;
    [[nodiscard]] uint64_t head() const;
    // The index of the page that is written to (0: none yet); never more than what is in use.
    [[nodiscard]] uint64_t current_page() const;
    // position(), moved over frames that are published but not committed yet.
    [[nodiscard]] Position end();
    // A read-only mapping, shared by the readers of this process; nullptr if the page does not exist.
    [[nodiscard]] std::shared_ptr<Page> page(uint64_t index);

    // One frame; n >= 1 frames under one lock, with one stamp. Throws Fault::full, busy, argument.
    Appended append(const FrameSpec& spec, const void* payload, uint32_t bytes);
    Appended append_many(const FrameSpec* specs, const void* const* payloads, const uint32_t* bytes, std::size_t n);

    // For the keeper: prepare the next page once the current one is half full, and populate what will be written within
    // a quarter of a second at this rate, but never more than four pages. Returns whether this process appended since
    // the last call.
    bool prepare_ahead(int64_t since_last_ns);
    // Bring everything committed to the disk and move the sync mark. `with_state` syncs lane.state too.
    void sync(bool with_state);
    [[nodiscard]] SyncMark mark() const;
    // Set the state of a lane nobody else has open (recovery).
    void reset(const Position& position, bool synced);
    // Wait until no thread of this bus is inside the lock; false if one has been stuck in it for kLockPatience.
    [[nodiscard]] bool drain() const { return lock_.drain(); }

 private:
    using Window = std::vector<std::shared_ptr<Page>>;

    [[nodiscard]] std::byte* window_page(uint64_t index) const;
    // As position(), for the holder of the lock: nobody else writes it.
    [[nodiscard]] Position own_position() const;
    // Call the keeper when the writers have used up half of what it had prepared.
    void call_keeper(uint64_t place) {
        // relaxed: a call too many or one that comes late costs time only
        if (place < call_keeper_at_.load(std::memory_order_relaxed)) return;
        call_keeper_at_.store(UINT64_MAX, std::memory_order_relaxed);
        bus_.nudge.call();
    }
    [[nodiscard]] uint64_t place(const Position& at) const { return at.page * kind_.page_bytes + at.offset; }
    [[nodiscard]] bool settle(Position& at, bool& page_ended) const;
    std::byte* turn(Position& at, bool page_ended, int64_t time_ns);
    void write(std::byte* page, Position& at, const FrameSpec& spec, const void* payload, uint32_t bytes,
               int64_t time_ns);
    void publish(std::byte* page, Position& at, uint32_t count, uint32_t bytes, int64_t time_ns);
    void write_page_end(std::byte* page, const Position& at) const;
    void commit(const Position& at);
    void check_arguments(const FrameSpec* specs, const uint32_t* bytes, std::size_t n) const;
    // How often the page must be turned for these frames.
    [[nodiscard]] uint64_t turns(const Position& at, bool page_ended, const uint32_t* bytes, std::size_t n) const;
    // Map pages [first, last] for writing, preparing them where needed; never called under the lock.
    void map_window(uint64_t first, uint64_t last);
    // Fault in the bytes between two places, as far as the window goes; returns how far it came.
    uint64_t populate(const Window& window, uint64_t from, uint64_t to);
    void write_mark(const Position& at);
    void sync_pages(const SyncMark& from, const Position& to);

    BusContext& bus_;
    PageKind kind_;
    Mapping state_mapping_;
    LaneState* state_;
    LaneLock lock_;

    Window window_;  // changed under both prepare_mutex_ and the lane's lock
    std::mutex prepare_mutex_;
    // The page that was written to last, as long as it is in the window. Under the lane's lock.
    uint64_t warm_index_ = 0;
    std::byte* warm_ = nullptr;
    std::atomic<uint64_t> appended_{0};  // frames, written under the lane's lock
    std::atomic<uint64_t> call_keeper_at_{0};
    // By the keeper's thread only:
    uint64_t appends_before_ = 0, place_before_ = 0, populated_to_ = 0;

    std::mutex cache_mutex_;
    std::map<uint64_t, std::weak_ptr<Page>> cache_;
    std::mutex sync_mutex_;
};

// Reads one lane, from one thread.
class LaneReader {
 public:
    explicit LaneReader(LaneJournal& journal) : journal_(&journal) { offset_ = journal.kind().page_bytes; }

    // Return the next frame, or nullptr if none is published. Turns pages. Throws Fault::corrupt.
    [[nodiscard]] const FrameHeader* peek() {
        if (offset_ <= limit_ && data_) {
            // R1: acquire, pairs with A0 in LaneJournal::write(); we see the whole frame.
            length_ = length_of(data_ + offset_).load(std::memory_order_acquire);
            if (length_ == 0) return nullptr;
            const auto* header = reinterpret_cast<const FrameHeader*>(data_ + offset_);
            if (header->type != kPageEnd) return header;
        }
        return peek_next_page();
    }
    // Check the frame that peek() returned and go behind it.
    void take(FrameView& frame) {
        const auto* header = reinterpret_cast<const FrameHeader*>(data_ + offset_);
        if (!frame_whole(data_, limit_ + kFrameHeaderBytes, offset_, length_, expected_seq_, true)) corrupt_frame();
        frame.header = header;
        frame.payload = data_ + offset_ + kFrameHeaderBytes;
        frame.payload_bytes = length_ - static_cast<uint32_t>(kFrameHeaderBytes);
        frame.lane = journal_->lane();
        taken_page_ = index_;
        step();
    }
    // Unmap the page that was left before the last frame was taken.
    void forget() {
        if (left_) left_.reset();
    }
    // The page that holds the frame taken last.
    [[nodiscard]] std::shared_ptr<const Page> page() const {
        return left_ && taken_page_ == left_->index() ? left_ : page_;
    }

    [[nodiscard]] uint64_t next_seq() const { return next_seq_; }
    void seek_begin();
    void seek_end();
    void seek_seq(uint64_t seq);
    void seek_time(int64_t time_ns);
    // Throw Fault::cursor if a cursor of an older epoch names records that were cut.
    void check_epoch(uint32_t epoch, uint64_t seq) const;
    // `seq` or, if that is less, the seq where what it names was cut; `today` is the bus's epoch.
    [[nodiscard]] uint64_t kept(uint32_t epoch, uint32_t today, uint64_t seq) const;

 private:
    // The seq of the first record of a later epoch; UINT64_MAX if there is none, or it is not known any more.
    [[nodiscard]] uint64_t epoch_end(uint32_t epoch) const;
    void set(const Position& at);
    void start_page(std::shared_ptr<Page> page);
    [[nodiscard]] bool turn();
    [[nodiscard]] const FrameHeader* peek_next_page();
    void step() {
        const auto* header = reinterpret_cast<const FrameHeader*>(data_ + offset_);
        expected_seq_ += header->count;
        if (next_seq_ < expected_seq_) next_seq_ = expected_seq_;
        offset_ += align8(length_);
    }
    [[noreturn]] void corrupt_frame() const;
    [[noreturn]] void corrupt(uint64_t offset, const std::string& what) const;
    // The pages in use, and the last of them for which `before(header)` holds (the first one, if for none).
    template <typename Before>
    [[nodiscard]] uint64_t find_page(const Before& before) const;

    LaneJournal* journal_;
    std::shared_ptr<Page> page_;
    std::shared_ptr<Page> left_;
    std::byte* data_ = nullptr;
    uint64_t index_ = 0;  // of page_; 0 = before the first page
    uint64_t offset_ = 0;
    uint64_t limit_ = 0;         // a frame begins at or before this offset
    uint32_t length_ = 0;        // of the frame peek() returned
    uint64_t expected_seq_ = 1;  // of the next frame
    uint64_t next_seq_ = 1;      // of the next record: inside the next frame after a seek into a batch
    uint64_t taken_page_ = 0;
};

}  // namespace gcg
