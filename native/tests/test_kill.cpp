// Writers that die, stop or fork at the worst moment.

#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include "check.h"
#include "child.h"
#include "payload.h"

using namespace gcg;
using namespace check;

namespace {

constexpr std::size_t kTrapBytes = 4096;
constexpr double kLoadedMachine = 1;  // seconds: 100 ms for a dead owner's lock, the rest for other programs' turns
char* trap_page = nullptr;

// A payload whose first read faults: the writer is caught inside the lock.
char* make_trap() {
    trap_page = static_cast<char*>(mmap(nullptr, kTrapBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    return trap_page;
}

// Several frames are read and copied inside the lock, a single one before it.
void append_inside_the_lock(Bus& bus, const FrameSpec& spec, const void* payload, uint32_t bytes) {
    bus.append_many(Lane::market, &spec, &payload, &bytes, 1);
}

void stop_in_trap(int) {
    raise(SIGSTOP);
    mprotect(trap_page, kTrapBytes, PROT_READ);
}

double append_seconds(Bus& bus, Lane lane, uint64_t counter) {
    const auto started = std::chrono::steady_clock::now();
    append_stamped(bus, lane, 9, counter, 100);
    return seconds_since(started);
}

}  // namespace

TEST(dead_owners_lock_is_taken_over) {
    Folder folder;
    std::vector<std::unique_ptr<Child>> children;
    const auto die_in_the_lock = [&](int) {
        signal(SIGSEGV, SIG_DFL);
        auto own = Bus::open(folder.bus(), {.owner = "dies in the lock"});
        append_inside_the_lock(*own, {.type = 2}, make_trap(), kTrapBytes);
    };
    for (int child = 0; child < 20; ++child)
        children.push_back(std::make_unique<Child>(die_in_the_lock, Child::Start::on_go));
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    auto reader = bus->reader("", false, true);
    FrameView frame;
    uint64_t round = 0;
    double longest = 0;
    for (const auto& child : children) {
        child->go();
        CHECK_EQUAL(child->wait(), -SIGSEGV);
        // Who cannot take it over within 100 ms gets Fault::busy; the clock only shows that nobody sleeps on it.
        longest = std::max(longest, append_seconds(*bus, Lane::market, round));
        CHECK(reader->next(frame));
        CHECK_EQUAL(check_payload(frame).counter, round++);
        CHECK(!reader->next(frame));
    }
    std::printf("     the longest append took %.1f ms\n", longest * 1e3);
    CHECK(longest < kLoadedMachine);
}

TEST(frames_published_before_the_death_stay) {
    Folder folder;
    const auto die_after_two_of_three = [&](int) {
        signal(SIGSEGV, SIG_DFL);
        auto own = Bus::open(folder.bus(), {.owner = "dies after two of three"});
        const auto payload = make_payload(1, 7, 300);
        const FrameSpec specs[3] = {{.type = 1}, {.type = 1}, {.type = 1}};
        const void* payloads[3] = {payload.data(), payload.data(), make_trap()};
        const uint32_t bytes[3] = {static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(payload.size()),
                                   kTrapBytes};
        own->append_many(Lane::market, specs, payloads, bytes, 3);
    };
    Child child(die_after_two_of_three, Child::Start::on_go);
    auto bus = Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"});
    append_stamped(*bus, Lane::market, 9, 0, 10);
    child.go();
    CHECK_EQUAL(child.wait(), -SIGSEGV);
    CHECK_EQUAL(bus->head(Lane::market), 2u);  // not committed
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (int count = 0; count < 3; ++count) {
        CHECK(reader->next(frame));
        check_payload(frame);
    }
    CHECK(!reader->next(frame));
    reader->seek(reader->cursor());  // beyond head(), and still right
    CHECK_EQUAL(event_seq(append_stamped(*bus, Lane::market, 9, 1, 10).id), 4u);
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->seq, 4u);
}

TEST(dead_owner_is_seen_on_opening_when_nobody_else_is_there) {
    Folder folder;
    Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "test"})->append(Lane::market, {.type = 1}, "a", 1);
    Child child([&](int) {
        signal(SIGSEGV, SIG_DFL);
        auto own = Bus::open(folder.bus(), {.owner = "dies"});
        const FrameSpec specs[2] = {{.type = 1}, {.type = 1}};
        const void* payloads[2] = {"b", make_trap()};
        const uint32_t bytes[2] = {1, kTrapBytes};
        own->append_many(Lane::market, specs, payloads, bytes, 2);
    });
    CHECK_EQUAL(child.wait(), -SIGSEGV);
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    CHECK_EQUAL(bus->epoch(), 1u);  // the page cache survived: nothing was cut
    CHECK(bus->epoch_reports().empty());
    CHECK_EQUAL(bus->head(Lane::market), 3u);
    CHECK_EQUAL(event_seq(bus->append(Lane::market, {.type = 1}, "c", 1).id), 3u);
}

