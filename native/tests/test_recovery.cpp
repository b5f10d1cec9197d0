// Power loss, damage, full disks, other formats.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>

#include "check.h"
#include "child.h"
#include "files.h"
#include "gcg/crc32c.h"
#include "gcg/state.h"
#include "payload.h"

using namespace gcg;
using namespace check;
namespace fs = std::filesystem;

namespace {

// The number of frames of the market lane; throws at damage.
uint64_t count_frames(Bus& bus) {
    auto reader = bus.reader("", false, true);
    reader->lanes(2);
    FrameView frame;
    uint64_t count = 0;
    for (; reader->next(frame); ++count) check_payload(frame);
    return count;
}

void fill(Bus& bus, uint64_t from, uint64_t to, uint32_t extra) {
    for (uint64_t counter = from; counter < to; ++counter) append_stamped(bus, Lane::market, 1, counter, extra);
}

constexpr uint64_t kFrameBytes = align8(kFrameHeaderBytes + sizeof(Stamp) + 100);

}  // namespace

TEST(whole_lane_after_power_loss_gets_a_new_epoch_and_loses_nothing) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 150, 100);
    }
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->epoch(), 2u);
    CHECK_EQUAL(bus->epoch_reports().size(), 3u);
    const EpochReport& report = bus->epoch_reports()[1];
    CHECK_EQUAL(report.kept_seq, 150u);
    CHECK_EQUAL(report.cut_bytes, 0u);
    CHECK_EQUAL(report.epoch, 2u);
    CHECK(report.detail.find("seq 150") != std::string::npos &&
          report.detail.find("epoch 2 begins") != std::string::npos);
    CHECK_EQUAL(event_seq(append_stamped(*bus, Lane::market, 1, 150, 100).id), 151u);
    CHECK_EQUAL(count_frames(*bus), 151u);
    for (const PageReport& page : inspect(folder.bus(), true)) CHECK_EQUAL(page.damage, std::string());
}

TEST(clean_close_survives_a_reboot_without_a_new_epoch) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.owner = "test"});
        fill(*bus, 0, 10, 100);
    }
    patch(folder.bus() + "/bus.state", offsetof(BusState, boot_id), "another boot");
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->epoch(), 1u);
    CHECK(bus->epoch_reports().empty());
    CHECK_EQUAL(count_frames(*bus), 10u);
}

TEST(lane_is_cut_at_the_last_whole_frame_behind_the_sync_mark) {
    Folder folder;
    Cursor early, late;
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 20, 100);
        bus->sync();
        fill(*bus, 20, 200, 100);  // to page 3
        auto reader = bus->reader("", false, true);
        early = late = reader->cursor();
        early.next_seq[1] = 41;
        late.next_seq[1] = 120;
    }
    flip(page_file(folder.bus(), "market", 1), kPageHeaderBytes + 40 * kFrameBytes + 60);
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->epoch_reports()[1].kept_seq, 40u);
    CHECK(bus->epoch_reports()[1].cut_bytes > 100 * kFrameBytes);
    CHECK(bus->epoch_reports()[1].detail.find("CRC") != std::string::npos);
    CHECK_EQUAL(count_frames(*bus), 40u);
    CHECK_EQUAL(bus->head(Lane::market), 41u);
    CHECK(!fs::exists(page_file(folder.bus(), "market", 2)));
    // Cursors: what was kept is known, what was cut is refused, also once the lane has grown past it again.
    auto reader = bus->reader("", false, false);
    reader->seek(early);
    CHECK_FAULT(Fault::cursor, "cut", reader->seek(late));
    CHECK_EQUAL(reader->kept(late).next_seq[1], 41u);
    CHECK_EQUAL(reader->kept(early).next_seq[1], 41u);
    fill(*bus, 40, 200, 100);
    CHECK_FAULT(Fault::cursor, "was cut at seq 41", reader->seek(late));
    CHECK_EQUAL(reader->kept(late).next_seq[1], 41u);
    CHECK_EQUAL(reader->kept(late).epoch, 2u);
    reader->seek(reader->kept(late));
    reader->seek(early);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_EQUAL(check_payload(frame).counter, 40u);
    CHECK_EQUAL(count_frames(*bus), 200u);
}

