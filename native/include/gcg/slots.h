// Who is alive: the writer slots of a bus.
//
// A writer holds the lock on byte `slot` of BUS/locks for life and raises the slot's generation when it comes. The
// owner named in a lane's lock word is dead exactly if that byte is not locked or the generation has moved on.
#pragma once

#include <cstdint>
#include <string>

#include "gcg/file.h"
#include "gcg/state.h"

namespace gcg {

// Bytes of BUS/locks behind the writer slots.
inline constexpr int64_t kPresenceByte = kSlots;     // shared, by everybody who has the bus open
inline constexpr int64_t kSyncerByte = kSlots + 1;   // the process that syncs for all
inline constexpr int64_t kOpeningByte = kSlots + 2;  // one opens or closes at a time
inline constexpr int64_t kTableByte = kSlots + 3;    // one appends to a table at a time

// Thread-safe after claim().
class Slots {
 public:
    Slots(LockFile& locks, BusState& state) : locks_(locks), state_(state) {}

    // Take a free slot. Throws Fault::busy if there is none.
    void claim(const std::string& owner);
    [[nodiscard]] bool claimed() const { return word_ != 0; }
    // What this bus writes into a lock word: never 0, never used before.
    [[nodiscard]] uint64_t word() const { return word_; }
    [[nodiscard]] int slot() const { return static_cast<int>(word_ & 0xFFFF) - 1; }

    [[nodiscard]] bool alive(uint64_t word) const;
    // Whether the owner is being taken down by the kernel: its memory goes first, its locks after that.
    [[nodiscard]] bool dying(uint64_t word) const;
    // "'collector' (pid 4711)"
    [[nodiscard]] std::string describe(uint64_t word) const;

 private:
    LockFile& locks_;
    BusState& state_;
    uint64_t word_ = 0;
};

}  // namespace gcg
