// TickEngine of gcg_quant._native, described in _native.pyi. No logic here beyond converting arguments and results.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "account_bindings.h"
#include "hft_run.h"
#include "record_types.h"

namespace py = pybind11;
using namespace gcg;
using gcg::python::hft::PyStrategy;
using gcg::python::hft::Run;

namespace {

template <typename Value>
Value term(const py::dict& terms, const char* name, Value fallback) {
    if (!terms.contains(name) || terms[name].is_none()) return fallback;
    return terms[name].cast<Value>();
}

TickInstrument instrument_of(const std::string& symbol, const std::string& venue, const py::dict& terms) {
    TickInstrument found;
    found.symbol = symbol;
    found.venue = venue;
    found.currency = term<std::string>(terms, "currency", "");
    RiskTerms& risk = found.risk;
    const bool future = term<std::string>(terms, "kind", "") == "future";
    risk.inverse = term<bool>(terms, "inverse", false);
    found.may_be_negative = future && !risk.inverse;
    found.min_quantity = term<double>(terms, "min_quantity", 0);
    found.price_limit = term<double>(terms, "price_limit", 0);
    risk.grid = {term<double>(terms, "tick_size", 1e-8), term<double>(terms, "lot_size", 1e-8)};
    risk.multiplier = term<double>(terms, "multiplier", 1);
    risk.margin_rate = term<double>(terms, "margin_rate", 1);
    risk.fee_rate = term<double>(terms, "taker_fee", 0);
    risk.currency = term<uint32_t>(terms, "currency_number", 0);
    risk.price_limit = term<double>(terms, "price_limit", kNaN);
    risk.by_settlement = future;
    risk.t_plus_one = term<bool>(terms, "t_plus_one", false);
    risk.sides = static_cast<Sides>(term<int>(terms, "sides", 0));
    found.account = gcg::python::account_terms(terms, risk.currency);
    return found;
}

void add_instrument(Run& run, uint32_t number, const std::string& symbol, const std::string& venue,
                    const py::dict& terms) {
    if (number != run.names.size() + 1) throw py::value_error("instruments are numbered 1, 2, ... in order");
    run.engine.add_instrument(instrument_of(symbol, venue, terms));
    PyObject* name = PyUnicode_InternFromString(symbol.c_str());
    PyObject* place = PyUnicode_InternFromString(venue.c_str());
    run.names.push_back({name, place});
    const py::int_ value(number);
    const py::str full(symbol + "@" + venue);
    // Of several instruments of one symbol the first has it; the others need their venue.
    if (!PyDict_SetDefault(run.numbers, name, value.ptr()) || PyDict_SetItem(run.numbers, full.ptr(), value.ptr()) < 0)
        throw py::error_already_set();
}

// The rows stay where they are, and the array lives as long as anybody looks at them.
std::shared_ptr<const void> owner_of(const py::array& rows) {
    return {rows.data(), [kept = py::object(rows)](const void*) mutable {
                const py::gil_scoped_acquire lock;
                kept = py::object();
            }};
}

void add_rows(Run& run, uint32_t number, const py::handle& record, const py::array& rows) {
    const RecordInfo* info = gcg::python::info_of(reinterpret_cast<PyTypeObject*>(record.ptr()));
    if (!info || rows.ndim() != 1 || rows.itemsize() != static_cast<py::ssize_t>(info->bytes) ||
        (rows.size() > 0 && rows.strides(0) < rows.itemsize()))
        throw py::type_error("add_rows() takes a record class and a forward array of its dtype");
    if (number == 0 || number > run.names.size()) throw py::value_error("add the instrument first");
    // The rows may be read more than once, and by nobody who holds the interpreter's lock.
    const std::size_t count = static_cast<std::size_t>(rows.size());
    const std::size_t stride = count > 0 ? static_cast<std::size_t>(rows.strides(0)) : info->bytes;
    run.engine.add_stream([=, type = info->type, data = rows.data(), owner = owner_of(rows)] {
        return array_stream(type, number, data, count, stride, owner);
    });
}

void add_journal(Run& run, const std::string& folder, const std::unordered_map<uint32_t, uint32_t>& numbers,
                 const std::vector<int>& types, int64_t start_ns, int64_t end_ns) {
    uint64_t mask = 0;
    for (const int type : types) mask |= uint64_t{1} << type;
    run.engine.add_stream([=] { return journal_stream(folder, numbers, mask, start_ns, end_ns); });
}

py::object add_strategy(const py::object& self, const std::string& name, const py::dict& callbacks,
                        const std::vector<uint32_t>& numbers) {
    Run& run = self.cast<Run&>();
    auto strategy = std::make_unique<PyStrategy>(run, name, callbacks.ptr());
    if (!numbers.empty()) {
        strategy->instruments.assign(run.names.size() + 1, false);
        for (const uint32_t number : numbers) strategy->instruments.at(number) = true;
    }
    const uint32_t number = run.engine.add_strategy(name, strategy.get());
    run.strategies.push_back(std::move(strategy));
    PyObject* desk = gcg::python::hft::make_desk(self.ptr(), run, number);
    if (!desk) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(desk);
}

// As pybind11's documentation shows it for objects that hold Python objects.
void collect_garbage(PyHeapTypeObject* heap_type) {
    PyTypeObject* type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
        Py_VISIT(Py_TYPE(self));
        if (!py::detail::is_holder_constructed(self)) return 0;
        return py::cast<Run&>(py::handle(self)).visit(visit, arg);
    };
    type->tp_clear = [](PyObject* self) {
        if (py::detail::is_holder_constructed(self)) py::cast<Run&>(py::handle(self)).clear();
        return 0;
    };
}

