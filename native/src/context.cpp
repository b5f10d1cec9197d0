#include "gcg/context.h"

namespace gcg {

static std::string hex(const uint8_t* bytes, std::size_t count) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t at = 0; at < count; ++at) {
        text.push_back(kDigits[bytes[at] >> 4]);
        text.push_back(kDigits[bytes[at] & 15]);
    }
    return text;
}

BusContext::BusContext(std::string folder_, const BusMeta& meta_, std::unique_ptr<LockFile> locks_file,
                       Mapping state_file)
    : folder(std::move(folder_)),
      meta(meta_),
      id(hex(meta_.bus_id, sizeof meta_.bus_id)),
      locks_(std::move(locks_file)),
      state_mapping_(std::move(state_file)),
      locks(*locks_),
      state(*reinterpret_cast<BusState*>(state_mapping_.data())),
      slots(locks, state),
      wake(state) {}

void BusContext::refuse() const {
    if (forked())
        throw JournalError(
            Fault::argument,
            "the bus " + folder + " was opened before fork(): the child process opens it again for itself");
    if (closed()) throw JournalError(Fault::argument, "the bus " + folder + " is closed: open it again");
    // K1: acquire, pairs with K0 in fail(): the message is whole.
    if (condition_.load(std::memory_order_acquire) == kFailed) throw JournalError(Fault::io, failure_);
    throw JournalError(Fault::argument, "the bus " + folder + " is open read-only: open it for writing to publish");
}

void BusContext::fail(const std::string& message) {
    std::call_once(failed_, [&] {
        failure_ =
            message + "; what was published lately may not survive a power loss: check the disk and open the bus again";
        uint8_t open = kOpen;
        // K0: release, pairs with K1 in check_writable(); publishes the message.
        condition_.compare_exchange_strong(open, kFailed, std::memory_order_release, std::memory_order_relaxed);
    });
}

}  // namespace gcg
