#include "gcg/crc32c.h"

#include <array>
#include <cstring>

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace gcg {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
        tables[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; ++byte)
        for (std::size_t slice = 1; slice < 8; ++slice)
            tables[slice][byte] = (tables[slice - 1][byte] >> 8) ^ tables[0][tables[slice - 1][byte] & 0xFF];
    return tables;
}

constexpr Tables kTables = make_tables();

inline uint64_t load_word(const unsigned char* from) {
    uint64_t word;
    std::memcpy(&word, from, 8);
    return word;
}

inline uint32_t step_software(uint32_t crc, uint64_t word) {
    word ^= crc;
    crc = 0;
    for (std::size_t slice = 0; slice < 8; ++slice) crc ^= kTables[7 - slice][(word >> (8 * slice)) & 0xFF];
    return crc;
}

inline uint32_t step_software(uint32_t crc, unsigned char byte) {
    return (crc >> 8) ^ kTables[0][(crc ^ byte) & 0xFF];
}

// One loop for every way to step and for both "read" and "read and copy"; inlined into its callers.
#define GCG_CRC_LOOP(STEP_WORD, STEP_BYTE)                 \
    crc = ~crc;                                            \
    for (; bytes >= 8; bytes -= 8, from += 8) {            \
        const uint64_t word = load_word(from);             \
        if (to) std::memcpy(to, &word, 8), to += 8;        \
        crc = static_cast<uint32_t>(STEP_WORD(crc, word)); \
    }                                                      \
    for (; bytes > 0; --bytes, ++from) {                   \
        const unsigned char byte = *from;                  \
        if (to) *to++ = byte;                              \
        crc = static_cast<uint32_t>(STEP_BYTE(crc, byte)); \
    }                                                      \
    return ~crc;

uint32_t run_software(uint32_t crc, unsigned char* to, const unsigned char* from, std::size_t bytes) {
    GCG_CRC_LOOP(step_software, step_software)
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) uint32_t run_copy(uint32_t crc, unsigned char* to, const unsigned char* from,
                                                    std::size_t bytes) {
    GCG_CRC_LOOP(__builtin_ia32_crc32di, __builtin_ia32_crc32qi)
}

__attribute__((target("sse4.2"))) uint32_t run_read(uint32_t crc, const unsigned char* from, std::size_t bytes) {
    unsigned char* to = nullptr;
    GCG_CRC_LOOP(__builtin_ia32_crc32di, __builtin_ia32_crc32qi)
}

const bool kHardware = __builtin_cpu_supports("sse4.2");

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t run_copy(uint32_t crc, unsigned char* to, const unsigned char* from,
                  std::size_t bytes){GCG_CRC_LOOP(__crc32cd, __crc32cb)}

uint32_t run_read(uint32_t crc, const unsigned char* from, std::size_t bytes) {
    return run_copy(crc, nullptr, from, bytes);
}

constexpr bool kHardware = true;

#else

uint32_t run_copy(uint32_t crc, unsigned char* to, const unsigned char* from, std::size_t bytes) {
    return run_software(crc, to, from, bytes);
}

uint32_t run_read(uint32_t crc, const unsigned char* from, std::size_t bytes) {
    return run_software(crc, nullptr, from, bytes);
}

constexpr bool kHardware = true;

#endif

#undef GCG_CRC_LOOP

}  // namespace

uint32_t crc32c(uint32_t crc, const void* data, std::size_t bytes) {
    const auto* from = static_cast<const unsigned char*>(data);
    return kHardware ? run_read(crc, from, bytes) : run_software(crc, nullptr, from, bytes);
}

uint32_t copy_crc32c(uint32_t crc, void* target, const void* source, std::size_t bytes) {
    auto* to = static_cast<unsigned char*>(target);
    const auto* from = static_cast<const unsigned char*>(source);
    return kHardware ? run_copy(crc, to, from, bytes) : run_software(crc, to, from, bytes);
}

uint32_t crc32c_software(uint32_t crc, const void* data, std::size_t bytes) {
    return run_software(crc, nullptr, static_cast<const unsigned char*>(data), bytes);
}

}  // namespace gcg
