// Copying a slice of a bus, and saving what is whole of a damaged one.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "bus_impl.h"
#include "check.h"
#include "child.h"
#include "gcg/copy.h"
#include "gcg/crc32c.h"
#include "gcg/page.h"
#include "gcg/state.h"
#include "payload.h"

using namespace gcg;
using namespace check;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kPageBytes = 16384;
constexpr uint64_t kFrameBytes = align8(kFrameHeaderBytes + sizeof(Stamp) + 1000);
constexpr uint64_t kEach = (kPageBytes - kPageHeaderBytes) / kFrameBytes;  // frames a page

std::shared_ptr<Bus> open(const std::string& folder, bool read_only = false) {
    return Bus::open(folder, {.world = read_only ? World{} : World::paper,
                              .sync = SyncPolicy::none,
                              .page_bytes = kPageBytes,
                              .owner = "test",
                              .read_only = read_only});
}

std::string page_file(const Folder& folder, int index) {
    char name[64];
    std::snprintf(name, sizeof name, "/market/%010d.page", index);
    return folder.bus() + name;
}

void patch(const std::string& path, uint64_t offset, const std::string& bytes) {
    write_all(File::open(path, O_RDWR), bytes.data(), bytes.size(), offset, path);
}

void flip(const std::string& path, uint64_t offset) {
    const File file = File::open(path, O_RDWR);
    char byte = 0;
    CHECK_EQUAL(read_some(file, &byte, 1, offset, path), 1u);
    byte = static_cast<char>(byte ^ 0x10);
    write_all(file, &byte, 1, offset, path);
}

struct Found {
    std::vector<FrameHeader> frames;
    uint64_t lost = 0, lost_at = 0;
};

// Every frame of the market lane, payloads checked; what was lost is counted, and seqs have no gap.
Found read_market(const std::string& folder) {
    auto bus = open(folder, true);
    CHECK(bus->epoch_reports().empty());
    auto reader = bus->reader("", false, true);
    reader->lanes(2);
    Found found;
    FrameView frame;
    for (uint64_t seq = reader->cursor().next_seq[1]; reader->next(frame); seq += frame.header->count) {
        CHECK_EQUAL(frame.header->seq, seq);
        if (frame.header->type == kLost) {
            CHECK_EQUAL(frame.payload_bytes, 0u);
            found.lost += frame.header->count;
            found.lost_at = seq;
            continue;
        }
        CHECK_EQUAL(check_payload(frame).counter, seq);
        found.frames.push_back(*frame.header);
    }
    return found;
}

void fill(Bus& bus, uint64_t from, uint64_t to) {
    for (uint64_t seq = from; seq < to; ++seq)
        CHECK_EQUAL(event_seq(append_stamped(bus, Lane::market, 1, seq, 1000).id), seq);
}

// A copy of the damaged bus: `lost` records are missing, all else is there.
CopyReport check_saved(const Folder& folder, uint64_t total, uint64_t lost) {
    const std::string target = folder.path + "/saved";
    const CopyReport report = copy_bus(folder.bus(), target, {});
    CHECK_EQUAL(report.lanes[1].lost, lost);
    const Found found = read_market(target);
    CHECK_EQUAL(found.lost, lost);
    CHECK_EQUAL(found.frames.size(), total - lost);
    uint64_t named = 0;
    for (const PageReport& page : inspect(target, true)) {
        CHECK_EQUAL(page.damage, std::string());
        named += page.lost.size();
        for (const auto& line : page.lost) CHECK(line.find(" records lost here") != std::string::npos);
    }
    CHECK_EQUAL(named, lost == 0 ? 0u : 1u);
    auto bus = open(target);
    CHECK_EQUAL(bus->head(Lane::market), total + 1);
    append_stamped(*bus, Lane::market, 1, total + 1, 10);
    bus.reset();
    CHECK_EQUAL(read_market(target).frames.size(), total - lost + 1);
    return report;
}

}  // namespace