TEST(cursor_from_before_a_cut_is_refused_also_when_its_pages_are_pruned) {
    Folder folder;
    Cursor late;
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 20, 100);
        bus->sync();
        fill(*bus, 20, 60, 100);
        late = bus->reader("", false, false)->cursor();
    }
    flip(page_file(folder.bus(), "market", 1), kPageHeaderBytes + 40 * kFrameBytes + 60);
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    fill(*bus, 40, 300, 100);
    fs::remove(page_file(folder.bus(), "market", 1));
    auto reader = bus->reader("", false, false);
    CHECK_FAULT(Fault::cursor, "was cut at seq 41", reader->seek(late));
    CHECK_EQUAL(reader->kept(late).next_seq[1], 41u);
    late.next_seq[1] = 41;
    reader->seek(late);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_EQUAL(check_payload(frame).counter, 40u);
}

TEST(damage_before_the_sync_mark_is_kept_and_named) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 200, 100);
    }
    const std::string file = page_file(folder.bus(), "market", 1);
    const uint64_t offset = kPageHeaderBytes + 10 * kFrameBytes;
    flip(file, offset + 70);
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->head(Lane::market), 201u);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (int count = 0; count < 10; ++count) CHECK(reader->next(frame));
    const std::string place = file + " offset " + std::to_string(offset) + ", seq 11: its CRC is wrong";
    CHECK(reader->ready());
    CHECK_FAULT(Fault::corrupt, place, (void)reader->next(frame));
    CHECK_FAULT(Fault::corrupt, place, (void)reader->next(frame));  // it stays
    reader->seek_seq(Lane::market, 12);                             // behind it everything can be read
    for (int count = 0; count < 189; ++count) CHECK(reader->next(frame));
    int damaged = 0;
    for (const PageReport& page : inspect(folder.bus(), true)) {
        if (page.damage.empty()) continue;
        ++damaged;
        CHECK(page.damage.find(place) != std::string::npos);
    }
    CHECK_EQUAL(damaged, 1);
}

TEST(every_damaged_byte_of_a_frame_is_noticed) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 3, 100);
    }
    const std::string file = page_file(folder.bus(), "market", 1);
    for (uint64_t at = 0; at < kFrameHeaderBytes + sizeof(Stamp) + 100; ++at) {
        flip(file, kPageHeaderBytes + kFrameBytes + at);
        auto bus = Bus::open(folder.bus(), {.owner = "test", .read_only = true});
        auto reader = bus->reader("", false, true);
        FrameView frame;
        CHECK(reader->next(frame));
        CHECK_FAULT(Fault::corrupt, file + " offset " + std::to_string(kPageHeaderBytes + kFrameBytes) + ", seq 2",
                    (void)reader->next(frame));
        flip(file, kPageHeaderBytes + kFrameBytes + at);
    }
}

TEST(missing_state_files_are_rebuilt_from_the_pages) {
    for (const char* missing : {"/bus.state", "/market/lane.state", "/control/lane.state"}) {
        Folder folder;
        {
            auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
            fill(*bus, 0, 200, 100);
            append_stamped(*bus, Lane::control, 1, 0, 0);
        }
        fs::remove(folder.bus() + missing);
        {
            auto bus = Bus::open(folder.bus(), {.owner = "test"});
            CHECK_EQUAL(bus->epoch(), 2u);
            CHECK_EQUAL(count_frames(*bus), 200u);
            CHECK_EQUAL(bus->head(Lane::control), 2u);
            fill(*bus, 200, 300, 100);
            append_stamped(*bus, Lane::control, 1, 1, 0);
            CHECK_EQUAL(count_frames(*bus), 300u);
            fs::remove(folder.bus() + missing);
            CHECK_FAULT(Fault::io, "is missing or damaged while other processes have the bus open",
                        Bus::open(folder.bus(), {.owner = "second"}));
        }
        spill(folder.bus() + missing, std::string(100, 'g'));
        auto bus = Bus::open(folder.bus(), {.owner = "test"});
        CHECK_EQUAL(bus->epoch(), 3u);
        CHECK_EQUAL(count_frames(*bus), 300u);
    }
}

