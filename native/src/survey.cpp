#include "gcg/survey.h"

#include <fcntl.h>

#include <algorithm>

#include "bus_impl.h"
#include "gcg/page.h"

namespace gcg {
namespace {

struct Begin {
    uint64_t index;
    uint64_t first_seq;
    int64_t first_ns;
};

// A place in a lane: bytes count as if pages had no headers.
struct Place {
    uint64_t bytes = 0;
    uint64_t seq = 0;
    int64_t last_ns = 0;  // of the frame before it on its page
};

// Step over a page's frames that were published before `until_ns`.
Place walk(const PageKind& kind, const Begin& begin, uint64_t nth, int64_t until_ns) {
    Place at{nth * (kind.page_bytes - kPageHeaderBytes), begin.first_seq, begin.first_ns};
    const auto page = Page::open(kind, begin.index, false);
    uint64_t offset = kPageHeaderBytes;
    while (page && offset + kFrameHeaderBytes <= kind.page_bytes) {
        const std::byte* frame = page->data() + offset;
        const uint32_t length = length_of(frame).load(std::memory_order_acquire);  // R1
        const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
        if (length == 0 || !frame_whole(page->data(), kind.page_bytes, offset, length, at.seq, false)) break;
        if (header.type == kPageEnd || header.time_ns >= until_ns) break;
        offset += align8(length);
        at.seq += header.count;
        at.last_ns = header.time_ns;
    }
    at.bytes += offset - kPageHeaderBytes;
    return at;
}

LaneSurvey survey_lane(const PageKind& kind, int64_t since_ns) {
    LaneSurvey lane;
    lane.lane = kind.lane;
    std::vector<Begin> begins;
    for (const uint64_t index : list_pages(kind.folder)) {
        const std::string path = kind.path(index);
        const File file = File::try_open(path, O_RDONLY);
        if (!file) continue;  // pruned meanwhile
        const uint64_t bytes = file.size(path);
        lane.pages += 1;
        lane.file_bytes += bytes;
        PageHeader header{};
        try {
            if (read_some(file, &header, sizeof header, 0, path) < sizeof header)
                throw JournalError(Fault::corrupt, path + " is shorter than a page header");
            check_page_header(header, kind, index, bytes);
        } catch (const JournalError& error) {
            lane.damage.emplace_back(error.what());
            continue;
        }
        if (header.first_seq == 0) continue;
        begins.push_back({index, header.first_seq, header.first_ns});
        if (lane.epochs.empty() || lane.epochs.back().epoch != header.epoch)
            lane.epochs.push_back({header.epoch, header.first_seq, header.first_ns});
    }
    if (begins.empty()) return lane;
    const Place end = walk(kind, begins.back(), begins.size() - 1, INT64_MAX);
    const auto younger = std::partition_point(begins.begin() + 1, begins.end(),
                                              [since_ns](const Begin& begin) { return begin.first_ns < since_ns; });
    const auto nth = static_cast<std::size_t>(younger - begins.begin()) - 1;
    const Place since = walk(kind, begins[nth], nth, since_ns);
    lane.used_bytes = end.bytes;
    lane.first_seq = begins.front().first_seq;
    lane.end_seq = end.seq;
    lane.first_ns = begins.front().first_ns;
    lane.last_ns = end.last_ns;
    lane.recent = end.seq - std::min(end.seq, since.seq);
    lane.recent_bytes = end.bytes - std::min(end.bytes, since.bytes);
    return lane;
}

}  // namespace

std::vector<LaneSurvey> survey(const std::string& folder, int64_t since_ns) {
    const BusMeta meta = read_meta(folder);
    std::vector<LaneSurvey> lanes;
    for (int lane = 0; lane < kLanes; ++lane)
        lanes.push_back(survey_lane(PageKind::of(folder, meta, static_cast<Lane>(lane)), since_ns));
    return lanes;
}

}  // namespace gcg
