// kill -9 at every instruction of one append, of one page turn, and of one append that wakes sleepers, single-stepped
// by ptrace. GCG_STEP_STRIDE=n takes every n-th instruction only, from a random one on.

#if defined(__linux__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

#include <stdlib.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>

#include "bus_impl.h"
#include "check.h"
#include "child.h"
#include "payload.h"

using namespace gcg;
using namespace check;

namespace {

constexpr uint64_t kVictim = 1, kHeir = 2;  // who writes
constexpr uint32_t kExtra = 200;
constexpr uint64_t kStepped = align8(kFrameHeaderBytes + sizeof(Stamp) + kExtra);
constexpr uint64_t kWarmUp = align8(kFrameHeaderBytes + sizeof(Stamp));
constexpr uint64_t kLeft = 128;  // bytes of a page that is to be turned: room for the end marker, not for the frame
static_assert(kLeft >= kFrameHeaderBytes && kLeft < kStepped);

enum class What { append, turn, wake };

int stride() {
    const char* text = getenv("GCG_STEP_STRIDE");
    return text ? std::max(1, atoi(text)) : 1;
}

void append(Bus::Impl& bus, uint64_t writer, uint64_t counter, uint32_t extra) {
    const auto payload = make_payload(writer, counter, extra);
    const FrameSpec spec{.type = 1, .cause = counter};
    bus.lane(Lane::market).append(spec, payload.data(), static_cast<uint32_t>(payload.size()));
    bus.context->wake.published();
}

// What the kills met: without some of each, the instructions were not those of a page turn.
struct Met {
    int kills = 0, in_lock = 0, page_ended = 0, page_turned = 0, published = 0;
    double longest_s = 0;
};

// One bus for all kills, with a reader that sees everything once.
class Scene {
 public:
    explicit Scene(What what) : what_(what) {
        const uint64_t page_bytes = what == What::turn ? kMinPageBytes : uint64_t{4} << 20;
        options_ = {.sync = SyncPolicy::none, .page_bytes = page_bytes, .owner = "stepped"};
        bus_ = open_bus(folder_.bus(), options_);
        public_ = Bus::open(folder_.bus(), {.owner = "reader", .read_only = true});
        reader_ = public_->reader("", false, true);
    }

    // Kill a process after `steps` instructions of its append; false if the append was over before. What was there
    // stays, the next append gets the lock, and the frame is there whole or not at all.
    bool kill_after(int steps, Met& met) {
        if (what_ == What::turn) fill_page();
        const uint64_t round = round_++;
        Child child([&](int) { victim(round); });
        child.wait_stopped();
        LaneJournal& lane = bus_->lane(Lane::market);
        const Position before = lane.position();
        const bool killed = step(child, steps);
        look(before, killed, met);
        child.signal(SIGKILL);
        CHECK_EQUAL(child.wait(), -SIGKILL);
        const auto started = std::chrono::steady_clock::now();
        append(*bus_, kHeir, round, 10);
        met.longest_s = std::max(met.longest_s, seconds_since(started));
        FrameView frame;
        if (what_ == What::turn) expect(kHeir, round, frame);  // what filled the page
        expect(kVictim, 2 * round, frame);
        CHECK(reader_->next(frame));
        const bool there = check_payload(frame).writer == kVictim;
        CHECK(there || killed);
        if (there) CHECK_EQUAL(check_payload(frame).counter, 2 * round + 1);
        if (there) CHECK(reader_->next(frame));
        CHECK_EQUAL(check_payload(frame).writer, kHeir);
        CHECK_EQUAL(check_payload(frame).counter, round);
        CHECK(!reader_->next(frame));
        met.published += killed && there ? 1 : 0;
        if (round % 64 == 63) forget_old_pages();
        return killed;
    }

    void check_pages() const {
        for (const PageReport& page : inspect(folder_.bus(), true)) CHECK_EQUAL(page.damage, std::string());
    }

 private:
    // Fill the current page so that after the victim's first frame kLeft bytes are left on it.
    void fill_page() {
        LaneJournal& lane = bus_->lane(Lane::market);
        FrameView frame;
        const auto left = [&lane] { return lane.kind().page_bytes - lane.position().offset; };
        while (left() < kLeft + kWarmUp + kWarmUp) {
            append(*bus_, kHeir, round_, 0);
            expect(kHeir, round_, frame);
        }
        append(*bus_, kHeir, round_, static_cast<uint32_t>(left() - kLeft - 2 * kWarmUp));
        CHECK_EQUAL(left(), kLeft + kWarmUp);
    }