TEST(other_frame_format_is_refused_with_both_versions) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 3, 100);
    }
    const std::string later("\x02\0\0\0", 4);
    const std::string own(reinterpret_cast<const char*>(&kFrameFormat), 4);
    const std::string page = page_file(folder.bus(), "market", 1);
    patch(page, offsetof(PageHeader, format), later);
    CHECK_FAULT(Fault::version, "has frame format 2, this program reads format 1",
                Bus::open(folder.bus(), {.owner = "test"}));
    CHECK_FAULT(Fault::version, "has frame format 2, this program reads format 1", inspect(folder.bus(), false));
    patch(page, offsetof(PageHeader, format), own);
    patch(folder.bus() + "/bus.meta", offsetof(BusMeta, format), later);
    CHECK_FAULT(Fault::version, "has frame format 2, this program reads format 1",
                Bus::open(folder.bus(), {.owner = "test"}));
    patch(folder.bus() + "/bus.meta", offsetof(BusMeta, format), own);
    flip(folder.bus() + "/bus.meta", offsetof(BusMeta, created_ns));
    CHECK_FAULT(Fault::corrupt, "CRC is wrong", Bus::open(folder.bus(), {.owner = "test"}));
    fs::remove(folder.bus() + "/bus.meta");
    CHECK_FAULT(Fault::corrupt, "bus.meta is missing, although there are pages",
                Bus::open(folder.bus(), {.owner = "test"}));
}

TEST(impossible_state_is_walked_or_refused) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 100, 100);
    }
    const std::string lane = folder.bus() + "/market/lane.state";
    const uint64_t kept_bytes[] = {7, 16392, UINT64_MAX};
    for (const uint64_t offset : kept_bytes) {
        const std::string bytes(reinterpret_cast<const char*>(&offset), 8);
        patch(lane, 144, bytes);  // both copies of the position
        patch(lane, 176, bytes);
        auto bus = Bus::open(folder.bus(), {.owner = "test"});
        CHECK_EQUAL(bus->epoch_reports().size(), 1u);
        CHECK_EQUAL(bus->head(Lane::market), 101u);
        CHECK_EQUAL(count_frames(*bus), 100u);
    }
    std::string state = slurp(lane);
    for (const int mark : {0, 1}) {
        auto* at = reinterpret_cast<SyncMark*>(state.data() + offsetof(LaneState, marks)) + mark;
        at->offset = 12345;
        at->crc = crc32c(0, at, offsetof(SyncMark, crc));
    }
    spill(lane, state);
    forget_boot(folder.bus());
    CHECK_FAULT(Fault::corrupt, "its sync mark names no place of this lane",
                Bus::open(folder.bus(), {.owner = "test"}));
    std::string meta = slurp(folder.bus() + "/bus.meta");
    auto* described = reinterpret_cast<BusMeta*>(meta.data());
    described->page_bytes = uint64_t{1} << 40;
    described->crc = crc32c(0, described, offsetof(BusMeta, crc));
    spill(folder.bus() + "/bus.meta", meta);
    CHECK_FAULT(Fault::corrupt, "no possible bus", Bus::open(folder.bus(), {.owner = "test"}));
}

TEST(damaged_page_end_stops_writers_and_readers_alike) {
    Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 3, 100);
    }
    patch(page_file(folder.bus(), "market", 1), kPageHeaderBytes + 3 * kFrameBytes, std::string("\x60\0\0\0", 4));
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (int count = 0; count < 3; ++count) CHECK(reader->next(frame));
    CHECK_FAULT(Fault::corrupt, "seq 4", (void)reader->next(frame));
    CHECK_FAULT(Fault::corrupt, "seq 4", fill(*bus, 3, 4, 100));
}

