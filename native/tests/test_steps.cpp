// kill -9 at the instructions of one append and of one page turn, single-stepped by ptrace. Every STRIDE-th instruction
// by default; GCG_STEP_STRIDE=1 takes them all.

#if defined(__linux__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "check.h"
#include "child.h"
#include "payload.h"

using namespace gcg;
using namespace check;

namespace {

constexpr uint64_t kPageBytes = 16384;
constexpr uint32_t kExtra = 200;
constexpr uint64_t kFrameBytes = align8(kFrameHeaderBytes + sizeof(Stamp) + kExtra);
constexpr uint64_t kFramesPerPage = (kPageBytes - kPageHeaderBytes) / kFrameBytes;

int stride() {
    const char* text = getenv("GCG_STEP_STRIDE");
    return text ? std::max(1, atoi(text)) : 41;
}

bool maps_name(const std::string& name) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(name) != std::string::npos) return true;
    return false;
}

// Appends `before` frames, waits until the keeper has mapped the second page (where one is needed), and appends one
// more between two stops.
void append_between_stops(const std::string& folder, uint64_t before) {
    auto bus = Bus::open(folder, {.sync = SyncPolicy::none, .owner = "stepped"});
    for (uint64_t counter = 0; counter < before; ++counter) append_stamped(*bus, Lane::market, 1, counter, kExtra);
    if (before == kFramesPerPage) {
        while (!maps_name("0000000002.page")) usleep(500);
        usleep(
            2000);  // it goes into the window next; if it does not get there in time, the test steps through that, too
    }
    const auto payload = make_payload(1, before, kExtra);
    const FrameSpec spec{.type = 1, .cause = before};
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    bus->append(Lane::market, spec, payload.data(), static_cast<uint32_t>(payload.size()));
    raise(SIGSTOP);
}

// Let the child go `steps` instructions on from its first stop; false if it came to the second one.
bool step(const Child& child, int steps) {
    child.wait_stopped();
    for (int done = 0; done < steps; ++done) {
        int status = 0;
        if (ptrace(PTRACE_SINGLESTEP, child.pid, nullptr, nullptr) != 0 || waitpid(child.pid, &status, 0) != child.pid)
            throw Failure("cannot step the child");
        if (!WIFSTOPPED(status)) throw Failure("the stepped child ended");
        if (WSTOPSIG(status) == SIGSTOP) return false;
    }
    return true;
}

// Kill the child after `steps` instructions of its append; return false if the append was over. What it had written
// stays, the next append takes less than 100 ms, and the last frame is there whole or not at all.
bool kill_after(uint64_t before, int steps) {
    Folder folder;
    Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = kPageBytes, .owner = "maker"})->close();
    Child child([&](int) { append_between_stops(folder.bus(), before); });
    const bool killed = step(child, steps);
    // Open while the stepped one lives, so that it is the lock, not the opening, that deals with its death.
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    child.signal(SIGKILL);
    CHECK_EQUAL(child.wait(), -SIGKILL);
    const auto started = std::chrono::steady_clock::now();
    const uint64_t seq = event_seq(append_stamped(*bus, Lane::market, 2, 0, 10).id);
    CHECK(seconds_since(started) < 1);  // Fault::busy comes after 100 ms; the rest is for a loaded machine
    CHECK(seq == before + 1 || seq == before + 2);
    CHECK(killed || seq == before + 2);
    auto reader = bus->reader("", false, true);
    FrameView frame;
    for (uint64_t at = 1; at < seq; ++at) {
        CHECK(reader->next(frame));
        CHECK_EQUAL(frame.header->seq, at);
        CHECK_EQUAL(check_payload(frame).counter, at - 1);
    }
    CHECK(reader->next(frame));
    CHECK_EQUAL(check_payload(frame).writer, 2u);
    CHECK(!reader->next(frame));
    for (const PageReport& page : inspect(folder.bus(), true)) CHECK_EQUAL(page.damage, std::string());
    return killed;
}

void kill_at_every_instruction(uint64_t before) {
    int steps = 1;
    while (kill_after(before, steps)) steps += stride();
    std::printf("     killed at every %d. of about %d instructions\n", stride(), steps);
    CHECK(steps > 100);
}

}  // namespace

TEST(kill_at_the_instructions_of_an_append_loses_nothing) {
    kill_at_every_instruction(3);
}
TEST(kill_at_the_instructions_of_a_page_turn_loses_nothing) {
    kill_at_every_instruction(kFramesPerPage);
}

#endif
