// The basics: what goes in comes out.

#include <cstring>
#include <thread>

#include "check.h"

using namespace gcg;

TEST(appended_frame_reads_back_whole) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto reader = bus->reader("", false, true);
    FrameView frame;
    CHECK(!reader->next(frame));
    FrameSpec spec{.type = 7, .source = 3, .flags = 2, .schema = 5, .instrument = 11, .count = 1, .cause = 99};
    const Appended appended = bus->append(Lane::market, spec, "hello world", 11);
    CHECK_EQUAL(appended.id, make_event_id(Lane::market, 1));
    CHECK(reader->ready());
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.payload_bytes, 11u);
    CHECK(std::memcmp(frame.payload, "hello world", 11) == 0);
    CHECK_EQUAL(frame.header->seq, 1u);
    CHECK_EQUAL(frame.header->time_ns, appended.time_ns);
    CHECK_EQUAL(frame.header->cause, 99u);
    CHECK_EQUAL(frame.header->instrument, 11u);
    CHECK_EQUAL(frame.header->type, 7);
    CHECK_EQUAL(frame.header->source, 3);
    CHECK_EQUAL(frame.header->flags, 2);
    CHECK_EQUAL(frame.header->schema, 5);
    CHECK(frame.lane == Lane::market);
    CHECK(!reader->next(frame));
    CHECK_EQUAL(bus->head(Lane::market), 2u);
}

TEST(pages_turn_without_a_gap) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    auto reader = bus->reader("", false, true);
    char payload[1000];
    for (int round = 0; round < 500; ++round) {
        const uint32_t bytes = static_cast<uint32_t>(round * 37 % 1000);
        std::memset(payload, round & 127, sizeof payload);
        bus->append(Lane::market, {.type = 1, .cause = static_cast<uint64_t>(round)}, payload, bytes);
    }
    FrameView frame;
    for (int round = 0; round < 500; ++round) {
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.header->cause, static_cast<uint64_t>(round));
        CHECK_EQUAL(frame.payload_bytes, static_cast<uint32_t>(round * 37 % 1000));
        for (uint32_t at = 0; at < frame.payload_bytes; ++at) CHECK(frame.payload[at] == std::byte(round & 127));
    }
    CHECK(!reader->next(frame));
    CHECK(inspect(folder.bus(), true).size() > 10);
    for (const PageReport& page : inspect(folder.bus(), true)) CHECK_EQUAL(page.damage, std::string());
}

TEST(batch_takes_as_many_seqs_as_it_has_records) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    const uint64_t numbers[3] = {1, 2, 3};
    CHECK_EQUAL(event_seq(bus->append(Lane::market, {.type = 1, .count = 3}, numbers, sizeof numbers).id), 1u);
    CHECK_EQUAL(event_seq(bus->append(Lane::market, {.type = 1}, numbers, 8).id), 4u);
    CHECK_EQUAL(bus->head(Lane::market), 5u);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->count, 3u);
    CHECK_EQUAL(reader->cursor().next_seq[1], 4u);
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->seq, 4u);
}

TEST(append_many_gives_consecutive_ids_across_pages) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    std::vector<char> payload(9000, 'x');
    const FrameSpec specs[5] = {{.type = 1}, {.type = 2, .count = 4}, {.type = 3}, {.type = 4}, {.type = 5}};
    const void* payloads[5] = {payload.data(), payload.data(), payload.data(), payload.data(), payload.data()};
    const uint32_t bytes[5] = {9000, 8000, 9000, 1, 0};
    const Appended appended = bus->append_many(Lane::control, specs, payloads, bytes, 5);
    CHECK_EQUAL(appended.id, make_event_id(Lane::control, 1));
    CHECK_EQUAL(bus->head(Lane::control), 9u);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    const uint64_t seqs[5] = {1, 2, 6, 7, 8};
    for (int item = 0; item < 5; ++item) {
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.header->type, item + 1);
        CHECK_EQUAL(frame.header->seq, seqs[item]);
        CHECK_EQUAL(frame.header->time_ns, appended.time_ns);
        CHECK_EQUAL(frame.payload_bytes, bytes[item]);
    }
    CHECK(!reader->next(frame));
}

