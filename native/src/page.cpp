#include "gcg/page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "gcg/crc32c.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace gcg {

static_assert(kFrameHeaderBytes - kFrameCrcFrom == kCrcTrailerBytes);

PageKind PageKind::of(const std::string& bus_folder, const BusMeta& meta, Lane lane) {
    PageKind kind{bus_folder + "/" + lane_name(lane), lane, static_cast<World>(meta.world), meta.page_bytes, {}};
    std::memcpy(kind.bus_id, meta.bus_id, sizeof kind.bus_id);
    return kind;
}

std::string PageKind::path(uint64_t index) const {
    char name[32];
    std::snprintf(name, sizeof name, "/%010llu.page", static_cast<unsigned long long>(index));
    return folder + name;
}

uint64_t page_index(const std::string& file_name) {
    constexpr std::string_view ending = ".page";
    if (file_name.size() < 10 + ending.size() || !file_name.ends_with(ending)) return 0;
    uint64_t index = 0;
    for (std::size_t at = 0; at < file_name.size() - ending.size(); ++at) {
        if (file_name[at] < '0' || file_name[at] > '9') return 0;
        index = index * 10 + static_cast<uint64_t>(file_name[at] - '0');
    }
    return index;
}

std::vector<uint64_t> list_pages(const std::string& folder) {
    std::vector<uint64_t> indices;
    std::error_code code;
    std::filesystem::directory_iterator entries(folder, code);
    if (code) throw_errno("list", folder, code.value());
    for (const auto& entry : entries)
        if (const uint64_t index = page_index(entry.path().filename().string())) indices.push_back(index);
    std::sort(indices.begin(), indices.end());
    return indices;
}

void check_page_header(const PageHeader& header, const PageKind& kind, uint64_t index, uint64_t file_bytes) {
    const std::string path = kind.path(index);
    if (std::all_of(std::begin(header.magic), std::end(header.magic), [](char byte) { return byte == 0; }))
        throw JournalError(Fault::corrupt, path + " offset 0: the page header never reached the disk");
    if (std::memcmp(header.magic, kPageMagic, sizeof kPageMagic) != 0)
        throw JournalError(Fault::corrupt, path + " is not a journal page: its first bytes are not GCGPAGE");
    if (header.format != kFrameFormat)
        throw JournalError(Fault::version, path + " has frame format " + std::to_string(header.format) +
                                               ", this program reads format " + std::to_string(kFrameFormat) +
                                               ": use the program version that wrote it");
    if (header.crc != crc32c(0, &header, kPageCrcBytes))
        throw JournalError(Fault::corrupt, path + " offset 0: the page header's CRC is wrong");
    if (header.header_bytes != kPageHeaderBytes || header.page_bytes != kind.page_bytes ||
        header.lane != static_cast<uint32_t>(kind.lane) || header.world != static_cast<uint32_t>(kind.world) ||
        header.index != index || std::memcmp(header.bus_id, kind.bus_id, sizeof kind.bus_id) != 0)
        throw JournalError(Fault::corrupt, path + " offset 0: the page belongs to another bus, lane or place");
    if (file_bytes != kind.page_bytes)
        throw JournalError(Fault::corrupt, path + " has " + std::to_string(file_bytes) + " bytes instead of " +
                                               std::to_string(kind.page_bytes));
}

std::shared_ptr<Page> Page::open(const PageKind& kind, uint64_t index, bool writable) {
    std::string path = kind.path(index);
    const File file = File::try_open(path, writable ? O_RDWR : O_RDONLY);
    if (!file) return nullptr;
    PageHeader header{};
    if (read_some(file, &header, sizeof header, 0, path) < sizeof header)
        throw JournalError(Fault::corrupt, path + " is shorter than a page header");
    const uint64_t bytes = file.size(path);
    check_page_header(header, kind, index, bytes);
    return std::shared_ptr<Page>(new Page(Mapping(file, bytes, writable, path), index, std::move(path)));
}

void Page::prepare(const PageKind& kind, uint64_t index, const std::string& tag) {
    const std::string path = kind.path(index);
    if (access(path.c_str(), F_OK) == 0) return;
    PageHeader header{};
    std::memcpy(header.magic, kPageMagic, sizeof kPageMagic);
    header.format = kFrameFormat;
    header.header_bytes = kPageHeaderBytes;
    header.page_bytes = kind.page_bytes;
    header.world = static_cast<uint32_t>(kind.world);
    header.lane = static_cast<uint32_t>(kind.lane);
    header.index = index;
    std::memcpy(header.bus_id, kind.bus_id, sizeof header.bus_id);
    header.crc = crc32c(0, &header, kPageCrcBytes);

    const std::string temporary = path + ".new-" + tag;
    try {
        const File file = File::open(temporary, O_RDWR | O_CREAT | O_TRUNC);
        allocate(file, kind.page_bytes, path);
        write_all(file, &header, sizeof header, 0, path);
    } catch (...) {
        unlink(temporary.c_str());
        throw;
    }
    put_in_place(temporary, path);  // false: another process was faster, and its page is as good
}

void Page::begin(uint64_t first_seq, int64_t first_ns, uint32_t epoch) {
    // relaxed: only the lane's lock holder writes it
    if (first_seq_of(data()).load(std::memory_order_relaxed) != 0) return;
    auto& header = *reinterpret_cast<PageHeader*>(data());
    header.first_ns = first_ns;
    header.epoch = epoch;
    PageHeader copy = {};
    copy.first_seq = first_seq;
    copy.first_ns = first_ns;
    copy.epoch = epoch;
    header.begin_crc = crc32c(0, reinterpret_cast<const std::byte*>(&copy) + kPageBeginFrom, kPageBeginBytes);
    // P0: pairs with P1 in first_seq(); publishes first_ns, epoch and begin_crc.
    first_seq_of(data()).store(first_seq, std::memory_order_release);
}

std::string Page::begin_damage() const {
    const uint32_t crc = crc32c(0, data() + kPageBeginFrom, kPageBeginBytes);
    if (crc == header().begin_crc) return "";
    return path_ + " offset " + std::to_string(kPageBeginFrom) + ": the CRC of the page's begin is wrong";
}

void Page::populate(uint64_t from, uint64_t to) const {
    const uint64_t step = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    from -= from % step;
    to = std::min(bytes(), to);
#ifdef __linux__
    // Refused by kernels before 5.14: then the first writes fault, which is slower and still right.
    if (from < to) madvise(data() + from, to - from, MADV_POPULATE_WRITE);
#endif
}

uint32_t frame_crc(const FrameHeader& header, const void* payload) {
    return crc32c_with_trailer(payload, header.length - kFrameHeaderBytes,
                               reinterpret_cast<const std::byte*>(&header) + kFrameCrcFrom);
}

std::string frame_damage(const std::byte* page, uint64_t page_bytes, uint64_t offset, uint32_t length, uint64_t seq,
                         bool check_crc) {
    if (length < kFrameHeaderBytes || length > page_bytes - offset)
        return "its length is " + std::to_string(length) + " bytes";
    const auto& header = *reinterpret_cast<const FrameHeader*>(page + offset);
    if (header.seq != seq) return "it has seq " + std::to_string(header.seq);
    if (header.type != kPageEnd && header.count == 0) return "it holds no record";
    if (check_crc && header.crc32c != frame_crc(header, page + offset + kFrameHeaderBytes)) return "its CRC is wrong";
    return "";
}

}  // namespace gcg
