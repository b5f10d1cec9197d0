// Market data merged by event time, out of arrays and journals. Random streams are compared with a stable sort.

#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "check.h"
#include "files.h"
#include "gcg/replay.h"

using namespace gcg;

namespace {

constexpr uint64_t kTicks = 1u << Tick::kType, kTrades = 1u << TradeTick::kType;

Tick tick_at(int64_t event_ns, uint32_t instrument, double mark = 0) {
    Tick tick;
    tick.event_ns = event_ns, tick.recv_ns = event_ns + 1, tick.instrument = instrument, tick.last_price = mark;
    return tick;
}

TradeTick trade_at(int64_t event_ns, uint32_t instrument, double mark = 0) {
    TradeTick trade;
    trade.event_ns = event_ns, trade.instrument = instrument, trade.price = mark;
    return trade;
}

template <typename Record>
std::unique_ptr<MarketStream> stream_of(const std::shared_ptr<std::vector<Record>>& rows, uint32_t instrument) {
    return array_stream(Record::kType, instrument, rows->data(), rows->size(), sizeof(Record), rows);
}

// What was handed out: (type, instrument, event time, the mark in the first number).
struct Seen {
    uint16_t type;
    uint32_t instrument;
    int64_t event_ns;
    double mark;
    bool operator==(const Seen&) const = default;
};

void note(const Rows& rows, std::vector<Seen>& seen) {
    for (uint32_t i = 0; i < rows.count; ++i) {
        double mark;
        std::memcpy(&mark, static_cast<const std::byte*>(rows.at(i)) + offsetof(Tick, last_price), sizeof mark);
        seen.push_back({rows.type, rows.instrument, rows.event_ns(i), mark});
    }
}

std::vector<Seen> drain(Replay& replay, uint32_t most = UINT32_MAX) {
    std::vector<Seen> seen;
    Rows rows;
    while (replay.next(rows, most)) {
        CHECK(rows.count > 0 && rows.count <= most);
        note(rows, seen);
    }
    CHECK(!replay.next(rows, most));
    CHECK_EQUAL(replay.done(), seen.size());
    CHECK_EQUAL(replay.total(), seen.size());
    return seen;
}

std::vector<Seen> drain(MarketStream& stream) {
    std::vector<Seen> seen;
    Rows rows;
    while (stream.next(rows)) note(rows, seen);
    CHECK(!stream.next(rows));
    return seen;
}

// A bus that is closed again, with numbers 1 and 2 for instruments.
class Written {
 public:
    explicit Written(uint64_t page_bytes = 1u << 20) {
        BusOptions options;
        options.page_bytes = page_bytes;
        options.sync = SyncPolicy::none;
        bus_ = Bus::open(folder.bus(), options);
        CHECK_EQUAL(bus_->add_instrument("A", "X", ""), 1u);
        CHECK_EQUAL(bus_->add_instrument("B", "X", ""), 2u);
    }
    template <typename Record>
    void one(const Record& record, uint16_t flags = 0, uint32_t bytes = sizeof(Record)) {
        FrameSpec spec;
        spec.type = Record::kType, spec.instrument = record.instrument, spec.flags = flags;
        bus_->append(Lane::market, spec, &record, bytes);
    }
    template <typename Record>
    void batch(const std::vector<Record>& records, uint32_t instrument, uint16_t flags = 0) {
        FrameSpec spec;
        spec.type = Record::kType, spec.instrument = instrument, spec.flags = flags;
        spec.count = static_cast<uint32_t>(records.size());
        bus_->append(Lane::market, spec, records.data(), static_cast<uint32_t>(records.size() * sizeof(Record)));
    }
    // Batches of `count` records that are `bytes` long each.
    void raw_batch(uint16_t type, uint32_t count, uint32_t bytes, const std::vector<std::byte>& payload) {
        FrameSpec spec;
        spec.type = type, spec.instrument = 1, spec.count = count;
        bus_->append(Lane::market, spec, payload.data(), count * bytes);
    }
    [[nodiscard]] Bus& bus() { return *bus_; }
    std::string close() {
        bus_->close();
        return folder.bus();
    }
    check::Folder folder{check::Folder::Where::memory};

 private:
    std::shared_ptr<Bus> bus_;
};

}  // namespace

TEST(array_comes_out_in_one_run_as_it_lies) {
    auto rows = std::make_shared<std::vector<Tick>>();
    for (int i = 0; i < 5; ++i) rows->push_back(tick_at(10 * i, 77, i));
    const Tick* first = rows->data();
    std::weak_ptr<std::vector<Tick>> owner = rows;
    Replay replay;
    replay.add(array_stream(Tick::kType, 3, first, 5, sizeof(Tick), std::move(rows)));
    CHECK_EQUAL(replay.total(), 5u);
    Rows run;
    CHECK(replay.next(run));
    CHECK_EQUAL(run.count, 5u);
    CHECK_EQUAL(run.instrument, 3u);
    CHECK_EQUAL(run.at(4), static_cast<const void*>(first + 4));
    CHECK_EQUAL(run.recv_ns(4), 41);
    auto kept = replay.keep();
    replay = Replay();
    CHECK(!owner.expired());
    kept.reset();
    CHECK(owner.expired());
}

