#include "gcg/replay_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

namespace gcg {

namespace {

constexpr std::array<std::string_view, 9> kNullWords = {"", "NaN", "nan", "NAN", "null", "NULL", "None", "NA", "N/A"};
constexpr int kMostDigits = 15;  // so many fit into a double's 53 bits
constexpr std::array<double, 16> kTens = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

// Of a cell that ends before `end`. Two whole numbers that a double holds exactly have a quotient that is rounded once:
// the nearest double. Longer numbers, and those with an exponent, are left to the library.
bool read_number(const char* at, const char* end, double& value) {
    const char* const begin = at;
    const bool negative = at != end && *at == '-';
    at += negative;
    uint64_t digits = 0;
    int count = 0, behind = 0;
    for (; at != end && is_digit(*at); ++at, ++count) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    if (at != end && *at == '.') {
        for (++at; at != end && is_digit(*at); ++at, ++behind) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
        count += behind;
    }
    if (at == end && count > 0 && count <= kMostDigits) {
        value = static_cast<double>(digits) / kTens[static_cast<std::size_t>(behind)];
        if (negative) value = -value;
        return true;
    }
    if (is_null_word({begin, end})) {
        value = std::numeric_limits<double>::quiet_NaN();
        return true;
    }
    if (count == 0) return false;  // a word: also one for infinity
    const auto [stop, fault] = std::from_chars(begin, end, value);
    return fault == std::errc() && stop == end;
}

void add_text(TextColumn& column, std::string_view cell) {
    const std::size_t row = column.offsets.size();
    column.offsets.push_back(static_cast<int32_t>(column.bytes.size()));
    if (row % 8 == 0) column.valid.push_back(0);
    if (is_null_word(cell)) {
        ++column.empty;
    } else {
        column.valid.back() = static_cast<uint8_t>(column.valid.back() | 1u << row % 8);
        column.bytes.append(cell);
    }
}

// Where the cell ends: at the delimiter, a line end, or a letter that is not plain.
const char* end_of_cell(const char* at, char delimiter) {
    const auto plain = [](char letter) { return letter >= ' ' && letter <= '~' && letter != '"'; };
    while (*at != delimiter && plain(*at)) ++at;
    return at;
}

}  // namespace

std::size_t count_lines(std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

bool is_null_word(std::string_view cell) {
    return cell.size() <= 4 && std::find(kNullWords.begin(), kNullWords.end(), cell) != kNullWords.end();
}

bool read_plain(std::string_view text, char delimiter, std::vector<TextColumn>& columns) {
    if (columns.empty() || text.size() > std::numeric_limits<int32_t>::max()) return false;
    if (!text.empty() && text.back() != '\n') return false;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t row = 0; at != end; ++row) {
        if (*at == '\n' || *at == '\r') return false;  // blank
        for (std::size_t i = 0; i < columns.size(); ++i) {
            TextColumn& column = columns[i];
            const char* const cell_end = end_of_cell(at, delimiter);  // the text ends with a line end
            if (column.numbers) {
                if (!read_number(at, cell_end, column.numbers[row])) return false;
            } else if (column.wanted) {
                add_text(column, {at, cell_end});
            }
            at = cell_end;
            if (i + 1 < columns.size() && *at++ != delimiter) return false;
        }
        if (*at == '\r') ++at;
        if (*at++ != '\n') return false;
    }
    for (TextColumn& column : columns)
        if (!column.numbers && column.wanted) column.offsets.push_back(static_cast<int32_t>(column.bytes.size()));
    return true;
}

}  // namespace gcg
