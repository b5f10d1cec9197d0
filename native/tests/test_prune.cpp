// Removing old pages while others write and read.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include "check.h"
#include "child.h"
#include "gcg/clock.h"
#include "gcg/page.h"
#include "gcg/prune.h"
#include "gcg/reader_file.h"
#include "gcg/state.h"
#include "payload.h"

using namespace gcg;
using namespace check;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kPageBytes = 16384;
constexpr int64_t kEver = std::numeric_limits<int64_t>::max();

std::shared_ptr<Bus> open(const Folder& folder, SyncPolicy sync = SyncPolicy::none) {
    return Bus::open(folder.bus(), {.sync = sync, .page_bytes = kPageBytes, .owner = "test"});
}

void fill(Bus& bus, uint64_t from, uint64_t to, Lane lane = Lane::market) {
    for (uint64_t counter = from; counter < to; ++counter) append_stamped(bus, lane, 1, counter, 1000);
}

std::vector<uint64_t> pages(const Folder& folder, const char* lane = "market") {
    return list_pages(folder.bus() + "/" + lane);
}

// Read all there is; every payload right, seqs without a gap. Returns the first seq (0: nothing).
uint64_t read_all(BusReader& reader, uint64_t& count) {
    reader.lanes(2);
    FrameView frame;
    uint64_t first = 0;
    for (count = 0; reader.next(frame); ++count) {
        check_payload(frame);
        if (count == 0) first = frame.header->seq;
        CHECK_EQUAL(frame.header->seq, first + count);
    }
    return first;
}

void check_whole(const Folder& folder) {
    for (const PageReport& page : inspect(folder.bus(), true)) CHECK_EQUAL(page.damage, std::string());
}

ReaderRecord& record_of(const Folder& folder, const std::string& name) {
    const std::string path = folder.bus() + "/readers/" + name;
    const File file = File::open(path, O_RDWR);
    void* at = mmap(nullptr, kReaderFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
    CHECK(at != MAP_FAILED);
    return *static_cast<ReaderRecord*>(at);  // mapped until the process ends
}

}  // namespace

TEST(prune_without_a_limit_removes_nothing) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 100);
    const auto before = pages(folder);
    const PruneReport report = prune(folder.bus(), {});
    CHECK(report.removed.empty() && report.held.empty() && report.silent.empty());
    CHECK_EQUAL(report.bytes_before, report.bytes_after);
    const auto after = pages(folder);  // the keeper may have prepared more
    CHECK(std::includes(after.begin(), after.end(), before.begin(), before.end()));
    CHECK_FAULT(Fault::argument, "there is no bus in", prune(folder.path + "/nothing", {}));
}

TEST(prune_by_age_removes_pages_whose_frames_are_all_older) {
    Folder folder;
    auto bus = open(folder);
    std::vector<int64_t> times;
    for (uint64_t counter = 0; counter < 200; ++counter)
        times.push_back(append_stamped(*bus, Lane::market, 1, counter, 1000).time_ns);
    const PruneReport wanted = prune(folder.bus(), {.before_ns = times[99], .dry_run = true});
    CHECK(!wanted.removed.empty());
    CHECK_EQUAL(pages(folder).front(), 1u);
    const PruneReport report = prune(folder.bus(), {.before_ns = times[99]});
    CHECK_EQUAL(report.removed.size(), wanted.removed.size());
    CHECK_EQUAL(report.bytes_before - report.bytes_after, report.removed.size() * kPageBytes);
    uint64_t seq = 1;
    for (const PrunedPage& page : report.removed) {
        CHECK_EQUAL(page.first_seq, seq);
        CHECK(page.first_ns <= page.last_ns && page.last_ns < times[99]);
        seq = page.end_seq;
    }
    auto reader = bus->reader("", false, true);
    uint64_t count = 0;
    CHECK_EQUAL(read_all(*reader, count), seq);
    CHECK_EQUAL(count, 201 - seq);
    CHECK(seq <= 99 && times[seq - 1] <= times[99]);  // the record asked for is still there
    check_whole(folder);
}