    // The process to be killed: its first append maps the page, its second one lies between two stops.
    void victim(uint64_t round) const {
        const auto own = open_bus(folder_.bus(), options_);
        own->keeper->stop();
        append(*own, kVictim, 2 * round, 0);
        if (what_ == What::turn) own->lane(Lane::market).prepare_ahead(1);
        if (what_ == What::wake) static_cast<void>(own->context->wake.prepare());
        const auto payload = make_payload(kVictim, 2 * round + 1, kExtra);
        const FrameSpec spec{.type = 1};
        const auto bytes = static_cast<uint32_t>(payload.size());
        ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        raise(SIGSTOP);
        own->lane(Lane::market).append(spec, payload.data(), bytes);  // as Bus::append does
        own->context->wake.published();
        raise(SIGSTOP);
    }

    // Let the child go `steps` instructions on from its first stop; false if it came to the second one.
    static bool step(const Child& child, int steps) {
        for (int done = 0; done < steps; ++done) {
            int status = 0;
            if (ptrace(PTRACE_SINGLESTEP, child.pid, nullptr, nullptr) != 0 ||
                waitpid(child.pid, &status, 0) != child.pid)
                throw Failure("cannot step the child");
            if (!WIFSTOPPED(status)) throw Failure("the stepped child ended");
            if (WSTOPSIG(status) == SIGSTOP) return false;
        }
        return true;
    }

    void look(const Position& before, bool killed, Met& met) {
        LaneJournal& lane = bus_->lane(Lane::market);
        const uint64_t page = lane.position().page;
        const auto first = lane.page(before.page);
        const bool ended = length_of(first->data() + before.offset).load(std::memory_order_acquire) != 0 &&
                           reinterpret_cast<const FrameHeader*>(first->data() + before.offset)->type == kPageEnd;
        const bool turns = what_ == What::turn;
        CHECK_EQUAL(before.offset + kLeft == lane.kind().page_bytes, turns);
        if (!killed) {
            CHECK_EQUAL(page, before.page + (turns ? 1 : 0));  // the range of instructions holds the whole turn
            CHECK_EQUAL(ended, turns);
            return;
        }
        ++met.kills;
        met.in_lock += lane.state().lock.load(std::memory_order_relaxed) != 0 ? 1 : 0;
        met.page_ended += ended && page == before.page ? 1 : 0;
        met.page_turned += page != before.page ? 1 : 0;
    }

    void expect(uint64_t writer, uint64_t counter, FrameView& frame) const {
        CHECK(reader_->next(frame));
        const Stamp stamp = check_payload(frame);
        CHECK(stamp.writer == writer && stamp.counter == counter);
    }

    void forget_old_pages() const {
        const LaneJournal& lane = bus_->lane(Lane::market);
        for (const uint64_t index : list_pages(lane.kind().folder))
            if (index + 2 < lane.current_page()) std::filesystem::remove(lane.kind().path(index));
    }

    What what_;
    Folder folder_{Folder::Where::memory};
    BusOptions options_;
    std::shared_ptr<Bus::Impl> bus_;
    std::shared_ptr<Bus> public_;
    std::unique_ptr<BusReader> reader_;
    uint64_t round_ = 0;
};

Met kill_at_every_instruction(What what) {
    Scene scene(what);
    Met met;
    int steps = 1 + static_cast<int>(std::random_device{}() % static_cast<unsigned>(stride()));
    while (scene.kill_after(steps, met)) steps += stride();
    scene.check_pages();
    std::printf(
        "     killed at %d of %d instructions, %d times inside the lock, %d with the frame there, %d and %d with the "
        "page ended and turned; the longest append after it %.1f ms\n",
        met.kills, steps - 1, met.in_lock, met.published, met.page_ended, met.page_turned, met.longest_s * 1e3);
    CHECK(steps > 100);
    CHECK(met.in_lock > 0 && met.published > 0);
    // Fault::busy would come after 100 ms; the rest is for a loaded machine.
    CHECK(met.longest_s < 1);
    return met;
}

}  // namespace

TEST(kill_at_every_instruction_of_an_append_loses_nothing) {
    const Met met = kill_at_every_instruction(What::append);
    CHECK_EQUAL(met.page_ended + met.page_turned, 0);
}
TEST(kill_at_every_instruction_of_a_page_turn_loses_nothing) {
    const Met met = kill_at_every_instruction(What::turn);
    CHECK(met.page_ended > 0 && met.page_turned > 0);
}
TEST(kill_at_every_instruction_of_an_append_that_wakes_loses_nothing) {
    kill_at_every_instruction(What::wake);
}

#endif
