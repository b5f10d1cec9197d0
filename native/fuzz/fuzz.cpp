// fuzz [--seconds N] [--jobs N] [--seed S]    damage bus folders at random for N seconds of processor time (20)
// fuzz --replay S                             do what run S did, once, and say what is damaged
//
// Each run takes a whole bus, damages it as its seed says, and opens, reads, seeks, inspects, appends and opens it
// again. A crash, a hang, an exception that is no JournalError, and a broken promise are findings: their seed is
// printed. Runs are done in child processes, so that a crash is seen whatever its kind.

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "exercise.h"
#include "mutation.h"

namespace {

using namespace fuzz;
using Clock = std::chrono::steady_clock;

constexpr auto kHang = std::chrono::seconds(60);
constexpr int kMostFindings = 20;  // then it is enough for a day

struct Progress {  // shared with a child
    std::atomic<uint64_t> seed{0}, runs{0};
};

struct Options {
    double seconds = 20;
    int jobs = 1;
    uint64_t seed = 0;
    uint64_t replay = 0;
};

double seconds_of(const rusage& used) {
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double processor_seconds(int who) {
    rusage used;
    getrusage(who, &used);
    return seconds_of(used);
}

void run_once(const std::vector<Files>& samples, const std::string& folder, uint64_t seed, bool loud) {
    Files files = samples[seed % samples.size()];
    const std::string damage = mutate(files, seed);
    if (loud) std::printf("sample %llu\n%s", static_cast<unsigned long long>(seed % samples.size()), damage.c_str());
    write_out(files, folder);
    exercise(folder, seed);
}

// Runs until its share of processor time is used up; its exit code is 0 unless it found something.
int work(const std::vector<Files>& samples, const std::string& folder, uint64_t first, double seconds,
         Progress& progress) {
    const double until = processor_seconds(RUSAGE_SELF) + seconds;
    for (uint64_t seed = first; processor_seconds(RUSAGE_SELF) < until; ++seed) {
        progress.seed = seed;
        try {
            run_once(samples, folder, seed, false);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            return 1;
        }
        ++progress.runs;
    }
    return 0;
}

struct Job {
    pid_t pid = -1;
    Progress* progress = nullptr;
    uint64_t seen = 0;
    double left = 0;  // seconds of processor time
    Clock::time_point moved;
    std::string folder;
};

void start(Job& job, const std::vector<Files>& samples, uint64_t first) {
    job.moved = Clock::now();
    job.pid = fork();
    if (job.pid == 0) _exit(work(samples, job.folder, first, job.left, *job.progress));
}

Progress* share_progress() {
    void* memory = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) Progress;
}

// Wait for the jobs; who found something goes on behind it. Returns the number of findings.
int watch(std::vector<Job>& jobs, const std::vector<Files>& samples) {
    int findings = 0;
    for (std::size_t left = jobs.size(); left > 0;) {
        usleep(20'000);
        for (Job& job : jobs) {
            if (job.pid < 0) continue;
            int status = 0;
            rusage used;
            if (const uint64_t runs = job.progress->runs; runs != job.seen) job.seen = runs, job.moved = Clock::now();
            const bool hangs = Clock::now() - job.moved > kHang;
            if (hangs) kill(job.pid, SIGKILL);
            if (wait4(job.pid, &status, hangs ? 0 : WNOHANG, &used) != job.pid) continue;
            job.pid = -1;
            job.left -= seconds_of(used);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                --left;
                continue;
            }
            ++findings;
            std::printf("FOUND %s; do it again with: fuzz --replay %llu\n",
                        hangs                 ? "a hang"
                        : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                              : "an error",
                        static_cast<unsigned long long>(job.progress->seed.load()));
            if (findings >= kMostFindings || job.left <= 0) {
                --left;
            } else {
                start(job, samples, job.progress->seed + 1);
            }
        }
    }
    return findings;
}

int fuzz_all(const Options& options, const std::vector<Files>& samples, const std::string& base) {
    std::vector<Job> jobs(static_cast<std::size_t>(options.jobs));
    for (std::size_t number = 0; number < jobs.size(); ++number) {
        Job& job = jobs[number];
        job.progress = share_progress();
        job.folder = base + "/job-" + std::to_string(number);
        job.left = options.seconds / options.jobs;
        start(job, samples, options.seed + number * 1'000'000'000);
    }
    const int findings = watch(jobs, samples);
    uint64_t runs = 0;
    for (const Job& job : jobs) runs += job.progress->runs;
    std::printf("%s fuzz: %llu damaged buses from seed %llu on, %.0f s of processor time, %d findings\n",
                findings == 0 ? "ok  " : "FAIL", static_cast<unsigned long long>(runs),
                static_cast<unsigned long long>(options.seed), processor_seconds(RUSAGE_CHILDREN), findings);
    return findings == 0 ? 0 : 1;
}

Options parse(int count, char** arguments) {
    Options options;
    options.seed = std::random_device{}();
    for (int at = 1; at + 1 < count; at += 2) {
        const std::string name = arguments[at];
        if (name == "--seconds") options.seconds = atof(arguments[at + 1]);
        if (name == "--jobs") options.jobs = std::max(1, atoi(arguments[at + 1]));
        if (name == "--seed") options.seed = strtoull(arguments[at + 1], nullptr, 10);
        if (name == "--replay") options.replay = strtoull(arguments[at + 1], nullptr, 10);
    }
    return options;
}

}  // namespace

int main(int count, char** arguments) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const Options options = parse(count, arguments);
    const char* given = getenv("TMPDIR");
    std::string base = std::string(given                           ? given
                                   : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                                   : "/tmp") +
                       "/gcg-fuzz-XXXXXX";
    if (!mkdtemp(base.data())) return 1;
    const std::vector<Files> samples = make_samples(base + "/sample");
    const rlimit small{4u << 20, 4u << 20};  // a damaged size must not fill the disk
    setrlimit(RLIMIT_FSIZE, &small);
    signal(SIGXFSZ, SIG_IGN);
    int code = 0;
    if (options.replay != 0) {
        run_once(samples, base + "/replay", options.replay, true);
    } else {
        code = fuzz_all(options, samples, base);
    }
    std::filesystem::remove_all(base);
    return code;
}
