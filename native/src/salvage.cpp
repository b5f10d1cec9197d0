#include "salvage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "bus_impl.h"
#include "gcg/crc32c.h"

namespace gcg {
namespace {

constexpr uint64_t kFrameStep = 8;  // frames begin at multiples of it

bool begun(const PageHeader& header) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&header);
    return header.first_seq != 0 && header.begin_crc == crc32c(0, bytes + kPageBeginFrom, kPageBeginBytes);
}

// "" or what is wrong with the header. Throws Fault::version only if the page is whole, and of another version.
std::string header_damage(const PageHeader& header, const PageKind& kind, uint64_t index, uint64_t bytes) {
    try {
        check_page_header(header, kind, index, bytes);
    } catch (const JournalError& error) {
        const bool other = header.format != kFrameFormat && header.crc == crc32c(0, &header, kPageCrcBytes);
        if (error.fault == Fault::version && other) throw;
        return error.what();
    }
    if (header.first_seq == 0 || begun(header)) return "";
    return kind.path(index) + " offset " + std::to_string(kPageBeginFrom) + ": the CRC of the page's begin is wrong";
}

bool only_prepared(const PageKind& kind, uint64_t index) {
    const std::string path = kind.path(index);
    const File file = File::try_open(path, O_RDONLY);
    PageHeader header{};
    if (!file || read_some(file, &header, sizeof header, 0, path) < sizeof header) return false;
    return header.first_seq == 0 && header.crc == crc32c(0, &header, kPageCrcBytes);
}

}  // namespace

BusMeta salvage_meta(const std::string& folder, std::string& damage) {
    try {
        return read_meta(folder);
    } catch (const JournalError& error) {
        damage = error.what();
        BusMeta meta{};
        const std::string path = folder + "/bus.meta";
        const File file = File::try_open(path, O_RDONLY);
        const bool other = file && read_some(file, &meta, sizeof meta, 0, path) == sizeof meta &&
                           meta.format != kFrameFormat && meta.crc == crc32c(0, &meta, offsetof(BusMeta, crc));
        if (other) throw;
    }
    for (const char* lane : kLaneNames) {
        const std::string pages = folder + "/" + lane;
        if (access(pages.c_str(), F_OK) != 0) continue;
        for (const uint64_t index : list_pages(pages)) {
            const PageKind place{pages, Lane::market, World::paper, 0, {}};
            const File file = File::try_open(place.path(index), O_RDONLY);
            PageHeader header{};
            if (!file || read_some(file, &header, sizeof header, 0, place.path(index)) < sizeof header) continue;
            if (std::memcmp(header.magic, kPageMagic, sizeof kPageMagic) != 0 || header.format != kFrameFormat ||
                header.crc != crc32c(0, &header, kPageCrcBytes))
                continue;
            BusMeta meta{};
            std::memcpy(meta.magic, kMetaMagic, sizeof kMetaMagic);
            meta.format = kFrameFormat;
            meta.world = header.world;
            meta.page_bytes = header.page_bytes;
            std::memcpy(meta.bus_id, header.bus_id, sizeof meta.bus_id);
            return meta;
        }
    }
    return read_meta(folder);  // throws
}

Salvage::Salvage(const PageKind& kind, uint64_t head, int64_t from_ns) : kind_(kind), head_(head) {
    if (access(kind.folder.c_str(), F_OK) == 0) pages_ = list_pages(kind.folder);
    // What was prepared and never used does not show that the pages before it go on. A page that comes into use from
    // now on begins behind the head.
    while (!pages_.empty() && only_prepared(kind, pages_.back())) pages_.pop_back();
    skip_older(from_ns);
}

// The page behind an older page tells its age.
void Salvage::skip_older(int64_t from_ns) {
    for (std::size_t at = 1; from_ns != INT64_MIN && at < pages_.size(); ++at) {
        const std::string path = kind_.path(pages_[at]);
        const File file = File::try_open(path, O_RDONLY);
        PageHeader header{};
        if (!file || read_some(file, &header, sizeof header, 0, path) < sizeof header || !begun(header)) continue;
        if (header.first_ns >= from_ns) return;
        next_page_ = at;
    }
}

