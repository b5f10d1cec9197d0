// Bus folders to begin with, in memory: what the fuzzer damages, and writes out for each run.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fuzz {

inline constexpr unsigned kPageBytes = 16384;

// Relative path -> contents.
using Files = std::map<std::string, std::string>;

// A bus that was closed; one whose processes were all killed; one that lost its power.
std::vector<Files> make_samples(const std::string& folder);

// Make the folder hold these files and no others.
void write_out(const Files& files, const std::string& folder);

}  // namespace fuzz
