// What the benchmarks of the journal share: options, a folder, processes that start together, medians and rows.
//
//   PROGRAM [--quick] [--rows] [--only WORD]    --rows prints "name TAB figure TAB target TAB ok|missed" instead of a
//   table
#pragma once

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gcg/bus.h"
#include "gcg/clock.h"
#include "gcg/wait.h"

namespace bench {

using namespace gcg;

inline constexpr uint32_t kBytes = 96;  // of a payload

struct Options {
    bool quick = false;
    bool rows = false;
    std::string only;

    Options(int argc, char** argv) {
        for (int word = 1; word < argc; ++word) {
            const std::string text = argv[word];
            if (text == "--quick") {
                quick = true;
            } else if (text == "--rows") {
                rows = true;
            } else if (text == "--only" && word + 1 < argc) {
                only = argv[++word];
            } else {
                std::fprintf(stderr, "%s: unknown option %s; there are --quick, --rows and --only WORD\n", argv[0],
                             argv[word]);
                exit(2);
            }
        }
    }
    [[nodiscard]] bool wants(const char* part) const { return std::string(part).find(only) != std::string::npos; }
    [[nodiscard]] int count(int full) const { return quick ? full / 20 : full; }
    [[nodiscard]] int runs() const { return quick ? 1 : 7; }

    // `met` < 0: there is nothing to meet.
    void row(const std::string& name, const std::string& figure, const std::string& target = "", int met = -1) const {
        const char* verdict = met < 0 ? "" : met > 0 ? "ok" : "missed";
        std::printf(rows ? "%s\t%s\t%s\t%s\n" : "  %-66s %26s   %-18s %s\n", name.c_str(), figure.c_str(),
                    target.c_str(), verdict);
        std::fflush(stdout);
    }
};

template <typename... Values>
std::string text(const char* form, Values... values) {
    char line[200];
    std::snprintf(line, sizeof line, form, values...);
    return line;
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}
template <typename Measure>
double median_of(int runs, const Measure& measure) {
    std::vector<double> values;
    for (int run = 0; run < runs; ++run) values.push_back(measure());
    return median(std::move(values));
}

// Sorts; `share` from 0 to 1.
inline int64_t percentile(std::vector<int64_t>& values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * share)];
}
inline std::string duration(int64_t ns) {
    const double value = static_cast<double>(ns);
    if (ns < 10'000) return text("%lld ns", static_cast<long long>(ns));
    return ns < 10'000'000 ? text("%.0f us", value / 1e3) : text("%.0f ms", value / 1e6);
}

// A folder on the disk's file system (TMPDIR, else /var/tmp, which is no tmpfs), removed at the end.
class Folder {
 public:
    Folder() {
        const char* base = getenv("TMPDIR");
        path_ = std::string(base && *base ? base : access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp");
        path_ += "/gcg-bench-XXXXXX";
        if (!mkdtemp(path_.data())) throw std::runtime_error("cannot make a folder like " + path_);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    // A bus that no run before has used.
    [[nodiscard]] std::string bus() { return path_ + "/bus" + std::to_string(++count_); }
    static void remove(const std::string& bus) { std::filesystem::remove_all(bus); }

 private:
    std::string path_;
    int count_ = 0;
};

// What forked processes see of each other. Every access is sequentially consistent: none of them is timed.
struct Shared {
    std::atomic<int> ready{0};
    std::atomic<int> go{0};
    std::atomic<uint64_t> written{0};
    double results[8] = {};

    static Shared& make() {
        void* place = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (place == MAP_FAILED) throw std::runtime_error("cannot map shared memory");
        return *new (place) Shared;
    }
    // Say that this process has opened what it needs, and wait for the start.
    void arrive() {
        ++ready;
        while (go == 0) usleep(50);
    }
    // Wait for `count` processes and let them go; return when, in monotonic nanoseconds.
    int64_t start(int count) {
        while (ready < count) usleep(50);
        const int64_t now = monotonic_ns();
        go = 1;
        return now;
    }
};

// Processes that are forked before this one opens a bus. A process that fails ends the benchmark.
class Crew {
 public:
    void add(const std::function<void()>& work) {
        std::fflush(stdout);
        const pid_t pid = fork();
        if (pid < 0) throw std::runtime_error("cannot fork");
        if (pid == 0) {
            try {
                work();
            } catch (const std::exception& error) {
                std::fprintf(stderr, "%s\n", error.what());
                _exit(1);
            }
            _exit(0);
        }
        pids_.push_back(pid);
    }
    void wait() {
        for (const pid_t pid : pids_) {
            int status = 0;
            waitpid(pid, &status, 0);
            if (status != 0) throw std::runtime_error("a process of the benchmark failed");
        }
        pids_.clear();
    }

 private:
    std::vector<pid_t> pids_;
};

struct Payload {
    char bytes[kBytes];
    Payload() { std::memset(bytes, 7, sizeof bytes); }
};

inline void append(Bus& bus, const Payload& payload, int count) {
    for (int event = 0; event < count; ++event) bus.append(Lane::market, {.type = 1}, payload.bytes, kBytes);
}

// Write so much, with pauses, that the keeper prepares the rest of the first page: 6 of its 16 MB are gone then.
inline void warm_up(Bus& bus, const Payload& payload) {
    for (int step = 0; step < 3; ++step) {
        append(bus, payload, 14'000);
        usleep(20'000);  // as fast as that the keeper prepares all it may
    }
    usleep(300'000);
}

}  // namespace bench
