#include "gcg/slots.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

namespace gcg {

void Slots::claim(const std::string& owner) {
    for (int slot = 0; slot < kSlots; ++slot) {
        if (!locks_.try_lock(slot)) continue;
        WriterSlot& entry = state_.slots[slot];
        // relaxed: only the holder of the slot's byte writes here
        entry.pid.store(static_cast<int32_t>(getpid()), std::memory_order_relaxed);
        const std::size_t length = std::min(owner.size(), sizeof entry.owner - 1);
        std::memset(entry.owner, 0, sizeof entry.owner);
        std::memcpy(entry.owner, owner.data(), length);
        // G0: release, pairs with G1 in alive(): who sees the new generation in a lock word or here sees pid and owner.
        const uint64_t generation = entry.generation.load(std::memory_order_relaxed) + 1;
        entry.generation.store(generation, std::memory_order_release);
        word_ = generation << 16 | static_cast<uint64_t>(slot + 1);
        return;
    }
    throw JournalError(Fault::busy, "all " + std::to_string(kSlots) +
                                        " writer slots of the bus are taken: close a writer or open it read-only");
}

bool Slots::alive(uint64_t word) const {
    if (word == word_) return true;  // another thread of this bus; the kernel would not report our own lock to us
    const int slot = static_cast<int>(word & 0xFFFF) - 1;
    if (slot < 0 || slot >= kSlots) return false;
    if (!locks_.held_elsewhere(slot)) return false;
    // G1: acquire, pairs with G0 in claim().
    return state_.slots[slot].generation.load(std::memory_order_acquire) == word >> 16;
}

bool Slots::dying(uint64_t word) const {
    const int slot = static_cast<int>(word & 0xFFFF) - 1;
    if (slot < 0 || slot >= kSlots) return false;
    const int32_t pid = state_.slots[slot].pid.load(std::memory_order_relaxed);  // relaxed: a hint
    std::string line;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
    // "pid (name) state ppid pgrp session tty tpgid flags ...": the name may contain anything but ends with the last
    // ')'.
    std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
    std::string state;
    int64_t skipped = 0;
    uint64_t flags = 0;
    fields >> state >> skipped >> skipped >> skipped >> skipped >> skipped >> flags;
    constexpr uint64_t kExiting = 0x4;  // PF_EXITING of the kernel
    return fields && (flags & kExiting) != 0;
}

std::string Slots::describe(uint64_t word) const {
    const int slot = static_cast<int>(word & 0xFFFF) - 1;
    if (slot < 0 || slot >= kSlots) return "an unknown writer";
    const WriterSlot& entry = state_.slots[slot];
    const std::size_t length = strnlen(entry.owner, sizeof entry.owner);
    return "'" + std::string(entry.owner, length) + "' (pid " +
           std::to_string(entry.pid.load(std::memory_order_relaxed)) + ")";  // relaxed: for a message only
}

}  // namespace gcg
