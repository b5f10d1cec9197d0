// Power loss as it happens: of each 4 KB block written since the last sync, the disk has the new contents, older ones,
// or what the block held before it was given to the file: frames of pages that were removed.

#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "check.h"
#include "child.h"
#include "files.h"
#include "gcg/reader_file.h"
#include "gcg/state.h"
#include "payload.h"

using namespace gcg;
using namespace check;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = 4096;
constexpr uint64_t kPageBytes = 32768;
constexpr std::size_t kMostRecycled = 1000;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kLosses = 15;
#else
constexpr int kLosses = 60;
#endif

SyncMark newest_mark(const std::string& lane_state) {
    const auto* state = reinterpret_cast<const LaneState*>(lane_state.data());
    return state->marks[0].serial > state->marks[1].serial ? state->marks[0] : state->marks[1];
}

// A disk under a bus: knows what is on it for certain, and what may be.
class Disk {
 public:
    Disk(std::string bus, std::string links, std::minstd_rand& random)
        : bus_(std::move(bus)), links_(std::move(links)), random_(random) {
        fs::create_directories(links_);
    }

    // Bus::sync() is over: all of it is on the disk, but for readers' files and pages that are not in use.
    void synced() {
        synced_.clear();
        for (const auto& entry : fs::recursive_directory_iterator(bus_))
            if (entry.is_regular_file()) synced_[entry.path()] = slurp(entry.path());
        for (auto it = versions_.begin(); it != versions_.end();)
            it = is_reader(it->first) ? std::next(it) : versions_.erase(it);
        note();
    }

    // The kernel may write a state file to the disk at any moment.
    void note() {
        for (const auto& entry : fs::recursive_directory_iterator(bus_))
            if (is_state(entry.path())) versions_[entry.path()].push_back(slurp(entry.path()));
    }

    void lose_power() {
        note();
        for (const auto& [path, versions] : versions_) spill(path, is_reader(path) ? any(versions) : mixed(versions));
        for (const auto& entry : fs::recursive_directory_iterator(bus_))
            if (entry.path().extension() == ".page") lose(entry.path());
        forget_boot(bus_);
        versions_.clear();
        note();
    }

    // Keep hold of the pages, to see what the blocks of those hold that are removed.
    void watch() {
        for (const auto& entry : fs::recursive_directory_iterator(bus_))
            if (entry.path().extension() == ".page")
                fs::create_hard_link(entry.path(), links_ + "/" + entry.path().parent_path().filename().string() + "-" +
                                                       entry.path().filename().string());
    }
    void recycle() {
        for (const auto& entry : fs::directory_iterator(links_)) {
            if (fs::hard_link_count(entry.path()) == 1) {
                const std::string bytes = slurp(entry.path());
                for (std::size_t at = 0; at + kBlock <= bytes.size(); at += kBlock) {
                    if (recycled_.size() >= kMostRecycled) recycled_.erase(recycled_.begin());
                    recycled_.push_back({at / kBlock, bytes.substr(at, kBlock)});
                }
            }
            fs::remove(entry.path());
        }
    }
    // Remove the oldest pages that are wholly on the disk, as pruning does.
    void prune() {
        watch();
        for (const char* lane : kLaneNames) {
            const uint64_t page = mark(lane).page;
            for (const auto& entry : fs::directory_iterator(bus_ + "/" + lane))
                if (entry.path().extension() == ".page" && std::stoull(entry.path().stem().string()) + 1 < page)
                    fs::remove(entry.path());
        }
        recycle();
    }

 private:
    [[nodiscard]] bool is_reader(const fs::path& path) const { return path.parent_path().filename() == "readers"; }
    [[nodiscard]] bool is_state(const fs::path& path) const {
        return path.extension() == ".state" || path.extension() == ".table" ||
               (is_reader(path) && fs::is_regular_file(path));
    }
    [[nodiscard]] SyncMark mark(const fs::path& lane) {
        return newest_mark(synced_.at((fs::path(bus_) / lane / "lane.state").string()));
    }

