// One page file of a lane, mapped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gcg/crc32c.h"
#include "gcg/file.h"
#include "gcg/format.h"

namespace gcg {

// What every page of a lane has in common.
struct PageKind {
    std::string folder;  // of the lane
    Lane lane = Lane::market;
    World world = World::paper;
    uint64_t page_bytes = 0;
    uint8_t bus_id[16] = {};

    static PageKind of(const std::string& bus_folder, const BusMeta& meta, Lane lane);
    [[nodiscard]] std::string path(uint64_t index) const;
};

// Immutable but for the bytes of the page themselves. Keeps its mapping for as long as it lives.
class Page {
 public:
    // Map an existing page; nullptr if there is no such file. Throws Fault::version, Fault::corrupt.
    static std::shared_ptr<Page> open(const PageKind& kind, uint64_t index, bool writable);
    // Create the file if it is missing, all its blocks allocated; several may race. `tag` makes the temporary name this
    // caller's own. Throws Fault::full, and then nothing is left behind.
    static void prepare(const PageKind& kind, uint64_t index, const std::string& tag);

    [[nodiscard]] uint64_t index() const { return index_; }
    [[nodiscard]] std::byte* data() const { return mapping_.data(); }
    [[nodiscard]] uint64_t bytes() const { return mapping_.bytes(); }
    [[nodiscard]] const PageHeader& header() const { return *reinterpret_cast<const PageHeader*>(data()); }
    [[nodiscard]] std::string path() const { return path_; }

    // The seq of the first frame; 0 = prepared, not in use. P1: acquire, pairs with P0 in begin().
    [[nodiscard]] uint64_t first_seq() const { return first_seq_of(data()).load(std::memory_order_acquire); }
    // Put the page into use. Idempotent: what a killed writer began is completed. Under the lane's lock.
    void begin(uint64_t first_seq, int64_t first_ns, uint32_t epoch);
    // "" or a sentence about the part that begin() wrote.
    [[nodiscard]] std::string begin_damage() const;

    // Make [from, to) ready to be written without a page fault, off the hot path.
    void populate(uint64_t from, uint64_t to) const;
    void sync(uint64_t from, uint64_t to) const { mapping_.sync(from, to, path_); }

 private:
    Page(Mapping mapping, uint64_t index, std::string path)
        : mapping_(std::move(mapping)), index_(index), path_(std::move(path)) {}

    Mapping mapping_;
    uint64_t index_;
    std::string path_;
};

// The index of a page's file name, or 0 if it is not one.
uint64_t page_index(const std::string& file_name);
// The indices of the page files of a lane's folder, sorted.
std::vector<uint64_t> list_pages(const std::string& folder);
// Check the part of a page header that never changes. Throws Fault::version, Fault::corrupt.
void check_page_header(const PageHeader& header, const PageKind& kind, uint64_t index, uint64_t file_bytes);
// The CRC a frame must have.
uint32_t frame_crc(const FrameHeader& header, const void* payload);
// Whether the frame at `offset` is whole, and fast; see frame_damage().
inline bool frame_whole(const std::byte* page, uint64_t page_bytes, uint64_t offset, uint32_t length, uint64_t seq,
                        bool check_crc) {
    if (length < kFrameHeaderBytes || length > page_bytes - offset) return false;
    const auto& header = *reinterpret_cast<const FrameHeader*>(page + offset);
    if (header.seq != seq || (header.count == 0 && header.type != kPageEnd)) return false;
    // By `length`, the word that was loaded with acquire, and not by the one in the header.
    return !check_crc ||
           header.crc32c == crc32c_with_trailer(page + offset + kFrameHeaderBytes, length - kFrameHeaderBytes,
                                                page + offset + kFrameCrcFrom);
}
// What is wrong with the frame at `offset` of a page ("" if nothing): its length, its seq and, if asked for, its CRC.
// `length` is the value of its length word, loaded with acquire.
std::string frame_damage(const std::byte* page, uint64_t page_bytes, uint64_t offset, uint32_t length, uint64_t seq,
                         bool check_crc);

}  // namespace gcg
