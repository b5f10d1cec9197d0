// Cursors, seeking, the status of readers.

#include <cstring>
#include <filesystem>
#include <fstream>

#include "check.h"

using namespace gcg;

static void fill(Bus& bus, Lane lane, int count, uint32_t bytes = 40) {
    const std::string payload(bytes, 'p');
    for (int round = 0; round < count; ++round) bus.append(lane, {.type = 1}, payload.data(), bytes);
}

TEST(seek_by_seq_finds_every_record) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    for (int round = 0; round < 300; ++round)
        bus->append(Lane::market, {.type = 1, .count = static_cast<uint32_t>(1 + round % 3)},
                    std::string(round, 'x').data(), static_cast<uint32_t>(round));
    auto reader = bus->reader("", false, false);
    const uint64_t head = bus->head(Lane::market);
    CHECK_EQUAL(head, 601u);
    FrameView frame;
    for (uint64_t seq = 1; seq < head; ++seq) {
        reader->seek_seq(Lane::market, seq);
        CHECK_EQUAL(reader->cursor().next_seq[1], seq);
        CHECK_EQUAL(reader->lag(Lane::market), head - seq);
        CHECK(reader->next(frame));
        CHECK(frame.header->seq <= seq && seq < frame.header->seq + frame.header->count);
        CHECK_EQUAL(reader->cursor().next_seq[1], frame.header->seq + frame.header->count);
    }
    reader->seek_seq(Lane::market, head);
    CHECK(!reader->next(frame));
    CHECK_FAULT(Fault::cursor, "ends before seq 601", reader->seek_seq(Lane::market, head + 1));
    CHECK_FAULT(Fault::cursor, "cursor", reader->seek_seq(Lane::market, 0));
}

TEST(seek_by_time_finds_the_first_frame_that_is_not_older) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    std::vector<int64_t> times;
    for (int round = 0; round < 1000; ++round)
        times.push_back(bus->append(Lane::market, {.type = 1}, std::string(100, 'x').data(), 100).time_ns);
    auto reader = bus->reader("", false, false);
    FrameView frame;
    for (std::size_t at = 0; at < times.size(); at += 7) {
        reader->seek_time(times[at]);
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.header->time_ns, times[at]);
        CHECK(frame.header->seq == 1 || times[frame.header->seq - 2] < times[at]);
    }
    reader->seek_time(0);
    CHECK_EQUAL(reader->cursor().next_seq[1], 1u);
    reader->seek_time(times.back() + 1);
    CHECK(!reader->next(frame));
    CHECK_EQUAL(reader->cursor().next_seq[1], 1001u);
}

TEST(reader_begins_at_the_oldest_page_that_is_there) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    auto early = bus->reader("", false, true);
    fill(*bus, Lane::market, 1000);
    const auto pages = inspect(folder.bus(), false);
    for (const PageReport& page : pages)
        if (page.index <= 3 && page.lane == Lane::market) std::filesystem::remove(page.file);
    uint64_t oldest = 0;
    for (const PageReport& page : pages)
        if (page.index == 4) oldest = page.first_seq;
    FrameView frame;
    CHECK(early->next(frame));
    CHECK_EQUAL(frame.header->seq, oldest);
    auto reader = bus->reader("", false, true);
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->seq, oldest);
    reader->seek_seq(Lane::market, 5);
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->seq, oldest);
    uint64_t seq = oldest;
    while (reader->next(frame)) CHECK_EQUAL(frame.header->seq, ++seq);
    CHECK_EQUAL(seq, 1000u);
}

TEST(durable_reader_goes_on_from_its_commit) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    fill(*bus, Lane::market, 500);
    fill(*bus, Lane::control, 5);
    FrameView frame;
    {
        auto reader = bus->reader("recorder/1", true, true);
        for (int round = 0; round < 205; ++round) CHECK(reader->next(frame));
        reader->commit();
        for (int round = 0; round < 150; ++round) CHECK(reader->next(frame));  // read, but not committed
    }
    bus->close();
    bus = Bus::open(folder.bus(), {.owner = "test"});
    auto reader = bus->reader("recorder/1", true, false);
    CHECK_EQUAL(reader->cursor().next_seq[0], 6u);
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->seq, 201u);
    Cursor cursor = reader->cursor();
    cursor.next_seq[1] = 77;
    reader->commit(cursor);
    reader.reset();
    reader = bus->reader("recorder/1", true, false);
    CHECK_EQUAL(reader->cursor().next_seq[1], 77u);
}