TEST(copy_keeps_frames_tables_and_epochs_and_has_an_id_of_its_own) {
    Folder folder;
    auto bus = open(folder.bus());
    bus->add_instrument("BTC/USDT", "SIM", "terms");
    bus->add_source("collector");
    fill(*bus, 1, 100);
    bus->append(Lane::log, {.type = 7, .flags = 3, .cause = 99}, "log", 3);
    const CopyReport report = copy_bus(folder.bus(), folder.path + "/copy", {.world = World::replay});
    CHECK(report.holes.empty());
    CHECK_EQUAL(report.lanes[1].frames, 99u);
    CHECK_EQUAL(report.lanes[1].end_seq, 100u);
    CHECK_EQUAL(report.lanes[0].records, 0u);
    auto copy = open(folder.path + "/copy", true);
    CHECK(copy->world() == World::replay);
    CHECK(copy->id() != bus->id());
    CHECK_EQUAL(copy->epoch(), bus->epoch());
    CHECK_EQUAL(copy->find_instrument("BTC/USDT", "SIM"), 1u);
    CHECK_EQUAL(copy->source(1), "collector");
    for (const Lane lane : {Lane::control, Lane::market, Lane::log}) CHECK_EQUAL(copy->head(lane), bus->head(lane));
    auto left = bus->reader("", false, true), right = copy->reader("", false, true);
    FrameView one, other;
    while (left->next(one)) {
        CHECK(right->next(other));
        CHECK_EQUAL(one.payload_bytes, other.payload_bytes);
        CHECK(std::memcmp(one.header, other.header, kFrameHeaderBytes + one.payload_bytes) == 0);
    }
    CHECK(!right->next(other));
    for (const PageReport& page : inspect(folder.path + "/copy", true)) CHECK_EQUAL(page.damage, std::string());
}

TEST(slice_begins_and_ends_by_time_and_keeps_its_ids) {
    Folder folder;
    auto bus = open(folder.bus());
    std::vector<int64_t> times{0};
    for (uint64_t seq = 1; seq < 200; ++seq) times.push_back(append_stamped(*bus, Lane::market, 1, seq, 1000).time_ns);
    bus->append(Lane::control, {.type = 1}, "before", 6);
    const std::string target = folder.path + "/slice";
    copy_bus(folder.bus(), target, {.from_ns = times[50], .to_ns = times[150]});
    const Found found = read_market(target);
    CHECK_EQUAL(found.frames.front().seq, 50u);
    CHECK_EQUAL(found.frames.back().seq, 149u);
    auto copy = open(target);
    CHECK_EQUAL(event_seq(append_stamped(*copy, Lane::market, 1, 150, 1).id), 150u);
    // A lane with nothing in the slice goes on behind the seqs that the source gave.
    const std::string empty = folder.path + "/empty";
    copy_bus(folder.bus(), empty, {.from_ns = times.back() + 1'000'000'000'000});
    CHECK_EQUAL(open(empty)->head(Lane::market), 200u);
    CHECK_EQUAL(open(empty)->head(Lane::control), 2u);
    CHECK_EQUAL(open(empty)->head(Lane::log), 1u);
    CHECK_EQUAL(read_market(empty).frames.size(), 0u);
}

TEST(flipped_bytes_of_a_frame_cost_that_frame_only) {
    for (const uint64_t at : {0u, 5u, 9u, 20u, 44u, 60u, 1000u}) {
        Folder folder;
        fill(*open(folder.bus()), 1, 100);
        flip(page_file(folder, 2), kPageHeaderBytes + 3 * kFrameBytes + at);
        const CopyReport report = check_saved(folder, 99, 1);
        CHECK_EQUAL(report.holes.at(0).seq, kEach + 4);
        CHECK(report.holes[0].place.find("0000000002.page offset " +
                                         std::to_string(kPageHeaderBytes + 3 * kFrameBytes)) != std::string::npos);
    }
}

