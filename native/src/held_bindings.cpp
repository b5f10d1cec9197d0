// What orders open and close, for Python: HeldBook of gcg_quant._native, described in _native.pyi. No logic here.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gcg/held.h"

namespace py = pybind11;
using namespace gcg;

namespace {

// An order as Python tells it: strategy, instrument, side, offset, reduce_only, lots.
HeldOrder order_of(const Account& account, const py::tuple& row) {
    if (row.size() != 6) throw py::value_error("an order is strategy, instrument, side, offset, reduce_only, lots");
    const HeldOrder order{row[0].cast<uint32_t>(),
                          row[1].cast<uint32_t>(),
                          static_cast<Side>(row[2].cast<int>()),
                          static_cast<Offset>(row[3].cast<int>()),
                          row[4].cast<bool>(),
                          row[5].cast<int64_t>()};
    if (!account.knows(order.instrument))
        throw py::key_error("no terms of instrument " + std::to_string(order.instrument));
    return order;
}

// The book and what its orders need to be read.
struct Book {
    Book(const Account& account, bool nets) : account(account), held(account, nets) {}
    const Account& account;
    HeldBook held;

    py::tuple told(const HeldOrder& order, const HeldPlan& plan, const std::string& symbol) const {
        return py::make_tuple(plan.lots, static_cast<int>(plan.offset), plan.opens, plan.adds, plan.reason(),
                              held.words(order, plan, symbol));
    }
};

}  // namespace

void bind_held(py::module_& module) {
    py::class_<Book>(module, "HeldBook")
        .def(py::init<const Account&, bool>(), py::arg("account"), py::arg("nets") = true, py::keep_alive<1, 2>())
        .def(
            "plan",
            [](const Book& self, const py::tuple& row, int32_t trading_day, const std::string& symbol) {
                const HeldOrder order = order_of(self.account, row);
                return self.told(order, self.held.plan(order, trading_day), symbol);
            },
            py::arg("order"), py::arg("trading_day"), py::arg("symbol") = "")
        .def(
            "plan_change",
            [](const Book& self, const py::tuple& row, int64_t counted, int64_t left, int32_t trading_day,
               const std::string& symbol) {
                const HeldOrder order = order_of(self.account, row);
                return self.told(order, self.held.plan_change(order, counted, left, trading_day), symbol);
            },
            py::arg("order"), py::arg("counted"), py::arg("left"), py::arg("trading_day"), py::arg("symbol") = "")
        .def(
            "on_order", [](Book& self, const py::tuple& row) { self.held.on_order(order_of(self.account, row)); },
            py::arg("order"))
        .def(
            "on_fill",
            [](Book& self, const py::tuple& row, int64_t lots) {
                self.held.on_fill(order_of(self.account, row), lots);
            },
            py::arg("order"), py::arg("lots"))
        .def(
            "on_done",
            [](Book& self, const py::tuple& row, int64_t left) {
                self.held.on_done(order_of(self.account, row), left);
            },
            py::arg("order"), py::arg("left"))
        .def(
            "expect",
            [](Book& self, const py::tuple& row, int64_t more) { self.held.expect(order_of(self.account, row), more); },
            py::arg("order"), py::arg("more"))
        .def(
            "on_change",
            [](Book& self, const py::tuple& row, int64_t more) {
                self.held.on_change(order_of(self.account, row), more);
            },
            py::arg("order"), py::arg("more"))
        .def(
            "closing",
            [](const Book& self, uint32_t strategy, uint32_t instrument, int side) {
                return self.held.closing(strategy, instrument, static_cast<Side>(side));
            },
            py::arg("strategy"), py::arg("instrument"), py::arg("side"))
        .def(
            "sides",
            [](const Book& self, uint32_t strategy, uint32_t instrument) {
                const HeldSides sides = self.held.sides(strategy, instrument);
                return py::make_tuple(sides.longs, sides.shorts, sides.opening_buys, sides.opening_sells);
            },
            py::arg("strategy"), py::arg("instrument"));
}
