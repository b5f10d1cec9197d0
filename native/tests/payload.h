// A payload of any size that says who wrote it and shows any change.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"

namespace check {

struct Stamp {
    uint64_t writer;
    uint64_t counter;
    uint64_t sum;
};

inline std::vector<std::byte> make_payload(uint64_t writer, uint64_t counter, uint32_t extra) {
    std::vector<std::byte> payload(sizeof(Stamp) + extra);
    uint64_t sum = writer * 31 + counter;
    for (uint32_t at = 0; at < extra; ++at) {
        payload[sizeof(Stamp) + at] = static_cast<std::byte>(counter * 7 + at);
        sum = sum * 1099511628211u + (counter * 7 + at) % 256;
    }
    const Stamp stamp{writer, counter, sum};
    std::memcpy(payload.data(), &stamp, sizeof stamp);
    return payload;
}

// Throws unless the payload is one that make_payload() made.
inline Stamp check_payload(const gcg::FrameView& frame) {
    Stamp stamp;
    if (frame.payload_bytes < sizeof stamp) throw Failure("a payload is too short");
    std::memcpy(&stamp, frame.payload, sizeof stamp);
    uint64_t sum = stamp.writer * 31 + stamp.counter;
    for (std::size_t at = sizeof stamp; at < frame.payload_bytes; ++at)
        sum = sum * 1099511628211u + static_cast<uint64_t>(frame.payload[at]);
    if (sum != stamp.sum) throw Failure("a payload has changed");
    return stamp;
}

inline gcg::Appended append_stamped(gcg::Bus& bus, gcg::Lane lane, uint64_t writer, uint64_t counter, uint32_t extra) {
    const auto payload = make_payload(writer, counter, extra);
    return bus.append(lane, {.type = 1, .source = static_cast<uint16_t>(writer), .cause = counter}, payload.data(),
                      static_cast<uint32_t>(payload.size()));
}

}  // namespace check