    const std::string& any(const std::vector<std::string>& versions) { return versions[random_() % versions.size()]; }
    // Each block of one version or another; blocks that one of them does not reach are of a longer one.
    std::string mixed(const std::vector<std::string>& versions) {
        std::string result = versions.back();
        for (std::size_t at = 0; at < result.size(); at += kBlock)
            if (const std::string& one = any(versions); at + kBlock <= one.size())
                result.replace(at, kBlock, one, at, kBlock);
        return result;
    }

    void lose(const fs::path& path) {
        const SyncMark mark = this->mark(path.parent_path().filename());
        const uint64_t index = std::stoull(path.stem().string());
        if (index > mark.page && random_() % 4 == 0) {  // its name is not on the disk
            fs::remove(path);
            return;
        }
        std::string now = slurp(path);
        const auto before = synced_.find(path);
        for (std::size_t at = 0; at < now.size(); at += kBlock) {
            const bool kept = index < mark.page || (index == mark.page && at < mark.offset);
            const unsigned choice = random_() % 4;
            if (choice >= (kept ? 2u : 3u)) continue;
            if (kept || choice == 0) {
                now.replace(at, kBlock,
                            before == synced_.end() ? std::string(kBlock, '\0') : before->second.substr(at, kBlock));
            } else if (!recycled_.empty()) {
                now.replace(at, kBlock, recycled_block(at / kBlock));
            }
        }
        spill(path, now);
    }
    // Most harmful where it lay before: frames begin at the same offsets.
    const std::string& recycled_block(std::size_t place) {
        for (int tries = 0; tries < 20; ++tries)
            if (const auto& one = recycled_[random_() % recycled_.size()]; one.first == place) return one.second;
        return recycled_[random_() % recycled_.size()].second;
    }

    std::string bus_, links_;
    std::minstd_rand& random_;
    std::map<std::string, std::string> synced_;
    std::map<std::string, std::vector<std::string>> versions_;
    std::vector<std::pair<std::size_t, std::string>> recycled_;
};

// What was done to the bus, and what must be left of it.
class Story {
 public:
    explicit Story(unsigned seed) : random_(seed) {}

    void run(int rounds) {
        Bus::open(folder_.bus(), {.sync = SyncPolicy::none, .page_bytes = kPageBytes, .owner = "maker"})->close();
        for (int round = 0; round < rounds; ++round) {
            {
                auto bus = Bus::open(folder_.bus(), {.sync = SyncPolicy::none, .owner = "test"});
                CHECK_EQUAL(bus->epoch(), epoch_);
                auto reader = open_reader(*bus);
                live(*bus, *reader, 40);
                bus->sync();
                disk_.synced();
                for (int lane = 0; lane < kLanes; ++lane) synced_[lane] = written_[lane].size();
                check_names(*bus);
                synced_names_ = bus->instrument_count();
                if (random_() % 5 == 0) disk_.prune();
                live(*bus, *reader, 60);
            }
            disk_.lose_power();
            disk_.watch();
            check_what_is_left();
            disk_.recycle();
        }
        for (const PageReport& page : inspect(folder_.bus(), true)) CHECK_EQUAL(page.damage, std::string());
    }

 private:
    // Publish into all lanes, name instruments, read a part and commit it.
    void live(Bus& bus, BusReader& reader, unsigned limit) {
        for (unsigned count = random_() % limit; count > 0; --count) {
            const auto lane = static_cast<Lane>(random_() % 10 == 0 ? 0 : random_() % 3 == 0 ? 2 : 1);
            append_stamped(bus, lane, 1, counter_, random_() % 3000);
            written_[static_cast<int>(lane)].push_back(counter_++);
            if (random_() % 10 == 0) {
                const std::string name = "I" + std::to_string(counter_);
                every_name_.insert(name);
                names_[bus.add_instrument(name, "V", "")] = name;
            }
            if (random_() % 4 == 0) read_some(reader);
            if (random_() % 3 == 0) disk_.note();
        }
    }

