// A disk that is really full: a small tmpfs of our own.

#ifdef __linux__

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "check.h"
#include "child.h"
#include "payload.h"

using namespace gcg;
using namespace check;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kPageBytes = 65536;

// Mount a file system of 2 MB, seen by this process and its children only; false if that is not allowed.
bool mount_small(const std::string& folder) {
    return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("gcg-small", folder.c_str(), "tmpfs", 0, "size=2m") == 0;
}

// Take all the room there is.
void fill_disk(const std::string& path) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const std::string block(4096, 'f');
    while (write(file, block.data(), block.size()) > 0) {
    }
    close(file);
}

// Publish until the disk is full; returns the number of frames that were acknowledged in all.
uint64_t publish_until_full(Bus& bus, uint64_t counter) {
    for (;; ++counter) {
        const uint64_t head = bus.head(Lane::market);
        try {
            append_stamped(bus, Lane::market, 1, counter, 1000);
        } catch (const JournalError& error) {
            CHECK(error.fault == Fault::full);
            CHECK(std::string(error.what()).find("nothing was written: make room") != std::string::npos);
            CHECK_EQUAL(bus.head(Lane::market), head);
            return counter;
        }
        if (counter > 100'000) throw Failure("the disk does not become full");
    }
}

uint64_t read_on(BusReader& reader, uint64_t counter) {
    FrameView frame;
    for (; reader.next(frame); ++counter) CHECK_EQUAL(check_payload(frame).counter, counter);
    return counter;
}

void name_until_full(Bus& bus, int round) {
    for (int row = 0;; ++row) bus.add_instrument(std::to_string(round) + "/" + std::to_string(row), "", "");
}

void live_on_a_small_disk(const std::string& folder, const std::string& ballast) {
    const BusOptions options{.sync = SyncPolicy::interval, .page_bytes = kPageBytes, .owner = "publisher"};
    auto bus = Bus::open(folder, options);
    auto reader = bus->reader("recorder", true, true);
    append_stamped(*bus, Lane::control, 1, 0, 0);  // its lane has room on its page
    FrameView frame;
    CHECK(reader->next(frame));
    uint64_t written = 0, read = 0;
    for (int round = 0; round < 3; ++round) {
        fill_disk(ballast);
        written = publish_until_full(*bus, written);
        append_stamped(*bus, Lane::control, 1, 0, 0);
        CHECK(reader->next(frame) && frame.lane == Lane::control);
        read = read_on(*reader, read);
        CHECK_EQUAL(read, written);
        reader->commit();
        CHECK_FAULT(Fault::full, "make room", append_stamped(*bus, Lane::market, 1, written, 1000));
        CHECK_FAULT(Fault::full, "make room", name_until_full(*bus, round));
        fs::remove(ballast);
        for (uint64_t until = written + 100; written < until; ++written)
            append_stamped(*bus, Lane::market, 1, written, 1000);
        read = read_on(*reader, read);
        CHECK_EQUAL(read, written);
    }
    reader->commit();
    reader.reset();
    bus->close();
    fill_disk(ballast);
    bus = Bus::open(folder, options);  // an existing bus needs no room to be opened and read
    reader = bus->reader("recorder", true, false);
    CHECK(!reader->next(frame));
    CHECK_EQUAL(bus->head(Lane::market), written + 1);
    bus->close();
    for (const PageReport& page : inspect(folder, true)) CHECK_EQUAL(page.damage, std::string());
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        CHECK(entry.path().string().find(".new-") == std::string::npos);
}

}  // namespace

TEST(full_file_system_stops_publishers_and_nobody_else) {
    Folder folder;
    Child child([&](int out) {
        const bool mounted = mount_small(folder.path);
        send(out, mounted);
        if (mounted) live_on_a_small_disk(folder.bus(), folder.path + "/ballast");
    });
    bool mounted = false;
    CHECK(child.receive(mounted));
    CHECK_EQUAL(child.wait(), 0);
    if (!mounted) std::printf("     no right to mount a tmpfs: only the limit on file sizes was tested\n");
}

#endif