TEST(frames_of_every_size_fit_to_the_last_byte_of_a_page) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    const uint32_t room = 16384 - kPageHeaderBytes - kFrameHeaderBytes;
    std::vector<char> payload(room + 1, 'y');
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (uint32_t missing = 0; missing < 200; ++missing) {  // leaves 0, 8, ... 200 bytes behind it
        bus->append(Lane::market, {.type = 1}, payload.data(), room - missing);
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.payload_bytes, room - missing);
    }
    CHECK_FAULT(Fault::argument, "does not fit into a page",
                bus->append(Lane::market, {.type = 1}, payload.data(), room + 1));
    CHECK_FAULT(Fault::argument, "page end marker", bus->append(Lane::market, {.type = 0}, payload.data(), 1));
    CHECK_FAULT(Fault::argument, "at least one record",
                bus->append(Lane::market, {.type = 1, .count = 0}, payload.data(), 1));
    CHECK_EQUAL(bus->head(Lane::market), 201u);
}

TEST(control_comes_before_market_before_log) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto reader = bus->reader("", false, true);
    for (int round = 0; round < 3; ++round)
        for (const Lane lane : {Lane::log, Lane::market, Lane::control}) bus->append(lane, {.type = 1}, "x", 1);
    FrameView frame;
    for (const Lane lane : {Lane::control, Lane::control, Lane::control, Lane::market}) {
        CHECK(reader->next(frame));
        CHECK(frame.lane == lane);
    }
    bus->append(Lane::control, {.type = 1}, "x", 1);
    for (const Lane lane : {Lane::control, Lane::market, Lane::market, Lane::log, Lane::log, Lane::log}) {
        CHECK(reader->next(frame));
        CHECK(frame.lane == lane);
    }
    CHECK(!reader->next(frame));
}

TEST(masked_lane_is_not_read) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto reader = bus->reader("only control", false, true);
    reader->lanes(1);
    bus->append(Lane::market, {.type = 1}, "x", 1);
    FrameView frame;
    CHECK(!reader->next(frame));
    CHECK(!reader->ready());
    bus->append(Lane::control, {.type = 1}, "x", 1);
    CHECK(reader->next(frame));
    CHECK_EQUAL(bus->readers().at(0).lag[1], 0u);
    CHECK_FAULT(Fault::argument, "mask", reader->lanes(0));
}

TEST(reopened_bus_goes_on_where_it_ended) {
    check::Folder folder;
    std::string id;
    {
        auto bus = Bus::open(folder.bus() + "/", {.world = World::backtest, .page_bytes = 16384, .owner = "test"});
        id = bus->id();
        CHECK_EQUAL(id.size(), 32u);
        CHECK_EQUAL(bus->epoch(), 1u);
        for (int round = 0; round < 300; ++round) bus->append(Lane::market, {.type = 1}, "0123456789", 10);
    }
    auto bus = Bus::open(folder.bus(), {.world = World{}, .owner = "test"});
    CHECK_EQUAL(bus->id(), id);
    CHECK(bus->world() == World::backtest);
    CHECK_EQUAL(bus->page_bytes(), 16384u);
    CHECK_EQUAL(bus->epoch(), 1u);
    CHECK(bus->epoch_reports().empty());
    CHECK_EQUAL(event_seq(bus->append(Lane::market, {.type = 1}, "x", 1).id), 301u);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (uint64_t seq = 1; seq <= 301; ++seq) {
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.header->seq, seq);
    }
    CHECK(!reader->next(frame));
}

TEST(opening_names_what_is_wrong) {
    check::Folder folder;
    CHECK_FAULT(Fault::argument, "there is no bus in", Bus::open(folder.bus(), {.create = false}));
    CHECK_FAULT(Fault::argument, "multiple of 4096", Bus::open(folder.bus(), {.page_bytes = 5000}));
    CHECK_FAULT(Fault::argument, "multiple of 4096", Bus::open(folder.bus(), {.page_bytes = 4096}));
    auto bus = Bus::open(folder.bus(), {.world = World::paper, .owner = "test"});
    CHECK_FAULT(Fault::argument, "is a paper world, not a live one", Bus::open(folder.bus(), {.world = World::live}));
    CHECK_FAULT(Fault::io, "cannot create", Bus::open("/proc/nowhere/bus", {}));
    CHECK_FAULT(Fault::argument, "no name", Bus::open("", {}));
}

