// Opening a bus. One process at a time opens or closes it (the opening byte of BUS/locks).

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <random>
#include <vector>

#include "bus_impl.h"
#include "gcg/clock.h"
#include "gcg/crc32c.h"
#include "gcg/recovery.h"

namespace gcg {
namespace {

static_assert(std::endian::native == std::endian::little, "the journal's files are little-endian");

constexpr int64_t kOpenPatience = 10'000'000'000;

const char* world_name(uint32_t world) {
    constexpr const char* kNames[] = {"unknown", "live", "paper", "backtest", "import", "replay"};
    return world <= 5 ? kNames[world] : kNames[0];
}

std::string boot_id() {
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id.empty() ? "unknown boot" : id.substr(0, sizeof(BusState::boot_id) - 1);
}

uint32_t meta_crc(const BusMeta& meta) {
    return crc32c(0, &meta, offsetof(BusMeta, crc));
}

bool possible_page(uint64_t bytes) {
    return bytes >= kMinPageBytes && bytes <= kMaxPageBytes && bytes % 4096 == 0;
}

void create_meta(const std::string& folder, const BusOptions& options) {
    if (!possible_page(options.page_bytes))
        throw JournalError(Fault::argument, "a page of " + std::to_string(options.page_bytes) +
                                                " bytes is not possible: choose a "
                                                "multiple of 4096 from " +
                                                std::to_string(kMinPageBytes) + " to " + std::to_string(kMaxPageBytes));
    for (const char* lane : kLaneNames)
        if (access((folder + "/" + lane).c_str(), F_OK) == 0 && !list_pages(folder + "/" + lane).empty())
            throw JournalError(Fault::corrupt,
                               folder + "/bus.meta is missing, although there are pages: restore it from a copy");
    BusMeta meta{};
    std::memcpy(meta.magic, kMetaMagic, sizeof kMetaMagic);
    meta.format = kFrameFormat;
    meta.world = static_cast<uint32_t>(options.world == World{} ? World::paper : options.world);
    meta.page_bytes = options.page_bytes;
    meta.created_ns = now_ns();
    std::random_device random;
    for (uint8_t& byte : meta.bus_id) byte = static_cast<uint8_t>(random());
    meta.crc = meta_crc(meta);
    create_whole(folder + "/bus.meta", &meta, sizeof meta);
    sync_folder(folder);
}

// A state file of the right kind, or an empty mapping.
template <typename State>
Mapping open_state(const std::string& path, const char (&magic)[8], const uint8_t* bus_id) {
    const File file = File::try_open(path, O_RDWR);
    if (!file || file.size(path) < sizeof(State)) return {};
    Mapping mapping(file, sizeof(State), true, path);
    const auto& state = *reinterpret_cast<const State*>(mapping.data());
    if (std::memcmp(state.magic, magic, sizeof magic) != 0 ||
        std::memcmp(state.bus_id, bus_id, sizeof state.bus_id) != 0)
        return {};
    if (state.format != kFrameFormat)
        throw JournalError(Fault::version, path + " has format " + std::to_string(state.format) +
                                               ", this program reads format " + std::to_string(kFrameFormat) +
                                               ": use the program version that wrote it");
    return mapping;
}

// A new one, without its magic: that is set once its contents are right.
template <typename State>
Mapping create_state(const std::string& path, const uint8_t* bus_id) {
    std::vector<std::byte> bytes(sizeof(State), std::byte{0});
    std::memcpy(bytes.data() + offsetof(State, format), &kFrameFormat, sizeof kFrameFormat);
    std::memcpy(bytes.data() + offsetof(State, bus_id), bus_id, 16);
    unlink(path.c_str());
    create_whole(path, bytes.data(), bytes.size());
    return Mapping(File::open(path, O_RDWR), sizeof(State), true, path);
}

[[noreturn]] void throw_missing(const std::string& path) {
    throw JournalError(
        Fault::io,
        path + " is missing or damaged while other processes have the bus open: end them, then open it again");
}

class Opening {
 public:
    Opening(std::string folder, const BusOptions& options)
        : folder_(std::move(folder)), impl_(std::make_shared<Bus::Impl>()) {
        impl_->options = options;
    }
    std::shared_ptr<Bus::Impl> run();