void Salvage::note(uint64_t offset, const std::string& what) {
    if (!damage_.empty()) return;  // the first thing that is wrong explains the rest
    damage_ =
        kind_.path(index_) + " offset " + std::to_string(offset) + ", seq " + std::to_string(expected_) + ": " + what;
}

// Map the next page that is in use, whatever its header looks like. False at the end.
bool Salvage::open_page() {
    for (; next_page_ < pages_.size(); ++next_page_) {
        const bool gap = index_ != 0 && pages_[next_page_] != index_ + 1;
        if (gap) note(0, "the page after it is missing");
        index_ = pages_[next_page_];
        const std::string path = kind_.path(index_);
        const File file = File::try_open(path, O_RDONLY);
        const uint64_t bytes = file ? std::min(file.size(path), kind_.page_bytes) : 0;
        if (bytes < kPageHeaderBytes + kFrameHeaderBytes) {
            if (file) note(0, "the page has " + std::to_string(bytes) + " bytes");
            continue;  // or it was pruned meanwhile
        }
        page_ = Mapping(file, bytes, false, path);
        const auto& header = *reinterpret_cast<const PageHeader*>(page_.data());
        const uint64_t first_seq = first_seq_of(page_.data()).load(std::memory_order_acquire);  // P1
        const std::string damage = header_damage(header, kind_, index_, file.size(path));
        if (damage.empty() && first_seq == 0) continue;  // prepared, not in use
        if (damage.empty()) {
            if (expected_ == 0) first_seq_ = first_seq;
            expected_ = std::max(expected_, first_seq);
            epoch_ = std::max(epoch_, header.epoch);
        } else if (damage_.empty()) {
            damage_ = damage;
        }
        offset_ = kPageHeaderBytes;
        ++next_page_;
        return true;
    }
    return false;
}

const FrameHeader* Salvage::header(uint64_t offset) const {
    return reinterpret_cast<const FrameHeader*>(page_.data() + offset);
}

bool Salvage::whole(uint64_t offset, uint32_t length) const {
    if (length < kFrameHeaderBytes || length > page_.bytes() - offset) return false;
    const FrameHeader& frame = *header(offset);
    if (frame.seq < expected_ || (frame.count == 0 && frame.type != kPageEnd)) return false;
    return frame.crc32c == frame_crc(frame, page_.data() + offset + kFrameHeaderBytes);
}

uint64_t Salvage::scan(uint64_t offset) const {
    for (offset += kFrameStep; offset + kFrameHeaderBytes <= page_.bytes(); offset += kFrameStep)
        if (whole(offset, length_of(page_.data() + offset).load(std::memory_order_acquire))) return offset;  // R1
    return 0;
}

const FrameHeader* Salvage::next() {
    damage_.clear();
    for (;;) {
        if (!page_ && !open_page()) return nullptr;
        while (offset_ + kFrameHeaderBytes <= page_.bytes()) {
            const uint32_t length = length_of(page_.data() + offset_).load(std::memory_order_acquire);  // R1
            if (length == 0 && expected_ >= head_) break;
            if (!whole(offset_, length)) {
                const uint64_t found = scan(offset_);
                if (found == 0 && length == 0 && next_page_ == pages_.size()) break;  // the lane's end
                const std::string what = frame_damage(page_.data(), page_.bytes(), offset_, length, expected_, true);
                note(offset_, what.empty() ? "the frame is damaged" : what);
                if (found == 0) break;
                offset_ = found;
            }
            const FrameHeader* frame = header(offset_);
            if (frame->type == kPageEnd) break;
            if (frame->seq >= head_) {
                next_page_ = pages_.size();
                break;
            }
            offset_ += align8(frame->length);
            expected_ = frame->seq + frame->count;
            return frame;
        }
        page_ = Mapping();
    }
}

}  // namespace gcg
