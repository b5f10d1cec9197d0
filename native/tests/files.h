// Changing the files of a closed bus behind its back.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "check.h"
#include "gcg/state.h"

namespace check {

inline std::string slurp(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void spill(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline void patch(const std::filesystem::path& path, uint64_t offset, const std::string& bytes) {
    std::string whole = slurp(path);
    CHECK(offset + bytes.size() <= whole.size());
    whole.replace(offset, bytes.size(), bytes);
    spill(path, whole);
}

inline void flip(const std::filesystem::path& path, uint64_t offset) {
    std::string whole = slurp(path);
    whole.at(offset) = static_cast<char>(whole.at(offset) ^ 0x40);
    spill(path, whole);
}

// As if the machine had been switched off while the bus was open.
inline void forget_boot(const std::string& bus) {
    patch(bus + "/bus.state", offsetof(gcg::BusState, boot_id), "another boot");
    patch(bus + "/bus.state", offsetof(gcg::BusState, clean), std::string(4, '\0'));
}

inline std::string page_file(const std::string& bus, const char* lane, int index) {
    char name[32];
    std::snprintf(name, sizeof name, "/%010d.page", index);
    return bus + "/" + lane + name;
}

}  // namespace check
