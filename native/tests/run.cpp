// Runs every test, or those whose name contains the first argument.

#include <signal.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "check.h"

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
    return "die_after_fork=0:second_deadlock_stack=1";
}
#endif

namespace check {

std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

static bool roomy(const char* path) {
    constexpr uint64_t kWanted = uint64_t{2} << 30;
    struct statvfs room;
    return access(path, W_OK) == 0 && statvfs(path, &room) == 0 && uint64_t{room.f_bavail} * room.f_frsize >= kWanted;
}

Folder::Folder(Where where) {
    const char* base = getenv("TMPDIR");
    if (where == Where::memory && roomy("/dev/shm")) base = "/dev/shm";
    std::string name = std::string(base ? base : "/tmp") + "/gcg-native-XXXXXX";
    if (!mkdtemp(name.data())) throw Failure("cannot make " + name);
    path = name;
}

Folder::~Folder() {
    std::error_code code;
    std::filesystem::remove_all(path, code);
}

int torture_seconds() {
    const char* text = getenv("GCG_TORTURE_S");
    return text ? atoi(text) : 0;
}

void expect_fault(const char* file, int line, gcg::Fault fault, const std::string& words,
                  const std::function<void()>& call) {
    try {
        call();
    } catch (const gcg::JournalError& error) {
        if (error.fault != fault || std::string(error.what()).find(words) == std::string::npos)
            fail(file, line, std::string("another error: ") + error.what());
        return;
    }
    fail(file, line, "no error, although one with '" + words + "' was due");
}

}  // namespace check

int main(int count, char** arguments) {
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, nullptr, _IOLBF, 0);
    int failed = 0, ran = 0;
    for (const check::Case& test : check::cases()) {
        if (count > 1 && !std::strstr(test.name, arguments[1])) continue;
        const auto started = std::chrono::steady_clock::now();
        std::string problem;
        try {
            test.run();
        } catch (const std::exception& error) {
            problem = error.what();
        }
        const auto taken =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count();
        std::printf("%s %s (%lld ms)%s%s\n", problem.empty() ? "ok  " : "FAIL", test.name,
                    static_cast<long long>(taken), problem.empty() ? "" : "\n     ", problem.c_str());
        ++ran;
        failed += problem.empty() ? 0 : 1;
    }
    std::printf("%d of %d tests passed\n", ran - failed, ran);
    return failed == 0 && ran > 0 ? 0 : 1;
}