TEST(damaged_page_headers_markers_and_missing_pages_are_passed) {
    const auto damage = [](const std::function<void(const Folder&)>& how, uint64_t lost) {
        Folder folder;
        fill(*open(folder.bus()), 1, 100);
        how(folder);
        check_saved(folder, 99, lost);
    };
    damage([](const Folder& folder) { flip(page_file(folder, 2), 3); }, 0);
    damage([](const Folder& folder) { flip(page_file(folder, 2), 50); }, 0);
    damage([](const Folder& folder) { flip(page_file(folder, 2), 70); }, 0);
    damage([](const Folder& folder) { flip(page_file(folder, 1), 3); }, 0);
    damage([](const Folder& folder) { flip(page_file(folder, 2), kPageHeaderBytes + kEach * kFrameBytes + 10); }, 0);
    damage([](const Folder& folder) { fs::remove(page_file(folder, 3)); }, kEach);
    damage([](const Folder& folder) { fs::resize_file(page_file(folder, 3), kPageHeaderBytes + 4 * kFrameBytes); },
           kEach - 4);
    damage([](const Folder& folder) { patch(page_file(folder, 2), 4096, std::string(4096, '\0')); }, 5);
    damage([](const Folder& folder) { patch(page_file(folder, 2), 0, std::string(kPageBytes, '\xee')); }, kEach);
    // The last page's tail: the lane's state says how far it went.
    damage([](const Folder& folder) { flip(page_file(folder, 7), kPageHeaderBytes + 8 * kFrameBytes + 60); }, 1);
    damage([](const Folder& folder) { fs::remove(page_file(folder, 7)); }, 99 - 6 * kEach);
}

TEST(random_damage_never_yields_a_wrong_frame) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 15; ++round) {
        Folder folder;
        fill(*open(folder.bus()), 1, 100);
        for (int hit = 0; hit < 6; ++hit) {
            const std::string path = page_file(folder, static_cast<int>(1 + random() % 7));
            std::string bytes(1 + random() % 300, '\0');
            for (char& byte : bytes) byte = static_cast<char>(random());
            patch(path, random() % (kPageBytes - bytes.size()), bytes);
        }
        const std::string target = folder.path + "/saved";
        const CopyReport report = copy_bus(folder.bus(), target, {});
        const Found found = read_market(target);
        CHECK_EQUAL(found.frames.size(), report.lanes[1].records);
        CHECK(found.frames.size() >= 99 - 6 * 2 && found.frames.size() <= 99);
        CHECK_EQUAL(found.lost, report.lanes[1].lost);
    }
}

TEST(pages_that_are_prepared_for_later_are_no_damage) {
    Folder folder;
    {
        auto bus = open(folder.bus());
        for (uint64_t counter = 1; counter <= kEach + 3; ++counter)
            append_stamped(*bus, Lane::market, 1, counter, 1000);
    }
    const PageKind kind = PageKind::of(folder.bus(), read_meta(folder.bus()), Lane::market);
    for (uint64_t index = 3; index < 7; ++index) Page::prepare(kind, index, "test");
    const CopyReport report = copy_bus(folder.bus(), folder.path + "/copy", {});
    CHECK(report.holes.empty());
    CHECK_EQUAL(report.lanes[1].records, kEach + 3);
    fs::remove(page_file(folder, 1));
    CHECK_EQUAL(copy_bus(folder.bus(), folder.path + "/second", {}).lanes[1].records, 3u);
}

TEST(copy_of_a_pruned_or_living_bus_ends_at_the_head_it_saw) {
    Folder folder;
    auto bus = open(folder.bus());
    fill(*bus, 1, 100);
    fs::remove(page_file(folder, 1));
    const CopyReport report = copy_bus(folder.bus(), folder.path + "/copy", {});
    CHECK(report.holes.empty());
    CHECK_EQUAL(report.lanes[1].first_seq, kEach + 1);
    CHECK_EQUAL(report.lanes[1].end_seq, 100u);
    CHECK_EQUAL(read_market(folder.path + "/copy").frames.size(), 99 - kEach);
}

TEST(copy_of_a_copy_keeps_what_was_lost) {
    Folder folder;
    fill(*open(folder.bus()), 1, 100);
    fs::remove(page_file(folder, 3));
    copy_bus(folder.bus(), folder.path + "/one", {});
    const CopyReport report = copy_bus(folder.path + "/one", folder.path + "/two", {});
    CHECK(report.holes.empty());
    CHECK_EQUAL(report.lanes[1].records, 99 - kEach);
    CHECK_EQUAL(read_market(folder.path + "/two").lost, kEach);
}