TEST(stopped_owner_keeps_its_lock_and_others_get_its_name) {
    Folder folder;
    Child child([&](int) {
        signal(SIGSEGV, stop_in_trap);
        auto own = Bus::open(folder.bus(), {.owner = "the stopped one"});
        append_inside_the_lock(*own, {.type = 2}, make_trap(), kTrapBytes);
    });
    child.wait_stopped();
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    const auto started = std::chrono::steady_clock::now();
    CHECK_FAULT(Fault::busy, "'the stopped one' (pid " + std::to_string(child.pid) + ")",
                append_stamped(*bus, Lane::market, 9, 0, 10));
    CHECK(seconds_since(started) > 0.09);
    append_stamped(*bus, Lane::control, 9, 0, 10);  // the other lanes are free
    child.signal(SIGCONT);
    CHECK_EQUAL(child.wait(), 0);
    append_stamped(*bus, Lane::market, 9, 1, 10);
    auto reader = bus->reader("", false, true);
    reader->lanes(2);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.header->type, 2);
    CHECK_EQUAL(frame.payload_bytes, kTrapBytes);
    CHECK(reader->next(frame));
    CHECK_EQUAL(check_payload(frame).counter, 1u);
}

namespace {

int gate_of_the_stuck = -1;
std::atomic<bool> in_trap{false};

void wait_in_trap(int) {
    in_trap = true;
    char byte;
    while (read(gate_of_the_stuck, &byte, 1) < 0) {
    }
    mprotect(trap_page, kTrapBytes, PROT_READ);
}

}  // namespace

TEST(closing_does_not_give_away_the_lock_of_a_thread_that_is_stuck_in_it) {
    Folder folder;
    int gate[2];
    CHECK(pipe(gate) == 0);
    Child child([&](int out) {
        gate_of_the_stuck = gate[0];
        signal(SIGSEGV, wait_in_trap);
        auto own = Bus::open(folder.bus(), {.owner = "closes with a stuck thread"});
        char* trap = make_trap();
        std::thread stuck([&] { append_inside_the_lock(*own, {.type = 2}, trap, kTrapBytes); });
        while (!in_trap) usleep(500);
        own->close();
        send(out, 'c');
        stuck.join();
    });
    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    char closed;
    CHECK(child.receive(closed));
    CHECK_FAULT(Fault::busy, "'closes with a stuck thread'", append_stamped(*bus, Lane::market, 9, 0, 10));
    const auto started = std::chrono::steady_clock::now();
    Bus::open(folder.bus(), {.owner = "another"})->close();  // nobody is kept out
    CHECK(seconds_since(started) < 5);
    CHECK(write(gate[1], "g", 1) == 1);
    CHECK_EQUAL(child.wait(), 0);
    append_stamped(*bus, Lane::market, 9, 1, 10);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    CHECK(reader->next(frame));
    CHECK_EQUAL(frame.payload_bytes, kTrapBytes);
    CHECK(reader->next(frame));
    CHECK_EQUAL(check_payload(frame).counter, 1u);
    close(gate[0]);
    close(gate[1]);
}

