#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "gcg/crc32c.h"
#include "gcg/lane.h"

namespace gcg {

void LaneReader::corrupt(uint64_t offset, const std::string& what) const {
    throw JournalError(Fault::corrupt, journal_->kind().path(index_) + " offset " + std::to_string(offset) + ", seq " +
                                           std::to_string(expected_seq_) + ": " + what +
                                           "; `journal verify` shows what is whole");
}

void LaneReader::corrupt_frame() const {
    const auto damage = frame_damage(data_, page_->bytes(), offset_, length_, expected_seq_, true);
    corrupt(offset_, damage.empty() ? "the frame is damaged" : damage);
}

// --- forward -----------------------------------------------------------------------------------------------------

// At a page end marker, behind the last frame that fits, or before the first page.
const FrameHeader* LaneReader::peek_next_page() {
    for (;;) {
        if (data_ && offset_ <= limit_) {
            length_ = length_of(data_ + offset_).load(std::memory_order_acquire);  // R1
            if (length_ == 0) return nullptr;
            const auto* header = reinterpret_cast<const FrameHeader*>(data_ + offset_);
            if (header->type != kPageEnd) return header;
            if (!frame_whole(data_, page_->bytes(), offset_, length_, expected_seq_, true)) corrupt_frame();
        }
        if (!turn()) return nullptr;
    }
}

// Go on to the next page if it is in use.
bool LaneReader::turn() {
    if (journal_->current_page() <= index_) return false;
    auto next = journal_->page(index_ + 1);
    bool skipped = !page_;
    if (next && next->first_seq() == 0 && journal_->current_page() > index_ + 1) next.reset();  // see find_page()
    for (uint64_t index = index_ + 1; !next && index < journal_->current_page();) {  // pruned: the oldest that is there
        index = find_page([](const PageHeader&) { return false; });
        if (index <= index_) break;
        next = journal_->page(index);
        skipped = true;
    }
    if (!next) corrupt(0, "the page after it is missing");
    const uint64_t first_seq = next->first_seq();
    std::string damage = next->begin_damage();
    if (damage.empty() && first_seq == 0) damage = next->path() + " should be in use and is not";
    if (damage.empty() && !skipped && first_seq != expected_seq_)
        damage = next->path() + " begins with seq " + std::to_string(first_seq) + " instead of " +
                 std::to_string(expected_seq_);
    if (damage.empty() && first_seq < expected_seq_)
        damage = next->path() + " begins with an older seq, " + std::to_string(first_seq);
    if (!damage.empty()) throw JournalError(Fault::corrupt, damage + "; `journal verify` shows what is whole");
    left_ = std::move(page_);
    start_page(std::move(next));
    return true;
}

void LaneReader::start_page(std::shared_ptr<Page> page) {
    page_ = std::move(page);
    data_ = page_->data();
    index_ = page_->index();
    offset_ = kPageHeaderBytes;
    limit_ = page_->bytes() - kFrameHeaderBytes;
    if (page_->first_seq() != expected_seq_) expected_seq_ = next_seq_ = page_->first_seq();
}

// --- seek --------------------------------------------------------------------------------------------------------

void LaneReader::set(const Position& at) {
    left_.reset();
    page_ = at.page == 0 ? nullptr : journal_->page(at.page);
    if (at.page != 0 && !page_ && at.page >= journal_->current_page())  // else it was pruned: turn() finds the oldest
        corrupt(0, journal_->kind().path(at.page) + " is missing");
    data_ = page_ ? page_->data() : nullptr;
    index_ = at.page;
    offset_ = at.offset;
    limit_ = journal_->kind().page_bytes - kFrameHeaderBytes;
    expected_seq_ = next_seq_ = at.next_seq;
}

// A page that is gone was pruned meanwhile: it is older than what we look for. So is one that is not in use: a writer
// that had slept since the lane stood there prepared it again after it was pruned. The oldest page is in use.
template <typename Before>
uint64_t LaneReader::find_page(const Before& before) const {
    const auto& kind = journal_->kind();
    const auto in_use = [&kind](uint64_t index, PageHeader& header) {
        const std::string path = kind.path(index);
        const File file = File::try_open(path, O_RDONLY);
        return file && read_some(file, &header, sizeof header, 0, path) == sizeof header && header.first_seq != 0;
    };
    const uint64_t current = journal_->current_page();
    auto pages = list_pages(kind.folder);
    while (!pages.empty() && pages.back() > current) pages.pop_back();
    if (pages.empty()) return 0;
    std::size_t low = 0, high = pages.size();
    while (high - low > 1) {
        const std::size_t middle = low + (high - low) / 2;
        PageHeader header{};
        if (!in_use(pages[middle], header) || before(header)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    std::size_t first = 0;
    for (PageHeader header{}; first + 1 < pages.size() && !in_use(pages[first], header);) ++first;
    return pages[std::max(low, first)];
}

void LaneReader::seek_begin() {
    const uint64_t index = find_page([](const PageHeader&) { return false; });
    const auto page = index == 0 ? nullptr : journal_->page(index);
    if (!page) {
        set({0, journal_->kind().page_bytes, 1, 0});
    } else {
        set({index, kPageHeaderBytes, page->first_seq(), 0});
    }
}

void LaneReader::seek_end() {
    set(journal_->end());
}

void LaneReader::seek_seq(uint64_t seq) {
    const Position end = journal_->end();
    if (seq > end.next_seq || seq == 0)
        throw JournalError(Fault::cursor,
                           "the cursor of the " + std::string(lane_name(journal_->lane())) + " lane is at seq " +
                               std::to_string(seq) + ", but " + journal_->bus().folder + " ends before seq " +
                               std::to_string(end.next_seq) +
                               ": the journal was cut or replaced; start the reader from its begin or its end");
    if (seq == end.next_seq) return set(end);
    const uint64_t index = find_page([seq](const PageHeader& header) { return header.first_seq <= seq; });
    const auto page = journal_->page(index);
    if (!page && index != 0 && index < journal_->current_page()) return seek_seq(seq);  // pruned meanwhile
    if (!page) corrupt(0, journal_->kind().path(index) + " is missing");
    set({index, kPageHeaderBytes, page->first_seq(), 0});
    if (seq < expected_seq_) return;  // pruned: the oldest record that is there
    while (const FrameHeader* header = peek()) {
        if (!frame_whole(data_, page_->bytes(), offset_, length_, expected_seq_, false)) corrupt_frame();
        if (expected_seq_ + header->count > seq) break;
        step();
    }
    next_seq_ = seq;
}

void LaneReader::seek_time(int64_t time_ns) {
    const uint64_t index = find_page([time_ns](const PageHeader& header) { return header.first_ns < time_ns; });
    const auto page = index == 0 ? nullptr : journal_->page(index);
    if (!page) return seek_begin();
    set({index, kPageHeaderBytes, page->first_seq(), 0});
    while (const FrameHeader* header = peek()) {
        if (!frame_whole(data_, page_->bytes(), offset_, length_, expected_seq_, false)) corrupt_frame();
        if (header->time_ns >= time_ns) break;
        step();
    }
}

// The first page of a later epoch begins where the lane was cut.
uint64_t LaneReader::epoch_end(uint32_t epoch) const {
    const uint64_t last = find_page([epoch](const PageHeader& header) { return header.epoch <= epoch; });
    const auto page = last == 0 ? nullptr : journal_->page(last);
    if (!page) return UINT64_MAX;
    // Without an older page the cut lies somewhere before: what was pruned is not read again, what is there is not
    // skipped. Where a lane was lost from its very first frame, that is the page that is written to.
    if (page->header().epoch > epoch) return page->first_seq();
    if (last >= journal_->current_page()) return UINT64_MAX;
    const auto next = journal_->page(last + 1);
    return next ? next->first_seq() : UINT64_MAX;
}

void LaneReader::check_epoch(uint32_t epoch, uint64_t seq) const {
    const uint64_t cut = epoch_end(epoch);
    if (seq <= cut) return;
    throw JournalError(Fault::cursor,
                       "the cursor is of epoch " + std::to_string(epoch) + " at seq " + std::to_string(seq) +
                           " of the " + lane_name(journal_->lane()) + " lane, but " + journal_->kind().folder +
                           " was cut at seq " + std::to_string(cut) +
                           " after a power loss: undo what was derived from later events, or start the reader "
                           "from its begin or its end");
}

uint64_t LaneReader::kept(uint32_t epoch, uint32_t today, uint64_t seq) const {
    const uint64_t end = journal_->end().next_seq;
    return std::min({seq, end, epoch != 0 && epoch < today ? epoch_end(epoch) : end});
}

}  // namespace gcg
