#include "mutation.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "gcg/crc32c.h"
#include "gcg/format.h"
#include "gcg/page.h"
#include "gcg/reader_file.h"
#include "gcg/state.h"
#include "gcg/tables.h"

namespace fuzz {
namespace {

using namespace gcg;

// A number of a file: where it lies and how wide it is.
struct Field {
    const char* name;
    std::size_t offset, bytes;
};
#define FIELD(Struct, member) {#member, offsetof(Struct, member), sizeof(Struct::member)}

constexpr Field kFrame[] = {FIELD(FrameHeader, length),  FIELD(FrameHeader, crc32c), FIELD(FrameHeader, seq),
                            FIELD(FrameHeader, time_ns), FIELD(FrameHeader, cause),  FIELD(FrameHeader, instrument),
                            FIELD(FrameHeader, type),    FIELD(FrameHeader, source), FIELD(FrameHeader, flags),
                            FIELD(FrameHeader, schema),  FIELD(FrameHeader, count)};
constexpr Field kPage[] = {FIELD(PageHeader, format),    FIELD(PageHeader, header_bytes), FIELD(PageHeader, page_bytes),
                           FIELD(PageHeader, world),     FIELD(PageHeader, lane),         FIELD(PageHeader, index),
                           FIELD(PageHeader, first_seq), FIELD(PageHeader, first_ns),     FIELD(PageHeader, epoch),
                           FIELD(PageHeader, begin_crc)};
constexpr Field kMeta[] = {FIELD(BusMeta, format), FIELD(BusMeta, world), FIELD(BusMeta, page_bytes),
                           FIELD(BusMeta, created_ns)};
constexpr Field kMark[] = {FIELD(SyncMark, serial), FIELD(SyncMark, page), FIELD(SyncMark, offset),
                           FIELD(SyncMark, next_seq), FIELD(SyncMark, last_ns)};
constexpr Field kLane[] = {{"lock", 64, 8},   {"commits", 128, 8},  {"page", 136, 8},   {"offset", 144, 8},
                           {"seq", 152, 8},   {"last_ns", 160, 8},  {"page 2", 168, 8}, {"offset 2", 176, 8},
                           {"seq 2", 184, 8}, {"last_ns 2", 192, 8}};
constexpr Field kBus[] = {FIELD(BusState, format), FIELD(BusState, epoch),      FIELD(BusState, clean),
                          FIELD(BusState, wake),   FIELD(BusState, wake_count), {"boot_id", 32, 8}};
constexpr Field kSlot[] = {FIELD(WriterSlot, generation), FIELD(WriterSlot, pid), {"owner", 12, 8}};
constexpr Field kTable[] = {FIELD(TableHeader, format), FIELD(TableHeader, row_bytes), FIELD(TableHeader, rows)};
constexpr Field kInstrument[] = {FIELD(InstrumentEntry, state),        FIELD(InstrumentEntry, number),
                                 FIELD(InstrumentEntry, symbol_bytes), FIELD(InstrumentEntry, venue_bytes),
                                 FIELD(InstrumentEntry, terms_bytes),  FIELD(InstrumentEntry, crc)};
constexpr Field kSource[] = {FIELD(SourceEntry, state), FIELD(SourceEntry, number), FIELD(SourceEntry, name_bytes)};
constexpr Field kReader[] = {FIELD(ReaderRecord, format), FIELD(ReaderRecord, durable), FIELD(ReaderRecord, pid),
                             FIELD(ReaderRecord, epoch),  FIELD(ReaderRecord, mask),    {"position", 56, 8},
                             {"committed", 80, 8},        {"committed 1", 88, 8}};

class Mutator {
 public:
    Mutator(Files& files, uint64_t seed) : files_(files), random_(seed) {}

    std::string run() {
        for (uint64_t count = 1 + below(4); count > 0; --count) one();
        return said_;
    }

