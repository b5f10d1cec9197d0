// Bus for Python: records in, names resolved, numbers cached.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gcg/bus.h"
#include "record_types.h"

namespace gcg::python {

namespace py = pybind11;

// The cause that this thread's publishing has unless another one is given: the id of the event it is handling.
extern constinit thread_local uint64_t handled_cause __attribute__((tls_model("initial-exec")));
inline uint64_t swap_cause(uint64_t cause) {  // returns the one before
    return std::exchange(handled_cause, cause);
}

// Set the Python exception that stands for an error of the journal.
void set_journal_error(const JournalError& error);

// The head of a record's frame.
FrameSpec spec_of(const RecordInfo& info, uint32_t instrument, uint64_t cause, uint32_t flags, uint16_t source);
// The record that an object is. Throws error_already_set, with an EventError set, for anything else.
RecordObject* require_record(PyObject* object);

// Make a cold event class known to every reader: `decoder(payload, id, time_ns, cause, source)` returns the event.
void register_cold(int type, int lane, py::object decoder);
// Let the event's decoder try a cold event's payload; throws what that raises.
void check_cold(int type, const void* payload, std::size_t bytes);
py::list record_schema();

using NumberMap = std::unordered_map<uint32_t, uint32_t>;

class PyBus {
 public:
    static std::shared_ptr<PyBus> open(const std::string& folder, uint32_t world, const std::string& sync,
                                       uint64_t page_bytes, const std::string& owner, bool create, bool read_only);
    ~PyBus();

    // Throws JournalError after close().
    [[nodiscard]] Bus& native() const;
    [[nodiscard]] bool closed() const { return !bus_; }

    // The id. Throws JournalError, and error_already_set for anything that is no record.
    uint64_t publish_record(PyObject* record, uint64_t cause, uint32_t flags, uint16_t source);
    py::list publish_records(const py::list& records, uint64_t cause, uint32_t flags, uint16_t source);
    uint64_t publish_cold(int lane, int type, const py::bytes& payload, uint32_t instrument, uint64_t cause,
                          uint32_t flags, uint16_t source);
    uint64_t publish_batch(py::handle record_class, const py::buffer& buffer, uint32_t count, uint64_t cause,
                           uint32_t flags, uint16_t source);
    // Append what `PyReader::read_frames` of another host gave, all under one lock: frames up to seq `after` are left
    // out, and so is what is not of the `wanted` among the `types` that may occur, or whose source or instrument is
    // mapped to 0. The mark, unless it is empty, comes first. Returns how many records that were, the last seq in
    // `data`, and the id of the first frame. Throws error_already_set, with an EventError set, if anything in `data` is
    // not as it must be; nothing is written then.
    py::tuple append_frames(int lane, const py::buffer& data, uint64_t after, const NumberMap& instruments,
                            const NumberMap& sources, const std::vector<int>& types, const std::vector<int>& wanted,
                            const py::bytes& mark);
    uint32_t add_instrument(const std::string& symbol, const std::string& venue, const py::bytes& terms);
    void set_instrument_terms(uint32_t number, const py::bytes& terms);
    py::object instrument(uint32_t number) const;  // (symbol, venue, terms), or None
    py::list epoch_reports() const;
    py::list readers() const;
    void close();

    struct Name {
        PyObject* symbol;
        PyObject* venue;
    };
    // Borrowed, valid as long as the bus object lives; never null. Interned, so that filters may compare pointers.
    const Name& name(uint32_t number) {
        return number < names_.size() && names_[number].symbol ? names_[number] : look_up_name(number);
    }
    PyObject* source_of(uint16_t number);

 private:
    struct PairHash {
        std::size_t operator()(const std::pair<PyObject*, PyObject*>& pair) const {
            return std::hash<void*>()(pair.first) * 31 + std::hash<void*>()(pair.second);
        }
    };
    explicit PyBus(std::shared_ptr<Bus> bus);
    const Name& look_up_name(uint32_t number);
    // The number of a record's instrument; registers it with empty terms if it is new. 0 if it has no symbol.
    uint32_t number_of(RecordObject* record) {
        return record->numbered_by == serial_ ? record->number : look_up(record);
    }
    uint32_t look_up(RecordObject* record);
    uint32_t number_of_names(PyObject* symbol, PyObject* venue);

    std::shared_ptr<Bus> bus_;
    uint64_t serial_;                                          // of this object: never 0, never used again
    PyObject *last_symbol_ = nullptr, *last_venue_ = nullptr;  // borrowed from numbers_
    uint32_t last_number_ = 0;
    std::vector<Name> names_;  // owned references
    std::vector<PyObject*> sources_;
    std::unordered_map<std::pair<PyObject*, PyObject*>, uint32_t, PairHash> numbers_;  // owned references
};

}  // namespace gcg::python