    void read_some(BusReader& reader) {
        FrameView frame;
        for (unsigned count = random_() % 8; count > 0 && reader.next(frame); --count) {
            const auto lane = static_cast<int>(frame.lane);
            CHECK_EQUAL(check_payload(frame).counter, written_[lane][frame.header->seq - 1]);
        }
        reader.commit();
        const Cursor cursor = reader.cursor();
        for (int lane = 0; lane < kLanes; ++lane)
            if (const uint64_t seq = cursor.next_seq[lane]; seq > 1)
                handled_[{epoch_, lane, seq}] = written_[lane][seq - 2];
    }

    // A durable cursor that names what was cut is refused; any other one names what was handled.
    std::unique_ptr<BusReader> open_reader(Bus& bus) {
        const std::string file = folder_.bus() + "/readers/store";
        const std::string bytes = fs::exists(file) ? slurp(file) : "";
        const auto* record = reinterpret_cast<const ReaderRecord*>(bytes.data());
        const uint32_t epoch = bytes.empty() ? 0 : record->epoch.load();
        try {
            auto reader = bus.reader("store", true, true);
            const Cursor cursor = reader->cursor();
            for (int lane = 0; lane < kLanes; ++lane)
                if (const auto known = handled_.find({epoch, lane, cursor.next_seq[lane]}); known != handled_.end())
                    CHECK_EQUAL(known->second, written_[lane][cursor.next_seq[lane] - 2]);
            return reader;
        } catch (const JournalError& error) {
            if (error.fault != Fault::cursor) throw;
            bool lost = false;
            for (int lane = 0; lane < kLanes; ++lane) {
                const uint64_t seq = record->committed[lane].load();
                const auto known = handled_.find({epoch, lane, seq});
                lost |= seq > 1 && (seq - 2 >= written_[lane].size() || known == handled_.end() ||
                                    known->second != written_[lane][seq - 2]);
            }
            CHECK(lost);
            fs::remove(file);
            return bus.reader("store", true, true);
        }
    }

    void check_what_is_left() {
        auto bus = Bus::open(folder_.bus(), {.sync = SyncPolicy::none, .owner = "test"});
        CHECK_EQUAL(bus->epoch(), ++epoch_);
        auto reader = bus->reader("", false, true);
        for (int lane = 0; lane < kLanes; ++lane) {
            const uint64_t kept = bus->epoch_reports()[lane].kept_seq;
            CHECK(kept >= synced_[lane] && kept <= written_[lane].size());
            written_[lane].resize(kept);
            reader->lanes(1u << lane);
            FrameView frame;
            uint64_t seq = 0;
            while (reader->next(frame)) {
                CHECK(seq == 0 || frame.header->seq == seq + 1);
                seq = frame.header->seq;
                CHECK_EQUAL(check_payload(frame).counter, written_[lane][seq - 1]);
            }
            CHECK(seq == kept || seq == 0);
            CHECK_EQUAL(bus->head(static_cast<Lane>(lane)), kept + 1);
        }
        check_names(*bus);
    }

    void check_names(const Bus& bus) {
        const uint32_t count = bus.instrument_count();
        CHECK(count >= synced_names_);
        names_.erase(names_.upper_bound(count), names_.end());
        InstrumentRow row;
        for (uint32_t number = 1; number <= count; ++number) {
            CHECK(bus.instrument(number, row));
            CHECK(number > synced_names_ || row.symbol == names_.at(number));
            CHECK(every_name_.contains(row.symbol));
            names_[number] = row.symbol;
        }
    }

