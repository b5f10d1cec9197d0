#include "bus_object.h"

#include <atomic>
#include <cstring>
#include <utility>

#include "record_type_table.h"

namespace gcg::python {

namespace {

constexpr uint32_t kMaxRecordBytes = 1024;

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

std::atomic<uint64_t> g_serial{0};

}  // namespace

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

constinit thread_local uint64_t handled_cause = 0;

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

const PyBus::Name& PyBus::look_up_name(uint32_t number) {
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
