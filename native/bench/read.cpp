// How fast a reader process drains what another process writes, and how long a frame takes from one to the other.
//
// Each frame's CRC and seq are checked. A regression means that readers fall behind sooner. Beside a running writer the
// writer appends 64 frames a lock, so that the reader and not the writer sets the pace. The one-way time is half a
// round trip between two spinning processes, the append included; it does not show what waking a sleeper costs.

#include "measure.h"

using namespace bench;

static const Payload kPayload;

static void append_packs(Bus& bus, int events) {
    constexpr int kPack = 64;
    FrameSpec specs[kPack];
    const void* payloads[kPack];
    uint32_t bytes[kPack];
    for (int frame = 0; frame < kPack; ++frame) {
        specs[frame].type = 1;
        payloads[frame] = kPayload.bytes;
        bytes[frame] = kBytes;
    }
    for (int done = 0; done < events; done += kPack) bus.append_many(Lane::market, specs, payloads, bytes, kPack);
}

// Read `events` frames, spinning at the head; return events a second from the first to the last.
static double drain(BusReader& reader, int events) {
    FrameView frame;
    while (!reader.next(frame)) pause_processor();
    const int64_t from = monotonic_ns();
    for (int left = events - 1; left > 0;) {
        if (reader.next(frame))
            --left;
        else
            pause_processor();
    }
    return (events - 1) / (static_cast<double>(monotonic_ns() - from) / 1e9);
}

static double backlog(Folder& folder, int events) {
    const std::string path = folder.bus();
    Shared& shared = Shared::make();
    Crew writer;
    writer.add([&] { append_packs(*Bus::open(path, {.sync = SyncPolicy::none, .owner = "writer"}), events); });
    writer.wait();
    Crew crew;
    crew.add([&] {
        auto bus = Bus::open(path, {.owner = "reader", .read_only = true});
        shared.results[0] = drain(*bus->reader("", false, true), events);
    });
    crew.wait();
    Folder::remove(path);
    return shared.results[0];
}

// The reader's and the writer's events a second.
static std::pair<double, double> beside(Folder& folder, int events) {
    const std::string path = folder.bus();
    Bus::open(path, {.sync = SyncPolicy::none, .owner = "maker"})->close();
    Shared& shared = Shared::make();
    Crew crew;
    crew.add([&] {
        auto bus = Bus::open(path, {.owner = "reader", .read_only = true});
        auto reader = bus->reader("", false, true);
        shared.arrive();
        shared.results[0] = drain(*reader, events);
    });
    crew.add([&] {
        auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "writer"});
        shared.arrive();
        const int64_t from = monotonic_ns();
        append_packs(*bus, events);
        shared.results[1] = events / (static_cast<double>(monotonic_ns() - from) / 1e9);
    });
    shared.start(2);
    crew.wait();
    Folder::remove(path);
    return {shared.results[0], shared.results[1]};
}

// Half the round trips of a frame between two spinning processes: out on the market lane, back on the log lane.
static std::vector<int64_t> round_trips(Folder& folder, int trips) {
    const std::string path = folder.bus();
    Bus::open(path, {.sync = SyncPolicy::none, .owner = "maker"})->close();
    Shared& shared = Shared::make();
    Crew crew;
    crew.add([&] {
        auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "echo"});
        auto reader = bus->reader("", false, true);
        reader->lanes(2);
        shared.arrive();
        FrameView frame;
        for (int trip = 0; trip < trips; ++trip) {
            while (!reader->next(frame)) pause_processor();
            bus->append(Lane::log, {.type = 1}, kPayload.bytes, kBytes);
        }
    });
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "caller"});
    auto reader = bus->reader("", false, true);
    reader->lanes(4);
    std::vector<int64_t> halves;
    halves.reserve(static_cast<std::size_t>(trips));
    shared.start(1);
    FrameView frame;
    for (int trip = 0; trip < trips; ++trip) {
        const int64_t from = monotonic_ns();
        bus->append(Lane::market, {.type = 1}, kPayload.bytes, kBytes);
        while (!reader->next(frame)) pause_processor();
        halves.push_back((monotonic_ns() - from) / 2);
    }
    crew.wait();
    bus->close();
    Folder::remove(path);
    halves.erase(halves.begin(), halves.begin() + trips / 10);  // warming up
    return halves;
}

int main(int argc, char** argv) {
    const Options options(argc, argv);
    Folder folder;
    if (options.wants("reader")) {
        const double rate = median_of(options.runs(), [&] { return backlog(folder, options.count(6'400'000)); });
        options.row("a reader process over a backlog", text("%.1f M/s", rate / 1e6), ">= 25 M/s", rate >= 25e6);
        std::vector<double> readers, writers;
        for (int run = 0; run < options.runs(); ++run) {
            const auto [reader, writer] = beside(folder, options.count(6'400'000));
            readers.push_back(reader);
            writers.push_back(writer);
        }
        const double reader = median(readers);
        options.row("a reader process beside a running writer (the writer)",
                    text("%.1f M/s (%.1f M/s)", reader / 1e6, median(writers) / 1e6), ">= 25 M/s", reader >= 25e6);
    }
    if (options.wants("latency")) {
        auto halves = round_trips(folder, options.count(400'000));
        const int64_t p50 = percentile(halves, 0.5);
        options.row("one way between two spinning processes, p50", duration(p50), "< 200 ns", p50 < 200);
        options.row("one way between two spinning processes, p99 / p99.9",
                    duration(percentile(halves, 0.99)) + " / " + duration(percentile(halves, 0.999)));
    }
}
