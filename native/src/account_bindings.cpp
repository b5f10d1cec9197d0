// The account for Python: Account of gcg_quant._native, described in _native.pyi. No logic here.
#include "account_bindings.h"

#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gcg;

namespace {

Ratio ratio_of(const py::dict& terms, const char* name) {
    const auto pair = terms[name].cast<std::pair<py::int_, py::int_>>();
    Ratio ratio{PyLong_AsLongLong(pair.first.ptr()), PyLong_AsLongLong(pair.second.ptr())};
    if (PyErr_Occurred()) throw py::error_already_set();
    return ratio;
}

double number_of(const py::dict& terms, const char* name) {
    const py::object value = terms[name];
    return value.is_none() ? kNaN : value.cast<double>();
}

bool flag_of(const py::dict& terms, const char* name) {
    return py::bool_(py::object(terms[name]));
}

py::tuple row(const Account& account, const HeldPosition& one) {
    return py::make_tuple(one.strategy, one.instrument, static_cast<int>(one.side), one.lots, one.quantity,
                          one.today_lots, one.day, one.average_price, account.last_price(one), account.value(one),
                          account.unrealised(one), account.margin(one), one.realised, one.fees);
}

Settled settle(Account& self, uint32_t strategy, uint32_t instrument, int side, int64_t lots, int64_t ticks, int offset,
               bool maker, bool first, int32_t trading_day) {
    if (lots <= 0 || strategy == 0) throw py::value_error("a fill has lots above 0 and a strategy from 1 on");
    return self.settle({strategy, instrument, static_cast<Side>(side), static_cast<Offset>(offset), lots, ticks, maker,
                        first, trading_day});
}

void check(const Account& self, uint32_t instrument) {
    if (!self.knows(instrument)) throw py::key_error("no terms of instrument " + std::to_string(instrument));
}

void bind_sums(py::class_<Account>& account) {
    const auto currency = py::arg("currency") = 0;
    account.def("cash", &Account::cash, currency)
        .def("ledger", &Account::ledger, currency)
        .def("realised", &Account::realised, currency)
        .def("fees", &Account::fees, currency)
        .def("margin", py::overload_cast<uint32_t>(&Account::margin, py::const_), currency)
        .def("unrealised", py::overload_cast<uint32_t>(&Account::unrealised, py::const_), currency)
        .def("equity", &Account::equity, currency)
        .def(
            "profit",
            [](const Account& self, uint32_t strategy, uint32_t currency) {
                const Profit sums = self.profit(strategy, currency);
                return py::make_tuple(sums.realised, sums.unrealised, sums.fees, sums.margin);
            },
            py::arg("strategy"), currency);
}

}  // namespace

AccountTerms gcg::python::account_terms(const py::dict& terms, uint32_t currency) {
    AccountTerms found;
    found.tick = ratio_of(terms, "tick_ratio");
    found.lot = ratio_of(terms, "lot_ratio");
    found.multiplier = number_of(terms, "multiplier");
    found.margin_rate = number_of(terms, "margin_rate");
    found.margined = flag_of(terms, "margined");
    found.legs = flag_of(terms, "legs");
    found.larger_side = flag_of(terms, "larger_side");
    found.today_apart = flag_of(terms, "today_apart");
    found.t_plus_one = flag_of(terms, "t_plus_one");
    found.inverse = flag_of(terms, "inverse");
    found.currency = currency;
    found.maker_fee = number_of(terms, "maker_fee");
    found.taker_fee = number_of(terms, "taker_fee");
    found.fee_per_unit = number_of(terms, "fee_per_unit");
    found.fee_per_order = number_of(terms, "fee_per_order");
    found.min_fee = number_of(terms, "min_fee");
    found.stamp_duty = number_of(terms, "stamp_duty");
    found.close_today_fee = number_of(terms, "close_today_fee");
    found.close_today_fee_per_unit = number_of(terms, "close_today_fee_per_unit");
    return found;
}

void bind_account(py::module_& module) {
    py::class_<Account> account(module, "Account");
    account.def(py::init<uint32_t, double>(), py::arg("currency") = 0, py::arg("cash") = 0.0)
        .def(
            "set_terms",
            [](Account& self, uint32_t instrument, const py::dict& terms, uint32_t currency) {
                self.set_terms(instrument, gcg::python::account_terms(terms, currency));
            },
            py::arg("instrument"), py::arg("terms"), py::arg("currency") = 0)
        .def(
            "settle",
            [](Account& self, uint32_t strategy, uint32_t instrument, int side, int64_t lots, int64_t ticks, int offset,
               bool maker, bool first, int32_t trading_day) {
                const Settled done =
                    settle(self, strategy, instrument, side, lots, ticks, offset, maker, first, trading_day);
                return py::make_tuple(done.price, done.quantity, done.fee, done.profit);
            },
            py::kw_only(), py::arg("strategy"), py::arg("instrument"), py::arg("side"), py::arg("lots"),
            py::arg("ticks"), py::arg("offset") = 0, py::arg("maker") = false, py::arg("first") = true,
            py::arg("trading_day") = 0)
        .def(
            "mark",
            [](Account& self, uint32_t instrument, double price) {
                check(self, instrument);
                self.mark(instrument, price);
            },
            py::arg("instrument"), py::arg("price"))
        .def(
            "price",
            [](const Account& self, uint32_t instrument, int64_t ticks) {
                check(self, instrument);
                return self.price(instrument, ticks);
            },
            py::arg("instrument"), py::arg("ticks"))
        .def(
            "quantity",
            [](const Account& self, uint32_t instrument, int64_t lots) {
                check(self, instrument);
                return self.quantity(instrument, lots);
            },
            py::arg("instrument"), py::arg("lots"))
        .def("net_lots", &Account::net_lots, py::arg("strategy"), py::arg("instrument"))
        .def("positions",
             [](const Account& self) {
                 py::list rows;
                 for (const HeldPosition& one : self.positions()) rows.append(row(self, one));
                 return rows;
             })
        .def("bought", &Account::bought, py::arg("instrument"));
    bind_sums(account);
}