 private:
    void open_folder();
    void open_context();
    void open_lanes();
    void recover_lanes();
    void join();

    std::string folder_;
    std::shared_ptr<Bus::Impl> impl_;
    std::unique_ptr<LockFile> locks_ = std::make_unique<LockFile>();
    BusMeta meta_{};
    bool alone_ = false;
    bool intact_ = false;       // the page cache survived, or everything had been synced
    bool walked_[kLanes] = {};  // the lane's state is missing, damaged or not to be trusted
};

void Opening::open_folder() {
    while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
    if (folder_.empty()) throw JournalError(Fault::argument, "the bus folder has no name: give a path");
    if (!impl_->options.create && access((folder_ + "/bus.meta").c_str(), F_OK) != 0)
        throw JournalError(Fault::argument,
                           "there is no bus in " + folder_ + ": start the system that writes it, or name its folder");
    make_folder(folder_);
    locks_->open(folder_ + "/locks");
    if (!locks_->lock(kOpeningByte, kOpenPatience))
        throw JournalError(Fault::busy,
                           "another process has been opening or closing " + folder_ + " for 10 s: resume or end it");
    if (access((folder_ + "/bus.meta").c_str(), F_OK) != 0) create_meta(folder_, impl_->options);
    meta_ = read_meta(folder_);
    const auto world = static_cast<uint32_t>(impl_->options.world);
    if (world != 0 && world != meta_.world)
        throw JournalError(Fault::argument, "the bus " + folder_ + " is a " + world_name(meta_.world) +
                                                " world, not a " + world_name(world) +
                                                " one: every world has a folder of its own");
    for (const char* lane : kLaneNames) make_folder(folder_ + "/" + lane);
    make_folder(folder_ + "/readers");
}

void Opening::open_context() {
    alone_ = !locks_->held_elsewhere(kPresenceByte);
    const std::string path = folder_ + "/bus.state";
    Mapping mapping = open_state<BusState>(path, kBusStateMagic, meta_.bus_id);
    if (!mapping && !alone_) throw_missing(path);
    const std::string boot = boot_id();
    if (mapping) {
        const auto& state = *reinterpret_cast<const BusState*>(mapping.data());
        intact_ = state.clean.load(std::memory_order_relaxed) == 1 ||  // relaxed: under the opening lock
                  std::strncmp(state.boot_id, boot.c_str(), sizeof state.boot_id) == 0;
    } else {
        mapping = create_state<BusState>(path, meta_.bus_id);
    }
    impl_->context = std::make_unique<BusContext>(folder_, meta_, std::move(locks_), std::move(mapping));
}

void Opening::open_lanes() {
    for (int index = 0; index < kLanes; ++index) {
        const std::string path = folder_ + "/" + kLaneNames[index] + "/lane.state";
        Mapping mapping = open_state<LaneState>(path, kLaneStateMagic, meta_.bus_id);
        if (!mapping && !alone_) throw_missing(path);
        walked_[index] = !mapping || !intact_;
        if (!mapping) {
            mapping = create_state<LaneState>(path, meta_.bus_id);
            sync_folder(folder_ + "/" + kLaneNames[index]);
        }
        auto lane = std::make_unique<LaneJournal>(*impl_->context, static_cast<Lane>(index), std::move(mapping));
        if (alone_ && !walked_[index]) walked_[index] = !possible_position(lane->kind(), lane->position());
        impl_->lanes[static_cast<std::size_t>(index)] = std::move(lane);
    }
}

// Nobody else has the bus open. A new bus gets epoch 1, a bus whose lanes had to be walked the next one.
void Opening::recover_lanes() {
    BusContext& bus = *impl_->context;
    uint32_t epoch = bus.state.epoch.load(std::memory_order_relaxed);  // relaxed: nobody else is there
    bool fresh = epoch == 0;
    for (const auto& lane : impl_->lanes) {
        epoch = std::max(epoch, last_epoch(lane->kind()));
        fresh = fresh && list_pages(lane->kind().folder).empty();
        remove_unfinished(lane->kind().folder, -1);
    }
    remove_unfinished(folder_, -1);
    const bool walk = !fresh && (walked_[0] || walked_[1] || walked_[2]);
    if (walk || epoch == 0) ++epoch;
    for (const auto& lane : impl_->lanes) {
        if (!walked_[static_cast<int>(lane->lane())]) {
            lane->reset(lane->end(), false);  // what a killed writer published and did not commit
            continue;
        }
        const Recovered found = recover(lane->kind(), lane->mark());
        lane->reset(found.position, true);
        if (!fresh)
            impl_->reports.push_back({lane->lane(), epoch, found.position.next_seq - 1, found.cut_bytes,
                                      found.detail + "; epoch " + std::to_string(epoch) + " begins"});
    }
    for (const auto& lane : impl_->lanes)
        if (walked_[static_cast<int>(lane->lane())]) lane->sync(true);
    sync_folder(folder_);
    // Only now: who is killed before leaves it to the next one to walk again.
    bus.state.epoch.store(epoch, std::memory_order_relaxed);
    const std::string boot = boot_id();
    std::memset(bus.state.boot_id, 0, sizeof bus.state.boot_id);
    std::memcpy(bus.state.boot_id, boot.data(), boot.size());
    std::memcpy(bus.state.magic, kBusStateMagic, sizeof kBusStateMagic);
    bus.sync_state();
    remove_passing_readers(folder_);
}

void Opening::join() {
    BusContext& bus = *impl_->context;
    const BusOptions& options = impl_->options;
    const TableOptions tables{alone_, options.sync != SyncPolicy::none};
    impl_->instruments = std::make_unique<InstrumentTable>(folder_, bus.locks, meta_.bus_id, tables);
    impl_->sources = std::make_unique<SourceTable>(folder_, bus.locks, meta_.bus_id, tables);
    if (!options.read_only) {
        bus.slots.claim(options.owner);
        bus.wake.join_publishers();
        for (const auto& lane : impl_->lanes) remove_unfinished(lane->kind().folder, bus.slots.slot());
        if (bus.state.clean.exchange(0, std::memory_order_relaxed) != 0)
            bus.sync_state();  // relaxed: under the opening lock
        impl_->keeper = std::make_unique<Keeper>(bus, impl_->lanes, options.sync);
    }
    if (!bus.locks.try_lock(kPresenceByte, true))
        throw JournalError(Fault::busy,
                           folder_ + "/locks: another program holds an exclusive lock on the presence byte: end it");
}

std::shared_ptr<Bus::Impl> Opening::run() {
    open_folder();
    open_context();
    open_lanes();
    if (alone_) recover_lanes();
    join();
    impl_->context->locks.unlock(kOpeningByte);
    if (impl_->keeper) impl_->keeper->start();
    return impl_;
}

}  // namespace

BusMeta read_meta(const std::string& folder) {
    const std::string path = folder + "/bus.meta";
    const File file = File::try_open(path, O_RDONLY);
    if (!file) throw JournalError(Fault::argument, "there is no bus in " + folder + ": name a bus folder");
    BusMeta meta{};
    const std::size_t bytes = read_some(file, &meta, sizeof meta, 0, path);
    if (bytes < sizeof meta || std::memcmp(meta.magic, kMetaMagic, sizeof kMetaMagic) != 0)
        throw JournalError(Fault::version, path + " is not the description of a bus: its first bytes are not GCGBUS");
    if (meta.format != kFrameFormat)
        throw JournalError(Fault::version, path + " has frame format " + std::to_string(meta.format) +
                                               ", this program reads format " + std::to_string(kFrameFormat) +
                                               ": use the program version that wrote it");
    if (meta.crc != meta_crc(meta))
        throw JournalError(Fault::corrupt, path + ": its CRC is wrong; restore it from a copy");
    if (!possible_page(meta.page_bytes) || meta.world < 1 || meta.world > 5)
        throw JournalError(Fault::corrupt, path + ": it describes no possible bus; restore it from a copy");
    return meta;
}

std::shared_ptr<Bus::Impl> open_bus(std::string folder, const BusOptions& options) {
    return Opening(std::move(folder), options).run();
}

}  // namespace gcg
