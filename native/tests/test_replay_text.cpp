// Plain text as columns: what is read, and what is left to the careful reading.

#include <cmath>
#include <cstdlib>
#include <random>

#include "check.h"
#include "gcg/replay_text.h"

using namespace gcg;

namespace {

// Columns of a text: a number, a text, one that is passed over.
struct Read {
    std::vector<TextColumn> columns{3};
    std::vector<double> numbers;
    bool plain;

    explicit Read(const std::string& text) : numbers(count_lines(text)) {
        columns[0].numbers = numbers.data();
        columns[2].wanted = false;
        plain = read_plain(text, ',', columns);
    }
};

}  // namespace

TEST(plain_rows_become_columns) {
    const Read read("1.5,ab,x\r\n-2,,\nNaN,c,NA\n");
    CHECK(read.plain);
    CHECK_EQUAL(read.numbers[0], 1.5);
    CHECK_EQUAL(read.numbers[1], -2.0);
    CHECK(std::isnan(read.numbers[2]));
    CHECK_EQUAL(read.columns[1].bytes, std::string("abc"));
    CHECK(read.columns[1].offsets == (std::vector<int32_t>{0, 2, 2, 3}));
    CHECK_EQUAL(read.columns[1].valid.at(0), uint8_t{5});
    CHECK_EQUAL(read.columns[1].empty, std::size_t{1});
    CHECK(Read("").plain);
}

TEST(doubtful_text_is_not_read) {
    for (const char* text :
         {"1,a,b",      "1,a\n",     "1,a,b,c\n",   "\n",          "\r\n",       "x,a,b\n",        "inf,a,b\n",
          "+1,a,b\n",   " 1,a,b\n",  "1e999,a,b\n", "1,\"a\",b\n", "1,a\tb,b\n", "1,\xc3\xa9,b\n", "1,a,b\r",
          "1,a,b\rc\n", "0x1,a,b\n", "1.2.3,a,b\n", "-,a,b\n",     ".,a,b\n",    "1,a,\x7f\n"})
        CHECK(!Read(text).plain);
}

TEST(numbers_are_the_nearest_doubles) {
    std::mt19937_64 random(20261127);
    for (int round = 0; round < 20'000; ++round) {
        char text[64];
        const double value = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 120) - 80);
        std::snprintf(text, sizeof text, random() % 3 ? "%.*f" : "%.*e", static_cast<int>(random() % 19), value);
        const Read read(std::string(text) + ",a,b\n");
        CHECK(read.plain);
        CHECK_EQUAL(read.numbers[0], std::strtod(text, nullptr));
    }
    CHECK(std::signbit(Read("-0,a,b\n").numbers[0]));
}
