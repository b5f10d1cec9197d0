#include "reader_object.h"

#include <fnmatch.h>

#include <chrono>
#include <cstring>

namespace gcg::python {

namespace {

struct ColdDecoder {
    py::object decode;
    int lane = 0;
};
ColdDecoder* g_cold[256] = {};  // never freed: the interpreter may be gone at exit

struct ColumnHead {
    uint64_t id;
    int64_t time_ns;
    uint64_t cause;
    uint16_t source;
    uint16_t flags;
    uint32_t reserved;
};
static_assert(sizeof(ColumnHead) == 32);

bool is_pattern(const std::string& text) {
    return text.find_first_of("*?[") != std::string::npos;
}

}  // namespace

void register_cold(int type, int lane, py::object decoder) {
    if (type <= 0 || type > 255) throw py::value_error("an event type is 1..255");
    delete g_cold[type];
    g_cold[type] = new ColdDecoder{std::move(decoder), lane};
}

PyReader::PyReader(std::shared_ptr<PyBus> bus, const std::string& name, bool durable, bool begin)
    : bus_(std::move(bus)), reader_(bus_->native().reader(name, durable, begin)) {
    const Cursor cursor = reader_->cursor();
    for (int lane = 0; lane < kLanes; ++lane) skip_to_[lane] = cursor.next_seq[lane];
}

BusReader& PyReader::native() const {
    if (!reader_ || bus_->closed()) throw JournalError(Fault::argument, "The reader is closed.");
    return *reader_;
}

void PyReader::close() {
    reader_.reset();
}

void PyReader::add_rule(const std::vector<int>& types, std::optional<std::vector<std::string>> symbols,
                        std::optional<std::vector<std::string>> sources, bool backfill) {
    Rule rule;
    if (types.empty()) rule.types.set();
    for (int type : types) rule.types.set(static_cast<std::size_t>(type));
    rule.all_symbols = !symbols.has_value();
    if (symbols)
        for (std::string& text : *symbols) {
            if (is_pattern(text))
                rule.patterns.push_back(std::move(text));
            else
                rule.symbols.insert(std::move(text));
        }
    rule.all_sources = !sources.has_value();
    if (sources) rule.sources.insert(sources->begin(), sources->end());
    rule.backfill = backfill;
    rules_.push_back(std::move(rule));
}

void PyReader::clear_rules() {
    rules_.clear();
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

bool PyReader::passes_instrument(Rule& rule, uint32_t instrument) {
    if (rule.all_symbols || instrument == 0) return true;
    if (instrument >= rule.instruments.size()) rule.instruments.resize(instrument + 16, 0);
    int8_t& decided = rule.instruments[instrument];
    if (decided == 0) {
        const std::string symbol = py::cast<std::string>(py::handle(bus_->symbol_of(instrument)));
        const std::string full = symbol + "@" + py::cast<std::string>(py::handle(bus_->venue_of(instrument)));
        bool found = rule.symbols.contains(symbol) || rule.symbols.contains(full);
        for (const std::string& pattern : rule.patterns)
            found = found || fnmatch(pattern.c_str(), symbol.c_str(), 0) == 0 ||
                    fnmatch(pattern.c_str(), full.c_str(), 0) == 0;
        decided = found ? 1 : -1;
    }
    return decided > 0;
}

bool PyReader::passes_source(Rule& rule, uint16_t source) {
    if (rule.all_sources) return true;
    if (source >= rule.source_numbers.size()) rule.source_numbers.resize(source + 16u, 0);
    int8_t& decided = rule.source_numbers[source];
    if (decided == 0)
        decided = rule.sources.contains(py::cast<std::string>(py::handle(bus_->source_of(source)))) ? 1 : -1;
    return decided > 0;
}

bool PyReader::passes(uint16_t type, uint32_t instrument) {
    if (rules_.empty()) return true;
    const bool backfill = frame_.header->flags & 1;
    for (Rule& rule : rules_) {
        if (type < 256 && rule.types.test(type) && (rule.backfill || !backfill) &&
            passes_source(rule, frame_.header->source) && passes_instrument(rule, instrument))
            return true;
    }
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

bool PyReader::advance(Item& item) {
    for (;;) {
        if (index_ >= count_ && !fetch()) return false;
        if (index_ >= count_) continue;
        const FrameHeader& header = *frame_.header;
        item.info = record_info(header.type);
        if (!item.info && (header.type > 255 || !g_cold[header.type])) {
            unknown_ += count_ - index_;
            index_ = count_;
            continue;
        }
        const uint32_t bytes = frame_.payload_bytes / header.count;
        item.payload = frame_.payload + std::size_t{index_} * bytes;
        item.bytes = bytes;
        item.id = make_event_id(frame_.lane, header.seq + index_);
        item.instrument = header.instrument;
        if (item.info && header.count > 1)
            std::memcpy(&item.instrument, item.payload + offsetof(RecordPrefix, instrument), 4);
        ++index_;
        if (passes(header.type, item.instrument)) return true;
        // A batch of one instrument is refused as a whole.
        if (header.count > 1 && header.instrument != 0) index_ = count_;
    }
}

py::object PyReader::event_of(const Item& item) {
    const FrameHeader& header = *frame_.header;
    PyObject* source = bus_->source_of(header.source);
    if (!item.info) {
        py::bytes payload(reinterpret_cast<const char*>(item.payload), item.bytes);
        return g_cold[header.type]->decode(payload, item.id, header.time_ns, header.cause, py::handle(source));
    }
    PyObject* object = make_record(*item.info, item.payload, item.bytes, bus_->symbol_of(item.instrument),
                                   bus_->venue_of(item.instrument), source);
    if (!object) throw py::error_already_set();
    auto* record = reinterpret_cast<RecordObject*>(object);
    record->id = item.id;
    record->time_ns = header.time_ns;
    record->cause = header.cause;
    record->flags = header.flags;
    return py::reinterpret_steal<py::object>(object);
}

bool PyReader::wait(double timeout_s, double& left) {
    if (timeout_s == 0 || (timeout_s > 0 && left <= 0)) return false;
    const auto begin = std::chrono::steady_clock::now();
    // Wake up now and then so that Ctrl-C works in a waiting main thread.
    const double slice = timeout_s < 0 ? 0.2 : std::min(left, 0.2);
    {
        BusReader& reader = native();
        py::gil_scoped_release release;
        reader.wait(slice);
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    left -= std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return true;
}

py::list PyReader::read_many(std::size_t limit, double timeout_s) {
    py::list events;
    double left = timeout_s;
    Item item;
    for (;;) {
        std::size_t taken = 0;
        while (taken < limit && advance(item)) {
            events.append(event_of(item));
            ++taken;
        }
        if (taken > 0 || !wait(timeout_s, left)) return events;
    }
}

py::tuple PyReader::read_tables(std::size_t limit, double timeout_s) {
    std::unordered_map<int, std::vector<unsigned char>> tables;
    py::list cold;
    double left = timeout_s;
    std::size_t taken = 0;
    Item item;
    for (;;) {
        while (taken < limit && advance(item)) {
            ++taken;
            if (!item.info) {
                cold.append(event_of(item));
                continue;
            }
            const FrameHeader& header = *frame_.header;
            const ColumnHead head{item.id, header.time_ns, header.cause, header.source, header.flags, 0};
            std::vector<unsigned char>& rows = tables[item.info->type];
            const std::size_t at = rows.size();
            rows.resize(at + sizeof(head) + item.info->bytes);
            std::memcpy(rows.data() + at, &head, sizeof(head));
            widen(*item.info, item.payload, item.bytes, rows.data() + at + sizeof(head));
        }
        if (taken > 0 || !wait(timeout_s, left)) break;
    }
    py::dict result;
    for (const auto& [type, rows] : tables)
        result[py::int_(type)] = py::reinterpret_steal<py::object>(PyByteArray_FromStringAndSize(
            reinterpret_cast<const char*>(rows.data()), static_cast<Py_ssize_t>(rows.size())));
    return py::make_tuple(result, cold);
}

py::list PyReader::read_views(int type, std::size_t limit) {
    const RecordInfo* info = record_info(static_cast<uint16_t>(type));
    if (!info) throw py::value_error("read_views() takes a hot record's type number");
    py::list views;
    std::size_t taken = 0;
    // A run of equal single frames on one page is one strided view; so is what is left of a batch frame.
    const std::byte* first = nullptr;
    std::size_t count = 0, stride = 0;
    uint64_t first_id = 0;
    std::shared_ptr<const void> page;
    auto flush = [&] {
        if (count == 0) return;
        views.append(
            py::make_tuple(PageView{page, first, (count - 1) * stride + info->bytes}, count, stride, first_id));
        count = 0;
    };
    Item item;
    while (taken < limit && advance(item)) {
        if (item.info != info || item.bytes != info->bytes) {  // an older, shorter record is not viewed
            if (item.info == info) ++unknown_;
            flush();
            continue;
        }
        const bool batch = frame_.header->count > 1;
        const std::size_t step = batch ? info->bytes : align8(frame_.header->length);
        std::shared_ptr<const void> here = native().page();
        const bool joins = count > 0 && here == page && item.payload == first + count * stride &&
                           item.id == first_id + count && (step == stride || count == 0);
        if (!joins) {
            flush();
            page = here;
            first = item.payload;
            first_id = item.id;
            stride = step;
        }
        ++count;
        ++taken;
    }
    flush();
    return views;
}

py::dict PyReader::count(std::size_t limit) {
    std::unordered_map<int, uint64_t> counts;
    Item item;
    for (std::size_t taken = 0; taken < limit && advance(item); ++taken) ++counts[frame_.header->type];
    py::dict result;
    for (const auto& [type, count] : counts) result[py::int_(type)] = count;
    return result;
}

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
