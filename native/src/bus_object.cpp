#include "bus_object.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "record_type_table.h"

namespace gcg::python {

namespace {

constexpr uint32_t kMaxRecordBytes = 1024;
constexpr uint32_t kMaxBatchBytes = 4u << 20;  // a larger batch is written as several frames

PyObject* interned(const std::string& text) {
    PyObject* value = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (!value) throw py::error_already_set();
    PyUnicode_InternInPlace(&value);
    return value;
}

const char* kind_name(FieldKind kind) {
    switch (kind) {
        case FieldKind::F64:
            return "f64";
        case FieldKind::I64:
            return "i64";
        case FieldKind::U64:
            return "u64";
        case FieldKind::I32:
            return "i32";
        case FieldKind::U32:
            return "u32";
        case FieldKind::ENUM:
            return "enum8";
        case FieldKind::U8:
            return "u8";
        case FieldKind::STR:
            return "utf8";
        case FieldKind::F64A:
            return "f64[]";
        case FieldKind::I32A:
            return "i32[]";
        case FieldKind::PAD:
            return "reserved";
    }
    return "";
}

// What of a batch's rows is to be looked at: in every row the instrument's number and, because NumPy leaves anything in
// the padding and equal records have equal bytes, whether the padding is zero.
class RowCheck {
 public:
    explicit RowCheck(const RecordInfo& info) : bytes_(info.bytes) {
        for (uint32_t i = 0; i < info.field_count; ++i)
            if (info.fields[i].kind == FieldKind::PAD) padding_.emplace_back(info.fields[i].offset, info.fields[i].bytes);
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

FrameSpec spec_of(const RecordInfo& info, uint32_t instrument, uint64_t cause, uint32_t flags, uint16_t source) {
    FrameSpec spec;
    spec.type = info.type;
    spec.source = source;
    spec.flags = static_cast<uint16_t>(flags);
    spec.schema = info.version;
    spec.instrument = instrument;
    spec.cause = cause;
    return spec;
}

RecordObject* require_record(PyObject* object) {
    if (is_record(object)) return as_record(object);
    std::string text =
        std::string("publish() takes events of gcg_quant.events, found ") + Py_TYPE(object)->tp_name + ".";
    set_error("EventError", text.c_str());
    throw py::error_already_set();
}

const char* error_class(Fault fault) {
    switch (fault) {
        case Fault::full:
            return "JournalFullError";
        case Fault::busy:
            return "JournalBusyError";
        case Fault::corrupt:
            return "JournalCorruptError";
        case Fault::version:
            return "JournalVersionError";
        case Fault::cursor:
            return "CursorError";
        default:
            return "JournalError";
    }
}

// Without a call for its address: it is read and written with every event.
__attribute__((tls_model("initial-exec"))) thread_local uint64_t t_cause = 0;
std::atomic<uint64_t> g_serial{0};

}  // namespace

uint64_t current_cause() {
    return t_cause;
}

uint64_t swap_cause(uint64_t cause) {
    return std::exchange(t_cause, cause);
}

// C++ errors are clauses; the console prints sentences.
void set_journal_error(const JournalError& error) {
    std::string text = error.what();
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    if (!text.empty() && text.back() != '.') text += '.';
    set_error(error_class(error.fault), text.c_str());
}

py::list record_schema() {
    py::list records;
    for (const RecordInfo& info : kRecords) {
        py::list fields;
        for (uint32_t i = 0; i < info.field_count; ++i) {
            const FieldInfo& field = info.fields[i];
            py::dict row;
            row["name"] = field.name;
            row["kind"] = kind_name(field.kind);
            row["offset"] = field.offset;
            row["bytes"] = field.bytes;
            row["count"] = field.count;
            if (field.enum_name) row["enum"] = field.enum_name;
            fields.append(row);
        }
        py::dict record;
        record["name"] = info.name;
        record["type"] = info.type;
        record["version"] = info.version;
        record["bytes"] = info.bytes;
        record["fields"] = fields;
        records.append(record);
    }
    return records;
}

std::shared_ptr<PyBus> PyBus::open(const std::string& folder, uint32_t world, const std::string& sync,
                                   uint64_t page_bytes, const std::string& owner, bool create, bool read_only) {
    BusOptions options;
    options.world = static_cast<World>(world);
    options.page_bytes = page_bytes;
    options.owner = owner;
    options.create = create;
    options.read_only = read_only;
    if (sync == "none")
        options.sync = SyncPolicy::none;
    else if (sync == "interval")
        options.sync = SyncPolicy::interval;
    else if (sync == "always")
        options.sync = SyncPolicy::always;
    else
        throw JournalError(Fault::argument, "sync must be 'none', 'interval' or 'always', found '" + sync + "'.");
    py::gil_scoped_release release;
    return std::shared_ptr<PyBus>(new PyBus(Bus::open(folder, options)));
}

// relaxed: only unique
PyBus::PyBus(std::shared_ptr<Bus> bus)
    : bus_(std::move(bus)), serial_(g_serial.fetch_add(1, std::memory_order_relaxed) + 1) {}

PyBus::~PyBus() {
    for (const Name& name : names_) {
        Py_XDECREF(name.symbol);
        Py_XDECREF(name.venue);
    }
    for (PyObject* source : sources_) Py_XDECREF(source);
    for (const auto& [pair, number] : numbers_) {
        Py_DECREF(pair.first);
        Py_DECREF(pair.second);
    }
    if (bus_) {
        py::gil_scoped_release release;
        bus_.reset();
    }
}

Bus& PyBus::native() const {
    if (!bus_) throw JournalError(Fault::argument, "The bus is closed: open it again with EventBus(path).");
    return *bus_;
}

void PyBus::close() {
    if (!bus_) return;
    std::shared_ptr<Bus> bus = std::move(bus_);
    bus_.reset();
    py::gil_scoped_release release;
    bus->close();
}

const PyBus::Name& PyBus::name(uint32_t number) {
    if (number >= names_.size()) names_.resize(number + 1, Name{nullptr, nullptr});
    Name& entry = names_[number];
    if (!entry.symbol) {
        InstrumentRow row;
        if (number != 0 && !native().instrument(number, row))
            throw JournalError(Fault::corrupt, "Instrument " + std::to_string(number) + " is not in the table of " +
                                                   native().folder() + ".");
        entry.symbol = interned(row.symbol);
        entry.venue = interned(row.venue);
    }
    return entry;
}

PyObject* PyBus::symbol_of(uint32_t number) {
    return name(number).symbol;
}
PyObject* PyBus::venue_of(uint32_t number) {
    return name(number).venue;
}

PyObject* PyBus::source_of(uint16_t number) {
    if (number >= sources_.size()) sources_.resize(number + 1u, nullptr);
    if (!sources_[number]) sources_[number] = interned(number == 0 ? std::string() : native().source(number));
    return sources_[number];
}

uint32_t PyBus::number_of_names(PyObject* symbol, PyObject* venue) {
    auto found = numbers_.find({symbol, venue});
    if (found == numbers_.end()) {
        const uint32_t number = native().add_instrument(py::cast<std::string>(py::handle(symbol)),
                                                        py::cast<std::string>(py::handle(venue)), {});
        Py_INCREF(symbol);
        Py_INCREF(venue);
        found = numbers_.emplace(std::make_pair(symbol, venue), number).first;
    }
    last_symbol_ = symbol;
    last_venue_ = venue;
    last_number_ = found->second;
    return last_number_;
}

uint32_t PyBus::look_up(RecordObject* record) {
    // Names are interned, so that equal ones are the same object.
    if (record->symbol == last_symbol_ && record->venue == last_venue_) {
        record->number = last_number_;
    } else {
        record->number = PyUnicode_GET_LENGTH(record->symbol) == 0 ? 0 : number_of_names(record->symbol, record->venue);
    }
    record->numbered_by = serial_;
    return record->number;
}

uint64_t PyBus::publish_record(PyObject* object, uint64_t cause, uint32_t flags, uint16_t source) {
    RecordObject* record = require_record(object);
    const RecordInfo& info = *record->info;
    const uint32_t instrument = number_of(record);
    alignas(8) unsigned char payload[kMaxRecordBytes];
    std::memcpy(payload, record->payload, info.bytes);
    std::memcpy(payload + offsetof(RecordPrefix, instrument), &instrument, 4);
    return native().append(Lane::market, spec_of(info, instrument, cause, flags, source), payload, info.bytes).id;
}

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

uint64_t PyBus::publish_cold(int lane, int type, const py::bytes& payload, uint32_t instrument, uint64_t cause,
                             uint32_t flags, uint16_t source) {
    FrameSpec spec;
    spec.type = static_cast<uint16_t>(type);
    spec.source = source;
    spec.flags = static_cast<uint16_t>(flags);
    spec.instrument = instrument;
    spec.cause = cause;
    std::string_view view = payload;
    return native().append(static_cast<Lane>(lane), spec, view.data(), static_cast<uint32_t>(view.size())).id;
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

uint32_t PyBus::add_instrument(const std::string& symbol, const std::string& venue, const py::bytes& terms) {
    return native().add_instrument(symbol, venue, std::string_view(terms));
}

void PyBus::set_instrument_terms(uint32_t number, const py::bytes& terms) {
    native().change_instrument(number, std::string_view(terms));
}

py::object PyBus::instrument(uint32_t number) const {
    InstrumentRow row;
    if (!native().instrument(number, row)) return py::none();
    return py::make_tuple(row.symbol, row.venue, py::bytes(row.terms));
}

py::list PyBus::epoch_reports() const {
    py::list result;
    for (const EpochReport& report : native().epoch_reports())
        result.append(py::make_tuple(static_cast<int>(report.lane), report.epoch, report.kept_seq, report.cut_bytes,
                                     report.detail));
    return result;
}

py::list PyBus::readers() const {
    py::list result;
    for (const ReaderStatus& reader : native().readers()) {
        py::dict row;
        row["name"] = reader.name;
        row["durable"] = reader.durable;
        row["alive"] = reader.alive;
        row["pid"] = reader.pid;
        row["updated_ns"] = reader.updated_ns;
        row["next_seq"] = py::make_tuple(reader.next_seq[0], reader.next_seq[1], reader.next_seq[2]);
        row["lag"] = py::make_tuple(reader.lag[0], reader.lag[1], reader.lag[2]);
        result.append(row);
    }
    return result;
}

}  // namespace gcg::python
