#include "sample.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gcg/bus.h"
#include "gcg/state.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;
using namespace gcg;

Files read_in(const std::string& folder) {
    Files files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        const std::string name = fs::relative(entry.path(), folder).string();
        // The keeper may have prepared a page already or not: the samples are the same every time.
        const auto* header = reinterpret_cast<const PageHeader*>(bytes.data());
        const bool prepared = name.ends_with(".page") && header->first_seq == 0;
        if (!prepared && name.find(".new-") == name.npos) files[name] = bytes;
    }
    return files;
}

void write_frames(Bus& bus, int from, int to) {
    const std::string payload(2000, 'p');
    for (int round = from; round < to; ++round) {
        const auto lane = static_cast<Lane>(round % 7 == 0 ? 0 : round % 3 == 0 ? 2 : 1);
        const FrameSpec spec{.type = static_cast<uint16_t>(1 + round % 5),
                             .source = static_cast<uint16_t>(1 + round % 3),
                             .instrument = static_cast<uint32_t>(round % 6),
                             .count = static_cast<uint32_t>(1 + (round % 4 == 0 ? 3 : 0)),
                             .cause = make_event_id(Lane::market, static_cast<uint64_t>(round))};
        bus.append(lane, spec, payload.data(), static_cast<uint32_t>(round * 97 % 1500));
    }
}

}  // namespace

std::vector<Files> make_samples(const std::string& folder) {
    std::vector<Files> samples;
    auto bus = Bus::open(folder, {.sync = SyncPolicy::none, .page_bytes = kPageBytes, .owner = "sample"});
    for (int number = 0; number < 5; ++number) {
        bus->add_instrument("SYMBOL" + std::to_string(number), "VENUE", "terms of the day");
        bus->add_source("source " + std::to_string(number));
    }
    bus->change_instrument(2, "newer terms");
    write_frames(*bus, 0, 60);
    bus->sync();
    auto reader = bus->reader("store", true, true);
    FrameView frame;
    for (int count = 0; count < 30; ++count) static_cast<void>(reader->next(frame));
    reader->commit();
    write_frames(*bus, 60, 90);
    samples.push_back(read_in(folder));  // as killed processes leave it
    samples.push_back(samples.back());
    std::string& state = samples.back()["bus.state"];
    std::memcpy(state.data() + offsetof(BusState, boot_id), "another boot", 12);
    std::memset(state.data() + offsetof(BusState, clean), 0, 4);
    reader.reset();
    bus->sync();
    bus->close();
    samples.push_back(read_in(folder));
    return samples;
}

void write_out(const Files& files, const std::string& folder) {
    std::error_code code;
    for (const auto& entry : fs::recursive_directory_iterator(folder, code))
        if (entry.is_regular_file() && !files.contains(fs::relative(entry.path(), folder).string()))
            fs::remove(entry.path(), code);
    for (const auto& [name, bytes] : files) {
        const fs::path path = fs::path(folder) / name;
        fs::create_directories(path.parent_path(), code);
        std::ofstream(path, std::ios::binary | std::ios::trunc)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
}

}  // namespace fuzz