    std::minstd_rand random_;
    Folder folder_{Folder::Where::memory};
    Disk disk_{folder_.bus(), folder_.path + "/links", random_};
    uint32_t epoch_ = 1;
    uint64_t counter_ = 0;
    std::vector<uint64_t> written_[kLanes];  // the counter of each seq
    std::size_t synced_[kLanes] = {};
    std::map<uint32_t, std::string> names_;  // by the instrument's number
    std::set<std::string> every_name_;
    uint32_t synced_names_ = 0;
    std::map<std::tuple<uint32_t, int, uint64_t>, uint64_t> handled_;  // epoch, lane, cursor -> the frame before it
};

}  // namespace

TEST(random_power_losses_always_leave_a_whole_prefix) {
    const auto started = std::chrono::steady_clock::now();
    unsigned seed = torture_seconds() > 0 ? std::random_device{}() : 2026;
    int losses = 0;
    do {
        try {
            Story(seed).run(kLosses);
        } catch (const std::exception& error) {
            throw Failure("seed " + std::to_string(seed) + ": " + error.what());
        }
        losses += kLosses;
        ++seed;
    } while (seconds_since(started) < torture_seconds());
    std::printf("     %d power losses, the last seed was %u\n", losses, seed - 1);
}

// Nothing of a lane was on the disk: the page that is written to is the first one of the new epoch.
TEST(a_cursor_in_a_lane_that_was_lost_whole_is_refused) {
    Folder folder(Folder::Where::memory);
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = kPageBytes, .owner = "test"});
        bus->sync();
        append_stamped(*bus, Lane::control, 1, 1, 100);
        auto reader = bus->reader("store", true, true);
        FrameView frame;
        CHECK(reader->next(frame));
        reader->commit();
    }
    patch(page_file(folder.bus(), "control", 1), 0, std::string(kPageBytes, '\0'));
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    CHECK_EQUAL(bus->epoch(), 2u);
    append_stamped(*bus, Lane::control, 1, 2, 100);
    CHECK_FAULT(Fault::cursor, "was cut at seq 1 ", bus->reader("store", true, true));
}

// Seqs that were cut are given to other frames: the old ones must not come back with a block that the disk recycles.
TEST(frames_of_a_cut_page_do_not_come_back_with_its_blocks) {
    Folder folder(Folder::Where::memory);
    const std::string second = page_file(folder.bus(), "market", 2), link = folder.path + "/link";
    constexpr uint64_t kOld = 1, kNew = 2;  // who writes
    const auto append_half_a_page = [](Bus& bus, uint64_t writer) {
        for (int count = 0; count < 60; ++count) append_stamped(bus, Lane::market, writer, 0, 100);
    };
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .page_bytes = 16384, .owner = "test"});
        for (int count = 0; count < 92; ++count) append_stamped(*bus, Lane::market, kOld, 0, 100);
        bus->sync();
        append_half_a_page(*bus, kOld);
    }
    patch(second, 0, std::string(kBlock, '\0'));  // its begin never reached the disk, the frames behind it did
    fs::create_hard_link(second, link);
    forget_boot(folder.bus());
    uint64_t first = 0;
    {
        auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
        CHECK(!fs::exists(second));
        first = bus->head(Lane::market);
        append_half_a_page(*bus, kNew);
    }
    std::string page = slurp(second);
    CHECK(page.size() == 16384 && slurp(link).size() == page.size());
    page.replace(kBlock, page.size() - kBlock, slurp(link), kBlock);  // this time only the begin reached it
    spill(second, page);
    forget_boot(folder.bus());
    auto bus = Bus::open(folder.bus(), {.sync = SyncPolicy::none, .owner = "test"});
    auto reader = bus->reader("", false, true);
    reader->seek_seq(Lane::market, first);
    FrameView frame;
    int kept = 0;
    for (; reader->next(frame); ++kept) CHECK_EQUAL(check_payload(frame).writer, kNew);
    CHECK(kept > 10 && kept < 30);
    CHECK(bus->epoch_reports()[1].cut_bytes > 0);
}
