// The instrument and the source table.

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "check.h"
#include "child.h"
#include "gcg/crc32c.h"
#include "gcg/file.h"

using namespace gcg;

TEST(changed_terms_keep_the_number_and_are_seen_by_others) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "one"});
    auto other = Bus::open(folder.bus(), {.owner = "two"});
    InstrumentRow row;
    CHECK_EQUAL(bus->add_instrument("A", "X", "one"), 1u);
    CHECK(other->instrument(1, row) && row.terms == "one");
    bus->change_instrument(1, "two");
    bus->change_instrument(1, "two");
    CHECK(other->instrument(1, row) && row.number == 1 && row.symbol == "A" && row.terms == "two");
    CHECK(!other->instrument(2, row));
    CHECK_EQUAL(other->add_instrument("B", "X", ""), 3u);
    CHECK_EQUAL(bus->find_instrument("B", "X"), 3u);
    CHECK_FAULT(Fault::argument, "no instrument number", bus->change_instrument(2, "x"));
}

TEST(instrument_is_numbered_once_and_found_by_name) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    CHECK_EQUAL(bus->find_instrument("BTC/USDT", "binance"), 0u);
    CHECK_EQUAL(bus->add_instrument("BTC/USDT", "binance", "terms"), 1u);
    CHECK_EQUAL(bus->add_instrument("BTC/USDT", "okx", ""), 2u);
    CHECK_EQUAL(bus->add_instrument("BTC/USDT", "binance", "other terms"), 1u);
    CHECK_EQUAL(bus->find_instrument("BTC/USDT", "okx"), 2u);
    CHECK_EQUAL(bus->find_instrument("BTC/USD", "Tokx"), 0u);
    CHECK_EQUAL(bus->instrument_count(), 2u);
    InstrumentRow row;
    CHECK(bus->instrument(1, row));
    CHECK_EQUAL(row.symbol, std::string("BTC/USDT"));
    CHECK_EQUAL(row.venue, std::string("binance"));
    CHECK_EQUAL(row.terms, std::string("terms"));
    CHECK(!bus->instrument(0, row) && !bus->instrument(3, row) && !bus->instrument(4'000'000'000u, row));
    const std::string longest(80, 's'), venue(32, 'v'), terms(376, 't');
    CHECK_EQUAL(bus->add_instrument(longest, venue, terms), 3u);
    CHECK(bus->instrument(3, row) && row.symbol == longest && row.venue == venue && row.terms == terms);
    CHECK_FAULT(Fault::argument, "the symbol", bus->add_instrument(longest + "x", venue, ""));
    CHECK_FAULT(Fault::argument, "the venue", bus->add_instrument("a", venue + "x", ""));
    CHECK_FAULT(Fault::argument, "the terms", bus->add_instrument("a", "b", terms + "x"));
    CHECK_FAULT(Fault::argument, "is empty", bus->add_instrument("", "b", ""));
}

TEST(sources_are_numbered_from_one) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->add_source("simulated"), 1);
    CHECK_EQUAL(bus->add_source("grid"), 2);
    CHECK_EQUAL(bus->add_source("simulated"), 1);
    CHECK_EQUAL(bus->source(2), std::string("grid"));
    CHECK_EQUAL(bus->source(3), std::string());
    CHECK_EQUAL(bus->source_count(), 2);
    CHECK_FAULT(Fault::argument, "at most 56", bus->add_source(std::string(57, 'x')));
}