std::unique_ptr<Run> make_run(const std::string& account, const std::string& gateway, double cash,
                              int64_t order_latency_ns, int64_t cancel_latency_ns, int64_t response_latency_ns,
                              int64_t feed_latency_ns, int64_t jitter_ns, uint64_t seed, int64_t slippage_ticks,
                              int queue, double queue_power, int64_t idle_timers_ns, int64_t sample_ns, uint32_t batch,
                              std::vector<int64_t> horizons_ns) {
    TickEngineOptions options;
    options.account = account;
    options.gateway = gateway;
    options.cash = cash;
    options.matching = {.latency_ns = order_latency_ns,
                        .slippage_ticks = slippage_ticks,
                        .cancel_latency_ns = cancel_latency_ns,
                        .jitter_ns = jitter_ns,
                        .seed = seed,
                        .queue = static_cast<QueueModel>(queue),
                        .queue_power = queue_power};
    options.response_ns = response_latency_ns;
    options.feed_ns = feed_latency_ns;
    options.idle_timers_ns = idle_timers_ns;
    options.sample_ns = sample_ns;
    options.batch = batch;
    options.horizons_ns = std::move(horizons_ns);
    return std::make_unique<Run>(std::move(options));
}

}  // namespace

void bind_hft(py::module_& module) {
    if (gcg::python::hft::add_desk_type(module.ptr()) < 0) throw py::error_already_set();
    py::class_<Run> engine(module, "TickEngine", py::custom_type_setup(collect_garbage));
    engine
        .def(py::init(&make_run), py::kw_only(), py::arg("account") = "hft", py::arg("gateway") = "hft",
             py::arg("cash") = 0.0, py::arg("order_latency_ns") = 0, py::arg("cancel_latency_ns") = -1,
             py::arg("response_latency_ns") = 0, py::arg("feed_latency_ns") = 0, py::arg("jitter_ns") = 0,
             py::arg("seed") = 0, py::arg("slippage_ticks") = 0, py::arg("queue") = 0, py::arg("queue_power") = 2.0,
             py::arg("idle_timers_ns") = 60'000'000'000, py::arg("sample_ns") = 60'000'000'000, py::arg("batch") = 4096,
             py::arg("horizons_ns") = std::vector<int64_t>{})
        .def("add_instrument", &add_instrument, py::arg("number"), py::arg("symbol"), py::arg("venue"),
             py::arg("terms"))
        .def(
            "set_trading_days",
            [](Run& run, uint32_t number, std::vector<int64_t> starts, std::vector<int64_t> closes,
               std::vector<int32_t> days) {
                run.engine.set_trading_days(number, {std::move(starts), std::move(closes), std::move(days)});
            },
            py::arg("number"), py::arg("starts"), py::arg("closes"), py::arg("days"))
        .def(
            "add_bars",
            [](Run& run, uint32_t number, const std::string& period, std::shared_ptr<BarGrid> grid, int basis,
               const py::handle& record, std::vector<uint32_t> strategies, bool keep) {
                const RecordInfo* info = gcg::python::info_of(reinterpret_cast<PyTypeObject*>(record.ptr()));
                if (!info || (info->type != Tick::kType && info->type != TradeTick::kType))
                    throw py::type_error("add_bars() makes bars of Tick or TradeTick");
                run.engine.add_bars(number, period, std::move(grid), static_cast<BarBasis>(basis), info->type,
                                    std::move(strategies), keep);
            },
            py::arg("number"), py::arg("period"), py::arg("grid"), py::arg("basis"), py::arg("record"),
            py::arg("strategies"), py::arg("keep"))
        .def("set_unknown",
             [](Run& run, const py::object& unknown) { Py_XSETREF(run.unknown, Py_NewRef(unknown.ptr())); })
        .def("set_rate", [](Run& run, uint32_t currency, double rate) { run.engine.set_rate(currency, rate); })
        .def_property_readonly("risk", [](Run& run) -> RiskEngine& { return run.engine.risk(); })
        .def_property_readonly("matching", [](Run& run) -> MatchingEngine& { return run.engine.matching(); })
        .def("add_rows", &add_rows, py::arg("number"), py::arg("record"), py::arg("rows"))
        .def("add_journal", &add_journal, py::arg("folder"), py::arg("numbers"), py::arg("types"), py::arg("start_ns"),
             py::arg("end_ns"))
        .def("add_strategy", &add_strategy, py::arg("name"), py::arg("callbacks"),
             py::arg("numbers") = std::vector<uint32_t>{})
        .def(
            "run",
            [](Run& run, int64_t most, const py::object& progress) {
                return run.go(most < 0 ? UINT64_MAX : static_cast<uint64_t>(most), progress.ptr());
            },
            py::arg("most") = -1, py::arg("progress") = py::none())
        .def_property_readonly("finished", [](const Run& run) { return run.engine.finished(); })
        .def_property_readonly("now_ns", [](const Run& run) { return run.engine.now_ns(); })
        .def_property_readonly("done", [](const Run& run) { return run.engine.done(); })
        .def_property_readonly("total", [](const Run& run) { return run.engine.total(); })
        .def_property_readonly("failure", [](const Run& run) {
            return py::make_tuple(run.failed_strategy, run.failed_callback, run.failed_ns);
        });
    gcg::python::hft::bind_results(engine);
}
