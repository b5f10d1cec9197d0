// Sleeping and waking: what killed sleepers cost, and that nobody sleeps over a frame.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#endif

#include "check.h"
#include "child.h"
#include "gcg/state.h"
#include "gcg/wait.h"
#include "payload.h"

using namespace gcg;
using namespace check;

TEST(answered_announcement_keeps_its_reader_awake_although_another_reader_announces_itself) {
    const auto state = std::make_unique<BusState>();
    WakeWord word(*state);
    const uint32_t mine = word.prepare();
    word.published();
    const uint32_t other = word.prepare();
    CHECK(mine != other);
    const auto started = std::chrono::steady_clock::now();
    word.sleep(mine, 90'000'000);  // what was published in between would be slept over
    CHECK(seconds_since(started) < 0.05);
    word.published();
    CHECK_EQUAL(state->wake.load() % 2, 0u);
    word.wake_all();
    CHECK_EQUAL(state->wake.load() % 2, 0u);
    CHECK_EQUAL(word.wakes(), 1u);
}

#ifdef __linux__

namespace {

constexpr int kSleepers = 100;
constexpr uint64_t kAppends = 1000;

uint32_t wake_word(const std::string& bus) {
    std::ifstream file(bus + "/bus.state", std::ios::binary);
    file.seekg(offsetof(BusState, wake));
    uint32_t word = 0;
    file.read(reinterpret_cast<char*>(&word), sizeof word);
    return word;
}

// Wait until a process that has nothing else to wait for sleeps.
void wait_asleep(pid_t pid) {
    const auto started = std::chrono::steady_clock::now();
    for (std::string line;;) {
        std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
        const auto name_end = line.rfind(')');
        if (name_end != line.npos && line.compare(name_end, 3, ") S") == 0) return;
        if (seconds_since(started) > 20) throw Failure("a reader does not fall asleep");
        usleep(500);
    }
}

// The futex wake-ups on a word between processes that a traced child asks for until it stops itself.
int count_wakes(const Child& child) {
    int wakes = 0;
    if (ptrace(PTRACE_SETOPTIONS, child.pid, nullptr, PTRACE_O_TRACESYSGOOD) != 0)
        throw Failure("cannot trace the child");
    for (;;) {
        int status = 0;
        if (ptrace(PTRACE_SYSCALL, child.pid, nullptr, nullptr) != 0 || waitpid(child.pid, &status, 0) != child.pid ||
            !WIFSTOPPED(status))
            throw Failure("cannot trace the child");
        if (WSTOPSIG(status) == SIGSTOP) return wakes;
        struct __ptrace_syscall_info info{};
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child.pid, sizeof info, &info) <= 0)
            throw Failure("cannot look at a system call");
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
        wakes += info.entry.nr == SYS_futex && (info.entry.args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE &&
                         (info.entry.args[1] & FUTEX_PRIVATE_FLAG) == 0
                     ? 1
                     : 0;
    }
}

}  // namespace

TEST(hundred_killed_sleepers_cost_one_wake_in_all) {
    Folder folder(Folder::Where::memory);
    Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "maker"})->close();
    Child publisher(
        [&](int) {
            auto own = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "publisher"});
            ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            raise(SIGSTOP);
            append_stamped(*own, Lane::market, 1, 0, 10);
            raise(SIGSTOP);
            for (uint64_t counter = 1; counter <= kAppends; ++counter)
                append_stamped(*own, Lane::market, 1, counter, 10);
            raise(SIGSTOP);
        },
        Child::Start::on_go);
    {
        std::vector<std::unique_ptr<Child>> sleepers;
        for (int count = 0; count < kSleepers; ++count)
            sleepers.push_back(std::make_unique<Child>([&](int out) {
                auto own = Bus::open(folder.bus(), {.owner = "sleeper", .read_only = true});
                auto reader = own->reader("", false, false);
                send(out, 'r');
                for (;;) reader->wait(-1);
            }));
        for (const auto& sleeper : sleepers) {
            char ready;
            CHECK(sleeper->receive(ready));
            wait_asleep(sleeper->pid);
        }
        CHECK_EQUAL(wake_word(folder.bus()) % 2, 1u);
        for (const auto& sleeper : sleepers) sleeper->signal(SIGKILL);
        for (const auto& sleeper : sleepers) CHECK_EQUAL(sleeper->wait(), -SIGKILL);
    }
    CHECK_EQUAL(wake_word(folder.bus()) % 2, 1u);
    publisher.go();
    publisher.wait_stopped();
    CHECK_EQUAL(count_wakes(publisher), 1);
    const uint32_t word = wake_word(folder.bus());
    CHECK_EQUAL(word % 2, 0u);
    CHECK_EQUAL(count_wakes(publisher), 0);  // over kAppends appends: what they cost without any sleeper
    CHECK_EQUAL(wake_word(folder.bus()), word);
}

#endif