TEST(tables_grow_and_agree_between_processes_and_after_reopening) {
    check::Folder folder;
    std::vector<std::unique_ptr<check::Child>> children;
    for (int child = 0; child < 3; ++child)
        children.push_back(std::make_unique<check::Child>([&](int) {
            auto own = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "child"});
            for (int round = 0; round < 400; ++round)
                own->add_instrument("S" + std::to_string(round), "V", std::to_string(round));
        }));
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "parent"});
    for (const auto& child : children) CHECK_EQUAL(child->wait(), 0);
    CHECK_EQUAL(bus->instrument_count(), 400u);
    bus->close();
    bus = Bus::open(folder.bus(), {.owner = "again"});
    InstrumentRow row;
    for (int round = 0; round < 400; ++round) {
        const std::string symbol = "S" + std::to_string(round);
        const uint32_t number = bus->find_instrument(symbol, "V");
        CHECK(number > 0 && bus->instrument(number, row));
        CHECK(row.symbol == symbol && row.terms == std::to_string(round));
    }
}

TEST(threads_find_and_add_at_once) {
    check::Folder folder;
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                const std::string symbol = "S" + std::to_string(round);
                const uint32_t number = bus->add_instrument(symbol, "V", "");
                if (bus->find_instrument(symbol, "V") != number) ++wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK_EQUAL(wrong.load(), 0);
    CHECK_EQUAL(bus->instrument_count(), 200u);
}

TEST(torn_row_is_invisible_and_written_over) {
    check::Folder folder;
    {
        auto bus = Bus::open(folder.bus(), {.owner = "test"});
        bus->add_instrument("A", "V", "");
    }
    const int file = open((folder.bus() + "/instruments.table").c_str(), O_RDWR);
    CHECK_EQUAL(pwrite(file, "garbage of a killed writer", 26, 2 * 512 + 4), 26);
    close(file);
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->instrument_count(), 1u);
    CHECK_EQUAL(bus->add_instrument("B", "V", "t"), 2u);
    InstrumentRow row;
    CHECK(bus->instrument(2, row) && row.symbol == "B" && row.terms == "t");
}

TEST(flipped_bit_of_an_instrument_is_noticed) {
    check::Folder folder;
    Bus::open(folder.bus(), {.owner = "test"})->add_instrument("BTC/USDT", "SIM", "terms of the day");
    const std::string path = folder.bus() + "/instruments.table";
    const File file = File::open(path, O_RDWR);
    for (uint64_t byte = 0; byte < 160; byte += byte < 24 ? 1 : 5) {
        if (byte >= 20 && byte < 24) continue;  // spare bytes
        char was = 0;
        CHECK_EQUAL(read_some(file, &was, 1, 512 + byte, path), 1u);
        const char flipped = static_cast<char>(was ^ 16);  // terms of 16 bytes become none
        write_all(file, &flipped, 1, 512 + byte, path);
        InstrumentRow row;
        auto bus = Bus::open(folder.bus(), {.create = false, .read_only = true});
        if (byte < 4) {
            CHECK(!bus->instrument(1, row));  // the state: the row is not there
        } else if (byte < 14 || byte >= 16) {
            CHECK_FAULT(Fault::corrupt, "row 1 of the instrument table", static_cast<void>(bus->instrument(1, row)));
        }
        write_all(file, &was, 1, 512 + byte, path);
    }
}

TEST(crc32c_agrees_with_the_standard_and_with_itself) {
    CHECK_EQUAL(crc32c(0, "123456789", 9), 0xE3069283u);
    CHECK_EQUAL(crc32c_software(0, "123456789", 9), 0xE3069283u);
    std::string text(1000, '\0');
    for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 131 + at / 7);
    for (std::size_t bytes = 0; bytes < text.size(); bytes += 13) {
        std::string copy(bytes, 'z');
        const uint32_t crc = crc32c(7, text.data(), bytes);
        CHECK_EQUAL(crc, crc32c_software(7, text.data(), bytes));
        CHECK_EQUAL(crc, copy_crc32c(7, copy.data(), text.data(), bytes));
        CHECK(text.compare(0, bytes, copy) == 0);
        CHECK_EQUAL(crc32c(crc32c(0, text.data(), bytes / 3), text.data() + bytes / 3, bytes - bytes / 3),
                    crc32c(0, text.data(), bytes));
    }
}
