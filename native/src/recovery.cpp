#include "gcg/recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "gcg/crc32c.h"

namespace gcg {
namespace {

// A page in use, or nullptr: missing, never written to the disk, or only prepared.
std::shared_ptr<Page> page_in_use(const PageKind& kind, uint64_t index) {
    std::shared_ptr<Page> page;
    try {
        page = Page::open(kind, index, true);
    } catch (const JournalError& error) {
        if (error.fault == Fault::corrupt) return nullptr;
        throw;
    }
    return page && page->first_seq() != 0 && page->begin_damage().empty() ? page : nullptr;
}

std::shared_ptr<Page> last_page_in_use(const PageKind& kind) {
    auto pages = list_pages(kind.folder);
    for (; !pages.empty(); pages.pop_back())
        if (auto page = page_in_use(kind, pages.back())) return page;
    return nullptr;
}

// The bytes in [from, end of page) up to the last one that is not zero.
uint64_t written_bytes(const Page& page, uint64_t from) {
    uint64_t to = page.bytes();
    while (to > from && page.data()[to - 1] == std::byte{0}) --to;
    return to - from;
}

// Step over whole frames, from page to page. Returns why it stopped ("" at a clean end).
std::string walk(const PageKind& kind, Position& at, std::shared_ptr<Page>& page) {
    for (;;) {
        while (page && at.offset + kFrameHeaderBytes <= kind.page_bytes) {
            const std::byte* frame = page->data() + at.offset;
            const uint32_t length = length_of(frame).load(std::memory_order_relaxed);  // relaxed: we are alone
            if (length == 0) return "";
            const auto damage = frame_damage(page->data(), kind.page_bytes, at.offset, length, at.next_seq, true);
            if (!damage.empty()) return damage;
            const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
            // What the disk's block held before it was given to this page, from before an earlier cut.
            if (header.time_ns < at.last_ns) return "it is older than the frame before it";
            if (header.type == kPageEnd) break;
            at.offset += align8(length);
            at.next_seq += header.count;
            at.last_ns = std::max(at.last_ns, header.time_ns);
        }
        auto next = page_in_use(kind, at.page + 1);
        if (!next) return "";
        if (next->first_seq() != at.next_seq)
            return "the next page begins with seq " + std::to_string(next->first_seq());
        if (next->header().first_ns < at.last_ns) return "the next page is older than the frame before it";
        page = std::move(next);
        at.page += 1;
        at.offset = kPageHeaderBytes;
        at.last_ns = std::max(at.last_ns, page->header().first_ns);
    }
}

void end_page(const Page& page, const Position& at) {
    FrameHeader header{};
    header.length = kFrameHeaderBytes;
    header.seq = at.next_seq;
    header.time_ns = at.last_ns;
    header.crc32c = frame_crc(header, nullptr);
    std::memcpy(page.data() + at.offset, &header, sizeof header);
}

// The seqs of a page's frames will be given to others: nothing of it may come back with a recycled block.
void erase(const std::string& path) {
    const File file = File::open(path, O_RDWR);
    const uint64_t bytes = file.size(path);
    if (bytes == 0) return;
    const Mapping page(file, bytes, true, path);
    std::memset(page.data(), 0, bytes);
    page.sync(0, bytes, path);
}

// Remove everything behind `at`; returns how many bytes had been written there.
uint64_t cut(const PageKind& kind, const Position& at, const std::shared_ptr<Page>& page) {
    uint64_t bytes = 0;
    if (page && at.offset < kind.page_bytes) {
        bytes = written_bytes(*page, at.offset);
        const auto* header = reinterpret_cast<const FrameHeader*>(page->data() + at.offset);
        const bool ended =
            bytes > 0 && bytes <= kFrameHeaderBytes && header->type == kPageEnd && header->seq == at.next_seq;
        if (ended) bytes = 0;
        std::memset(page->data() + at.offset, 0, kind.page_bytes - at.offset);
        if (at.offset + kFrameHeaderBytes <= kind.page_bytes) end_page(*page, at);
        page->sync(at.offset, kind.page_bytes);
    }
    for (const uint64_t index : list_pages(kind.folder)) {
        if (index <= at.page) continue;
        if (const auto later = page_in_use(kind, index)) bytes += written_bytes(*later, kPageHeaderBytes);
        erase(kind.path(index));
        if (unlink(kind.path(index).c_str()) != 0) throw_errno("remove", kind.path(index), errno);
    }
    sync_folder(kind.folder);
    return bytes;
}

}  // namespace

bool possible_position(const PageKind& kind, const Position& at) {
    if (at.page == 0) return at.offset == kind.page_bytes && at.next_seq == 1;
    if (at.offset % 8 != 0 || at.offset < kPageHeaderBytes || at.offset > kind.page_bytes) return false;
    const auto page = page_in_use(kind, at.page);
    constexpr uint64_t kEndOfSeqs = uint64_t{1} << 60;
    return page && page->first_seq() <= at.next_seq && at.next_seq < kEndOfSeqs;
}

uint32_t last_epoch(const PageKind& kind) {
    const auto page = last_page_in_use(kind);
    return page ? page->header().epoch : 0;
}

Recovered recover(const PageKind& kind, const SyncMark& mark) {
    Recovered result;
    Position& at = result.position;
    at = {0, kind.page_bytes, 1, 0};
    std::shared_ptr<Page> page;
    const auto pages = list_pages(kind.folder);
    const bool pruned = mark.serial != 0 && !pages.empty() && pages.front() > std::max<uint64_t>(mark.page, 1);
    if (pruned && (page = page_in_use(kind, pages.front()))) {
        at = {page->index(), kPageHeaderBytes, page->first_seq(), page->header().first_ns};
    } else if (mark.serial != 0) {
        at = {mark.page, mark.offset, mark.next_seq, mark.last_ns};
        if (at.page != 0 && !(page = page_in_use(kind, at.page)))
            throw JournalError(Fault::corrupt, kind.path(at.page) +
                                                   " is missing or damaged, although it had been synced to the disk: "
                                                   "restore it from a copy, or remove lane.state beside it "
                                                   "to go on without it");
        if (!possible_position(kind, at))
            throw JournalError(Fault::corrupt, kind.folder +
                                                   "/lane.state: its sync mark names no place of this lane: "
                                                   "remove the file to go on without it");
    } else if ((page = last_page_in_use(kind))) {
        at = {page->index(), kPageHeaderBytes, page->first_seq(), page->header().first_ns};
    }
    const std::string reason = walk(kind, at, page);
    const std::string place = at.page == 0 ? kind.folder : kind.path(at.page) + " offset " + std::to_string(at.offset);
    result.cut_bytes = cut(kind, at, page);
    result.detail = "the " + std::string(lane_name(kind.lane)) + " lane ends with seq " +
                    std::to_string(at.next_seq - 1) + " (" + place + ")";
    if (result.cut_bytes > 0)
        result.detail +=
            "; " + std::to_string(result.cut_bytes) + " bytes behind it were cut, because they were not whole";
    if (!reason.empty()) result.detail += ": " + reason;
    return result;
}

void remove_unfinished(const std::string& folder, int slot) {
    const std::string mine = slot < 0 ? ".new-" : ".page.new-" + std::to_string(slot);
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
        const std::string name = entry.path().filename().string();
        const bool match = slot < 0 ? name.find(mine) != name.npos : name.ends_with(mine);
        if (match) unlink(entry.path().c_str());
    }
}

}  // namespace gcg
