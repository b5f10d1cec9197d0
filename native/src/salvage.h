// The whole frames of one lane, in order, from a bus that is not opened and may be damaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gcg/file.h"
#include "gcg/page.h"

namespace gcg {

// Read BUS/bus.meta or, where that is damaged (`damage` becomes a sentence), what the first whole page says of the bus.
// Throws as read_meta() does if there is none.
BusMeta salvage_meta(const std::string& folder, std::string& damage);

class Salvage {
 public:
    // Frames from `head` on do not count (UINT64_MAX: as far as it goes). Pages that are wholly older than `from_ns`
    // are not looked at.
    Salvage(const PageKind& kind, uint64_t head, int64_t from_ns);

    // Return the next whole frame, or nullptr at the end; valid until the next call.
    [[nodiscard]] const FrameHeader* next();
    // Of the frame returned last.
    [[nodiscard]] uint32_t epoch() const { return epoch_; }
    // What was wrong before the frame returned last, or at the end; "" if nothing. A sentence with file, offset and
    // seq.
    [[nodiscard]] const std::string& damage() const { return damage_; }
    // The seq that the first frame should have; 0 if it is not known.
    [[nodiscard]] uint64_t first_seq() const { return first_seq_; }

 private:
    [[nodiscard]] bool open_page();
    void skip_older(int64_t from_ns);
    [[nodiscard]] bool whole(uint64_t offset, uint32_t length) const;
    // The offset of the next whole frame behind `offset`; 0 if there is none on this page.
    [[nodiscard]] uint64_t scan(uint64_t offset) const;
    [[nodiscard]] const FrameHeader* header(uint64_t offset) const;
    void note(uint64_t offset, const std::string& what);

    const PageKind& kind_;
    uint64_t head_;
    std::vector<uint64_t> pages_;  // listed at the start: what comes later is behind the head
    std::size_t next_page_ = 0;
    uint64_t index_ = 0;  // of the page that is mapped
    Mapping page_;
    uint64_t offset_ = 0;
    uint64_t expected_ = 0;  // no frame has a smaller seq
    uint64_t first_seq_ = 0;
    uint32_t epoch_ = 1;
    std::string damage_;
};

}  // namespace gcg