TEST(two_buses_of_one_process_share_one_journal) {
    check::Folder folder;
    auto first = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "first"});
    auto second = Bus::open(folder.bus(), {.owner = "second"});
    for (int round = 0; round < 400; ++round)
        (round % 3 ? first : second)->append(Lane::market, {.type = 1}, "0123456789", 10);
    CHECK_EQUAL(first->head(Lane::market), 401u);
    auto reader = second->reader("", false, true);
    FrameView frame;
    uint64_t count = 0;
    while (reader->next(frame)) ++count;
    CHECK_EQUAL(count, 400u);
}

TEST(time_never_decreases_and_first_seq_is_one) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    int64_t last = 0;
    for (int round = 0; round < 1000; ++round) {
        const Appended appended = bus->append(Lane::log, {.type = 1}, nullptr, 0);
        CHECK(appended.time_ns >= last);
        last = appended.time_ns;
    }
}

TEST(read_only_bus_reads_and_refuses_to_append) {
    check::Folder folder;
    auto writer = Bus::open(folder.bus(), {.owner = "writer"});
    auto bus = Bus::open(folder.bus(), {.create = false, .read_only = true});
    auto reader = bus->reader("", false, true);
    writer->append(Lane::market, {.type = 1}, "x", 1);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_FAULT(Fault::argument, "read-only", bus->append(Lane::market, {.type = 1}, "x", 1));
    CHECK_FAULT(Fault::argument, "read-only", bus->sync());
    writer->add_instrument("A", "B", "");
    CHECK_EQUAL(bus->add_instrument("A", "B", ""), 1u);
    CHECK_FAULT(Fault::argument, "read-only", bus->add_instrument("C", "B", ""));
}

TEST(closed_bus_refuses_everything_and_pages_outlive_it) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    bus->append(Lane::market, {.type = 1}, "still here", 10);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    CHECK(reader->next(frame));
    const auto page = reader->page();
    bus->close();
    bus->close();
    CHECK_FAULT(Fault::argument, "is closed", bus->append(Lane::market, {.type = 1}, "x", 1));
    CHECK_FAULT(Fault::argument, "is closed", bus->reader("", false, true));
    CHECK_FAULT(Fault::argument, "is closed", (void)reader->next(frame));
    CHECK_FAULT(Fault::argument, "is closed", reader->wait(0));
    reader.reset();
    bus.reset();
    CHECK(std::memcmp(frame.payload, "still here", 10) == 0);
}

TEST(page_handle_keeps_bytes_of_a_page_left_behind) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    auto reader = bus->reader("", false, true);
    std::vector<FrameView> frames;
    std::vector<std::shared_ptr<const void>> pages;
    for (int round = 0; round < 100; ++round) {
        bus->append(Lane::market, {.type = 1}, std::string(2000, static_cast<char>('a' + round % 26)).data(), 2000);
        FrameView frame;
        CHECK(reader->next(frame));
        CHECK(!reader->ready());  // may turn the page; the last frame stays
        pages.push_back(reader->page());
        frames.push_back(frame);
    }
    for (int round = 0; round < 100; ++round)
        for (uint32_t at = 0; at < 2000; ++at) CHECK(frames[round].payload[at] == std::byte('a' + round % 26));
}

TEST(waiting_reader_wakes_for_a_frame_and_for_wake) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    for (const WaitPolicy policy : {WaitPolicy::busy, WaitPolicy::adaptive, WaitPolicy::sleep}) {
        auto reader = bus->reader("", false, false);
        reader->wait_policy(policy, 0.001);
        CHECK(!reader->wait(0));
        CHECK(!reader->wait(0.01));
        std::thread writer([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            bus->append(Lane::log, {.type = 1}, "x", 1);
        });
        while (!reader->wait(5)) {
        }
        writer.join();
        FrameView frame;
        CHECK(reader->next(frame));
        std::thread waker([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            bus->wake();
        });
        CHECK(!reader->wait(-1));
        waker.join();
    }
}
