// Calling Python handlers with what a reader finds.

#include <algorithm>
#include <cstring>
#include <utility>

#include "gcg/clock.h"
#include "reader_object.h"

namespace gcg::python {

namespace {

constexpr std::size_t kMostConflated = 100'000;  // events before the latest ones are delivered, caught up or not

Delivery delivery_of(const std::string& name) {
    if (name == "single") return Delivery::single;
    if (name == "batch") return Delivery::batch;
    if (name == "latest") return Delivery::latest;
    throw py::value_error("a handler takes events as 'single', 'batch' or 'latest'");
}

// The exception that is set, as an object; nothing is set afterwards.
py::object take_exception() {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace) PyException_SetTraceback(value, trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return py::reinterpret_steal<py::object>(value);
}

// A call of a handler that is under way; ends with the scope.
class Running {
 public:
    Running(HandlerStatistics& statistics, uint64_t cause) : statistics_(statistics), cause_before_(swap_cause(cause)) {
        statistics_.busy_since = statistics_.mark;
    }
    ~Running() {
        statistics_.busy_since = 0;
        ++statistics_.handled;
        if (++statistics_.untimed >= statistics_.timed_together) statistics_.time();
        swap_cause(cause_before_);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

 private:
    HandlerStatistics& statistics_;
    uint64_t cause_before_;
};

}  // namespace

PyReader::Depth::Depth(PyReader& reader, const py::object& failed, const py::object& coroutine) : reader_(reader) {
    ++reader.dispatching_;
    reader.failed_ = failed;
    reader.coroutine_ = coroutine;
    reader.statistics_.mark = cycles();
}

PyReader::Depth::~Depth() {
    reader_.statistics_.time();
    if (--reader_.dispatching_ > 0) return;
    reader_.failed_ = reader_.coroutine_ = py::object();
    const auto retired = std::move(reader_.retired_);  // whose end may call anything
    reader_.retired_.clear();
}

int PyReader::visit_handlers(visitproc visit, void* arg) const {
    if (dispatching_ > 0 || !routes_) return 0;  // in use, and a route may be in several tables
    for (const auto& route : routes_->routes) {
        Py_VISIT(route->key.ptr());
        Py_VISIT(route->handler.ptr());
    }
    return 0;
}

void PyReader::set_routes(const py::list& rows) {
    auto table = std::make_unique<RouteTable>();
    for (const py::handle& item : rows) {
        const auto row = py::cast<py::tuple>(item);
        const py::object key = row[0];
        std::shared_ptr<Route> route;
        if (routes_)
            for (const auto& old : routes_->routes)
                if (old->key.is(key)) route = old;
        if (!route) {
            EventFilter filter(py::cast<std::vector<int>>(row[1]), py::cast<EventFilter::Names>(row[2]),
                               py::cast<EventFilter::Names>(row[3]), py::cast<bool>(row[4]));
            route = std::make_shared<Route>(key, std::move(filter), row[5], delivery_of(py::cast<std::string>(row[6])));
            route->most = std::max<std::size_t>(1, py::cast<std::size_t>(row[7]));
            route->within_ns = static_cast<int64_t>(py::cast<double>(row[8]) * 1e9);
        }
        table->add(std::move(route));
    }
    if (routes_ && dispatching_ > 0) retired_.push_back(std::move(routes_));
    routes_ = std::move(table);
    clear_rules();
    for (const auto& route : routes_->routes) rules_.push_back(route->filter);
    rule_types_ = routes_->types;
    if (rules_.empty())
        rules_.emplace_back(std::vector<int>{kTypes - 1}, EventFilter::Names(), EventFilter::Names(), false);
}

void PyReader::call(const py::object& handler, const py::object& argument, const py::object& event, uint64_t cause) {
    const Running running(statistics_, cause);
    PyObject* arguments[2] = {nullptr, argument.ptr()};
    auto result = py::reinterpret_steal<py::object>(
        PyObject_Vectorcall(handler.ptr(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    if (result && PyCoro_CheckExact(result.ptr())) {
        PyObject* awaitable[2] = {nullptr, result.ptr()};
        result = py::reinterpret_steal<py::object>(
            PyObject_Vectorcall(coroutine_.ptr(), awaitable + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    }
    if (result) return;
    if (!PyErr_ExceptionMatches(PyExc_Exception)) throw py::error_already_set();
    ++statistics_.errors;
    failed_(handler, event, take_exception());
}

void PyReader::deliver(const Taken& taken) {
    py::object event;
    const auto made = [&]() -> const py::object& {
        if (!event) event = event_of(taken);
        return event;
    };
    const RouteTable& table = *routes_;  // lives on in retired_ if a handler changes the routes
    const std::vector<Route*>& routes = table.by_type[taken.type];
    for (Route* route : routes) {
        if (!route->filter.passes(*bus_, taken)) continue;
        switch (route->delivery) {
            case Delivery::single:
                call(route->handler, made(), made(), taken.id);
                break;
            case Delivery::latest:
                route->keep_latest(taken);
                ++conflated_;
                break;
            case Delivery::batch:
                if (route->batch.empty()) route->batch_since_ns = monotonic_ns();
                route->batch.push_back(made());
                if (route->batch.size() >= route->most) flush_batch(*route);
                break;
        }
    }
}

void PyReader::flush_batch(Route& route) {
    std::vector<py::object> events;
    events.swap(route.batch);
    py::list list(events.size());
    for (std::size_t at = 0; at < events.size(); ++at) list[at] = events[at];
    call(route.handler, list, events.back(), py::cast<uint64_t>(events.back().attr("id")));
}

void PyReader::flush_latest(Route& route) {
    std::vector<Route::Kept> newest;
    newest.swap(route.kept);
    route.kept_at.clear();
    std::sort(newest.begin(), newest.end(),
              [](const Route::Kept& one, const Route::Kept& other) { return one.event.id < other.event.id; });
    for (Route::Kept& kept : newest) {
        kept.event.payload = kept.payload.data();
        const py::object event = event_of(kept.event);
        call(route.handler, event, event, kept.event.id);
    }
}

double PyReader::flush_due(bool caught_up) {
    const bool latest_due = caught_up || conflated_ >= kMostConflated;
    if (latest_due) conflated_ = 0;
    double next = -1;
    const RouteTable& table = *routes_;
    for (const auto& route : table.routes) {
        if (latest_due && !route->kept.empty()) flush_latest(*route);
        if (route->batch.empty()) continue;
        const int64_t left_ns = route->batch_since_ns + route->within_ns - monotonic_ns();
        if (left_ns <= 0 ? caught_up || route->within_ns > 0 : false) {
            flush_batch(*route);
        } else if (route->within_ns > 0) {
            const double left = static_cast<double>(std::max<int64_t>(left_ns, 0)) * 1e-9;
            next = next < 0 ? left : std::min(next, left);
        }
    }
    return next;
}

std::size_t PyReader::dispatch(std::size_t limit, double timeout_s, const py::object& failed,
                               const py::object& coroutine) {
    if (!routes_) throw JournalError(Fault::argument, "The reader has no handlers: subscribe first.");
    const Depth depth(*this, failed, coroutine);
    double left = timeout_s;
    std::size_t count = 0;
    Taken taken;
    while (count < limit) {
        if (advance(taken)) {
            deliver(taken);
            ++count;
            if (conflated_ >= kMostConflated) break;
        } else if (more()) {
            py::gil_scoped_release release;
        } else {
            const uint64_t handled = statistics_.handled;
            statistics_.time();
            const double due = flush_due(true);
            if (count > 0 || statistics_.handled != handled) return std::max<std::size_t>(count, 1);
            // One that came since the last dispatch counts, too: what it tells of was not there yet for our caller.
            if (const uint32_t wakes = native().wakes(); wakes != std::exchange(wakes_, wakes)) return 0;
            const double slice = due >= 0 && (timeout_s < 0 || due < left) ? due : left;
            double rest = slice;
            if (!wait_for_more(due >= 0 ? slice : timeout_s, rest)) return 0;
            left -= slice - rest;
            statistics_.mark = cycles();
        }
    }
    flush_due(!more());
    return count;
}

void PyReader::flush(const py::object& failed, const py::object& coroutine) {
    if (!routes_) return;
    const Depth depth(*this, failed, coroutine);
    const RouteTable& table = *routes_;
    for (const auto& route : table.routes) {
        if (!route->kept.empty()) flush_latest(*route);
        if (!route->batch.empty()) flush_batch(*route);
    }
}

bool PyReader::pending() const {
    return routes_ && std::any_of(routes_->routes.begin(), routes_->routes.end(),
                                  [](const auto& route) { return route->pending(); });
}

py::tuple PyReader::statistics() {
    statistics_.tell();
    const uint64_t since = statistics_.busy_since;
    const int64_t busy_since_ns =
        since == 0 ? 0 : monotonic_ns() - static_cast<int64_t>(cycles_to_ns(cycles() - since));
    return py::make_tuple(statistics_.handled, statistics_.errors, statistics_.spent_ns, statistics_.longest_ns,
                          busy_since_ns, py::tuple(py::cast(statistics_.calls)));
}

}  // namespace gcg::python
