// OKX's messages of books, in the form in which OKX writes them.
//
// Only what is beyond doubt is read: no white space, no escape, no field that is not known, levels of four texts whose
// numbers are plain decimals that can be. Whoever gets false asks a whole JSON parser, which says what is wrong, if
// anything is.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gcg/level_book.h"

namespace gcg {

struct OkxBook {
    std::string_view symbol;  // within the text
    bool snapshot = true;     // else it has changes
    int64_t time_ms = -1;
    int64_t sequence = -1, previous = -1;  // numbers of this message and of the one before; -1: not told
    int64_t checksum = 0;                  // 0: not told
    std::vector<BookLevel> bids, asks;
};

// Read a message of one book; false if it is not plain, and then `book` has no meaning.
[[nodiscard]] bool read_okx_book(std::string_view text, OkxBook& book);

}  // namespace gcg