TEST(full_disk_is_an_error_before_anything_is_written) {
    Folder folder;
    Child child([&](int) {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = 65536, .owner = "test"});
        fill(*bus, 0, 1, 100);
        rlimit limit;
        getrlimit(RLIMIT_FSIZE, &limit);
        const rlimit small{20000, limit.rlim_max};
        CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
        uint64_t written = 1;
        try {
            for (; written < 5000; ++written) fill(*bus, written, written + 1, 100);
            fail(__FILE__, __LINE__, "the disk should have been full");
        } catch (const JournalError& error) {
            if (error.fault != Fault::full) throw;
            CHECK(std::string(error.what()).find("nothing was written") != std::string::npos);
        }
        CHECK(written <
              6 * 65536 / 100);  // in the first page and the next, and in the four the keeper may have prepared
        CHECK_EQUAL(bus->head(Lane::market), written + 1);
        CHECK_EQUAL(count_frames(*bus), written);
        CHECK_FAULT(Fault::full, "make room", fill(*bus, written, written + 1, 100));
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        fill(*bus, written, written + 1000, 100);
        CHECK_EQUAL(count_frames(*bus), written + 1000);
        bus->close();  // the keeper may have been preparing a page
        for (const auto& entry : fs::directory_iterator(folder.bus() + "/market"))
            CHECK(entry.path().string().find(".new-") == std::string::npos);
    });
    CHECK_EQUAL(child.wait(), 0);
}

TEST(files_and_folders_belong_to_their_owner_alone) {
    Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    fill(*bus, 0, 1, 0);
    bus->add_source("x");
    const auto durable = bus->reader("r", true, true);
    CHECK((fs::status(folder.bus()).permissions() & fs::perms::all) == fs::perms::owner_all);
    for (const auto& entry : fs::recursive_directory_iterator(folder.bus())) {
        const auto allowed =
            entry.is_directory() ? fs::perms::owner_all : (fs::perms::owner_read | fs::perms::owner_write);
        const auto status = entry.status();
        if (status.type() == fs::file_type::not_found) continue;  // a page that the keeper has just given its name
        CHECK((status.permissions() & fs::perms::all) == allowed);
    }
    struct stat status;
    CHECK(stat(page_file(folder.bus(), "market", 1).c_str(), &status) == 0);
    CHECK(status.st_blocks * 512 >= status.st_size);  // never sparse
}

TEST(synced_bus_moves_its_mark_by_policy) {
    const auto mark_seq = [](const std::string& bus) {
        const std::string bytes = slurp(bus + "/market/lane.state");
        LaneState const* state = reinterpret_cast<const LaneState*>(bytes.data());
        return std::max(state->marks[0].next_seq, state->marks[1].next_seq);
    };
    for (const SyncPolicy policy : {SyncPolicy::none, SyncPolicy::interval, SyncPolicy::always}) {
        Folder folder;
        auto bus = Bus::open(folder.bus(), {.sync = policy, .page_bytes = 16384, .owner = "test"});
        fill(*bus, 0, 500, 100);
        if (policy == SyncPolicy::always) CHECK_EQUAL(mark_seq(folder.bus()), 501u);
        const auto started = std::chrono::steady_clock::now();
        while (policy == SyncPolicy::interval && mark_seq(folder.bus()) != 501u) {
            if (seconds_since(started) > 10) throw Failure("the mark did not move");
            usleep(1000);
        }
        if (policy == SyncPolicy::none) {
            usleep(250'000);
            CHECK_EQUAL(mark_seq(folder.bus()), 1u);
            bus->sync();
            CHECK_EQUAL(mark_seq(folder.bus()), 501u);
        }
    }
}
