// Publishing many records at once: a list of them, or an array of rows.

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "bus_object.h"
#include "record_type_table.h"

namespace gcg::python {

namespace {

constexpr uint32_t kMaxBatchBytes = 4u << 20;  // a larger batch is written as several frames

// What of a batch's rows is to be looked at: in every row the instrument's number and, because NumPy leaves anything in
// the padding and equal records have equal bytes, whether the padding is zero.
class RowCheck {
 public:
    explicit RowCheck(const RecordInfo& info) : bytes_(info.bytes) {
        for (uint32_t i = 0; i < info.field_count; ++i)
            if (info.fields[i].kind == FieldKind::PAD)
                padding_.emplace_back(info.fields[i].offset, info.fields[i].bytes);
    }
    // False if row `bad` names an instrument above `known`.
    bool run(const unsigned char* rows, uint32_t count, uint32_t known) {
        uint32_t highest = 0, differ = 0;
        const uint32_t first = count > 0 ? number(rows) : 0;
        unsigned dirt = 0;
        for (const unsigned char* row = rows; row != rows + std::size_t{count} * bytes_; row += bytes_) {
            const uint32_t instrument = number(row);
            highest = std::max(highest, instrument);
            differ |= instrument ^ first;
            for (const auto& [offset, bytes] : padding_)
                for (uint32_t at = 0; at < bytes; ++at) dirt |= row[offset + at];
        }
        common = differ == 0 ? first : 0;
        clean = dirt == 0;
        if (highest <= known) return true;
        for (bad = 0; number(rows + std::size_t{bad} * bytes_) <= known;) ++bad;
        bad_number = number(rows + std::size_t{bad} * bytes_);
        return false;
    }

    uint32_t common = 0;  // the instrument of all rows, or 0
    bool clean = true;
    uint32_t bad = 0, bad_number = 0;

 private:
    static uint32_t number(const unsigned char* row) {
        uint32_t value;
        std::memcpy(&value, row + offsetof(RecordPrefix, instrument), sizeof value);
        return value;
    }

    uint32_t bytes_;
    std::vector<std::pair<uint32_t, uint32_t>> padding_;
};

}  // namespace

py::list PyBus::publish_records(const py::list& records, uint64_t cause, uint32_t flags, uint16_t source) {
    const std::size_t count = records.size();
    std::vector<FrameSpec> specs(count);
    std::vector<std::vector<unsigned char>> copies(count);
    std::vector<const void*> payloads(count);
    std::vector<uint32_t> bytes(count);
    for (std::size_t i = 0; i < count; ++i) {
        PyObject* object = PyList_GET_ITEM(records.ptr(), static_cast<Py_ssize_t>(i));
        RecordObject* record = require_record(object);
        const RecordInfo& info = *record->info;
        const uint32_t instrument = number_of(record);
        copies[i].assign(record->payload, record->payload + info.bytes);
        std::memcpy(copies[i].data() + offsetof(RecordPrefix, instrument), &instrument, 4);
        specs[i] = spec_of(info, instrument, cause, flags, source);
        payloads[i] = copies[i].data();
        bytes[i] = info.bytes;
    }
    py::list ids(count);
    if (count == 0) return ids;
    uint64_t id = native().append_many(Lane::market, specs.data(), payloads.data(), bytes.data(), count).id;
    for (std::size_t i = 0; i < count; ++i) ids[i] = py::int_(id + i);
    return ids;
}

uint64_t PyBus::publish_batch(py::handle record_class, const py::buffer& buffer, uint32_t count, uint64_t cause,
                              uint32_t flags, uint16_t source) {
    const RecordInfo* info =
        PyType_Check(record_class.ptr()) ? info_of(reinterpret_cast<PyTypeObject*>(record_class.ptr())) : nullptr;
    if (!info) throw py::type_error("publish_batch() takes a record class");
    py::buffer_info view = buffer.request();
    const auto total = static_cast<std::size_t>(view.size) * static_cast<std::size_t>(view.itemsize);
    if (total != static_cast<std::size_t>(count) * info->bytes)
        throw py::value_error("the buffer does not hold count records");
    const auto* rows = static_cast<const unsigned char*>(view.ptr);
    const uint32_t known = native().instrument_count();
    RowCheck check(*info);
    if (!check.run(rows, count, known)) {
        set_error("EventError", ("Row " + std::to_string(check.bad) + " of the batch names instrument " +
                                 std::to_string(check.bad_number) + ", but the bus knows " + std::to_string(known) +
                                 ": take numbers from bus.instruments.")
                                    .c_str());
        throw py::error_already_set();
    }
    std::vector<unsigned char> clean;
    if (!check.clean) {
        clean.assign(rows, rows + total);
        for (uint32_t i = 0; i < count; ++i) clear_padding(*info, clean.data() + std::size_t{i} * info->bytes);
        rows = clean.data();
    }
    const uint32_t limit = std::min<uint64_t>(kMaxBatchBytes, native().page_bytes() / 4);
    const uint32_t rows_a_frame = std::max<uint32_t>(1, limit / info->bytes);
    std::vector<FrameSpec> specs;
    std::vector<const void*> payloads;
    std::vector<uint32_t> bytes;
    for (uint32_t begin = 0; begin < count; begin += rows_a_frame) {
        const uint32_t n = std::min(rows_a_frame, count - begin);
        FrameSpec spec = spec_of(*info, check.common, cause, flags, source);
        spec.count = n;
        specs.push_back(spec);
        payloads.push_back(rows + std::size_t{begin} * info->bytes);
        bytes.push_back(n * info->bytes);
    }
    py::gil_scoped_release release;
    return native().append_many(Lane::market, specs.data(), payloads.data(), bytes.data(), specs.size()).id;
}

}  // namespace gcg::python
