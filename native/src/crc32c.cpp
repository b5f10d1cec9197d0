// The CRC instruction takes three cycles and can begin one each cycle. So the data is cut into three stretches that run
// side by side, and the first two results are moved to the end: a CRC followed by n bytes is the CRC times x^8n modulo
// the polynomial. That product, of 32 by 32 bits without carries, is XORed into the last word of the third stretch,
// whose own step reduces it. (V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction",
// Intel, 2011.)
#include "gcg/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace gcg {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected
constexpr std::size_t kTrailerWords = kCrcTrailerBytes / 8;

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

// Serial loops for every way to step; `crc` is the inverted state and stays so. With `to` not null the bytes are
// copied.
#define GCG_CRC_LOOP(STEP_WORD, STEP_BYTE)                 \
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
    return crc;

uint32_t run_software(uint32_t crc, unsigned char* to, const unsigned char* from,
                      std::size_t bytes){GCG_CRC_LOOP(step_software, step_software)}

#if defined(__x86_64__)

#define GCG_HARDWARE __attribute__((target("sse4.2,pclmul")))
#define GCG_INLINE __attribute__((always_inline)) inline

constexpr std::size_t kBlockWords = 128;  // of one stretch; a block is three of them
constexpr std::size_t kFewestWords = 9;   // that are worth cutting into three

// kPower[n] = x^(64 n - 33) mod P, reflected, for n >= 1: what moves a CRC over n words, less 32 for the step that
// reduces the product and less 1 for the bit that a product of reflected factors lies lower.
constexpr std::array<uint32_t, 2 * kBlockWords + kTrailerWords + 1> make_powers() {
    std::array<uint32_t, 2 * kBlockWords + kTrailerWords + 1> powers{};
    uint32_t power = 1;  // x^31
    for (std::size_t words = 1; words < powers.size(); ++words) {
        powers[words] = power;
        for (int bit = 0; bit < 64; ++bit) power = (power >> 1) ^ ((power & 1) ? kPolynomial : 0);
    }
    return powers;
}
constexpr auto kPower = make_powers();

GCG_HARDWARE inline __m128i moved(uint64_t crc, std::size_t words) {
    return _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(crc)),
                                _mm_cvtsi32_si128(static_cast<int>(kPower[words])), 0);
}

GCG_HARDWARE uint32_t run_serial(uint32_t crc, unsigned char* to, const unsigned char* from, std::size_t bytes) {
    GCG_CRC_LOOP(__builtin_ia32_crc32di, __builtin_ia32_crc32qi)
}

template <bool kCopy>
GCG_HARDWARE inline uint64_t take(uint64_t crc, unsigned char* to, const unsigned char* from, std::size_t at) {
    const uint64_t word = load_word(from + 8 * at);
    if constexpr (kCopy) std::memcpy(to + 8 * at, &word, 8);
    return _mm_crc32_u64(crc, word);
}

// The last word of the third stretch, with the CRCs of the other two moved to its end.
GCG_HARDWARE inline uint32_t join(uint64_t first, std::size_t first_words, uint64_t second, std::size_t second_words,
                                  uint64_t third, uint64_t word) {
    const __m128i both = _mm_xor_si128(moved(first, first_words), moved(second, second_words));
    return static_cast<uint32_t>(_mm_crc32_u64(third, word ^ static_cast<uint64_t>(_mm_cvtsi128_si64(both))));
}

// 9 to 3 kBlockWords words.
template <bool kCopy>
GCG_HARDWARE GCG_INLINE uint32_t run_words(uint32_t crc, unsigned char* to, const unsigned char* from,
                                           std::size_t words) {
    const std::size_t each = words / 3;         // of the first two stretches
    const std::size_t last = words - 2 * each;  // of the third: up to two more
    const std::size_t together = std::min(each, last - 1);
    uint64_t first = crc, second = 0, third = 0;
    for (std::size_t at = 0; at < together; ++at) {
        first = take<kCopy>(first, to, from, at);
        second = take<kCopy>(second, to, from, each + at);
        third = take<kCopy>(third, to, from, 2 * each + at);
    }
    if (together < each) {
        first = take<kCopy>(first, to, from, together);
        second = take<kCopy>(second, to, from, each + together);
    }
    for (std::size_t at = together; at + 1 < last; ++at) third = take<kCopy>(third, to, from, 2 * each + at);
    const uint64_t word = load_word(from + 8 * (words - 1));
    if constexpr (kCopy) std::memcpy(to + 8 * (words - 1), &word, 8);
    return join(first, words - each, second, last, third, word);
}

// 9 to 3 kBlockWords words and the trailer, which belongs to the third stretch.
template <bool kCopy>
GCG_HARDWARE GCG_INLINE uint32_t run_words_and_trailer(uint32_t crc, unsigned char* to, const unsigned char* from,
                                                       std::size_t words, const unsigned char* trailer) {
    const std::size_t each = (words + kTrailerWords) / 3;
    const std::size_t last = words - 2 * each;  // payload words of the third: at least 3 and at most 5 less than `each`
    uint64_t first = crc, second = 0, third = 0;
    std::size_t at = 0, behind = 0;
    for (; at < last; ++at) {
        first = take<kCopy>(first, to, from, at);
        second = take<kCopy>(second, to, from, each + at);
        third = take<kCopy>(third, to, from, 2 * each + at);
    }
    for (; at < each; ++at) {
        first = take<kCopy>(first, to, from, at);
        second = take<kCopy>(second, to, from, each + at);
        if (behind + 1 < kTrailerWords) third = _mm_crc32_u64(third, load_word(trailer + 8 * behind++));
    }
    while (behind + 1 < kTrailerWords) third = _mm_crc32_u64(third, load_word(trailer + 8 * behind++));
    return join(first, words - each + kTrailerWords, second, last + kTrailerWords, third,
                load_word(trailer + 8 * behind));
}

