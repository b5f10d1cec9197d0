#include "gcg/keeper.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>

#include "gcg/clock.h"

namespace gcg {

namespace {
constexpr int64_t kSyncEvery = 100'000'000;
constexpr int64_t kStateSyncEvery = 1'000'000'000;
constexpr auto kBusyPause = std::chrono::milliseconds(10);
constexpr auto kIdlePause = std::chrono::milliseconds(50);
}  // namespace

Keeper::Keeper(BusContext& bus, LaneJournals& lanes, SyncPolicy policy) : bus_(bus), lanes_(lanes), policy_(policy) {}

void Keeper::start() {
    // Signals belong to the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    prepared_at_ = monotonic_ns();
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Keeper::stop() {
    bus_.nudge.stop();
    if (thread_.joinable()) thread_.join();
}

void Keeper::run() {
    bool busy = false;
    do {
        const int64_t now = monotonic_ns();
        stamp_clock().calibrate();
        busy = prepare(now);
        if (policy_ != SyncPolicy::none && now - synced_at_ >= kSyncEvery) sync(now);
    } while (bus_.nudge.sleep(busy ? kBusyPause : kIdlePause));
}

bool Keeper::prepare(int64_t now) {
    bool busy = false;
    for (const auto& lane : lanes_) {
        try {
            busy |= lane->prepare_ahead(now - prepared_at_);
        } catch (const JournalError&) {
            // A full disk or a stuck owner: whoever appends meets it too, and gets the error.
        }
    }
    prepared_at_ = now;
    return busy;
}

void Keeper::sync(int64_t now) {
    synced_at_ = now;
    const bool with_state = now - state_synced_at_ >= kStateSyncEvery;
    if (with_state) state_synced_at_ = now;
    try {
        if (!syncer_ && !(syncer_ = bus_.locks.try_lock(kSyncerByte))) return;
        for (const auto& lane : lanes_) lane->sync(with_state);
    } catch (const JournalError&) {
        // A disk that failed is noted in the context, and whoever appends next is told; anything else is tried again.
    }
}

}  // namespace gcg
