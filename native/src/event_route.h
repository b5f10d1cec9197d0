// A subscription inside a reader: a filter, a Python handler, and how the handler wants its events.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "event_filter.h"

namespace gcg::python {

enum class Delivery : uint8_t {
    single,  // each event
    batch,   // lists of events
    latest,  // the newest one a class and instrument, once the reader has caught up
};

struct Route {
    // A copy of an event that a newer one may replace.
    struct Kept {
        Taken event;
        std::vector<std::byte> payload;
    };

    Route(py::object key_, EventFilter filter_, py::object handler_, Delivery delivery_)
        : key(std::move(key_)), filter(std::move(filter_)), handler(std::move(handler_)), delivery(delivery_) {}

    // Remember `event`, and forget the one of the same class and instrument.
    void keep_latest(const Taken& event);
    [[nodiscard]] bool pending() const { return !kept.empty() || !batch.empty(); }

    py::object key;  // the subscription: a route is known by it when the routes change
    EventFilter filter;
    py::object handler;
    Delivery delivery;
    std::size_t most = 0;   // of a batch
    int64_t within_ns = 0;  // how long its first event may wait for others
    std::vector<py::object> batch;
    int64_t batch_since_ns = 0;  // monotonic
    std::vector<Kept> kept;
    std::unordered_map<uint64_t, std::size_t> kept_at;  // type and instrument -> place in `kept`
};

// The routes of a reader, by event type.
struct RouteTable {
    std::vector<std::shared_ptr<Route>> routes;
    std::vector<Route*> by_type[kTypes];
    std::bitset<kTypes> types;

    void add(std::shared_ptr<Route> route);
};

}  // namespace gcg::python
