#include "gcg/prune.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "bus_impl.h"
#include "gcg/clock.h"
#include "gcg/crc32c.h"
#include "gcg/page.h"
#include "gcg/reader_file.h"

namespace gcg {
namespace {

// A page's header as its file has it; false if it is gone, not in use, or damaged.
bool read_begin(const PageKind& kind, uint64_t index, PageHeader& header) {
    const std::string path = kind.path(index);
    const File file = File::try_open(path, O_RDONLY);
    if (!file || read_some(file, &header, sizeof header, 0, path) < sizeof header || header.first_seq == 0)
        return false;
    const auto* bytes = reinterpret_cast<const std::byte*>(&header);
    return header.begin_crc == crc32c(0, bytes + kPageBeginFrom, kPageBeginBytes);
}

// The pages of one lane before the one that is written to, oldest first.
class LanePages {
 public:
    explicit LanePages(LaneJournal& journal) : kind_(journal.kind()) {
        const uint64_t current = journal.current_page();  // before the listing: a page in use by then is listed
        indices_ = list_pages(kind_.folder);
        total_ = indices_.size();
        while (!indices_.empty() && indices_.back() > current) indices_.pop_back();
        load();
    }

    [[nodiscard]] uint64_t total_bytes() const { return total_ * kind_.page_bytes; }
    [[nodiscard]] const PageKind& kind() const { return kind_; }
    // The oldest page that was not passed; nullptr if only the one that is written to is left, or none tells its age.
    [[nodiscard]] const PrunedPage* oldest() const { return there_ ? &page_ : nullptr; }
    void pass() {
        ++at_;
        load();
    }

 private:
    // The page's end is where the next one begins that is not damaged.
    void load() {
        there_ = false;
        if (at_ + 1 >= indices_.size()) return;
        PageHeader begin{}, end{};
        const bool known = read_begin(kind_, indices_[at_], begin);
        std::size_t next = at_ + 1;
        while (next < indices_.size() && !read_begin(kind_, indices_[next], end)) ++next;
        if (next == indices_.size()) return;
        page_ = {kind_.lane, indices_[at_], kind_.page_bytes, known ? begin.first_seq : 0, end.first_seq, 0, 0};
        page_.first_ns = known ? begin.first_ns : end.first_ns;
        page_.last_ns = end.first_ns;
        there_ = true;
    }

    const PageKind& kind_;
    std::vector<uint64_t> indices_;
    std::size_t total_ = 0;
    std::size_t at_ = 0;
    PrunedPage page_{};
    bool there_ = false;
};

using Lanes = std::array<LanePages, kLanes>;

// What the limits choose, oldest first over all lanes.
std::vector<PrunedPage> choose(Lanes& lanes, const PruneOptions& options, uint64_t bytes) {
    std::vector<PrunedPage> chosen;
    for (;;) {
        LanePages* oldest = nullptr;
        for (LanePages& lane : lanes)
            if (lane.oldest() && (!oldest || lane.oldest()->last_ns < oldest->oldest()->last_ns)) oldest = &lane;
        if (!oldest) return chosen;
        const PrunedPage& page = *oldest->oldest();
        if (page.last_ns >= options.before_ns && bytes <= options.keep_bytes) return chosen;
        bytes -= page.bytes;
        chosen.push_back(page);
        oldest->pass();
    }
}

// Who needs what, the durable readers included.
std::vector<PruneFloor> floors_of(Bus::Impl& bus, const PruneOptions& options, std::vector<SilentReader>& silent) {
    std::vector<PruneFloor> floors = options.floors;
    const BusContext& context = *bus.context;
    const uint32_t epoch = context.state.epoch.load(std::memory_order_relaxed);  // relaxed: set on opening
    for (const DurableCursor& reader : list_cursors(context.folder, context.meta.bus_id)) {
        if (!reader.alive && now_ns() - reader.updated_ns >= options.silence_ns) {
            silent.push_back({reader.name, reader.updated_ns});
            continue;
        }
        for (int lane = 0; lane < kLanes; ++lane) {
            if ((reader.mask >> lane & 1) == 0) continue;
            // After a cut it needs what was written since, from the cut on.
            const LaneReader pages(*bus.lanes[static_cast<std::size_t>(lane)]);
            const uint64_t seq = reader.committed[lane];
            const bool older = reader.epoch != 0 && reader.epoch < epoch;
            floors.push_back(
                {reader.name, static_cast<Lane>(lane), older ? pages.kept(reader.epoch, epoch, seq) : seq});
        }
    }
    return floors;
}

// Note who keeps the page; false if nobody does. `held` is parallel to `floors`.
bool hold(const PrunedPage& page, const std::vector<PruneFloor>& floors, std::vector<PruneHold>& held) {
    bool needed = false;
    for (std::size_t at = 0; at < floors.size(); ++at) {
        if (floors[at].lane != page.lane || page.end_seq <= floors[at].seq) continue;
        held[at].pages += 1;
        held[at].bytes += page.bytes;
        needed = true;
    }
    return needed;
}

// A power loss must not take the pages that went and the begin of the one that stays.
void sync_begin(const PageKind& kind, uint64_t index) {
    const std::string path = kind.path(index);
    const File file = File::try_open(path, O_RDONLY);
    if (file) Mapping(file, kPageHeaderBytes, false, path).sync(0, kPageHeaderBytes, path);
}

// Remove pages of one lane, oldest first: killed in between, they are the oldest ones that are missing.
void remove_pages(const PageKind& kind, const std::vector<PrunedPage>& pages, std::vector<PrunedPage>& removed) {
    if (pages.empty()) return;
    const auto listed = list_pages(kind.folder);
    const auto stays = std::upper_bound(listed.begin(), listed.end(), pages.back().index);
    if (stays != listed.end()) sync_begin(kind, *stays);
    sync_folder(kind.folder);
    for (const PrunedPage& page : pages) {
        if (unlink(kind.path(page.index).c_str()) == 0) {
            removed.push_back(page);
        } else if (errno != ENOENT) {  // else somebody else prunes, too
            throw_errno("remove", kind.path(page.index), errno);
        }
    }
    sync_folder(kind.folder);
}

}  // namespace

PruneReport prune(const std::string& folder, const PruneOptions& options) {
    // Open like everybody else: nobody else takes himself for alone and recovers the lanes meanwhile.
    const auto bus = open_bus(folder, {.world = World{}, .owner = "prune", .create = false, .read_only = true});
    PruneReport report;
    const auto floors = floors_of(*bus, options, report.silent);
    Lanes lanes{LanePages(*bus->lanes[0]), LanePages(*bus->lanes[1]), LanePages(*bus->lanes[2])};
    for (const LanePages& lane : lanes) report.bytes_before += lane.total_bytes();

    std::vector<PruneHold> held;
    for (const PruneFloor& floor : floors) held.push_back({floor.name, floor.lane, floor.seq});
    std::array<std::vector<PrunedPage>, kLanes> free;
    for (const PrunedPage& page : choose(lanes, options, report.bytes_before))
        if (!hold(page, floors, held)) free[static_cast<std::size_t>(page.lane)].push_back(page);
    for (PruneHold& one : held)
        if (one.pages > 0) report.held.push_back(std::move(one));

    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
        if (options.dry_run) {
            report.removed.insert(report.removed.end(), free[lane].begin(), free[lane].end());
        } else {
            remove_pages(lanes[lane].kind(), free[lane], report.removed);
        }
    }
    report.bytes_after = report.bytes_before;
    for (const PrunedPage& page : report.removed) report.bytes_after -= page.bytes;
    return report;
}

}  // namespace gcg
