// Text in which every line is a plain row, as columns: how data files of millions of rows are read.
//
// Only what is beyond doubt is read. A number is plain if it is digits with a point, a sign and an exponent at most,
// and becomes the nearest double; text is plain if it is ASCII without quotes and control characters. All else is left
// to the careful reading in Python (data_collector/importing/csv_file.py), which says what is wrong where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gcg {

// One column of the text, in the order of its cells. `numbers` has room for a double a row; where it is null the cells
// become text, or are passed over if they are not `wanted`.
struct TextColumn {
    double* numbers = nullptr;  // NaN: an empty cell
    bool wanted = true;
    std::vector<int32_t> offsets;  // where each cell begins in `bytes`, and where the last one ends
    std::string bytes;
    std::vector<uint8_t> valid;  // a bit a cell, the lowest one first; 0: an empty cell
    std::size_t empty = 0;
};

[[nodiscard]] std::size_t count_lines(std::string_view text);

// Whether a cell says that there is no value: an empty one, NaN, null, None, NA and the like.
[[nodiscard]] bool is_null_word(std::string_view cell);

// Read all lines of `text`, the last of which ends with a line end, into the columns; false at the first doubt: a line
// with another number of cells, a blank one, or a cell that is not plain. What was read until then has no meaning.
[[nodiscard]] bool read_plain(std::string_view text, char delimiter, std::vector<TextColumn>& columns);

}  // namespace gcg