template <bool kCopy>
GCG_HARDWARE inline uint32_t run_hardware(unsigned char* to, const unsigned char* from, std::size_t bytes,
                                          const unsigned char* trailer) {
    uint32_t crc = ~0u;
    const auto go = [&](std::size_t words) {
        from += 8 * words;
        bytes -= 8 * words;
        if (kCopy) to += 8 * words;
    };
    while (bytes >= 8 * 3 * kBlockWords) {
        crc = run_words<kCopy>(crc, to, from, 3 * kBlockWords);
        go(3 * kBlockWords);
    }
    const std::size_t words = bytes / 8;
    if (bytes % 8 == 0 && words >= kFewestWords) return ~run_words_and_trailer<kCopy>(crc, to, from, words, trailer);
    if (words >= kFewestWords) {
        crc = run_words<kCopy>(crc, to, from, words);
        go(words);
    }
    crc = run_serial(crc, kCopy ? to : nullptr, from, bytes);
    return ~run_serial(crc, nullptr, trailer, kCrcTrailerBytes);
}

GCG_HARDWARE uint32_t read_hardware(const unsigned char* from, std::size_t bytes, const unsigned char* trailer) {
    return run_hardware<false>(nullptr, from, bytes, trailer);
}
GCG_HARDWARE uint32_t copy_hardware(unsigned char* to, const unsigned char* from, std::size_t bytes,
                                    const unsigned char* trailer) {
    return run_hardware<true>(to, from, bytes, trailer);
}

GCG_HARDWARE uint32_t plain_hardware(uint32_t crc, const unsigned char* from, std::size_t bytes) {
    while (bytes >= 8 * kFewestWords) {
        const std::size_t words = std::min(bytes / 8, 3 * kBlockWords);
        crc = run_words<false>(crc, nullptr, from, words);
        from += 8 * words;
        bytes -= 8 * words;
    }
    return bytes == 0 ? crc : run_serial(crc, nullptr, from, bytes);
}

GCG_HARDWARE uint32_t trailer_hardware(uint64_t crc, const unsigned char* trailer) {
    for (std::size_t word = 0; word < kTrailerWords; ++word) crc = _mm_crc32_u64(crc, load_word(trailer + 8 * word));
    return static_cast<uint32_t>(crc);
}

const bool kHardware = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");

#else

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
uint32_t run_serial(uint32_t crc, unsigned char* to, const unsigned char* from,
                    std::size_t bytes){GCG_CRC_LOOP(__crc32cd, __crc32cb)}
#else
uint32_t run_serial(uint32_t crc, unsigned char* to, const unsigned char* from, std::size_t bytes) {
    return run_software(crc, to, from, bytes);
}
#endif

uint32_t copy_hardware(unsigned char* to, const unsigned char* from, std::size_t bytes, const unsigned char* trailer) {
    return ~run_serial(run_serial(~0u, to, from, bytes), nullptr, trailer, kCrcTrailerBytes);
}
uint32_t read_hardware(const unsigned char* from, std::size_t bytes, const unsigned char* trailer) {
    return copy_hardware(nullptr, from, bytes, trailer);
}
uint32_t plain_hardware(uint32_t crc, const unsigned char* from, std::size_t bytes) {
    return run_serial(crc, nullptr, from, bytes);
}
uint32_t trailer_hardware(uint32_t crc, const unsigned char* trailer) {
    return run_serial(crc, nullptr, trailer, kCrcTrailerBytes);
}
constexpr bool kHardware = true;

#endif

#undef GCG_CRC_LOOP

uint32_t run_portable(unsigned char* to, const unsigned char* from, std::size_t bytes, const unsigned char* trailer) {
    return ~run_software(run_software(~0u, to, from, bytes), nullptr, trailer, kCrcTrailerBytes);
}

const unsigned char* bytes_of(const void* data) {
    return static_cast<const unsigned char*>(data);
}

}  // namespace

uint32_t crc32c(uint32_t crc, const void* data, std::size_t bytes) {
    return kHardware ? ~plain_hardware(~crc, bytes_of(data), bytes) : crc32c_software(crc, data, bytes);
}

uint32_t crc32c_trailer(uint32_t crc, const void* trailer) {
    return kHardware ? ~trailer_hardware(~crc, bytes_of(trailer)) : crc32c_software(crc, trailer, kCrcTrailerBytes);
}

uint32_t crc32c_with_trailer(const void* data, std::size_t bytes, const void* trailer) {
    return kHardware ? read_hardware(bytes_of(data), bytes, bytes_of(trailer))
                     : run_portable(nullptr, bytes_of(data), bytes, bytes_of(trailer));
}

uint32_t copy_crc32c_with_trailer(void* target, const void* source, std::size_t bytes, const void* trailer) {
    auto* to = static_cast<unsigned char*>(target);
    return kHardware ? copy_hardware(to, bytes_of(source), bytes, bytes_of(trailer))
                     : run_portable(to, bytes_of(source), bytes, bytes_of(trailer));
}

uint32_t crc32c_software(uint32_t crc, const void* data, std::size_t bytes) {
    return ~run_software(~crc, nullptr, bytes_of(data), bytes);
}

}  // namespace gcg
