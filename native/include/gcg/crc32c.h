// CRC-32C (Castagnoli), by the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gcg {

// Continue the CRC `crc` (0 at the start) over `bytes` bytes.
[[nodiscard]] uint32_t crc32c(uint32_t crc, const void* data, std::size_t bytes);

// Copy `bytes` bytes and return the CRC of what was copied: each source word is read once, so that a source which
// another thread changes meanwhile cannot make a frame whose CRC is wrong.
uint32_t copy_crc32c(uint32_t crc, void* target, const void* source, std::size_t bytes);

// The portable implementation, for tests.
[[nodiscard]] uint32_t crc32c_software(uint32_t crc, const void* data, std::size_t bytes);

}  // namespace gcg
