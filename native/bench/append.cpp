// ns per append of a 96-byte payload, one writer, one reader that follows; warm and cold pages are not told apart.
// A regression here is a regression of every publish. It does not show contention or the cost of waking sleepers.

#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "gcg/bus.h"

using namespace gcg;
using Clock = std::chrono::steady_clock;

static double ns_per(Clock::time_point from, int count) {
    return std::chrono::duration<double, std::nano>(Clock::now() - from).count() / count;
}

int main() {
    constexpr int kFrames = 1'000'000;
    const char* base = getenv("TMPDIR");
    std::string folder = std::string(base ? base : "/tmp") + "/gcg-bench-XXXXXX";
    if (!mkdtemp(folder.data())) return 1;
    char payload[96];
    std::memset(payload, 7, sizeof payload);
    for (const SyncPolicy policy : {SyncPolicy::none, SyncPolicy::interval}) {
        auto bus = Bus::open(folder + (policy == SyncPolicy::none ? "/none" : "/interval"),
                             {.sync = policy, .owner = "bench"});
        auto from = Clock::now();
        for (int frame = 0; frame < kFrames; ++frame) bus->append(Lane::market, {.type = 1}, payload, sizeof payload);
        std::printf("append, 96 bytes, policy %-8s %6.1f ns\n", policy == SyncPolicy::none ? "none" : "interval",
                    ns_per(from, kFrames));
        auto reader = bus->reader("", false, true);
        FrameView view;
        from = Clock::now();
        int count = 0;
        while (reader->next(view)) ++count;
        std::printf("read with CRC                    %6.1f ns\n", ns_per(from, count));
    }
    std::filesystem::remove_all(folder);
}
