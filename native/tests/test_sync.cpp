// What "synced" means: the kernel holds nothing of it that the disk does not have.

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <cerrno>
#include <chrono>

#include "check.h"
#include "child.h"
#include "gcg/file.h"
#include "payload.h"

using namespace gcg;
using namespace check;

namespace {

constexpr long kTmpfs = 0x01021994;
constexpr long kCachestat = 451;  // Linux 6.5

// How many 4 KB blocks of the first `bytes` of a file wait to be written, or are being written; -1: this kernel cannot
// tell, or the folder lies in memory.
int64_t waiting_blocks(const std::string& path, uint64_t bytes) {
    struct {
        uint64_t offset, length;
    } range{0, bytes};
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } found{};
    struct statfs info{};
    if (statfs(path.c_str(), &info) != 0) throw Failure("cannot look at the file system of " + path);
    if (info.f_type == kTmpfs) return -1;
    const File file = File::open(path, O_RDWR);
    if (syscall(kCachestat, file.descriptor(), &range, &found, 0) == 0)
        return static_cast<int64_t>(found.dirty + found.writeback);
    if (errno == ENOSYS) return -1;
    throw Failure("cannot look at the cached blocks of " + path);
}

}  // namespace

TEST(synced_frames_are_on_the_disk) {
    constexpr uint64_t kFrames = 1'000;  // about 148 KB, on three pages
    constexpr uint64_t kPageBytes = 65536;
    for (const SyncPolicy policy : {SyncPolicy::none, SyncPolicy::interval, SyncPolicy::always}) {
        Folder folder;
        auto bus = Bus::open(folder.bus(), {.sync = policy, .page_bytes = kPageBytes, .owner = "test"});
        for (uint64_t counter = 0; counter < kFrames; ++counter) append_stamped(*bus, Lane::market, 1, counter, 100);
        const std::string path = folder.bus() + "/market/0000000001.page";
        if (policy == SyncPolicy::none) {
            if (waiting_blocks(path, kPageBytes) >= 0) CHECK(waiting_blocks(path, kPageBytes) > 0);
            bus->sync();
        }
        const auto started = std::chrono::steady_clock::now();
        while (policy == SyncPolicy::interval && waiting_blocks(path, kPageBytes) > 0) {
            if (seconds_since(started) > 10) throw Failure("the keeper brought nothing to the disk");
            usleep(1000);
        }
        CHECK(waiting_blocks(path, kPageBytes) <= 0);
    }
}
