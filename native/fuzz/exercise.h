// Everything a program does with a bus, done to a damaged one.
#pragma once

#include <cstdint>
#include <string>

namespace fuzz {

// What may come of it: results, or JournalErrors. Throws std::logic_error if a promise is broken.
void exercise(const std::string& folder, uint64_t seed);

}  // namespace fuzz
