// A reader for Python: filters in C++, one record at a time out of batch frames, or columns.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "bus_object.h"

namespace gcg::python {

// One subscription's filter. An event passes a reader if it passes any of its rules; a reader without rules passes all.
struct Rule {
    std::bitset<256> types;
    bool all_symbols = true;
    std::unordered_set<std::string> symbols;  // "SYMBOL" or "SYMBOL@VENUE"
    std::vector<std::string> patterns;        // the same with *, ? or [
    bool all_sources = true;
    std::unordered_set<std::string> sources;
    bool backfill = true;
    std::vector<int8_t> instruments;  // by number: 0 undecided, 1 passes, -1 does not
    std::vector<int8_t> source_numbers;
};

// Exports a stretch of a page to NumPy and keeps its mapping alive.
struct PageView {
    std::shared_ptr<const void> page;
    const std::byte* data;
    std::size_t bytes;
};

class PyReader {
 public:
    PyReader(std::shared_ptr<PyBus> bus, const std::string& name, bool durable, bool begin);

    // `symbols` and `sources` are None (all) or a list of str; `types` a list of type numbers, empty = all.
    void add_rule(const std::vector<int>& types, std::optional<std::vector<std::string>> symbols,
                  std::optional<std::vector<std::string>> sources, bool backfill);
    void clear_rules();
    void wait_policy(const std::string& policy, double sleep_s);

    // Events, at most `limit`; waits up to `timeout_s` (< 0: for ever) for the first one. Filtered-out events do not
    // end the wait.
    py::list read_many(std::size_t limit, double timeout_s);
    // ({type number: bytearray of rows}, [cold events]): a row is ColumnHead and the record.
    py::tuple read_tables(std::size_t limit, double timeout_s);
    // Zero-copy views of at most `limit` records of one type up to the head: (PageView, count, stride, first id)
    // tuples; everything else is passed over.
    py::list read_views(int type, std::size_t limit);

    // {type number: how many}, of at most `limit` events up to the head.
    py::dict count(std::size_t limit);

    py::tuple cursor() const;  // (bus id, epoch, (control, market, log))
    void seek(const std::string& bus_id, uint32_t epoch, const std::vector<uint64_t>& next_seq);
    void seek_begin();
    void seek_end();
    void seek_seq(int lane, uint64_t seq);
    void seek_time(int64_t time_ns);
    [[nodiscard]] uint64_t lag(int lane) const;
    [[nodiscard]] uint64_t unknown() const { return unknown_; }
    void commit();
    void close();

 private:
    // One record within the frame `frame_`; `index_` counts the records of a batch that were handed out.
    struct Item {
        const RecordInfo* info = nullptr;  // null for a cold event
        const std::byte* payload = nullptr;
        uint32_t bytes = 0;
        uint32_t instrument = 0;
        uint64_t id = 0;
    };
    [[nodiscard]] BusReader& native() const;
    [[nodiscard]] Cursor position() const;  // behind the last record handed out, also within a batch
    bool advance(Item& item);               // the next record that passes; false at the head
    bool fetch();                           // the next frame into frame_; false at the head
    bool wait(double timeout_s, double& left);
    bool passes(uint16_t type, uint32_t instrument);
    bool passes_instrument(Rule& rule, uint32_t instrument);
    bool passes_source(Rule& rule, uint16_t source);
    py::object event_of(const Item& item);
    void reset_batch();

    std::shared_ptr<PyBus> bus_;
    std::unique_ptr<BusReader> reader_;
    std::vector<Rule> rules_;
    FrameView frame_;
    uint32_t index_ = 0;
    uint32_t count_ = 0;             // records of frame_; 0: there is none
    uint64_t skip_to_[kLanes] = {};  // after a seek into the middle of a batch
    uint64_t unknown_ = 0;           // events of types that this version does not know
};

}  // namespace gcg::python
