// What a long journal costs: how many of its page files are opened. Times are measured elsewhere.

#ifdef __linux__

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <string_view>

#include "check.h"
#include "gcg/page.h"
#include "gcg/prune.h"
#include "payload.h"

using namespace gcg;
using namespace check;

namespace {

// Counts how often page files of a folder are opened, by whomever.
class Watch {
 public:
    explicit Watch(const std::string& folder) : watch_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        if (!watch_ || inotify_add_watch(watch_.descriptor(), folder.c_str(), IN_OPEN) < 0)
            throw Failure("cannot watch " + folder);
    }
    // Since the last call.
    [[nodiscard]] uint64_t opened() const {
        alignas(inotify_event) std::array<char, 65536> events;
        uint64_t count = 0;
        for (ssize_t bytes; (bytes = read(watch_.descriptor(), events.data(), events.size())) > 0;) {
            for (const char* at = events.data(); at < events.data() + bytes;) {
                const auto* event = reinterpret_cast<const inotify_event*>(at);
                if (event->len > 0 && std::string_view(event->name).ends_with(".page")) ++count;
                at += sizeof(inotify_event) + event->len;
            }
        }
        return count;
    }

 private:
    File watch_;
};

struct Cost {
    uint64_t pages = 0, open = 0, end = 0, seek_seq = 0, seek_time = 0, begin = 0, prune = 0;
};

Cost cost_of(uint64_t frames) {
    Folder folder;
    int64_t middle_ns = 0;
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = kMinPageBytes, .owner = "test"});
        for (uint64_t counter = 0; counter < frames; ++counter) {
            const Appended appended = append_stamped(*bus, Lane::market, 1, counter, 4000);
            if (counter == frames / 2) middle_ns = appended.time_ns;
        }
    }
    const std::string lane = folder.bus() + "/market";
    Cost cost;
    cost.pages = list_pages(lane).size();
    const Watch watch(lane);
    auto bus = Bus::open(folder.bus(), {.create = false, .read_only = true});
    cost.open = watch.opened();
    auto reader = bus->reader("", false, false);
    cost.end = watch.opened();
    FrameView frame;
    for (const uint64_t seq : {uint64_t{2}, frames / 3, frames / 2, frames - 1}) {
        reader->seek_seq(Lane::market, seq);
        CHECK(reader->next(frame) && frame.header->seq == seq);
        cost.seek_seq = std::max(cost.seek_seq, watch.opened());
    }
    reader->seek_time(middle_ns);
    CHECK(reader->next(frame) && frame.header->time_ns == middle_ns);
    cost.seek_time = watch.opened();
    reader->seek_begin();
    cost.begin = watch.opened();
    CHECK(prune(folder.bus(), {.before_ns = 1}).removed.empty());
    cost.prune = watch.opened();
    return cost;
}

}  // namespace

TEST(opening_and_seeking_cost_a_long_journal_no_more_than_a_short_one) {
    const Cost brief = cost_of(60), lengthy = cost_of(1500);
    CHECK(brief.pages < 25 && lengthy.pages > 480);
    for (const Cost& cost : {brief, lengthy}) {
        // Up to four prepared pages lie behind the current one.
        CHECK(cost.open <= 4 + 4 && cost.end <= 4 && cost.prune <= 8 + 4);
        const auto steps = static_cast<uint64_t>(std::ceil(std::log2(static_cast<double>(cost.pages))));
        CHECK(cost.seek_seq <= steps + 6);
        CHECK(cost.seek_time <= steps + 6);
        CHECK(cost.begin <= steps + 6);
    }
}

#endif