 private:
    uint64_t below(uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
    bool one_in(uint64_t chance) { return below(chance) == 0; }

    void say(const std::string& name, const std::string& what) { said_ += "  " + name + ": " + what + "\n"; }

    // Pages and states are where the code is; the rest comes now and then.
    const std::string& pick() {
        std::vector<const std::string*> names;
        for (const auto& [name, bytes] : files_) {
            const bool page = name.ends_with(".page");
            const int weight = name == "bus.meta" || name == "locks" ? 1 : page ? 5 : 8;
            for (int copy = 0; copy < weight; ++copy) names.push_back(&name);
        }
        return *names[below(names.size())];
    }

    void one() {
        const std::string name = pick();
        std::string& bytes = files_[name];
        if (bytes.empty() || one_in(30)) return change_names(name);
        switch (below(8)) {
            case 0:
                return flip(name, bytes);
            case 1:
                return overwrite(name, bytes);
            case 2:
                return one_in(2) ? copy_block(name, bytes) : resize(name, bytes);
            default:
                return change_field(name, bytes);
        }
    }

    void flip(const std::string& name, std::string& bytes) {
        const std::size_t at = below(one_in(2) ? bytes.size() : std::min<std::size_t>(bytes.size(), 512));
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        say(name, "bit flipped at " + std::to_string(at));
    }

    void overwrite(const std::string& name, std::string& bytes) {
        const std::size_t at = below(bytes.size()) & ~std::size_t{3};
        const std::size_t count = std::min(bytes.size() - at, std::size_t{1} << below(13));
        const int value = one_in(2) ? 0 : one_in(2) ? 0xFF : -1;
        for (std::size_t byte = at; byte < at + count; ++byte)
            bytes[byte] = static_cast<char>(value < 0 ? random_() : static_cast<uint64_t>(value));
        say(name, std::to_string(count) + " bytes overwritten at " + std::to_string(at));
    }

    void copy_block(const std::string& name, std::string& bytes) {
        const std::string& from_name = pick();
        const std::string from = files_[from_name];
        if (from.empty()) return;
        const std::size_t unit = one_in(2) ? 4096 : 8;
        const std::size_t source = below(from.size()) / unit * unit;
        const std::size_t target = one_in(2) && source < bytes.size() ? source : below(bytes.size()) / unit * unit;
        const std::size_t count =
            std::min({from.size() - source, bytes.size() - target, one_in(2) ? std::size_t{4096} : below(2000)});
        bytes.replace(target, count, from, source, count);
        say(name, std::to_string(count) + " bytes of " + from_name + " at " + std::to_string(source) + " copied to " +
                      std::to_string(target));
    }

    void resize(const std::string& name, std::string& bytes) {
        const std::size_t size = one_in(3) ? bytes.size() + below(9000) : below(bytes.size() + 1);
        bytes.resize(size, one_in(2) ? '\0' : 'g');
        say(name, "resized to " + std::to_string(size));
    }

    void change_names(const std::string& name) {
        const std::string folder = name.substr(0, name.rfind('/') + 1);
        const char* const names[] = {"0000000001.page",
                                     "0000000002.page",
                                     "0000000009.page",
                                     "99999999999999999999.page",
                                     "4294967296.page",
                                     "0000000003.page.new-0",
                                     "lane.state",
                                     "store",
                                     "%"};
        const std::string other = folder + names[below(std::size(names))];
        const bool keep = one_in(2);
        if (keep || one_in(2)) files_[other] = files_[name];
        if (!keep && other != name) files_.erase(name);
        say(name, keep ? "copied to " + other : "gone");
    }

    // Set one of the numbers to something that may hurt.
    void set(std::string& bytes, std::size_t base, const Field& field, const std::string& name) {
        const std::size_t at = base + field.offset;
        if (at + field.bytes > bytes.size()) return;
        uint64_t value = 0;
        std::memcpy(&value, bytes.data() + at, field.bytes);
        const uint64_t values[] = {0,
                                   1,
                                   2,
                                   7,
                                   8,
                                   47,
                                   48,
                                   49,
                                   127,
                                   128,
                                   kPageBytes,
                                   kPageBytes - 8,
                                   kPageBytes - 48,
                                   kPageBytes + 1,
                                   INT32_MAX,
                                   UINT32_MAX,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   UINT64_MAX - 7,
                                   uint64_t{1} << 60,
                                   value + 1,
                                   value - 1,
                                   value + 8,
                                   value * 2,
                                   ~value,
                                   random_(),
                                   below(kPageBytes)};
        value = values[below(std::size(values))];
        std::memcpy(bytes.data() + at, &value, field.bytes);
        say(name, std::string(field.name) + " at " + std::to_string(at) + " set to " + std::to_string(value));
    }

    template <std::size_t kCount>
    void set_some(std::string& bytes, std::size_t base, const Field (&fields)[kCount], const std::string& name) {
        do set(bytes, base, fields[below(kCount)], name);
        while (one_in(3));
    }

    static void store_crc(std::string& bytes, std::size_t at, uint32_t crc) {
        if (at + sizeof crc <= bytes.size()) std::memcpy(bytes.data() + at, &crc, sizeof crc);
    }

    void change_field(const std::string& name, std::string& bytes) {
        const bool right_crc = one_in(2);
        if (name.ends_with(".page")) return change_page(name, bytes, right_crc);
        if (name == "bus.meta") {
            set_some(bytes, 0, kMeta, name);
            if (right_crc && bytes.size() >= sizeof(BusMeta)) store_crc(bytes, 48, crc32c(0, bytes.data(), 48));
        } else if (name.ends_with("lane.state")) {
            const std::size_t mark = offsetof(LaneState, marks) + below(2) * sizeof(SyncMark);
            if (one_in(2)) return set_some(bytes, 0, kLane, name);
            set_some(bytes, mark, kMark, name);
            if (right_crc && bytes.size() >= mark + sizeof(SyncMark))
                store_crc(bytes, mark + 40, crc32c(0, bytes.data() + mark, 40));
        } else if (name == "bus.state") {
            if (one_in(3)) return set_some(bytes, offsetof(BusState, slots) + 64 * below(kSlots), kSlot, name);
            set_some(bytes, 0, kBus, name);
        } else if (name == "instruments.table") {
            change_instrument(name, bytes, right_crc);
        } else if (name == "sources.table") {
            if (one_in(3)) return set_some(bytes, 0, kTable, name);
            set_some(bytes, 64 * (1 + below(8)), kSource, name);
        } else if (name.starts_with("readers/")) {
            set_some(bytes, 0, kReader, name);
        } else {
            flip(name, bytes);
        }
    }

    void change_instrument(const std::string& name, std::string& bytes, bool right_crc) {
        if (one_in(3)) return set_some(bytes, 0, kTable, name);
        const std::size_t row = 512 * (1 + below(8));
        set_some(bytes, row, kInstrument, name);
        if (!right_crc || bytes.size() < row + 512) return;
        const uint32_t crc = crc32c(0, bytes.data() + row + 4, 4);
        store_crc(bytes, row + 16, crc32c(crc, bytes.data() + row + 24, 512 - 24));
    }

    void change_page(const std::string& name, std::string& bytes, bool right_crc) {
        if (one_in(4)) {
            set_some(bytes, 0, kPage, name);
            if (!right_crc || bytes.size() < kPageHeaderBytes) return;
            store_crc(bytes, kPageCrcBytes, crc32c(0, bytes.data(), kPageCrcBytes));
            store_crc(bytes, 84, crc32c(0, bytes.data() + kPageBeginFrom, kPageBeginBytes));
            return;
        }
        std::vector<std::size_t> frames;
        for (std::size_t at = kPageHeaderBytes; at + kFrameHeaderBytes <= bytes.size();) {
            uint32_t length;
            std::memcpy(&length, bytes.data() + at, sizeof length);
            frames.push_back(at);
            if (length < kFrameHeaderBytes || length > bytes.size() - at) break;
            at += align8(length);
        }
        if (frames.empty()) return;
        const std::size_t at = one_in(3) ? frames.back() : frames[below(frames.size())];
        set_some(bytes, at, kFrame, name);
        FrameHeader header;
        std::memcpy(&header, bytes.data() + at, sizeof header);
        if (!right_crc || header.length < kFrameHeaderBytes || header.length > bytes.size() - at) return;
        store_crc(bytes, at + 4, frame_crc(header, bytes.data() + at + kFrameHeaderBytes));
    }

    Files& files_;
    std::mt19937_64 random_;
    std::string said_;
};

}  // namespace

std::string mutate(Files& files, uint64_t seed) {
    return Mutator(files, seed).run();
}

}  // namespace fuzz
