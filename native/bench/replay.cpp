// What merging costs: rows a second through Replay, whose times are summed up as an engine would read them.
//
// One stream is handed on as it is; two that alternate row by row are the worst case of a merge: every run is one row.
// The journal's figures contain reading its pages and checking the CRC of every frame. A regression here slows down
// every backtest of ticks. It does not show the matching, the account and the strategy behind it.

#include "gcg/replay.h"

#include "measure.h"

using namespace bench;

namespace {

// `streams` arrays whose rows take turns, each `step` rows at a time; cached: they lie in the processor's cache.
struct Arrays {
    std::vector<std::vector<Tick>> arrays;

    Arrays(int rows, int streams, int step) : arrays(static_cast<std::size_t>(streams)) {
        for (int row = 0; row < rows; ++row) {
            Tick tick;
            tick.event_ns = row;
            arrays[static_cast<std::size_t>(row / step % streams)].push_back(tick);
        }
    }
    void add_to(Replay& replay) const {
        uint32_t number = 0;
        for (const auto& rows : arrays)
            replay.add(array_stream(Tick::kType, ++number, rows.data(), rows.size(), sizeof(Tick), nullptr));
    }
};

volatile int64_t sum_of_times;

// Rows a second, each row's time read once.
double drain(Replay& replay) {
    replay.rewind();
    const int64_t from = monotonic_ns();
    int64_t sum = 0;
    Rows rows;
    while (replay.next(rows, 1024))
        for (uint32_t i = 0; i < rows.count; ++i) sum += rows.event_ns(i);
    sum_of_times = sum;
    return static_cast<double>(replay.done()) / (static_cast<double>(monotonic_ns() - from) / 1e9);
}

void show(const Options& options, const std::string& name, Replay& replay, double target) {
    const double rate = median_of(options.runs(), [&] { return drain(replay); });
    options.row(name, text("%.0f M/s", rate / 1e6), text(">= %.0f M/s", target / 1e6), rate >= target);
}

void merge(const Options& options, const std::string& name, int streams, int step, double target) {
    if (!options.wants(name.c_str())) return;
    const Arrays arrays(options.count(4'000'000), streams, step);
    Replay replay;
    arrays.add_to(replay);
    show(options, name, replay, target);
}

void journal(const Options& options, Folder& folder, const std::string& name, uint32_t count, double target) {
    if (!options.wants(name.c_str())) return;
    const std::string path = folder.bus();
    const int rows = options.count(4'000'000);
    {
        auto bus = Bus::open(path, {.sync = SyncPolicy::none, .owner = "writer"});
        bus->add_instrument("A", "X", "");
        std::vector<Tick> batch(count);
        for (auto& tick : batch) tick.instrument = 1;
        FrameSpec spec{.type = Tick::kType, .instrument = 1, .count = count};
        for (int row = 0; row < rows; row += static_cast<int>(count)) {
            for (uint32_t i = 0; i < count; ++i) batch[i].event_ns = row + static_cast<int>(i);
            bus->append(Lane::market, spec, batch.data(), count * static_cast<uint32_t>(sizeof(Tick)));
        }
        bus->close();
    }
    Replay replay;
    replay.add(journal_stream(path, {{1, 1}}, 1u << Tick::kType));
    show(options, name, replay, target);
    Folder::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options(argc, argv);
    Folder folder;
    merge(options, "rows of one array", 1, 1, 200e6);
    merge(options, "rows of two alternating arrays", 2, 1, 40e6);
    merge(options, "rows of two arrays, ten at a time", 2, 10, 80e6);
    merge(options, "rows of fifty alternating arrays", 50, 1, 10e6);
    journal(options, folder, "rows of a journal of batches of 1,024", 1024, 10e6);
    journal(options, folder, "rows of a journal of single frames", 1, 10e6);
}