TEST(new_durable_reader_that_never_committed_misses_nothing) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    fill(*bus, Lane::market, 3);
    bus->reader("late", true, false).reset();
    fill(*bus, Lane::market, 4);
    auto reader = bus->reader("late", true, false);
    CHECK_EQUAL(reader->lag(Lane::market), 4u);
}

TEST(second_reader_of_a_durable_name_is_refused) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto first = bus->reader("recorder", true, true);
    CHECK_FAULT(Fault::busy, "a reader named 'recorder' is already open", bus->reader("recorder", true, true));
    first.reset();
    CHECK(bus->reader("recorder", true, true) != nullptr);
    auto chart = bus->reader("chart", false, true);
    auto other = bus->reader("chart", false, true);
    CHECK_EQUAL(chart->name(), std::string("chart"));
    CHECK_EQUAL(other->name(), std::string("chart~2"));
    CHECK_FAULT(Fault::argument, "needs a name", bus->reader("", true, true));
    CHECK_FAULT(Fault::argument, "at most 80", bus->reader(std::string(81, 'x'), true, true));
}

TEST(status_shows_every_reader_and_its_lag) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto durable = bus->reader("store", true, true);
    auto passing = bus->reader("chart", false, true);
    fill(*bus, Lane::market, 100);
    FrameView frame;
    for (int round = 0; round < 64; ++round) CHECK(durable->next(frame));
    while (passing->next(frame)) {
    }
    auto status = bus->readers();
    CHECK_EQUAL(status.size(), 2u);
    CHECK_EQUAL(status[0].name, std::string("chart"));
    CHECK(status[0].alive && !status[0].durable);
    CHECK_EQUAL(status[0].lag[1], 0u);
    CHECK(status[1].alive && status[1].durable && status[1].pid > 0 && status[1].updated_ns > 0);
    CHECK_EQUAL(status[1].lag[1], 36u);
    CHECK_EQUAL(status[1].next_seq[1], 65u);
    passing.reset();
    durable->commit();
    durable.reset();
    status = bus->readers();
    CHECK_EQUAL(status.size(), 1u);
    CHECK(!status[0].alive);
    CHECK_EQUAL(status[0].lag[1], 36u);
}

TEST(cursor_of_another_bus_or_beyond_the_end_is_refused_and_nothing_moves) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    fill(*bus, Lane::market, 10);
    auto reader = bus->reader("", false, true);
    Cursor cursor = reader->cursor();
    CHECK_EQUAL(cursor.bus_id, bus->id());
    CHECK_EQUAL(cursor.epoch, 1u);
    cursor.next_seq[1] = 4;
    reader->seek(cursor);
    cursor.next_seq[2] = 2;
    cursor.next_seq[1] = 6;
    CHECK_FAULT(Fault::cursor, "the log lane is at seq 2", reader->seek(cursor));
    CHECK_EQUAL(reader->cursor().next_seq[1], 4u);
    cursor.next_seq[2] = 1;
    cursor.bus_id[0] ^= 1;
    CHECK_FAULT(Fault::cursor, "the cursor is of bus", reader->seek(cursor));
    cursor.bus_id.clear();
    cursor.epoch = 9;
    CHECK_FAULT(Fault::cursor, "epoch 9", reader->seek(cursor));
}

TEST(durable_cursor_of_a_replaced_bus_is_refused_with_the_file_to_remove) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    bus->reader("store", true, true).reset();
    bus->close();
    const std::string file = folder.bus() + "/readers/store";
    std::filesystem::copy(file, folder.path + "/saved");
    std::filesystem::remove_all(folder.bus());
    bus = Bus::open(folder.bus(), {.owner = "test"});
    std::filesystem::copy(folder.path + "/saved", file);
    CHECK_FAULT(Fault::cursor, "remove the file", bus->reader("store", true, true));
    std::filesystem::remove(file);
    CHECK(bus->reader("store", true, true) != nullptr);
}
