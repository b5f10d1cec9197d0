// A small test runner: TEST(case_and_outcome) { CHECK(...); } registers itself; run.cpp runs them all.
#pragma once

#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "gcg/bus.h"

namespace check {

struct Case {
    const char* name;
    void (*run)();
};
std::vector<Case>& cases();

struct Register {
    Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename Value>
std::string show(const Value& value) {
    std::ostringstream text;
    if constexpr (requires { text << value; }) {
        text << value;
    } else {
        text << static_cast<int>(value);
    }
    return text.str();
}

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

// A folder for one test, removed at its end; in memory where there is room, for tests that open a bus a thousand times.
class Folder {
 public:
    enum class Where { disk, memory };

    explicit Folder(Where where = Where::disk);
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string bus() const { return path + "/bus"; }
    std::string path;
};

// Seconds that a test with a long form may take (GCG_TORTURE_S, of `make torture`); 0: the short form is asked for.
int torture_seconds();

// What the call must throw: the fault, and words of its sentence.
void expect_fault(const char* file, int line, gcg::Fault fault, const std::string& words,
                  const std::function<void()>& call);

}  // namespace check

#define TEST(name)                                                    \
    static void test_##name();                                        \
    static const check::Register register_##name(#name, test_##name); \
    static void test_##name()
#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) check::fail(__FILE__, __LINE__, "not true: " #condition); \
    } while (false)
#define CHECK_EQUAL(left, right)                                                                       \
    do {                                                                                               \
        const auto left_value = (left);                                                                \
        const auto right_value = (right);                                                              \
        if (!(left_value == right_value))                                                              \
            check::fail(__FILE__, __LINE__,                                                            \
                        #left " is " + check::show(left_value) + ", not " + check::show(right_value)); \
    } while (false)
#define CHECK_FAULT(fault, words, call) check::expect_fault(__FILE__, __LINE__, fault, words, [&] { call; })
