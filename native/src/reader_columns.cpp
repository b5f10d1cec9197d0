// Reading many records at once: rows in memory, views on the pages, counts.

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "reader_object.h"

namespace gcg::python {

namespace {

struct ColumnHead {
    uint64_t id;
    int64_t time_ns;
    uint64_t cause;
    uint16_t source;
    uint16_t flags;
    uint32_t reserved;
};
static_assert(sizeof(ColumnHead) == 32);

// A record behind the head of a row, wherever the caller keeps its rows.
void append_row(std::vector<unsigned char>& rows, const Taken& taken) {
    const ColumnHead head{taken.id, taken.time_ns, taken.cause, taken.source, taken.flags, 0};
    const std::size_t at = rows.size();
    rows.resize(at + sizeof(head) + taken.info->bytes);
    std::memcpy(rows.data() + at, &head, sizeof(head));
    widen(*taken.info, taken.payload, taken.bytes, rows.data() + at + sizeof(head));
}

py::object bytearray_of(const std::vector<unsigned char>& rows) {
    return py::reinterpret_steal<py::object>(PyByteArray_FromStringAndSize(reinterpret_cast<const char*>(rows.data()),
                                                                           static_cast<Py_ssize_t>(rows.size())));
}

}  // namespace

py::list PyReader::read_latest(std::size_t limit, double timeout_s) {
    double left = timeout_s;
    Taken taken;
    Route newest(py::none(), EventFilter({}, {}, {}, true), py::none(), Delivery::latest);
    for (std::size_t count = 0; count < limit;) {
        if (advance(taken)) {
            newest.keep_latest(taken);
            ++count;
        } else if (more()) {
            py::gil_scoped_release release;
        } else if (count > 0 || !wait_for_more(timeout_s, left)) {
            break;
        }
    }
    std::sort(newest.kept.begin(), newest.kept.end(),
              [](const Route::Kept& one, const Route::Kept& other) { return one.event.id < other.event.id; });
    py::list events;
    for (Route::Kept& kept : newest.kept) {
        kept.event.payload = kept.payload.data();
        events.append(event_of(kept.event));
    }
    return events;
}

py::tuple PyReader::read_tables(std::size_t limit, double timeout_s) {
    std::unordered_map<int, std::vector<unsigned char>> tables;
    py::list cold;
    double left = timeout_s;
    std::size_t count = 0;
    Taken taken;
    while (count < limit) {
        if (!advance(taken)) {
            if (more()) {
                py::gil_scoped_release release;
            } else if (count > 0 || !wait_for_more(timeout_s, left)) {
                break;
            }
            continue;
        }
        ++count;
        if (!taken.info) {
            cold.append(event_of(taken));
            continue;
        }
        append_row(tables[taken.type], taken);
    }
    py::dict result;
    for (const auto& [type, rows] : tables) result[py::int_(type)] = bytearray_of(rows);
    return py::make_tuple(result, cold);
}

py::tuple PyReader::read_run(int type, std::size_t limit) {
    std::vector<unsigned char> rows;
    Taken taken;
    for (std::size_t count = 0; count < limit;) {
        if (!advance(taken)) {
            if (!more()) break;
            py::gil_scoped_release release;
            continue;
        }
        if (!taken.info || taken.type != type) return py::make_tuple(bytearray_of(rows), event_of(taken));
        append_row(rows, taken);
        ++count;
    }
    return py::make_tuple(bytearray_of(rows), py::none());
}

py::list PyReader::read_views(int type, std::size_t limit) {
    const RecordInfo* info =
        type > 0 && type < static_cast<int>(kTypes) ? record_info(static_cast<uint16_t>(type)) : nullptr;
    if (!info) throw py::value_error("read_views() takes a hot record's type number");
    py::list views;
    // A run of equal single frames on one page is one strided view; so is what is left of a batch frame.
    const std::byte* first = nullptr;
    std::size_t count = 0, stride = 0;
    uint64_t first_id = 0;
    std::shared_ptr<const void> page;
    const auto flush = [&] {
        if (count == 0) return;
        views.append(
            py::make_tuple(PageView{page, first, (count - 1) * stride + info->bytes}, count, stride, first_id));
        count = 0;
    };
    Taken taken;
    for (std::size_t seen = 0; seen < limit;) {
        if (!advance(taken)) {
            if (!more()) break;
            py::gil_scoped_release release;
            continue;
        }
        if (taken.info != info || taken.bytes != info->bytes) {  // an older, shorter record is not viewed
            if (taken.info == info) ++unknown_;
            flush();
            continue;
        }
        const bool whole_batch = count_ > 1 && rules_.empty();
        // What is left of a batch: without a filter nobody has to look at its records.
        const std::size_t run = whole_batch ? std::min<std::size_t>(count_ - index_ + 1, limit - seen) : 1;
        const std::size_t step = count_ > 1 ? info->bytes : align8(frame_.header->length);
        // Never from one page to the next, however they are mapped: a page's header lies between.
        const bool joins =
            count > 0 && taken.payload == first + count * stride && taken.id == first_id + count && step == stride;
        if (!joins) {
            flush();
            page = native().page();
            first = taken.payload;
            first_id = taken.id;
            stride = step;
        }
        count += run;
        seen += run;
        index_ += static_cast<uint32_t>(run - 1);
    }
    flush();
    return views;
}

py::dict PyReader::count(std::size_t limit) {
    std::vector<uint64_t> counts(kTypes, 0);
    Taken taken;
    for (std::size_t seen = 0; seen < limit;) {
        if (advance(taken)) {
            ++counts[taken.type];
            ++seen;
        } else if (more()) {
            py::gil_scoped_release release;
        } else {
            break;
        }
    }
    py::dict result;
    for (std::size_t type = 0; type < counts.size(); ++type)
        if (counts[type] > 0) result[py::int_(type)] = counts[type];
    return result;
}

}  // namespace gcg::python
