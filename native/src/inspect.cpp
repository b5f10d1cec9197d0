// Walking a bus's pages without opening it: for `journal inspect` and `journal verify`.

#include <fcntl.h>

#include "bus_impl.h"
#include "gcg/page.h"

namespace gcg {
namespace {

std::string place(const PageReport& report, uint64_t seq) {
    return report.file + " offset " + std::to_string(report.used) + ", seq " + std::to_string(seq) + ": ";
}

// Step over the page's frames; `seq` goes along. Returns whether the page ended (by its marker or for want of room).
bool walk_frames(const Page& page, bool verify, PageReport& report, uint64_t& seq) {
    while (report.used + kFrameHeaderBytes <= report.bytes) {
        const std::byte* frame = page.data() + report.used;
        const uint32_t length = length_of(frame).load(std::memory_order_acquire);  // R1
        if (length == 0) return false;
        const auto damage = frame_damage(page.data(), report.bytes, report.used, length, seq, verify);
        if (!damage.empty()) {
            report.damage = place(report, seq) + damage;
            return true;
        }
        const auto& header = *reinterpret_cast<const FrameHeader*>(frame);
        if (header.type == kPageEnd) return true;
        if (header.type == kLost) {
            report.lost.push_back(place(report, seq) + std::to_string(header.count) + " records lost here");
        } else {
            if (report.frames++ == 0) report.first_ns = header.time_ns;
            report.last_ns = header.time_ns;
            report.records += header.count;
        }
        report.used += align8(length);
        seq += header.count;
    }
    return true;
}

// `seq` is the one expected (0: unknown, after damage) and becomes that of the next page.
PageReport inspect_page(const PageKind& kind, uint64_t index, bool verify, uint64_t& seq, bool& ended) {
    PageReport report;
    report.lane = kind.lane;
    report.index = index;
    report.file = kind.path(index);
    ended = true;
    try {
        const auto page = Page::open(kind, index, false);
        if (!page) return report;
        report.bytes = page->bytes();
        report.used = kPageHeaderBytes;
        report.first_seq = page->first_seq();
        ended = false;
        if (report.first_seq == 0) return report;  // prepared, not in use
        report.epoch = page->header().epoch;
        report.first_ns = report.last_ns = page->header().first_ns;
        report.damage = page->begin_damage();
        if (report.damage.empty() && seq != 0 && seq != report.first_seq)
            report.damage = report.file + " begins with seq " + std::to_string(report.first_seq) + " instead of " +
                            std::to_string(seq);
        seq = report.first_seq;
        ended = walk_frames(*page, verify, report, seq);
        if (!report.damage.empty()) seq = 0;
    } catch (const JournalError& error) {
        if (error.fault == Fault::version) throw;
        report.damage = error.what();
        seq = 0;
    }
    return report;
}

}  // namespace

std::vector<PageReport> inspect(const std::string& folder, bool verify) {
    const BusMeta meta = read_meta(folder);
    std::vector<PageReport> reports;
    for (int lane = 0; lane < kLanes; ++lane) {
        const PageKind kind = PageKind::of(folder, meta, static_cast<Lane>(lane));
        uint64_t seq = 0, before = 0;
        bool ended = true;
        for (const uint64_t index : list_pages(kind.folder)) {
            const bool gap = before != 0 && index != before + 1;
            const bool open_end = !ended;
            PageReport report = inspect_page(kind, index, verify, seq, ended);
            if (gap && report.damage.empty()) report.damage = "the page before " + report.file + " is missing";
            if (open_end && report.first_seq != 0 && report.damage.empty())
                report.damage = "the page before " + report.file + " ends without its end marker";
            before = index;
            reports.push_back(std::move(report));
        }
    }
    return reports;
}

}  // namespace gcg
