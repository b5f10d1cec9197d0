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

// The child writes to `out`; its exit code is 0 unless the function threw. Whoever lives at the end is killed.
class Child {
 public:
    explicit Child(const std::function<void(int out)>& run) {
        int ends[2];
        if (pipe(ends) != 0) throw Failure("cannot make a pipe");
        pid = fork();
        if (pid < 0) throw Failure("cannot fork");
        if (pid == 0) {
            close(ends[0]);
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
        in = ends[0];
    }
    ~Child() {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        close(in);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

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
};

template <typename Value>
void send(int out, const Value& value) {
    if (write(out, &value, sizeof value) != static_cast<ssize_t>(sizeof value)) throw Failure("the test hung up");
}

inline double seconds_since(std::chrono::steady_clock::time_point from) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

}  // namespace check
