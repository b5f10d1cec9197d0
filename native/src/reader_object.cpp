#include "reader_object.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace gcg::python {

namespace {

struct ColdDecoder {
    py::object decode;
    int lane = 0;
};
ColdDecoder* g_cold[kTypes] = {};  // never freed: the interpreter may be gone at exit

constexpr int kMostPassedOver = 16384;  // events before other threads of Python get a turn
constexpr double kSlice = 0.2;          // seconds of waiting before a look for Ctrl-C

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

void register_cold(int type, int lane, py::object decoder) {
    if (type <= 0 || type >= static_cast<int>(kTypes)) throw py::value_error("an event type is 1..255");
    delete g_cold[type];
    g_cold[type] = new ColdDecoder{std::move(decoder), lane};
}

void check_cold(int type, const void* payload, std::size_t bytes) {
    if (!g_cold[type]) throw py::value_error("events of type " + std::to_string(type) + " are not known here");
    g_cold[type]->decode(py::bytes(static_cast<const char*>(payload), bytes), 0, 0, 0, "");
}

PyReader::PyReader(std::shared_ptr<PyBus> bus, const std::string& name, bool durable, bool begin)
    : bus_(std::move(bus)), reader_(bus_->native().reader(name, durable, begin)) {
    const Cursor cursor = reader_->cursor();
    for (int lane = 0; lane < kLanes; ++lane) skip_to_[lane] = cursor.next_seq[lane];
}

void PyReader::refuse() {
    throw JournalError(Fault::argument, "The reader is closed.");
}

// Without its routes: they hold handlers, which often hold what holds this reader.
void PyReader::close() {
    if (routes_ && dispatching_ > 0) retired_.push_back(std::move(routes_));
    routes_.reset();
    reader_.reset();
}

void PyReader::add_rule(const std::vector<int>& types, const EventFilter::Names& symbols,
                        const EventFilter::Names& sources, bool backfill) {
    rules_.emplace_back(types, symbols, sources, backfill);
    rule_types_ |= rules_.back().types();
}

void PyReader::clear_rules() {
    rules_.clear();
    rule_types_.reset();
}

void PyReader::wait_policy(const std::string& policy, double sleep_s) {
    if (policy == "busy")
        native().wait_policy(WaitPolicy::busy, sleep_s);
    else if (policy == "adaptive")
        native().wait_policy(WaitPolicy::adaptive, sleep_s);
    else if (policy == "sleep")
        native().wait_policy(WaitPolicy::sleep, sleep_s);
    else
        throw JournalError(Fault::argument, "wait must be 'busy', 'adaptive' or 'sleep', found '" + policy + "'.");
}

// --- one record after the other ----------------------------------------------------------------------------------

bool PyReader::passes(const Taken& taken) {
    for (EventFilter& rule : rules_)
        if (rule.types().test(taken.type) && rule.passes(*bus_, taken)) return true;
    return false;
}

bool PyReader::fetch() {
    if (!native().next(frame_)) {
        count_ = index_ = 0;
        return false;
    }
    count_ = frame_.header->count;
    index_ = 0;
    const uint64_t wanted = skip_to_[static_cast<int>(frame_.lane)];
    if (wanted > frame_.header->seq) {
        const uint64_t behind = wanted - frame_.header->seq;
        index_ = behind < count_ ? static_cast<uint32_t>(behind) : count_;
    }
    return true;
}

bool PyReader::advance(Taken& taken) {
    for (int passed_over = 0; passed_over < kMostPassedOver; ++passed_over) {
        if (index_ >= count_ && !fetch()) return false;
        if (index_ >= count_) continue;
        const FrameHeader& header = *frame_.header;
        const bool known = header.type < kTypes && (kRecordByType[header.type] || g_cold[header.type]);
        if (!known || (!rules_.empty() && !rule_types_.test(header.type))) {
            if (!known) unknown_ += count_ - index_;
            index_ = count_;
            continue;
        }
        taken.info = kRecordByType[header.type];
        taken.bytes = count_ == 1 ? frame_.payload_bytes : frame_.payload_bytes / count_;
        taken.payload = frame_.payload + std::size_t{index_} * taken.bytes;
        taken.instrument = header.instrument;
        if (taken.info && count_ > 1)
            std::memcpy(&taken.instrument, taken.payload + offsetof(RecordPrefix, instrument), 4);
        taken.id = make_event_id(frame_.lane, header.seq + index_);
        taken.time_ns = header.time_ns;
        taken.cause = header.cause;
        taken.type = header.type;
        taken.source = header.source;
        taken.flags = header.flags;
        ++index_;
        if (rules_.empty() || passes(taken)) return true;
        // A batch of one instrument is refused as a whole.
        if (count_ > 1 && header.instrument != 0) index_ = count_;
    }
    return false;
}

py::object PyReader::event_of(const Taken& taken) {
    PyObject* source = bus_->source_of(taken.source);
    if (!taken.info) {
        py::bytes payload(reinterpret_cast<const char*>(taken.payload), taken.bytes);
        return g_cold[taken.type]->decode(payload, taken.id, taken.time_ns, taken.cause, py::handle(source));
    }
    const PyBus::Name& name = bus_->name(taken.instrument);
    PyObject* object = make_record(*taken.info, taken.payload, taken.bytes, name.symbol, name.venue, source);
    if (!object) throw py::error_already_set();
    auto* record = reinterpret_cast<RecordObject*>(object);
    record->id = taken.id;
    record->time_ns = taken.time_ns;
    record->cause = taken.cause;
    record->flags = taken.flags;
    return py::reinterpret_steal<py::object>(object);
}

bool PyReader::wait_for_more(double timeout_s, double& left) {
    if (timeout_s >= 0 && left <= 0) return false;
    const auto begin = Clock::now();
    {
        BusReader& reader = native();
        py::gil_scoped_release release;
        reader.wait(timeout_s < 0 ? kSlice : std::min(left, kSlice));
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    left -= seconds_since(begin);
    return true;
}

bool PyReader::wait(double timeout_s) {
    double left = timeout_s;
    while (!more())
        if (!wait_for_more(timeout_s, left)) return false;
    return true;
}

py::object PyReader::read(double timeout_s) {
    double left = timeout_s;
    Taken taken;
    for (;;) {
        if (advance(taken)) return event_of(taken);
        if (more()) {  // it only gave others a turn
            py::gil_scoped_release release;
        } else if (!wait_for_more(timeout_s, left)) {
            return py::none();
        }
    }
}

py::list PyReader::read_many(std::size_t limit, double timeout_s, double within_s) {
    py::list events;
    double left = timeout_s;
    Taken taken;
    while (PyList_GET_SIZE(events.ptr()) < static_cast<Py_ssize_t>(limit)) {
        if (advance(taken)) {
            const bool first = PyList_GET_SIZE(events.ptr()) == 0;
            const py::object event = event_of(taken);
            if (PyList_Append(events.ptr(), event.ptr()) != 0) throw py::error_already_set();
            if (first) timeout_s = left = within_s;
        } else if (more()) {
            py::gil_scoped_release release;
        } else if (!wait_for_more(timeout_s, left)) {
            break;
        }
    }
    return events;
}

// --- where it is -------------------------------------------------------------------------------------------------

void PyReader::reset_batch() {
    count_ = index_ = 0;
    const Cursor cursor = native().cursor();
    for (int lane = 0; lane < kLanes; ++lane) skip_to_[lane] = cursor.next_seq[lane];
}

Cursor PyReader::position() const {
    Cursor cursor = native().cursor();
    for (int lane = 0; lane < kLanes; ++lane) cursor.next_seq[lane] = std::max(cursor.next_seq[lane], skip_to_[lane]);
    if (index_ < count_) cursor.next_seq[static_cast<int>(frame_.lane)] = frame_.header->seq + index_;
    return cursor;
}

py::tuple PyReader::cursor() const {
    const Cursor cursor = position();
    return py::make_tuple(cursor.bus_id, cursor.epoch,
                          py::make_tuple(cursor.next_seq[0], cursor.next_seq[1], cursor.next_seq[2]));
}

void PyReader::seek(const std::string& bus_id, uint32_t epoch, const std::vector<uint64_t>& next_seq) {
    if (next_seq.size() != kLanes) throw py::value_error("a cursor holds three numbers");
    Cursor cursor;
    cursor.bus_id = bus_id;
    cursor.epoch = epoch;
    for (int lane = 0; lane < kLanes; ++lane) cursor.next_seq[lane] = next_seq[lane];
    native().seek(cursor);
    reset_batch();
    for (int lane = 0; lane < kLanes; ++lane) skip_to_[lane] = next_seq[lane];
}

void PyReader::seek_begin() {
    native().seek_begin();
    reset_batch();
}

void PyReader::seek_end() {
    native().seek_end();
    reset_batch();
}

void PyReader::seek_seq(int lane, uint64_t seq) {
    native().seek_seq(static_cast<Lane>(lane), seq);
    reset_batch();
    skip_to_[lane] = seq;
}

void PyReader::seek_time(int64_t time_ns) {
    native().seek_time(time_ns);
    reset_batch();
}

uint64_t PyReader::lag(int lane) const {
    return native().lag(static_cast<Lane>(lane));
}

void PyReader::commit() {
    native().commit(position());
}

}  // namespace gcg::python
