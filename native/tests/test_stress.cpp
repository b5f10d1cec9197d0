// Many threads and processes at once: counts, order and checksums.

#include <map>
#include <thread>

#include "check.h"
#include "child.h"
#include "payload.h"

using namespace gcg;
using namespace check;

#ifdef __SANITIZE_THREAD__
static constexpr uint64_t kFrames = 2'000;
#else
static constexpr uint64_t kFrames = 20'000;
#endif

// Reads until `total` frames have come; checks every payload and each writer's order.
static void read_all(Bus& bus, uint64_t total) {
    auto reader = bus.reader("", false, true);
    std::map<uint64_t, uint64_t> next;  // by writer and lane
    FrameView frame;
    const auto started = std::chrono::steady_clock::now();
    for (uint64_t count = 0; count < total;) {
        if (!reader->next(frame)) {
            if (seconds_since(started) > 60) throw Failure("the frames did not come within 60 s");
            reader->wait(1);
            continue;
        }
        const Stamp stamp = check_payload(frame);
        uint64_t& expected = next[stamp.writer * 4 + static_cast<uint64_t>(frame.lane)];
        if (stamp.counter < expected) throw Failure("a writer's frames are out of order");
        expected = stamp.counter + 1;
        ++count;
    }
    CHECK(!reader->next(frame));
}

TEST(threads_write_and_read_one_bus) {
    Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 65536, .owner = "test"});
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    const auto guarded = [&failed](const auto& work) {
        return [work, &failed] {
            try {
                work();
            } catch (const std::exception& error) {
                std::fprintf(stderr, "thread: %s\n", error.what());
                ++failed;
            }
        };
    };
    for (uint64_t writer = 1; writer <= 2; ++writer)
        threads.emplace_back(guarded([&bus, writer] {
            for (uint64_t counter = 0; counter < kFrames; ++counter)
                append_stamped(*bus, counter % 5 == 0 ? Lane::log : Lane::market, writer, counter, counter % 200);
        }));
    for (int reader = 0; reader < 2; ++reader) threads.emplace_back(guarded([&bus] { read_all(*bus, 2 * kFrames); }));
    for (auto& thread : threads) thread.join();
    CHECK_EQUAL(failed.load(), 0);
}

TEST(processes_write_and_read_one_bus) {
    Folder folder;
    Bus::open(folder.bus(), {.page_bytes = 65536, .owner = "maker"})->close();
    std::vector<std::unique_ptr<Child>> children;
    for (uint64_t writer = 1; writer <= 2; ++writer)
        children.push_back(std::make_unique<Child>([&, writer](int) {
            auto bus = Bus::open(folder.bus(), {.owner = "writer"});
            for (uint64_t counter = 0; counter < kFrames; ++counter)
                append_stamped(*bus, counter % 5 == 0 ? Lane::log : Lane::market, writer, counter, counter % 200);
        }));
    for (int reader = 0; reader < 2; ++reader)
        children.push_back(std::make_unique<Child>([&](int) {
            auto bus = Bus::open(folder.bus(), {.owner = "reader", .read_only = true});
            read_all(*bus, 2 * kFrames);
        }));
    for (auto& child : children) CHECK_EQUAL(child->wait(), 0);
    uint64_t records = 0;
    for (const PageReport& page : inspect(folder.bus(), true)) {
        CHECK_EQUAL(page.damage, std::string());
        records += page.records;
    }
    CHECK_EQUAL(records, 2 * kFrames);
}

TEST(close_waits_for_threads_that_append) {
    for (int round = 0; round < 20; ++round) {
        Folder folder;
        auto bus = Bus::open(folder.bus(), {.page_bytes = 65536, .owner = "test"});
        std::atomic<uint64_t> acknowledged{0};
        std::thread writer([&] {
            try {
                for (uint64_t counter = 0;; ++counter) {
                    append_stamped(*bus, Lane::market, 1, counter, 10);
                    ++acknowledged;
                }
            } catch (const JournalError&) {
            }
        });
        while (acknowledged < 100) std::this_thread::yield();
        bus->close();
        writer.join();
        CHECK_EQUAL(bus->head(Lane::market), acknowledged + 1);
    }
}
