// A reader for Python: filters in C++, one record at a time out of batch frames, columns, or calls of handlers.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <bitset>
#include <memory>
#include <string>
#include <vector>

#include "bus_object.h"
#include "event_filter.h"
#include "event_route.h"
#include "handler_statistics.h"

namespace gcg::python {

// Exports a stretch of a page to NumPy and keeps its mapping alive.
struct PageView {
    std::shared_ptr<const void> page;
    const std::byte* data;
    std::size_t bytes;
};

class PyReader {
 public:
    PyReader(std::shared_ptr<PyBus> bus, const std::string& name, bool durable, bool begin);

    // An event passes if it passes any rule; a reader without rules passes all. Routes are rules of their own.
    void add_rule(const std::vector<int>& types, const EventFilter::Names& symbols, const EventFilter::Names& sources,
                  bool backfill);
    void clear_rules();
    void wait_policy(const std::string& policy, double sleep_s);

    // The next event, or None if none came within `timeout_s` (< 0: for ever). Filtered-out events do not end the wait.
    py::object read(double timeout_s);
    // At most `limit` events: waits up to `timeout_s` for the first one, and once that is there up to `within_s` for
    // the others.
    py::list read_many(std::size_t limit, double timeout_s, double within_s);
    // The newest event of each class and instrument among all that are waiting, by id.
    py::list read_latest(std::size_t limit, double timeout_s);
    // ({type number: bytearray of rows}, [cold events]): a row is ColumnHead and the record.
    py::tuple read_tables(std::size_t limit, double timeout_s);
    // (bytearray of rows, event or None): at most `limit` records of one type up to the head, and the event of another
    // type that ends their run, if one does.
    py::tuple read_run(int type, std::size_t limit);
    // Zero-copy views of at most `limit` records of one type up to the head: (PageView, count, stride, first id)
    // tuples; everything else is passed over.
    py::list read_views(int type, std::size_t limit);
    // (lane or -1, frames, how many events, the last one's seq, instrument numbers, source numbers): what passes, of
    // one lane, as frames one behind the other; those that came over a bridge only if `bridged`.
    py::tuple read_frames(std::size_t limit, std::size_t limit_bytes, double timeout_s, bool bridged);
    // What has come over a bridge from `from_seq` on, by sources whose name ends with `suffix`: (own seq, mark or None,
    // origin's seq) tuples. The reader is of no other use afterwards.
    py::list find_bridged(int lane, uint64_t from_seq, const std::string& suffix);
    // {type number: how many}, of at most `limit` events up to the head.
    py::dict count(std::size_t limit);
    // Whether an event is there, or came within `timeout_s`.
    bool wait(double timeout_s);

    // Handlers: see `Routes` in _native.pyi. A route whose key was there before keeps what it has not delivered yet.
    void set_routes(const py::list& routes);
    // Call the handlers of at most `limit` events; waits up to `timeout_s` for the first one. `failed(handler, event,
    // error)` and `coroutine(awaitable)` are Python's part. Returns how many events that were.
    std::size_t dispatch(std::size_t limit, double timeout_s, const py::object& failed, const py::object& coroutine);
    // Deliver the batches and latest events that are waiting for others.
    void flush(const py::object& failed, const py::object& coroutine);
    // Whether a route holds events that its handler has not been called with.
    [[nodiscard]] bool pending() const;
    // (handled, errors, ns spent, longest ns, monotonic ns since when a handler runs or 0, calls by kHandlerBoundsNs)
    [[nodiscard]] py::tuple statistics();

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
    // For the garbage collector: handlers often hold what holds this reader.
    int visit_handlers(visitproc visit, void* arg) const;

 private:
    [[nodiscard]] BusReader& native() const {
        if (!reader_ || bus_->closed()) refuse();
        return *reader_;
    }
    [[noreturn]] static void refuse();
    [[nodiscard]] Cursor position() const;  // behind the last record handed out, also within a batch
    // The next record that passes; false at the head, or after so many that did not that others should have a turn.
    bool advance(Taken& taken);
    bool fetch();  // the next frame into frame_; false at the head
    [[nodiscard]] bool more() const { return index_ < count_ || native().ready(); }
    [[nodiscard]] bool passes(const Taken& taken);
    py::object event_of(const Taken& taken);
    void reset_batch();

    // Sleep until something may have come; false once `left` is used up. A negative `timeout_s` has no end.
    bool wait_for_more(double timeout_s, double& left);

    // While handlers run, replaced routes are kept.
    class Depth {
     public:
        Depth(PyReader& reader, const py::object& failed, const py::object& coroutine);
        ~Depth();
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;

     private:
        PyReader& reader_;
    };
    void deliver(const Taken& taken);
    void call(const py::object& handler, const py::object& argument, const py::object& event, uint64_t cause);
    void flush_batch(Route& route);
    void flush_latest(Route& route);
    // Deliver what is due; returns the seconds until the next batch is, or -1.
    double flush_due(bool caught_up);

    std::shared_ptr<PyBus> bus_;
    std::unique_ptr<BusReader> reader_;
    std::vector<EventFilter> rules_;
    std::bitset<kTypes> rule_types_;  // of all rules
    std::unique_ptr<RouteTable> routes_;
    std::vector<std::unique_ptr<RouteTable>> retired_;  // replaced while their handlers may be running
    uint32_t wakes_ = 0;                                // of Bus::wake(), those that a dispatch has come back for
    int dispatching_ = 0;
    std::size_t conflated_ = 0;  // events kept as the latest since the last flush
    HandlerStatistics statistics_;
    uint64_t mark_ = 0;              // cycles: when the last handler ended, or the last wait
    py::object failed_, coroutine_;  // of the dispatch that is under way
    FrameView frame_;
    uint32_t index_ = 0;             // records of the frame that were handed out
    uint32_t count_ = 0;             // records of frame_; 0: there is none
    uint64_t skip_to_[kLanes] = {};  // after a seek into the middle of a batch
    uint64_t unknown_ = 0;           // events of types that this version does not know
};

}  // namespace gcg::python
