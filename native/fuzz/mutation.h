// Damage to the files of a bus, by a seed.
#pragma once

#include <string>

#include "sample.h"

namespace fuzz {

// Damage one to four places; returns what was done, one line each.
std::string mutate(Files& files, uint64_t seed);

}  // namespace fuzz
