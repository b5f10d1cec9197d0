#include "exercise.h"

#include <memory>
#include <random>
#include <stdexcept>

#include "gcg/bus.h"

namespace fuzz {
namespace {

using namespace gcg;

// Damage is reported, and the program goes on with the next thing.
template <typename Call>
bool allowed(const Call& call) {
    try {
        call();
        return true;
    } catch (const JournalError& error) {
        if (std::string(error.what()).empty()) throw std::logic_error("an error without a sentence");
        return false;
    }
}

uint64_t touch(const FrameView& frame) {
    uint64_t sum = frame.header->seq + frame.header->count;
    for (uint32_t at = 0; at < frame.payload_bytes; ++at) sum += static_cast<uint64_t>(frame.payload[at]);
    return sum;
}

// Read all there is; at damage go on behind it, as `journal copy` does.
void read_all(BusReader& reader) {
    FrameView frame;
    static uint64_t sum = 0;
    for (int faults = 0, frames = 0; faults < 20 && frames < 100'000;) {
        const bool whole = allowed([&] {
            while (frames++ < 100'000 && reader.next(frame)) sum += touch(frame);
        });
        if (whole) break;
        ++faults;
        for (int lane = 0; lane < kLanes; ++lane)
            allowed([&] { reader.seek_seq(static_cast<Lane>(lane), reader.cursor().next_seq[lane] + 1); });
    }
}

void seek_around(Bus& bus, BusReader& reader, std::mt19937_64& random) {
    FrameView frame;
    for (int lane = 0; lane < kLanes; ++lane) {
        const auto which = static_cast<Lane>(lane);
        const uint64_t head = bus.head(which);
        for (const uint64_t seq : {uint64_t{1}, head, head - 1, random() % (head | 1), random()})
            if (allowed([&] { reader.seek_seq(which, seq); })) allowed([&] { (void)reader.next(frame); });
        static_cast<void>(reader.lag(which));
    }
    for (const int64_t time : {int64_t{0}, INT64_MAX, static_cast<int64_t>(random())})
        if (allowed([&] { reader.seek_time(time); })) allowed([&] { (void)reader.next(frame); });
    Cursor cursor = reader.cursor();
    for (uint64_t& seq : cursor.next_seq) seq = random() % 100;
    cursor.epoch = static_cast<uint32_t>(random() % 4);
    allowed([&] { reader.seek(cursor); });
    allowed([&] { (void)reader.kept(cursor); });
    allowed([&] { (void)reader.wait(0); });
}

void read_tables(const Bus& bus) {
    InstrumentRow row;
    allowed([&] {
        for (uint32_t number = 0; number < 20; ++number)
            allowed([&] { static_cast<void>(bus.instrument(number, row)); });
        static_cast<void>(bus.instrument_count());
        static_cast<void>(bus.find_instrument("SYMBOL1", "VENUE"));
    });
    for (int number = 0; number < 20; ++number)
        allowed([&] { static_cast<void>(bus.source(static_cast<uint16_t>(number))); });
}

// What was acknowledged is there, whatever else is damaged.
void append_and_read_back(Bus& bus, std::mt19937_64& random) {
    const std::string payload(5000, 'a');
    for (int lane = 0; lane < kLanes; ++lane) {
        const auto which = static_cast<Lane>(lane);
        std::unique_ptr<BusReader> reader;
        if (!allowed([&] { reader = bus.reader("", false, false); })) continue;
        reader->lanes(1u << lane);
        for (int count = 0; count < 8; ++count) {
            const auto bytes = static_cast<uint32_t>(random() % payload.size());
            Appended appended{};
            if (!allowed([&] { appended = bus.append(which, {.type = 9}, payload.data(), bytes); })) break;
            FrameView frame;
            if (!reader->next(frame) || make_event_id(which, frame.header->seq) != appended.id ||
                frame.payload_bytes != bytes || frame.header->time_ns != appended.time_ns)
                throw std::logic_error("an acknowledged frame is not there");
        }
    }
    const FrameSpec specs[3] = {{.type = 1}, {.type = 2, .count = 4}, {.type = 3}};
    const void* payloads[3] = {payload.data(), payload.data(), payload.data()};
    const uint32_t bytes[3] = {5000, 5000, 5000};
    allowed([&] { bus.append_many(Lane::market, specs, payloads, bytes, 3); });
}

void open_and_use(const std::string& folder, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::shared_ptr<Bus> bus;
    const bool read_only = random() % 4 == 0;
    if (!allowed([&] { bus = Bus::open(folder, {.sync = SyncPolicy::none, .owner = "fuzz", .read_only = read_only}); }))
        return;
    static_cast<void>(bus->epoch_reports());
    read_tables(*bus);
    allowed([&] { static_cast<void>(bus->readers()); });
    std::unique_ptr<BusReader> reader;
    if (allowed([&] { reader = bus->reader("", false, true); })) {
        read_all(*reader);
        seek_around(*bus, *reader, random);
    }
    std::unique_ptr<BusReader> durable;
    if (allowed([&] { durable = bus->reader("store", true, true); })) {
        read_all(*durable);
        allowed([&] { durable->commit(); });
    }
    if (!read_only) {
        append_and_read_back(*bus, random);
        allowed([&] { bus->add_instrument("NEW" + std::to_string(seed % 3), "VENUE", "terms"); });
        allowed([&] { bus->change_instrument(static_cast<uint32_t>(random() % 8), "other terms"); });
        allowed([&] { bus->add_source("new"); });
        allowed([&] { bus->sync(); });
    }
    bus->wake();
    allowed([&] { bus->close(); });
}

}  // namespace

void exercise(const std::string& folder, uint64_t seed) {
    allowed([&] { static_cast<void>(inspect(folder, seed % 2 == 0)); });
    open_and_use(folder, seed);
    open_and_use(folder, seed + 1);
    allowed([&] { static_cast<void>(inspect(folder, true)); });
}

}  // namespace fuzz
