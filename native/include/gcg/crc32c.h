// CRC-32C (Castagnoli), by the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gcg {

// Continue the CRC `crc` (0 at the start) over `bytes` bytes.
[[nodiscard]] uint32_t crc32c(uint32_t crc, const void* data, std::size_t bytes);

// A frame's header behind the length and CRC words is checked together with the payload before it.
inline constexpr std::size_t kCrcTrailerBytes = 40;

// Continue the CRC `crc` over the kCrcTrailerBytes at `trailer`.
[[nodiscard]] uint32_t crc32c_trailer(uint32_t crc, const void* trailer);

// The CRC of `bytes` bytes and then of the kCrcTrailerBytes at `trailer`.
[[nodiscard]] uint32_t crc32c_with_trailer(const void* data, std::size_t bytes, const void* trailer);

// The same, copying `bytes` bytes to `target`: each source word is read once, so that a source which another thread
// changes meanwhile cannot make a frame whose CRC is wrong.
[[nodiscard]] uint32_t copy_crc32c_with_trailer(void* target, const void* source, std::size_t bytes,
                                                const void* trailer);

// The portable implementation, for tests.
[[nodiscard]] uint32_t crc32c_software(uint32_t crc, const void* data, std::size_t bytes);

}  // namespace gcg