TEST(current_page_always_stays) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 100);
    prune(folder.bus(), {.before_ns = kEver, .keep_bytes = 0});
    auto reader = bus->reader("", false, true);
    uint64_t count = 0;
    CHECK(read_all(*reader, count) > 80);
    fill(*bus, 100, 200);
    CHECK_EQUAL(read_all(*reader, count), 101u);
    CHECK_EQUAL(count, 100u);
    check_whole(folder);
}

TEST(prune_by_size_removes_the_oldest_over_all_lanes) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 60, Lane::log);
    fill(*bus, 0, 60, Lane::market);
    fill(*bus, 60, 120, Lane::log);
    bus->close();  // nobody prepares pages from here on
    const uint64_t files = pages(folder, "log").size() + pages(folder, "market").size();
    const PruneReport report = prune(folder.bus(), {.keep_bytes = (files - 6) * kPageBytes});
    CHECK_EQUAL(report.removed.size(), 6u);
    CHECK_EQUAL(report.bytes_after, (files - 6) * kPageBytes);
    // 15 frames a page: page 4 of the log ends when the last 60 frames begin, so it is the youngest of the older ones.
    CHECK_EQUAL(pages(folder, "log").front(), 4u);
    CHECK_EQUAL(pages(folder, "market").front(), 4u);
    check_whole(folder);
}

TEST(durable_reader_and_floor_keep_their_pages_and_are_named) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 100);
    {
        auto reader = bus->reader("recorder", true, true);
        FrameView frame;
        for (int round = 0; round < 50; ++round) CHECK(reader->next(frame));
        reader->commit();
        for (int round = 0; round < 20; ++round) CHECK(reader->next(frame));  // read, not committed
    }
    PruneOptions all{.before_ns = kEver, .floors = {{"snapshot of 'engine'", Lane::market, 30}}};
    PruneReport report = prune(folder.bus(), all);
    CHECK(!report.removed.empty() && report.removed.back().end_seq <= 30);
    CHECK_EQUAL(report.held.size(), 2u);
    CHECK_EQUAL(report.held[0].name, "snapshot of 'engine'");
    CHECK_EQUAL(report.held[0].seq, 30u);
    CHECK_EQUAL(report.held[1].name, "recorder");
    CHECK_EQUAL(report.held[1].seq, 51u);
    CHECK(report.held[0].pages > report.held[1].pages && report.held[1].pages > 0);
    all.floors.clear();
    report = prune(folder.bus(), all);
    CHECK(report.removed.back().end_seq <= 51);
    CHECK_EQUAL(report.held.size(), 1u);
    auto reader = bus->reader("recorder", true, true);
    uint64_t count = 0;
    CHECK_EQUAL(read_all(*reader, count), 51u);
    reader->commit();
    CHECK(prune(folder.bus(), all).held.empty());
}

TEST(durable_reader_that_is_gone_for_a_day_is_named_and_not_waited_for) {
    Folder folder;
    auto bus = open(folder);
    auto reader = bus->reader("page", true, true);
    fill(*bus, 0, 100);
    ReaderRecord& record = record_of(folder, "page");
    record.updated_ns.store(now_ns() - kReaderSilence - 1, std::memory_order_relaxed);
    PruneReport report = prune(folder.bus(), {.before_ns = kEver});
    CHECK(report.removed.empty() && report.silent.empty());  // it lives
    CHECK_EQUAL(report.held.at(0).name, "page");
    reader.reset();
    record.updated_ns.store(now_ns() - kReaderSilence / 2, std::memory_order_relaxed);
    CHECK(prune(folder.bus(), {.before_ns = kEver}).removed.empty());
    record.updated_ns.store(now_ns() - kReaderSilence - 1, std::memory_order_relaxed);
    report = prune(folder.bus(), {.before_ns = kEver});
    CHECK(!report.removed.empty() && report.held.empty());
    CHECK_EQUAL(report.silent.at(0).name, "page");
    CHECK(report.silent[0].updated_ns <= now_ns() - kReaderSilence);
    reader = bus->reader("page", true, true);  // back again: from the oldest that is there
    uint64_t count = 0;
    CHECK_EQUAL(read_all(*reader, count), report.removed.back().end_seq);
}

