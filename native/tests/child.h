// A forked process that runs a function and talks to the test through a pipe.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include "check.h"

namespace check {

// The child writes to `out`; its exit code is 0 unless the function threw. Whoever lives at the end is killed. A child
// that opens a bus is forked before the test opens one (ThreadSanitizer knows no threads after a fork with threads) and
// may wait for go().
class Child {
 public:
    enum class Start { now, on_go };

    explicit Child(const std::function<void(int out)>& run, Start start = Start::now) {
        int ends[2], signals[2];
        if (pipe(ends) != 0 || pipe(signals) != 0) throw Failure("cannot make a pipe");
        pid = fork();
        if (pid < 0) throw Failure("cannot fork");
        if (pid == 0) {
            close(ends[0]);
            close(signals[1]);
            char byte;
            if (start == Start::on_go && read(signals[0], &byte, 1) != 1) _exit(0);
            int code = 0;
            try {
                run(ends[1]);
            } catch (const std::exception& error) {
                std::fprintf(stderr, "child: %s\n", error.what());
                code = 1;
            }
            _exit(code);
        }
        close(ends[1]);
        close(signals[0]);
        in = ends[0];
        gate = signals[1];
    }
    ~Child() {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        close(in);
        close(gate);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void go() const {
        if (write(gate, "g", 1) != 1) throw Failure("the child is gone");
    }
    // Whether a whole value came before the child ended.
    template <typename Value>
    bool receive(Value& value) {
        std::size_t done = 0;
        while (done < sizeof value) {
            const ssize_t got = read(in, reinterpret_cast<char*>(&value) + done, sizeof value - done);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return false;
            done += static_cast<std::size_t>(got);
        }
        return true;
    }
    void signal(int number) const { ::kill(pid, number); }
    // The exit code, or minus the signal.
    int wait() {
        int status = 0;
        waitpid(pid, &status, 0);
        pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    void wait_stopped() const {
        int status = 0;
        waitpid(pid, &status, WUNTRACED);
        if (!WIFSTOPPED(status)) throw Failure("the child ended instead of stopping");
    }

    pid_t pid;
    int in;
    int gate;
};

template <typename Value>
void send(int out, const Value& value) {
    if (write(out, &value, sizeof value) != static_cast<ssize_t>(sizeof value)) throw Failure("the test hung up");
}

inline double seconds_since(std::chrono::steady_clock::time_point from) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

}  // namespace check
