// What came of a run of TickEngine: its orders, fills, equity, positions and bars as arrays.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "hft_run.h"

namespace py = pybind11;
using namespace gcg;
using gcg::python::hft::Run;

namespace {

// The engine of a run that stands still; while it moves without the interpreter's lock, nobody else may look at it.
template <typename Any>
auto& engine_of(Any& run) {
    if (run.gil.away())
        throw std::runtime_error("The engine is running in another thread: look at it in a callback, or after run().");
    return run.engine;
}

struct OrderRow {
    uint64_t order;
    uint32_t instrument, strategy;
    int64_t sent_ns, arrived_ns, filled_ns, done_ns, queue_ns;
    double price, stop_price, quantity, filled, average_price, ahead;
    uint64_t reasons;
    uint8_t side, type, time_in_force, offset, status, report, reserved[2];
};

OrderRow row_of(const Run& run, const TickOrder& order) {
    const Account& account = run.engine.account();
    auto price = [&](int64_t ticks) { return ticks == kNoPrice ? kNaN : account.price(order.instrument, ticks); };
    OrderRow row{};
    row.order = order.id;
    row.instrument = order.instrument;
    row.strategy = order.strategy;
    row.sent_ns = order.sent_ns;
    row.arrived_ns = order.arrived_ns;
    row.filled_ns = order.filled_ns;
    row.done_ns = order.done_ns;
    // How long it rested: until its first fill or its end, or until now.
    const int64_t until = order.filled_ns ? order.filled_ns : order.done_ns ? order.done_ns : run.engine.now_ns();
    if (order.arrived_ns) row.queue_ns = std::max<int64_t>(0, until - order.arrived_ns);
    row.price = price(order.price_ticks);
    row.stop_price = price(order.stop_ticks);
    row.quantity = account.quantity(order.instrument, order.lots);
    row.filled = account.quantity(order.instrument, order.filled);
    row.average_price = order.filled > 0 ? order.filled_value / row.filled : kNaN;
    row.ahead = order.ahead >= 0 ? account.quantity(order.instrument, order.ahead) : kNaN;
    row.reasons = order.reasons;
    row.side = static_cast<uint8_t>(order.asked.side);
    row.type = static_cast<uint8_t>(order.asked.type);
    row.time_in_force = static_cast<uint8_t>(order.asked.time_in_force);
    row.offset = static_cast<uint8_t>(order.asked.offset);
    row.status = static_cast<uint8_t>(order.status);
    row.report = order.report;
    return row;
}

py::array orders_of(const Run& run) {
    py::array_t<OrderRow> rows(static_cast<py::ssize_t>(engine_of(run).orders().size()));
    OrderRow* at = rows.mutable_data();
    for (const TickOrder& order : run.engine.orders()) *at++ = row_of(run, order);
    return rows;
}

// The fills with the mids at their horizons, one row each.
py::array fills_of(const Run& run) {
    const auto& fills = engine_of(run).fills();
    const FillMarks& marks = run.engine.marks();
    const std::size_t horizons = marks.horizons_ns().size(), bytes = sizeof(FillRow) + horizons * sizeof(double);
    const py::dict plain = py::dtype::of<FillRow>().attr("fields");
    py::list names, formats, offsets;
    for (const auto& [name, field] : plain) {
        names.append(name);
        formats.append(field.cast<py::tuple>()[0]);
        offsets.append(field.cast<py::tuple>()[1]);
    }
    if (horizons > 0) {
        names.append("marks");
        formats.append("(" + std::to_string(horizons) + ",)f8");
        offsets.append(sizeof(FillRow));
    }
    py::array rows(py::dtype(names, formats, offsets, static_cast<py::ssize_t>(bytes)),
                   py::array::ShapeContainer{static_cast<py::ssize_t>(fills.size())});
    auto* at = static_cast<std::byte*>(rows.mutable_data());
    for (std::size_t i = 0; i < fills.size(); ++i, at += bytes) {
        std::memcpy(at, &fills[i], sizeof(FillRow));
        if (horizons > 0) std::memcpy(at + sizeof(FillRow), marks.row(i), horizons * sizeof(double));
    }
    return rows;
}

template <typename Row>
py::array array_of(const std::vector<Row>& rows) {
    py::array_t<Row> found(static_cast<py::ssize_t>(rows.size()));
    if (!rows.empty()) std::memcpy(found.mutable_data(), rows.data(), rows.size() * sizeof(Row));  // the padding, too
    return found;
}

}  // namespace

void gcg::python::hft::bind_results(py::class_<Run>& engine) {
    PYBIND11_NUMPY_DTYPE_EX(OrderRow, order, "order", instrument, "number", strategy, "strategy", sent_ns, "sent_ns",
                            arrived_ns, "arrived_ns", filled_ns, "filled_ns", done_ns, "done_ns", queue_ns, "queue_ns",
                            price, "price", stop_price, "stop_price", quantity, "quantity", filled, "filled",
                            average_price, "average_price", ahead, "ahead", reasons, "reasons", side, "side", type,
                            "type", time_in_force, "time_in_force", offset, "offset", status, "status", report,
                            "report");
    PYBIND11_NUMPY_DTYPE_EX(FillRow, order, "order", instrument, "number", strategy, "strategy", event_ns, "event_ns",
                            seen_ns, "seen_ns", price, "price", quantity, "quantity", fee, "fee", profit, "profit", mid,
                            "mid", position, "position", cash, "cash", side, "side", offset, "offset", liquidity,
                            "liquidity");
    PYBIND11_NUMPY_DTYPE(EquityRow, event_ns, equity, cash, margin);
    PYBIND11_NUMPY_DTYPE_EX(PositionRow, event_ns, "event_ns", instrument, "number", strategy, "strategy", quantity,
                            "quantity", average_price, "average_price", last_price, "last_price", realised, "realised",
                            unrealised, "unrealised", fees, "fees");
    engine
        .def(
            "cash", [](const Run& run, uint32_t currency) { return engine_of(run).account().cash(currency); },
            py::arg("currency") = 0)
        .def("equity_now", [](Run& run) { return engine_of(run).equity(); })
        .def("orders", &orders_of)
        .def("fills", &fills_of)
        .def("equity", [](const Run& run) { return array_of(engine_of(run).equity_curve()); })
        .def("positions", [](const Run& run) { return array_of(engine_of(run).positions()); })
        .def("bars", [](const Run& run, uint32_t number, const std::string& period) {
            const std::vector<Bar>& bars = engine_of(run).bars(number, period);
            return py::bytes(reinterpret_cast<const char*>(bars.data()), bars.size() * sizeof(Bar));
        });
}