TEST(cursor_of_an_older_epoch_needs_the_lane_from_the_cut_on) {
    Folder folder;
    {
        auto bus = open(folder);
        fill(*bus, 0, 20);
        bus->sync();
        fill(*bus, 20, 60);
        auto reader = bus->reader("recorder", true, false);  // at seq 61
    }
    // Switched off: the bytes of page 3 never reached the disk, so the lane is cut before seq 61.
    const std::string path = folder.bus() + "/market/0000000003.page";
    fs::resize_file(path, 0);
    fs::resize_file(path, kPageBytes);
    const File state = File::open(folder.bus() + "/bus.state", O_RDWR);
    write_all(state, "another boot", 12, offsetof(BusState, boot_id), "bus.state");
    auto bus = open(folder);
    const uint64_t cut = bus->head(Lane::market);
    CHECK_EQUAL(bus->epoch(), 2u);
    CHECK(cut < 61);
    fill(*bus, cut, 200);
    const PruneReport report = prune(folder.bus(), {.before_ns = kEver});
    CHECK_EQUAL(report.held.at(0).seq, cut);
    CHECK(report.removed.back().end_seq <= cut);
}

TEST(reader_with_a_mapping_goes_on_and_one_before_a_gap_takes_the_oldest) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 100);
    auto mapped = bus->reader("", false, true);
    auto outside = Bus::open(folder.bus(), {.owner = "other"});
    auto fresh = outside->reader("", false, true);
    FrameView frame, held;
    CHECK(mapped->next(held));
    const auto page = mapped->page();
    const PruneReport report = prune(folder.bus(), {.before_ns = kEver});
    const uint64_t oldest = report.removed.back().end_seq;
    CHECK_EQUAL(check_payload(held).counter, 0u);
    uint64_t seq = 1, jumps = 0;
    while (mapped->next(frame)) {
        check_payload(frame);
        if (frame.header->seq != ++seq) {
            ++jumps;
            CHECK_EQUAL(frame.header->seq, oldest);
            seq = frame.header->seq;
        }
    }
    CHECK_EQUAL(jumps, 1u);
    CHECK_EQUAL(seq, 100u);
    CHECK_EQUAL(check_payload(held).counter, 0u);
    fresh->seek_seq(Lane::market, 2);  // no longer there
    CHECK_EQUAL(fresh->cursor().next_seq[1], oldest);
    fresh->seek_time(0);
    CHECK_EQUAL(fresh->cursor().next_seq[1], oldest);
}

TEST(page_prepared_again_after_it_was_pruned_stops_nobody) {
    Folder folder;
    auto bus = open(folder);
    fill(*bus, 0, 100);
    auto standing = bus->reader("", false, true);
    FrameView frame;
    CHECK(standing->next(frame));
    const PruneReport report = prune(folder.bus(), {.before_ns = kEver});
    const uint64_t oldest = report.removed.back().end_seq;
    // What a writer leaves that slept in map_window() while the page went into use, was left and was pruned.
    PageKind kind{folder.bus() + "/market", Lane::market, World::paper, kPageBytes, {}};
    const File file = File::open(kind.path(pages(folder).front()), O_RDONLY);
    PageHeader there{};
    CHECK_EQUAL(read_some(file, &there, sizeof there, 0, "page"), sizeof there);
    std::memcpy(kind.bus_id, there.bus_id, sizeof kind.bus_id);
    Page::prepare(kind, 2, "7");
    auto reader = bus->reader("", false, true);
    uint64_t count = 0;
    CHECK_EQUAL(read_all(*reader, count), oldest);
    reader->seek_seq(Lane::market, 1);
    CHECK_EQUAL(reader->cursor().next_seq[1], oldest);
    uint64_t seq = 1;
    while (standing->next(frame)) seq = frame.header->seq == seq + 1 ? seq + 1 : frame.header->seq;
    CHECK_EQUAL(seq, 100u);
    fill(*bus, 100, 200);
    prune(folder.bus(), {.before_ns = kEver});
    CHECK(pages(folder).front() > 2);  // gone like any old page
    check_whole(folder);
}

