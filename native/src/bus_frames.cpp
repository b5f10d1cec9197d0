// Frames of another host's journal, appended to this one: numbers are mapped, the origin is kept.

#include <algorithm>
#include <bitset>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bus_object.h"
#include "event_filter.h"
#include "record_type_table.h"

namespace gcg::python {

namespace {

constexpr std::size_t kPrefixBytes = sizeof(RecordPrefix);

[[noreturn]] void refuse(std::size_t at, const std::string& what) {
    set_error("EventError", ("The frame at byte " + std::to_string(at) + " " + what + ".").c_str());
    throw py::error_already_set();
}

// Walks the frames of a buffer that somebody else has made: nothing in it is believed.
class Unpacking {
 public:
    Unpacking(const py::buffer_info& view, int lane, uint64_t after, const NumberMap& instruments,
              const NumberMap& sources, const std::vector<int>& types, const std::vector<int>& wanted)
        : lane_(static_cast<Lane>(lane)), after_(after), instruments_(instruments), sources_(sources) {
        if (lane < 0 || lane >= kLanes) throw py::value_error("there is no such lane");
        set(types_, types);
        set(wanted_, wanted);
        const auto* bytes = static_cast<const unsigned char*>(view.ptr);
        copy_.assign(bytes, bytes + static_cast<std::size_t>(view.size) * static_cast<std::size_t>(view.itemsize));
        for (std::size_t at = 0; at < copy_.size();) at = take(at);
    }

    std::vector<FrameSpec> specs;
    std::vector<const void*> payloads;
    std::vector<uint32_t> bytes;
    uint64_t records = 0, last_seq = 0;

 private:
    std::size_t take(std::size_t at) {
        FrameHeader header;
        if (copy_.size() - at < sizeof header) refuse(at, "is cut off");
        std::memcpy(&header, copy_.data() + at, sizeof header);
        if (header.length < sizeof header || header.length > copy_.size() - at) refuse(at, "has an impossible length");
        if (header.type >= kTypes || !types_.test(header.type))
            refuse(at, "is of type " + std::to_string(header.type) + ", which may not cross here");
        const uint64_t seq = header.seq;
        if (header.count == 0 || seq <= last_seq || seq + header.count > (uint64_t{1} << 60))
            refuse(at, "does not follow the one before it");
        unsigned char* payload = copy_.data() + at + sizeof header;
        const uint32_t size = header.length - static_cast<uint32_t>(sizeof header);
        const RecordInfo* info = record_info(header.type);
        if (info) {
            if (size % header.count != 0 || size / header.count < kPrefixBytes) refuse(at, "holds no whole records");
        } else {
            if (header.count != 1) refuse(at, "holds several cold events");
            check_cold(header.type, payload, size);
        }
        last_seq = seq + header.count - 1;
        const auto source = sources_.find(header.source);
        if (source == sources_.end()) refuse(at, "names a source without a name");
        if (source->second != 0 && wanted_.test(header.type) && last_seq > after_) {
            header.source = static_cast<uint16_t>(source->second);
            put(at, header, payload, size / header.count, info != nullptr);
        }
        return at + std::min<std::size_t>(align8(header.length), copy_.size() - at);
    }

    // What is wanted of a frame's records, in runs without a hole.
    void put(std::size_t at, const FrameHeader& header, unsigned char* payload, uint32_t each, bool hot) {
        const bool all = !hot && (header.instrument == 0 || mapped(at, header.instrument) != 0);
        bool open = false;
        for (uint32_t row = 0; row < header.count; ++row, payload += each) {
            const bool wanted = header.seq + row > after_ && (all || (hot && renumber(at, payload)));
            if (wanted && !open) begin(at, header, payload, row);
            open = wanted;
            if (!wanted) continue;
            specs.back().count += 1;
            bytes.back() += each;
            ++records;
        }
    }

    void begin(std::size_t at, const FrameHeader& header, const unsigned char* payload, uint32_t row) {
        FrameSpec spec;
        spec.type = header.type;
        spec.source = header.source;
        spec.flags = static_cast<uint16_t>((header.flags & kBackfill) | kBridged);
        spec.schema = header.schema;
        spec.instrument = header.instrument == 0 ? 0 : mapped(at, header.instrument);
        spec.count = 0;
        spec.cause = make_event_id(lane_, header.seq + row);
        specs.push_back(spec);
        payloads.push_back(payload);
        bytes.push_back(0);
    }

    // Give a record this bus's number of its instrument; false if the instrument is not wanted.
    bool renumber(std::size_t at, unsigned char* payload) {
        uint32_t number;
        std::memcpy(&number, payload + offsetof(RecordPrefix, instrument), sizeof number);
        if (number == 0) return true;
        number = mapped(at, number);
        std::memcpy(payload + offsetof(RecordPrefix, instrument), &number, sizeof number);
        return number != 0;
    }

    static void set(std::bitset<kTypes>& bits, const std::vector<int>& types) {
        for (const int type : types)
            if (type > 0 && type < static_cast<int>(kTypes)) bits.set(static_cast<std::size_t>(type));
    }

    uint32_t mapped(std::size_t at, uint32_t number) {
        if (number == last_number_) return last_mapped_;
        const auto found = instruments_.find(number);
        if (found == instruments_.end()) refuse(at, "names an instrument without a name");
        last_number_ = number;
        return last_mapped_ = found->second;
    }

    Lane lane_;
    uint64_t after_;
    const NumberMap& instruments_;
    const NumberMap& sources_;
    std::bitset<kTypes> types_, wanted_;
    std::vector<unsigned char> copy_;
    uint32_t last_number_ = 0, last_mapped_ = 0;
};

}  // namespace

py::tuple PyBus::append_frames(int lane, const py::buffer& data, uint64_t after, const NumberMap& instruments,
                               const NumberMap& sources, const std::vector<int>& types, const std::vector<int>& wanted,
                               const py::bytes& mark) {
    Unpacking frames(data.request(), lane, after, instruments, sources, types, wanted);
    const std::string_view text = mark;
    if (!text.empty()) {
        FrameSpec spec;
        spec.type = kBridgeMark;
        frames.specs.insert(frames.specs.begin(), spec);
        frames.payloads.insert(frames.payloads.begin(), text.data());
        frames.bytes.insert(frames.bytes.begin(), static_cast<uint32_t>(text.size()));
    }
    uint64_t id = 0;
    if (!frames.specs.empty()) {
        Bus& bus = native();
        py::gil_scoped_release release;
        id = bus.append_many(static_cast<Lane>(lane), frames.specs.data(), frames.payloads.data(), frames.bytes.data(),
                             frames.specs.size())
                 .id;
    }
    return py::make_tuple(frames.records, frames.last_seq, id);
}

}  // namespace gcg::python