TEST(damaged_description_and_tables_do_not_stop_a_copy) {
    Folder folder;
    {
        auto bus = open(folder.bus());
        for (const char* symbol : {"A", "B", "C"}) bus->add_instrument(symbol, "SIM", "terms");
        bus->change_instrument(1, "newer");
        fill(*bus, 1, 20);
    }
    flip(folder.bus() + "/bus.meta", 20);
    flip(folder.bus() + "/instruments.table", 2 * 512 + 30);
    flip(folder.bus() + "/instruments.table", 5);
    const CopyReport report = copy_bus(folder.bus(), folder.path + "/saved", {});
    CHECK_EQUAL(report.lanes[1].records, 19u);
    CHECK_EQUAL(report.repairs.size(), 2u);
    CHECK(report.repairs[0].find("row 2 of ") == 0 && report.repairs[0].find("is called #2") != std::string::npos);
    CHECK(report.repairs[1].find("bus.meta") != std::string::npos);
    CHECK_EQUAL(read_market(folder.path + "/saved").frames.size(), 19u);
    auto bus = open(folder.path + "/saved");
    CHECK_EQUAL(bus->find_instrument("A", "SIM"), 1u);
    CHECK_EQUAL(bus->find_instrument("#2", ""), 2u);
    CHECK_EQUAL(bus->find_instrument("C", "SIM"), 3u);
    InstrumentRow row;
    CHECK(bus->instrument(1, row) && row.terms == "newer");
    CHECK_EQUAL(bus->add_instrument("D", "SIM", ""), 5u);
    fs::remove_all(folder.bus() + "/control");
    CHECK_EQUAL(copy_bus(folder.bus(), folder.path + "/again", {}).lanes[1].records, 19u);
}

TEST(copy_without_room_says_so_and_leaves_nothing) {
    Folder folder;
    {
        auto bus = open(folder.bus());
        bus->add_instrument("A", "SIM", "");
        fill(*bus, 1, 100);
    }  // its threads are gone before the forks: what one of them had locked would stay so in a child
    const auto copy_within = [&](uint64_t limit) {
        Child child([&](int) {
            const rlimit room{limit, limit};
            CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &room), 0);
            CHECK_FAULT(Fault::full, "make room", copy_bus(folder.bus(), folder.path + "/copy", {}));
        });
        CHECK_EQUAL(child.wait(), 0);
        CHECK(!fs::exists(folder.path + "/copy") && !fs::exists(folder.path + "/copy.part"));
    };
    copy_within(kPageBytes / 2);  // no room for a page
    copy_within(kPageBytes * 2);  // pages, but not the table
}

TEST(copy_refuses_what_is_there_and_leaves_nothing_half_done) {
    Folder folder;
    fill(*open(folder.bus()), 1, 20);
    CHECK_FAULT(Fault::argument, "exists already", copy_bus(folder.bus(), folder.bus(), {}));
    CHECK_FAULT(Fault::argument, "there is no bus in", copy_bus(folder.path + "/none", folder.path + "/copy", {}));
    fs::create_directory(folder.path + "/copy.part");
    CHECK_FAULT(Fault::argument, "interrupted copy left", copy_bus(folder.bus(), folder.path + "/copy", {}));
    fs::remove(folder.path + "/copy.part");
    const File meta = File::open(page_file(folder, 1), O_RDWR);
    PageHeader header{};
    CHECK_EQUAL(read_some(meta, &header, sizeof header, 0, "page"), sizeof header);
    header.format = 9;
    header.crc = crc32c(0, &header, kPageCrcBytes);
    write_all(meta, &header, sizeof header, 0, "page");
    CHECK_FAULT(Fault::version, "frame format 9", copy_bus(folder.bus(), folder.path + "/copy", {}));
    CHECK(!fs::exists(folder.path + "/copy") && !fs::exists(folder.path + "/copy.part"));
}
