// Frames out of the journal for another host, and what has come from one: see `append_frames` for the way back.

#include <algorithm>
#include <cstring>

#include "reader_object.h"

namespace gcg::python {

namespace {

constexpr int kTurnsAtMost = 64;  // stretches of events that do not pass, before the caller has a look around

void note(std::vector<uint32_t>& numbers, uint32_t number) {
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
}

// Records put side by side as frames of their own, each as format.h draws it, without a checksum.
class Packing {
 public:
    // `frame` is the one that the record lies in: records of one batch stay together.
    void add(const Taken& taken, const FrameHeader* frame, uint32_t number_in_frame) {
        const bool goes_on =
            open_ && frame == frame_ && number_in_frame == next_number_ && taken.flags == header_.flags;
        if (!goes_on) {
            close();
            frame_ = frame;
            at_ = bytes.size();
            header_ = *frame;
            header_.crc32c = 0;
            header_.seq = event_seq(taken.id);
            header_.instrument = taken.instrument;
            header_.count = 0;
            bytes.resize(at_ + kFrameHeaderBytes);
            open_ = true;
        }
        if (taken.instrument != header_.instrument) header_.instrument = 0;
        header_.count += 1;
        next_number_ = number_in_frame + 1;
        const auto* payload = reinterpret_cast<const unsigned char*>(taken.payload);
        bytes.insert(bytes.end(), payload, payload + taken.bytes);
        if (taken.instrument != 0) note(instruments, taken.instrument);
        note(sources, taken.source);
        last_id = taken.id;
        ++events;
    }
    void close() {
        if (!open_) return;
        header_.length = static_cast<uint32_t>(bytes.size() - at_);
        std::memcpy(bytes.data() + at_, &header_, sizeof header_);
        bytes.resize(at_ + align8(header_.length), 0);
        open_ = false;
    }

    std::vector<unsigned char> bytes;
    std::vector<uint32_t> instruments, sources;
    std::size_t events = 0;
    uint64_t last_id = 0;

 private:
    bool open_ = false;
    const FrameHeader* frame_ = nullptr;
    std::size_t at_ = 0;
    FrameHeader header_{};
    uint32_t next_number_ = 0;
};

}  // namespace

py::tuple PyReader::read_frames(std::size_t limit, std::size_t limit_bytes, double timeout_s, bool bridged) {
    Packing packing;
    int lane = -1;
    int turns = 0;
    double left = timeout_s;
    Taken taken;
    while (packing.events < limit && packing.bytes.size() < limit_bytes) {
        if (!advance(taken)) {
            if (packing.events > 0) break;
            if (more()) {
                if (++turns >= kTurnsAtMost) break;
                py::gil_scoped_release release;
            } else if (!wait_for_more(timeout_s, left)) {
                break;
            }
            continue;
        }
        if (!bridged && (taken.flags & kBridged) != 0) continue;
        if (lane >= 0 && frame_.lane != static_cast<Lane>(lane)) {
            --index_;  // it is the next call's first
            break;
        }
        lane = static_cast<int>(frame_.lane);
        packing.add(taken, frame_.header, index_ - 1);
    }
    packing.close();
    return py::make_tuple(lane, py::bytes(reinterpret_cast<const char*>(packing.bytes.data()), packing.bytes.size()),
                          packing.events, event_seq(packing.last_id), packing.instruments, packing.sources);
}

// A found item: a mark's payload, or (without one) the last record that came over the bridge before the next mark.
struct Found {
    uint64_t own_seq;
    std::string mark;
    uint64_t origin_seq;
};

py::list PyReader::find_bridged(int lane, uint64_t from_seq, const std::string& suffix) {
    std::vector<Found> found;
    {
        py::gil_scoped_release release;
        BusReader& reader = native();
        reader.lanes(1u << lane);
        reader.seek_seq(static_cast<Lane>(lane), from_seq);
        std::vector<int8_t> verdicts;  // by source number; 0: not looked at
        const auto ours = [&](uint16_t source) {
            if (source >= verdicts.size()) verdicts.resize(source + 16u, 0);
            if (verdicts[source] == 0) verdicts[source] = bus_->native().source(source).ends_with(suffix) ? 1 : -1;
            return verdicts[source] > 0;
        };
        for (FrameView frame; reader.next(frame);) {
            const FrameHeader& header = *frame.header;
            if (header.type == kBridgeMark) {
                found.push_back({header.seq, {reinterpret_cast<const char*>(frame.payload), frame.payload_bytes}, 0});
            } else if (header.type < kLost && (header.flags & kBridged) != 0 && ours(header.source)) {
                if (found.empty() || !found.back().mark.empty()) found.push_back({});
                found.back() = {header.seq, {}, event_seq(header.cause) + header.count - 1};
            }
        }
    }
    py::list result;
    for (const Found& one : found)
        result.append(py::make_tuple(one.own_seq, one.mark.empty() ? py::object(py::none()) : py::bytes(one.mark),
                                     one.origin_seq));
    return result;
}

}  // namespace gcg::python
