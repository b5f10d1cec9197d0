// What the length of a journal costs: opening it, seeking in it, appending to it and reading its end at 0.1, 1 and 10
// GB of 96-byte events (0.05, 0.1 and 0.2 GB with --quick).
//
// A regression means that something walks the pages. The opening is that of the first process after the writer was
// killed. Each size is brought to the disk before it is measured, so that the kernel's writing does not show as growth;
// the pages read may lie in the kernel's cache.

#include <random>
#include <tuple>
#include <utility>

#include "measure.h"

using namespace bench;

static const Payload kPayload;

// Grow the journal in a process that is killed before it can close.
static void grow(const std::string& path, uint64_t bytes) {
    Crew crew;
    crew.add([&] {
        auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "writer"});
        while (bus->head(Lane::market) * align8(kFrameHeaderBytes + kBytes) < bytes) append(*bus, kPayload, 10'000);
        bus->sync();
        _exit(0);  // nothing is closed
    });
    crew.wait();
}

struct Figures {
    double open_ms, seq_us, time_us, append_ns, read_ns;
};

static double open_ms(const std::string& path) {
    const int64_t from = monotonic_ns();
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "bench"});
    return static_cast<double>(monotonic_ns() - from) / 1e6;
}

// Median microseconds of a seek to a random seq, then of one to the times found there, the first frame read included.
static std::pair<double, double> seek_us(Bus& bus, int seeks) {
    auto reader = bus.reader("", false, true);
    reader->lanes(2);
    const uint64_t last = bus.head(Lane::market) - 1;
    std::mt19937_64 random(1);
    std::vector<int64_t> by_seq, by_time, times;
    FrameView frame;
    for (int seek = 0; seek < seeks; ++seek) {
        const uint64_t seq = 1 + random() % last;
        const int64_t from = monotonic_ns();
        reader->seek_seq(Lane::market, seq);
        const bool found = reader->next(frame);
        by_seq.push_back(monotonic_ns() - from);
        if (!found || frame.header->seq != seq) throw std::runtime_error("a seek by seq went to the wrong frame");
        times.push_back(frame.header->time_ns);
    }
    for (const int64_t time_ns : times) {
        const int64_t from = monotonic_ns();
        reader->seek_time(time_ns);
        const bool found = reader->next(frame);
        by_time.push_back(monotonic_ns() - from);
        if (!found || frame.header->time_ns != time_ns)
            throw std::runtime_error("a seek by time went to the wrong frame");
    }
    return {static_cast<double>(percentile(by_seq, 0.5)) / 1e3, static_cast<double>(percentile(by_time, 0.5)) / 1e3};
}

static double append_ns(Bus& bus) {
    constexpr int kEvents = 20'000;  // 3 MB
    warm_up(bus, kPayload);
    const int64_t from = monotonic_ns();
    append(bus, kPayload, kEvents);
    return static_cast<double>(monotonic_ns() - from) / kEvents;
}

static double read_ns(Bus& bus) {
    constexpr uint64_t kEvents = 200'000;
    auto reader = bus.reader("", false, true);
    FrameView frame;
    reader->seek_seq(Lane::market, bus.head(Lane::market) - kEvents);
    const int64_t from = monotonic_ns();
    uint64_t count = 0;
    while (reader->next(frame)) ++count;
    return static_cast<double>(monotonic_ns() - from) / static_cast<double>(count);
}

static Figures measure(const Options& options, const std::string& path) {
    Figures figures{};
    figures.open_ms = open_ms(path);  // after the kill
    auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "bench"});
    const int seeks = options.quick ? 50 : 500;
    std::tie(figures.seq_us, figures.time_us) = seek_us(*bus, seeks);
    figures.append_ns = median_of(options.runs(), [&] { return append_ns(*bus); });
    figures.read_ns = median_of(options.runs(), [&] { return read_ns(*bus); });
    return figures;
}

static std::string sizes_text(const std::vector<double>& sizes) {
    return text("%g / %g / %g GB", sizes[0], sizes[1], sizes[2]);
}

int main(int argc, char** argv) {
    const Options options(argc, argv);
    if (!options.wants("long")) return 0;
    Folder folder;
    std::vector<double> sizes = options.quick ? std::vector{0.05, 0.1, 0.2} : std::vector{0.1, 1.0, 10.0};
    const double room = static_cast<double>(std::filesystem::space(folder.path()).available) / 1e9;
    if (room < sizes[2] * 1.2) {
        std::fprintf(stderr, "The disk has room for %.1f GB only: the longest journal has half of that.\n", room);
        sizes = {room / 200, room / 20, room / 2};
    }
    const std::string path = folder.bus();
    std::vector<Figures> found;
    for (const double size : sizes) {
        grow(path, static_cast<uint64_t>(size * 1e9));
        found.push_back(measure(options, path));
    }
    const Figures &small = found.front(), &large = found.back();
    const std::string of = text(" of a journal of %g GB", sizes[2]);
    options.row("opening" + of + " whose writer was killed", text("%.1f ms", large.open_ms), "< 100 ms",
                large.open_ms < 100);
    // A hundred times the pages: what walks them takes a hundred times as long, what halves them a little longer.
    const bool logarithmic = large.seq_us < 5 * small.seq_us && large.time_us < 5 * small.time_us;
    options.row("seek by seq in a journal of " + sizes_text(sizes),
                text("%.0f / %.0f / %.0f us", small.seq_us, found[1].seq_us, large.seq_us), "logarithmic", logarithmic);
    options.row("seek by time in a journal of " + sizes_text(sizes),
                text("%.0f / %.0f / %.0f us", small.time_us, found[1].time_us, large.time_us), "logarithmic",
                logarithmic);
    options.row("append to a journal of " + sizes_text(sizes),
                text("%.0f / %.0f / %.0f ns", small.append_ns, found[1].append_ns, large.append_ns), "does not grow",
                large.append_ns < 1.5 * small.append_ns);
    options.row("reading the end of a journal of " + sizes_text(sizes),
                text("%.0f / %.0f / %.0f ns", small.read_ns, found[1].read_ns, large.read_ns), "does not grow",
                large.read_ns < 1.5 * small.read_ns);
}