TEST(bus_recovers_after_pruning_and_power_loss) {
    for (const bool with_mark : {true, false}) {
        Folder folder;
        {
            auto bus = open(folder);
            fill(*bus, 0, 10);
            if (with_mark) bus->sync();  // the mark stays on page 1
            fill(*bus, 10, 200);
            CHECK(!prune(folder.bus(), {.before_ns = kEver}).removed.empty());
        }
        const File state = File::open(folder.bus() + "/bus.state", O_RDWR);
        write_all(state, "another boot", 12, offsetof(BusState, boot_id), "bus.state");
        auto bus = open(folder);
        CHECK_EQUAL(bus->epoch(), 2u);
        CHECK_EQUAL(bus->head(Lane::market), 201u);
        fill(*bus, 200, 300);
        auto reader = bus->reader("", false, true);
        uint64_t count = 0;
        CHECK(read_all(*reader, count) + count == 301);
        check_whole(folder);
    }
}

TEST(pruning_beside_writers_and_readers_loses_nothing_that_is_needed) {
    Folder folder;
    constexpr uint64_t kEach = 3000;
    Child writer(
        [&](int) {
            auto bus = open(folder);
            fill(*bus, 0, kEach);
        },
        Child::Start::on_go);
    auto bus = open(folder);
    auto reader = bus->reader("recorder", true, true);
    reader->lanes(2);
    writer.go();
    FrameView frame;
    uint64_t expected = 1, removed = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (expected <= kEach && seconds_since(begin) < 60) {
        reader->wait(0.1);
        while (reader->next(frame)) CHECK_EQUAL(frame.header->seq, expected++);
        reader->commit();
        removed += prune(folder.bus(), {.before_ns = kEver}).removed.size();
    }
    CHECK_EQUAL(expected, kEach + 1);
    CHECK_EQUAL(writer.wait(), 0);
    CHECK(removed > 100);
    check_whole(folder);
}

TEST(pruner_killed_at_any_moment_leaves_a_whole_bus) {
    uint64_t halfway = 0;
    for (int round = 0; halfway < 3 && round < 40; ++round) {
        Folder folder;
        {
            auto bus = open(folder);
            fill(*bus, 0, 2000);
        }
        const uint64_t total = pages(folder).size();
        Child pruner([&](int) { prune(folder.bus(), {.before_ns = kEver}); });
        const uint64_t enough = total - total * static_cast<uint64_t>(round % 6) / 6;
        const auto begin = std::chrono::steady_clock::now();
        while (pages(folder).size() >= enough && seconds_since(begin) < 20) {
        }
        pruner.signal(SIGKILL);
        pruner.wait();
        const auto left = pages(folder);
        if (left.size() > 1 && left.size() < total) ++halfway;
        for (std::size_t at = 1; at < left.size(); ++at) CHECK_EQUAL(left[at], left[at - 1] + 1);
        auto bus = open(folder);
        fill(*bus, 2000, 2010);
        auto reader = bus->reader("", false, true);
        uint64_t count = 0;
        CHECK_EQUAL(read_all(*reader, count) + count, 2011u);
        prune(folder.bus(), {.before_ns = kEver});
        CHECK(pages(folder).size() <= 6);  // the current one, the one before it, and four that may be prepared
        check_whole(folder);
    }
    CHECK(halfway > 0);
}
