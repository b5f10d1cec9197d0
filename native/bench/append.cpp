// What an append of 96 bytes costs, with its header, lock, stamp and CRC: on pages that the keeper has prepared, on
// pages that come faster than it can, from two processes at once, and under each sync policy.
//
// A regression here is a regression of every publish. Medians of several runs. It does not show what waking a sleeper
// costs. The appends of the sync rows come at a million a second (under `always` as fast as the disk takes them) and
// are timed one by one: their figures hold the clock's own 20-40 ns.

#include <sys/vfs.h>

#include "measure.h"

using namespace bench;

static const Payload kPayload;

// ns per event on the rest of a page that the keeper has prepared.
static double warm(Folder& folder) {
    constexpr int kEvents = 25'000;  // 4 MB: the keeper is not called meanwhile
    const std::string path = folder.bus();
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "bench"});
    warm_up(*bus, kPayload);
    const int64_t from = monotonic_ns();
    append(*bus, kPayload, kEvents);
    const double each = static_cast<double>(monotonic_ns() - from) / kEvents;
    bus->close();
    Folder::remove(path);
    return each;
}

// ns per event over many new pages: at full speed, the keeper and the writer prepare them while the clock runs.
static double cold(Folder& folder, int events) {
    const std::string path = folder.bus();
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "bench"});
    append(*bus, kPayload, 1'000);
    const int64_t from = monotonic_ns();
    append(*bus, kPayload, events);
    const double each = static_cast<double>(monotonic_ns() - from) / events;
    bus->close();
    Folder::remove(path);
    return each;
}

// ns per event over many new pages, a million a second, in bursts: the time between these is not counted.
static double paced(Folder& folder, int events) {
    constexpr int kBurst = 1'000;
    constexpr int64_t kEachNs = 1'000;
    const std::string path = folder.bus();
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "bench"});
    warm_up(*bus, kPayload);
    int64_t spent = 0, due = monotonic_ns();
    for (int event = 0; event < events; event += kBurst) {
        int64_t before = monotonic_ns();
        for (due += kBurst * kEachNs; before < due; before = monotonic_ns()) pause_processor();
        append(*bus, kPayload, kBurst);
        spent += monotonic_ns() - before;
    }
    bus->close();
    Folder::remove(path);
    return static_cast<double>(spent) / events;
}

// Events a second of two processes together, from the common start to the end of the slower one.
static double two_producers(Folder& folder, int events) {
    const std::string path = folder.bus();
    Bus::open(path, {.sync = SyncPolicy::none, .owner = "maker"})->close();
    Shared& shared = Shared::make();
    Crew crew;
    for (int producer = 0; producer < 2; ++producer)
        crew.add([&] {
            auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "producer"});
            append(*bus, kPayload, 1'000);
            shared.arrive();
            append(*bus, kPayload, events);
            shared.written += static_cast<uint64_t>(events);
            while (shared.written < 2 * static_cast<uint64_t>(events)) usleep(50);
        });
    const int64_t from = shared.start(2);
    while (shared.written < 2 * static_cast<uint64_t>(events)) usleep(50);
    const double seconds = static_cast<double>(monotonic_ns() - from) / 1e9;
    crew.wait();
    Folder::remove(path);
    return 2.0 * events / seconds;
}

static std::string file_system(const std::string& path) {
    struct statfs info{};
    if (statfs(path.c_str(), &info) != 0) return "unknown";
    switch (static_cast<uint32_t>(info.f_type)) {
        case 0xEF53:
            return "ext4";
        case 0x58465342:
            return "xfs";
        case 0x9123683E:
            return "btrfs";
        case 0x01021994:
            return "tmpfs";
        case 0x794C7630:
            return "overlay";
        default:
            return text("type 0x%x", static_cast<unsigned>(info.f_type));
    }
}

// Each append timed, at a million a second or, where syncing is slower than that, one after the other.
static std::vector<int64_t> one_policy(Folder& folder, SyncPolicy policy, int events) {
    constexpr int64_t kEachNs = 1'000;
    const std::string path = folder.bus();
    auto bus = Bus::open(path, {.sync = policy, .owner = "bench"});
    if (policy != SyncPolicy::always) warm_up(*bus, kPayload);
    std::vector<int64_t> spent;
    spent.reserve(static_cast<std::size_t>(events));
    int64_t due = monotonic_ns();
    for (int event = 0; event < events; ++event) {
        int64_t before = monotonic_ns();
        for (due += kEachNs; before < due; before = monotonic_ns()) pause_processor();
        bus->append(Lane::market, {.type = 1}, kPayload.bytes, kBytes);
        spent.push_back(monotonic_ns() - before);
    }
    bus->close();
    Folder::remove(path);
    return spent;
}

static void sync_rows(const Options& options, Folder& folder) {
    // `always` comes first: it waits for the disk, which the others leave busy.
    auto always = one_policy(folder, SyncPolicy::always, options.count(2'000));
    auto none = one_policy(folder, SyncPolicy::none, options.count(2'000'000));
    auto interval = one_policy(folder, SyncPolicy::interval, options.count(2'000'000));
    const std::pair<const char*, std::vector<int64_t>&> found[] = {
        {"none", none}, {"interval", interval}, {"always", always}};
    for (auto& [name, spent] : found) {
        double sum = 0;
        for (const int64_t ns : spent) sum += static_cast<double>(ns);
        const std::string where = std::string("append, sync policy ") + name + " on " + file_system(folder.path());
        options.row(where + ": mean / p50", duration(static_cast<int64_t>(sum / static_cast<double>(spent.size()))) +
                                                " / " + duration(percentile(spent, 0.5)));
        options.row(where + ": p99 / p99.9 / max", duration(percentile(spent, 0.99)) + " / " +
                                                       duration(percentile(spent, 0.999)) + " / " +
                                                       duration(percentile(spent, 1.0)));
    }
}

int main(int argc, char** argv) {
    const Options options(argc, argv);
    Folder folder;
    if (options.wants("append")) {
        const double warm_ns = median_of(options.runs(), [&] { return warm(folder); });
        options.row("append of 96 bytes, page prepared by the keeper", text("%.1f ns", warm_ns), "< 45 ns",
                    warm_ns < 45);
        const double paced_ns = median_of(options.runs(), [&] { return paced(folder, options.count(1'000'000)); });
        options.row("append over ten new pages, a million events a second", text("%.1f ns", paced_ns));
        options.row("new pages beside a prepared page", text("%.2fx", paced_ns / warm_ns), "<= 2x",
                    paced_ns <= 2 * warm_ns);
        const double cold_ns = median_of(options.runs(), [&] { return cold(folder, options.count(4'000'000)); });
        options.row("append over new pages at full speed: per event, beside a prepared page",
                    text("%.1f ns, %.2fx", cold_ns, cold_ns / warm_ns));
    }
    if (options.wants("producers")) {
        const double rate = median_of(options.runs(), [&] { return two_producers(folder, options.count(3'000'000)); });
        options.row("two producer processes together", text("%.1f M/s", rate / 1e6), ">= 12 M/s", rate >= 12e6);
    }
    if (options.wants("sync")) sync_rows(options, folder);
}