namespace {

struct Ack {
    uint64_t id;
    uint64_t counter;
};

struct Summary {
    uint64_t appended;
    double longest_s;
};

void write_until_killed(const std::string& folder, uint64_t writer, int out) {
    auto bus = Bus::open(folder, {.owner = "killed writer"});
    std::minstd_rand random(static_cast<unsigned>(writer));
    for (uint64_t counter = 0;; ++counter) {
        const Lane lane = random() % 4 == 0 ? Lane::log : Lane::market;
        const Appended appended = append_stamped(*bus, lane, writer, counter, random() % 1500);
        send(out, Ack{appended.id, counter});
    }
}

// Goes on until `stop` exists; nobody may block it.
void write_steadily(const std::string& folder, const std::string& stop, int out) {
    auto bus = Bus::open(folder, {.owner = "steady writer"});
    Summary summary{};
    for (; access(stop.c_str(), F_OK) != 0; ++summary.appended) {
        summary.longest_s = std::max(summary.longest_s, append_seconds(*bus, Lane::market, summary.appended));
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    send(out, summary);
}

void read_steadily(const std::string& folder, const std::string& stop, int out) {
    auto bus = Bus::open(folder, {.owner = "reader", .read_only = true});
    auto reader = bus->reader("", false, true);
    FrameView frame;
    uint64_t count = 0;
    for (bool last = false;;) {
        while (reader->next(frame)) {  // throws at damage and at a gap
            check_payload(frame);
            ++count;
        }
        if (last) break;
        last = access(stop.c_str(), F_OK) == 0;  // then once more, to the end
        if (!last) reader->wait(0.05);
    }
    send(out, count);
}

}  // namespace

TEST(writers_killed_in_a_loop_lose_and_tear_nothing) {
#ifdef __SANITIZE_THREAD__
    constexpr uint64_t kKills = 15;
#else
    constexpr uint64_t kKills = 100;
#endif
    Folder folder;
    const std::string stop = folder.path + "/stop";
    Bus::open(folder.bus(), {.page_bytes = 16384, .owner = "maker"})->close();
    Child steady([&](int out) { write_steadily(folder.bus(), stop, out); });
    Child reader([&](int out) { read_steadily(folder.bus(), stop, out); });
    std::map<uint64_t, std::pair<uint64_t, uint64_t>> acknowledged;  // id -> writer, counter
    std::minstd_rand random(4711);
    for (uint64_t kill = 0; kill < kKills; ++kill) {
        const uint64_t writer = 100 + kill;
        Child victim([&](int out) { write_until_killed(folder.bus(), writer, out); });
        Ack ack;
        CHECK(victim.receive(ack));  // it writes
        acknowledged[ack.id] = {writer, ack.counter};
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        victim.signal(SIGKILL);
        while (victim.receive(ack)) acknowledged[ack.id] = {writer, ack.counter};
        CHECK_EQUAL(victim.wait(), -SIGKILL);
    }
    std::fclose(std::fopen(stop.c_str(), "w"));
    Summary summary{};
    CHECK(steady.receive(summary));
    CHECK_EQUAL(steady.wait(), 0);
    uint64_t read_count = 0;
    CHECK(reader.receive(read_count));
    CHECK_EQUAL(reader.wait(), 0);

    auto bus = Bus::open(folder.bus(), {.owner = "test"});
    auto check = bus->reader("", false, true);
    FrameView frame;
    std::map<std::pair<uint64_t, Lane>, uint64_t> last;
    uint64_t count = 0, found = 0;
    for (; check->next(frame); ++count) {
        const Stamp stamp = check_payload(frame);
        auto [entry, first] = last.try_emplace({stamp.writer, frame.lane}, stamp.counter);
        CHECK(first || entry->second < stamp.counter);
        entry->second = stamp.counter;
        const auto ack = acknowledged.find(make_event_id(frame.lane, frame.header->seq));
        if (ack == acknowledged.end()) continue;
        ++found;
        CHECK(ack->second == std::make_pair(stamp.writer, stamp.counter));
    }
    CHECK_EQUAL(found, acknowledged.size());
    CHECK_EQUAL(bus->head(Lane::market) + bus->head(Lane::log), count + 2);
    CHECK(read_count <= count && read_count + kKills >= count);  // the reader may have ended before the steady writer
    std::printf("     %llu frames, %zu acknowledged by killed writers, the longest append took %.1f ms\n",
                static_cast<unsigned long long>(count), acknowledged.size(), summary.longest_s * 1e3);
    CHECK(summary.longest_s < kLoadedMachine);
}

TEST(forked_child_gets_an_error_and_the_parent_keeps_its_locks) {
    Folder folder;
    auto bus = Bus::open(folder.bus(), {.owner = "parent"});
    auto reader = bus->reader("durable", true, true);
    bus->append(Lane::market, {.type = 1}, "x", 1);
    Child child([&](int) {
        FrameView frame;
        CHECK_FAULT(Fault::argument, "before fork()", bus->append(Lane::market, {.type = 1}, "x", 1));
        CHECK_FAULT(Fault::argument, "before fork()", (void)reader->next(frame));
        CHECK_FAULT(Fault::argument, "before fork()", reader->commit());
        CHECK_FAULT(Fault::argument, "before fork()", bus->reader("", false, true));
        CHECK_FAULT(Fault::argument, "before fork()", bus->sync());
        reader.reset();
        bus->close();
        bus.reset();
#ifndef __SANITIZE_THREAD__
        auto own = Bus::open(folder.bus(), {.owner = "child"});
        CHECK_FAULT(Fault::busy, "already open", own->reader("durable", true, true));
        own->append(Lane::market, {.type = 1}, "y", 1);
#endif
    });
    CHECK_EQUAL(child.wait(), 0);
    FrameView frame;
    while (reader->next(frame)) {
    }
    const uint64_t seq = event_seq(bus->append(Lane::market, {.type = 1}, "z", 1).id);
    auto other = Bus::open(folder.bus(), {.owner = "other"});
    CHECK_FAULT(Fault::busy, "already open", other->reader("durable", true, true));
    CHECK_EQUAL(event_seq(other->append(Lane::market, {.type = 1}, "w", 1).id), seq + 1);
}