TEST(array_may_have_gaps_between_its_records) {
    struct Wide {
        Tick tick;
        int64_t more[2];
    };
    auto rows = std::make_shared<std::vector<Wide>>(3);
    for (int i = 0; i < 3; ++i) (*rows)[static_cast<std::size_t>(i)].tick = tick_at(i, 1, i);
    Replay replay;
    replay.add(array_stream(Tick::kType, 1, rows->data(), 3, sizeof(Wide), rows));
    CHECK_EQUAL(drain(replay).back().mark, 2.0);
}

TEST(array_of_no_record_is_refused) {
    const auto refused = [](uint16_t type, std::size_t stride) {
        try {
            (void)array_stream(type, 1, nullptr, 0, stride, nullptr);
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refused(99, 264).find("type 99") != std::string::npos);
    CHECK(refused(Tick::kType, sizeof(Tick) - 8).find("of Tick") != std::string::npos);
    CHECK(refused(Tick::kType, sizeof(Tick) + 4).find("by eights") != std::string::npos);
    CHECK_EQUAL(refused(Tick::kType, sizeof(Tick)), std::string());
}

TEST(replay_of_nothing_ends_at_once) {
    Replay replay;
    CHECK(drain(replay).empty());
    replay.rewind();
    replay.add(stream_of(std::make_shared<std::vector<Tick>>(), 1));
    CHECK(drain(replay).empty());
}

TEST(equal_times_come_in_the_order_of_adding) {
    auto one = std::make_shared<std::vector<Tick>>();
    auto other = std::make_shared<std::vector<Tick>>();
    for (int64_t at : {10, 20, 20, 30}) one->push_back(tick_at(at, 0)), other->push_back(tick_at(at, 0));
    Replay replay;
    replay.add(stream_of(one, 1));
    replay.add(stream_of(other, 2));
    std::string order;
    for (const Seen& seen : drain(replay)) order += std::to_string(seen.event_ns + seen.instrument) + " ";
    CHECK_EQUAL(order, "11 12 21 21 22 22 31 32 ");
}

TEST(record_that_is_older_than_the_one_before_does_not_wait) {
    auto late = std::make_shared<std::vector<Tick>>();
    auto other = std::make_shared<std::vector<Tick>>();
    for (int64_t at : {10, 30, 5, 31}) late->push_back(tick_at(at, 0));
    for (int64_t at : {20, 30, 40}) other->push_back(tick_at(at, 0));
    for (uint32_t most : {1u, 2u, 100u}) {
        Replay replay;
        replay.add(stream_of(other, 2));
        replay.add(stream_of(late, 1));
        std::string order;
        for (const Seen& seen : drain(replay, most)) order += std::to_string(seen.event_ns + seen.instrument) + " ";
        CHECK_EQUAL(order, "11 22 32 31 6 32 42 ");
    }
}

TEST(random_streams_are_merged_as_a_stable_sort_merges_them) {
    std::mt19937 random(20261127);
    const auto below = [&random](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    for (int round = 0; round < 60; ++round) {
        const uint32_t streams = 1 + below(round % 10 == 0 ? 40 : 5);
        const uint32_t spread = 1 + below(50);
        std::vector<std::pair<int64_t, Seen>> expected;  // by when it is due
        Replay replay;
        for (uint32_t i = 1; i <= streams; ++i) {
            auto ticks = std::make_shared<std::vector<Tick>>();
            auto trades = std::make_shared<std::vector<TradeTick>>();
            const bool quotes = below(2) == 0;
            int64_t now = below(100), due = kFirstNs;
            const uint32_t count = below(10) == 0 ? 0 : below(60) * (1 + below(3) * 40);
            for (uint32_t row = 0; row < count; ++row) {
                now += below(spread);
                const int64_t event_ns = below(20) == 0 ? now - below(30) : now;
                due = std::max(due, event_ns);
                if (quotes) {
                    ticks->push_back(tick_at(event_ns, 99, row));
                } else {
                    trades->push_back(trade_at(event_ns, 99, row));
                }
                expected.push_back(
                    {due, {quotes ? Tick::kType : TradeTick::kType, i, event_ns, static_cast<double>(row)}});
            }
            replay.add(quotes ? stream_of(ticks, i) : stream_of(trades, i));
        }
        std::stable_sort(expected.begin(), expected.end(),
                         [](const auto& one, const auto& other) { return one.first < other.first; });
        std::vector<Seen> wanted;
        for (const auto& [due, seen] : expected) wanted.push_back(seen);
        CHECK(drain(replay) == wanted);
        for (const uint32_t most : {1u, 7u, 4000u}) {
            replay.rewind();
            CHECK(drain(replay, most) == wanted);
        }
    }
}

TEST(journal_comes_out_as_it_was_written) {
    Written written;
    std::vector<Tick> batch;
    for (int i = 0; i < 5; ++i) batch.push_back(tick_at(100 + i, 1 + static_cast<uint32_t>(i) / 3, 100 + i));
    for (int i = 0; i < 3; ++i) written.one(tick_at(i, 1, i));
    written.one(trade_at(3, 1, 3));
    for (int i = 4; i < 6; ++i) written.one(tick_at(i, 2, i));
    written.batch(batch, 0);
    written.batch(std::vector<Tick>{tick_at(200, 1, 200), tick_at(201, 1, 201)}, 1);
    auto stream = journal_stream(written.close(), {{1, 11}, {2, 12}}, kTicks | kTrades);
    CHECK_EQUAL(stream->total(), 13u);
    std::vector<std::string> runs;
    Rows rows;
    while (stream->next(rows))
        runs.push_back(std::to_string(rows.type) + ":" + std::to_string(rows.instrument) + " " +
                       std::to_string(rows.event_ns(0)) + "+" + std::to_string(rows.count));
    const std::vector<std::string> expected = {"1:11 0+3",   "4:11 3+1",   "1:12 4+2",
                                               "1:11 100+3", "1:12 103+2", "1:11 200+2"};
    CHECK(runs == expected);
    CHECK_EQUAL(stream->total(), 13u);
    stream->rewind();
    const auto seen = drain(*stream);
    CHECK_EQUAL(seen.size(), 13u);
    for (const Seen& one : seen) CHECK_EQUAL(one.mark, static_cast<double>(one.event_ns));
}

TEST(journal_passes_over_what_is_not_asked_for) {
    Written written;
    written.one(tick_at(1, 1, 1));
    written.one(tick_at(2, 2, 2));
    written.one(trade_at(3, 1, 3));
    written.one(tick_at(4, 1, 4), kBackfill);
    written.batch(std::vector<Tick>{tick_at(5, 1, 5), tick_at(6, 2, 6), tick_at(7, 1, 7), tick_at(8, 1, 8)}, 0);
    FrameSpec unknown;
    unknown.type = 200, unknown.instrument = 1;
    written.bus().append(Lane::market, unknown, "cold", 4);
    unknown.type = kLost, unknown.count = 9;
    written.bus().append(Lane::market, unknown, "", 0);
    written.batch(std::vector<Tick>{tick_at(9, 1, 9), tick_at(8, 1, 8), tick_at(10, 1, 10)}, 1);
    const std::string bus = written.close();
    const auto marks = [&](uint64_t types, int64_t start_ns, int64_t end_ns) {
        auto stream = journal_stream(bus, {{1, 1}, {9, 2}}, types, start_ns, end_ns);
        std::string text;
        for (const Seen& seen : drain(*stream)) text += std::to_string(static_cast<int>(seen.mark)) + " ";
        CHECK_EQUAL(stream->total(), static_cast<uint64_t>(std::count(text.begin(), text.end(), ' ')));
        return text;
    };
    CHECK_EQUAL(marks(kTicks, kFirstNs, kLastNs), "1 5 7 8 9 8 10 ");
    CHECK_EQUAL(marks(~uint64_t{0}, kFirstNs, kLastNs), "1 3 5 7 8 9 8 10 ");
    CHECK_EQUAL(marks(kTrades, kFirstNs, kLastNs), "3 ");
    CHECK_EQUAL(marks(kTicks, 5, 9), "5 7 8 8 ");
    CHECK_EQUAL(marks(kTicks, 9, kLastNs), "9 10 ");
    CHECK_EQUAL(marks(kTicks, 11, kLastNs), "");
}

TEST(journal_records_of_another_version_get_todays_length) {
    Written written;
    // An older version: a trade without its texts. A newer one: a tick with 16 bytes more.
    constexpr uint32_t kShort = offsetof(TradeTick, trade_id);
    TradeTick trade = trade_at(1, 1, 1);
    trade.trading_day = 20210104;
    for (int i = 0; i < 3; ++i) written.one(trade, 0, kShort);
    std::vector<std::byte> batch(kShort * 2000);
    for (uint32_t i = 0; i < 2000; ++i) {
        trade.event_ns = 10 + i, trade.price = i;
        std::memcpy(batch.data() + i * kShort, &trade, kShort);
    }
    written.raw_batch(TradeTick::kType, 2000, kShort, batch);
    std::vector<std::byte> longer(2 * (sizeof(Tick) + 16));
    for (int i = 0; i < 2; ++i) {
        const Tick tick = tick_at(5000 + i, 1, i);
        std::memcpy(longer.data() + static_cast<std::size_t>(i) * (sizeof(Tick) + 16), &tick, sizeof tick);
    }
    written.raw_batch(Tick::kType, 2, sizeof(Tick) + 16, longer);
    auto stream = journal_stream(written.close(), {{1, 1}}, kTicks | kTrades);
    uint32_t trades = 0, ticks = 0;
    std::vector<std::pair<Rows, std::shared_ptr<const void>>> kept;
    Rows rows;
    while (stream->next(rows)) {
        CHECK_EQUAL(rows.stride % 8, 0u);
        CHECK(rows.stride >= record_info(rows.type)->bytes);
        (rows.type == Tick::kType ? ticks : trades) += rows.count;
        kept.emplace_back(rows, stream->keep());
    }
    CHECK_EQUAL(trades, 2003u);
    CHECK_EQUAL(ticks, 2u);
    CHECK(kept.size() >= 4);
    for (const auto& [run, page] : kept) {  // all of them are still there
        if (run.type != TradeTick::kType) continue;
        for (uint32_t i = 0; i < run.count; ++i) {
            const auto& one = *static_cast<const TradeTick*>(run.at(i));
            CHECK_EQUAL(one.trading_day, 20210104);
            CHECK_EQUAL(one.trade_id[0], '\0');
            if (one.event_ns >= 10) CHECK_EQUAL(one.price, static_cast<double>(one.event_ns - 10));
        }
    }
}

TEST(journal_of_many_pages_is_read_while_its_rows_are_kept) {
    Written written(kMinPageBytes);
    for (int i = 0; i < 2000; ++i) written.one(tick_at(i, 1 + static_cast<uint32_t>(i % 100 == 0), i));
    auto stream = journal_stream(written.close(), {{1, 1}, {2, 2}}, kTicks);
    std::vector<std::pair<Rows, std::shared_ptr<const void>>> kept;
    Rows rows;
    uint64_t most = 0;
    while (stream->next(rows)) {
        most = std::max<uint64_t>(most, rows.count);
        kept.emplace_back(rows, stream->keep());
    }
    CHECK(most > 20);  // frames side by side come as one run
    int64_t expected = 0;
    for (const auto& [run, page] : kept)
        for (uint32_t i = 0; i < run.count; ++i) CHECK_EQUAL(run.event_ns(i), expected++);
    CHECK_EQUAL(expected, 2000);
}

TEST(journal_ends_where_it_ended_when_it_was_opened) {
    Written written;
    written.one(tick_at(1, 1, 1));
    auto stream = journal_stream(written.folder.bus(), {{1, 1}}, kTicks);
    written.one(tick_at(2, 1, 2));
    written.one(tick_at(3, 1, 3));
    CHECK_EQUAL(drain(*stream).size(), 1u);
    stream->rewind();
    CHECK_EQUAL(drain(*stream).size(), 1u);
}

TEST(journal_is_read_while_it_is_written) {
    Written written;
    std::thread writer([&written] {
        for (int i = 0; i < 3000; ++i) written.one(tick_at(i, 1, i));
    });
    for (int round = 0; round < 20; ++round) {
        auto stream = journal_stream(written.folder.bus(), {{1, 1}}, kTicks);
        const uint64_t total = stream->total();
        CHECK_EQUAL(drain(*stream).size(), total);
    }
    writer.join();
}

TEST(journal_hands_out_what_lies_before_damage) {
    Written written;
    for (int i = 0; i < 10; ++i) written.one(tick_at(i, 1, i));
    const std::string bus = written.close();
    const std::string page = check::page_file(bus, "market", 1);
    check::flip(page, kPageHeaderBytes + 6 * (kFrameHeaderBytes + sizeof(Tick)) + kFrameHeaderBytes + 30);
    auto stream = journal_stream(bus, {{1, 1}}, kTicks);
    for (int round = 0; round < 2; ++round) {
        Rows rows;
        CHECK(stream->next(rows));
        CHECK_EQUAL(rows.count, 6u);
        for (int call = 0; call < 2; ++call)
            CHECK_FAULT(Fault::corrupt, "seq 7: its CRC is wrong", (void)stream->next(rows));
        stream->rewind();
    }
}

TEST(folder_without_a_bus_is_no_journal) {
    check::Folder folder;
    CHECK_FAULT(Fault::argument, "bus", (void)journal_stream(folder.bus(), {{1, 1}}, kTicks));
}
