// The one exception of the journal. Its text is a sentence that names the place and says what to do.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace gcg {

enum class Fault : uint8_t { io, full, busy, corrupt, version, cursor, argument };

class JournalError : public std::runtime_error {
 public:
    JournalError(Fault fault, const std::string& message) : std::runtime_error(message), fault(fault) {}
    Fault fault;
};

// Throw what errno means for an operation on a path: full (no room), else io.
[[noreturn]] void throw_errno(const std::string& action, const std::string& path, int code);

}  // namespace gcg
