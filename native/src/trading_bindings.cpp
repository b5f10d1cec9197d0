// Risk, matching and the account for Python: RiskEngine, MatchingEngine and Account of gcg_quant._native, described in
// _native.pyi. No logic here.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gcg/matching.h"
#include "gcg/risk.h"
#include "record_types.h"
#include "risk_calls.h"

namespace py = pybind11;
using namespace gcg;

void bind_account(py::module_& module);
void bind_held(py::module_& module);

namespace {

constexpr uint32_t kBackfill = 1;  // EventFlag.BACKFILL

int64_t ticks_of(const std::optional<int64_t>& ticks) {
    return ticks.value_or(kNoPrice);
}

// Hand a market data record to the engine; history that is filled in, and any other record, is passed over.
template <typename Engine>
int feed(Engine& engine, py::handle event) {
    const RecordInfo* info = gcg::python::info_of(Py_TYPE(event.ptr()));
    if (!info) throw py::type_error("on_market() takes a hot record");
    const auto* record = reinterpret_cast<const gcg::python::RecordObject*>(event.ptr());
    if (record->flags & kBackfill) return 0;
    const unsigned char* payload = record->payload;
    auto call = [&]<typename Record>(auto method, const Record*) {
        if constexpr (std::is_void_v<decltype((engine.*method)(std::declval<const Record&>()))>) {
            (engine.*method)(*reinterpret_cast<const Record*>(payload));
            return 0;
        } else {
            return (engine.*method)(*reinterpret_cast<const Record*>(payload));
        }
    };
    switch (info->type) {
        case Tick::kType:
            return call(&Engine::on_tick, static_cast<const Tick*>(nullptr));
        case TradeTick::kType:
            return call(&Engine::on_trade, static_cast<const TradeTick*>(nullptr));
        case Depth::kType:
            return call(&Engine::on_depth, static_cast<const Depth*>(nullptr));
        case Bar::kType:
            return call(&Engine::on_bar, static_cast<const Bar*>(nullptr));
        case BookDelta::kType:
            return call(&Engine::on_delta, static_cast<const BookDelta*>(nullptr));
        default:
            return 0;
    }
}

SimulatedOrder order_of(uint64_t key, uint32_t instrument, int side, int type, int time_in_force, int64_t lots,
                        std::optional<int64_t> price_ticks, std::optional<int64_t> stop_ticks, int64_t expire_ns,
                        bool post_only, int64_t trail_ticks, int64_t trail_millionths) {
    SimulatedOrder order;
    order.key = key;
    order.instrument = instrument;
    order.side = static_cast<Side>(side);
    order.type = static_cast<OrderType>(type);
    order.time_in_force = static_cast<TimeInForce>(time_in_force);
    order.post_only = post_only;
    order.lots = lots;
    order.price_ticks = ticks_of(price_ticks);
    order.stop_ticks = ticks_of(stop_ticks);
    order.expire_ns = expire_ns;
    order.trail_ticks = trail_ticks;
    order.trail_millionths = trail_millionths;
    return order;
}

py::object price_of(int64_t ticks) {
    return ticks == kNoPrice ? py::object(py::none()) : py::object(py::int_(ticks));
}

py::list reports_of(MatchingEngine& engine) {
    py::list rows;
    for (const Report& report : engine.take_reports())
        rows.append(py::make_tuple(static_cast<int>(report.kind), static_cast<int>(report.reason), report.maker,
                                   report.key, report.event_ns, price_of(report.ticks), report.lots, report.left,
                                   report.trading_day, price_of(report.stop_ticks)));
    return rows;
}

void bind_matching(py::module_& module) {
    py::class_<Sessions, std::shared_ptr<Sessions>>(module, "Sessions")
        .def(py::init<std::vector<int64_t>, std::vector<int64_t>>(), py::arg("opens"), py::arg("closes"));
    py::class_<MatchingEngine>(module, "MatchingEngine")
        .def(py::init([](int64_t latency_ns, int64_t slippage_ticks, int64_t cancel_latency_ns, int64_t jitter_ns,
                         uint64_t seed, int queue, double queue_power) {
                 return MatchingEngine({.latency_ns = latency_ns,
                                        .slippage_ticks = slippage_ticks,
                                        .cancel_latency_ns = cancel_latency_ns,
                                        .jitter_ns = jitter_ns,
                                        .seed = seed,
                                        .queue = static_cast<QueueModel>(queue),
                                        .queue_power = queue_power});
             }),
             py::arg("latency_ns") = 0, py::arg("slippage_ticks") = 0, py::arg("cancel_latency_ns") = -1,
             py::arg("jitter_ns") = 0, py::arg("seed") = 0, py::arg("queue") = 0, py::arg("queue_power") = 2.0)
        .def(
            "set_grid",
            [](MatchingEngine& engine, uint32_t instrument, double tick_size, double lot_size) {
                engine.set_grid(instrument, {tick_size, lot_size});
            },
            py::arg("instrument"), py::arg("tick_size"), py::arg("lot_size"))
        .def("set_price_limit", &MatchingEngine::set_price_limit, py::arg("instrument"), py::arg("millionths"))
        .def(
            "set_sessions",
            [](MatchingEngine& engine, uint32_t instrument, std::shared_ptr<Sessions> sessions) {
                engine.set_sessions(instrument, std::move(sessions));
            },
            py::arg("instrument"), py::arg("sessions"))
        .def("knows", &MatchingEngine::knows, py::arg("instrument"))
        .def(
            "submit",
            [](MatchingEngine& engine, uint64_t key, uint32_t instrument, int side, int type, int time_in_force,
               int64_t lots, std::optional<int64_t> price_ticks, std::optional<int64_t> stop_ticks, int64_t expire_ns,
               bool post_only, int64_t trail_ticks, int64_t trail_millionths, int64_t now_ns) {
                engine.submit(order_of(key, instrument, side, type, time_in_force, lots, price_ticks, stop_ticks,
                                       expire_ns, post_only, trail_ticks, trail_millionths),
                              now_ns);
            },
            py::kw_only(), py::arg("key"), py::arg("instrument"), py::arg("side"), py::arg("type"),
            py::arg("time_in_force"), py::arg("lots"), py::arg("price_ticks"), py::arg("stop_ticks"),
            py::arg("expire_ns"), py::arg("post_only"), py::arg("trail_ticks") = 0, py::arg("trail_millionths") = 0,
            py::arg("now_ns"))
        .def(
            "restore",
            [](MatchingEngine& engine, uint64_t key, uint32_t instrument, int side, int type, int time_in_force,
               int64_t lots, std::optional<int64_t> price_ticks, std::optional<int64_t> stop_ticks, int64_t expire_ns,
               bool post_only, int64_t trail_ticks, int64_t trail_millionths, int64_t filled, bool triggered) {
                SimulatedOrder order = order_of(key, instrument, side, type, time_in_force, lots, price_ticks,
                                                stop_ticks, expire_ns, post_only, trail_ticks, trail_millionths);
                order.filled = filled;
                order.triggered = triggered;
                engine.restore(order);
            },
            py::kw_only(), py::arg("key"), py::arg("instrument"), py::arg("side"), py::arg("type"),
            py::arg("time_in_force"), py::arg("lots"), py::arg("price_ticks"), py::arg("stop_ticks"),
            py::arg("expire_ns"), py::arg("post_only"), py::arg("trail_ticks") = 0, py::arg("trail_millionths") = 0,
            py::arg("filled"), py::arg("triggered"))
        .def("cancel", &MatchingEngine::cancel, py::arg("key"), py::arg("now_ns"))
        .def(
            "modify",
            [](MatchingEngine& engine, uint64_t key, int64_t lots, std::optional<int64_t> price_ticks,
               std::optional<int64_t> stop_ticks,
               int64_t now_ns) { engine.modify(key, lots, ticks_of(price_ticks), ticks_of(stop_ticks), now_ns); },
            py::kw_only(), py::arg("key"), py::arg("lots"), py::arg("price_ticks"), py::arg("stop_ticks"),
            py::arg("now_ns"))
        .def(
            "on_market",
            [](MatchingEngine& engine, py::handle event) {
                feed(engine, event);
                return engine.has_reports();
            },
            py::arg("event"))
        .def("advance", &MatchingEngine::advance, py::arg("now_ns"))
        .def("take_reports", &reports_of)
        .def_property_readonly("has_reports", &MatchingEngine::has_reports)
        .def_property_readonly("open_orders", &MatchingEngine::open_orders)
        .def_property_readonly("clock_ns", &MatchingEngine::clock_ns);
}

void bind_risk_state(py::class_<RiskEngine>& engine) {
    engine
        .def(
            "set_terms",
            [](RiskEngine& self, uint32_t instrument, double tick_size, double lot_size, double multiplier,
               double margin_rate, double fee_rate, uint32_t currency, uint32_t calendar,
               std::optional<double> price_limit, bool by_settlement, bool t_plus_one, int sides, bool inverse) {
                self.set_terms(instrument, {{tick_size, lot_size},
                                            multiplier,
                                            margin_rate,
                                            fee_rate,
                                            currency,
                                            calendar,
                                            price_limit.value_or(kNaN),
                                            by_settlement,
                                            t_plus_one,
                                            static_cast<Sides>(sides),
                                            inverse});
            },
            py::kw_only(), py::arg("instrument"), py::arg("tick_size"), py::arg("lot_size"), py::arg("multiplier"),
            py::arg("margin_rate"), py::arg("fee_rate"), py::arg("currency"), py::arg("calendar"),
            py::arg("price_limit"), py::arg("by_settlement"), py::arg("t_plus_one"), py::arg("sides") = 0,
            py::arg("inverse") = false)
        .def(
            "set_limits",
            [](RiskEngine& self, uint32_t strategy, uint32_t instrument, double order_quantity, double order_value,
               double position_quantity, double position_value, double orders_per_second, double open_orders,
               double price_band, double concentration, double self_trade, double session, double t_plus_one,
               double price_limit) {
                self.set_limits(strategy, instrument,
                                {order_quantity, order_value, position_quantity, position_value, orders_per_second,
                                 open_orders, price_band, concentration, self_trade, session, t_plus_one, price_limit});
            },
            py::kw_only(), py::arg("strategy"), py::arg("instrument"), py::arg("order_quantity"),
            py::arg("order_value"), py::arg("position_quantity"), py::arg("position_value"),
            py::arg("orders_per_second"), py::arg("open_orders"), py::arg("price_band"), py::arg("concentration"),
            py::arg("self_trade"), py::arg("session"), py::arg("t_plus_one"), py::arg("price_limit"))
        .def("clear_limits", &RiskEngine::clear_limits)
        .def("set_daily_loss", &RiskEngine::set_daily_loss, py::arg("limit"))
        .def("set_buying_power", &RiskEngine::set_buying_power, py::arg("on"))
        .def("set_kill_switch", &RiskEngine::set_kill_switch, py::arg("on"))
        .def("set_ledger", &RiskEngine::set_ledger, py::arg("currency"), py::arg("amount"))
        .def("set_rate", &RiskEngine::set_rate, py::arg("currency"), py::arg("to_account_currency"))
        .def("set_day_base", &RiskEngine::set_day_base, py::arg("equity"))
        .def("set_last_price", &RiskEngine::set_last_price, py::arg("instrument"), py::arg("price"))
        .def("set_sessions", &RiskEngine::set_sessions, py::arg("calendar"), py::arg("opens"), py::arg("closes"))
        .def("set_bought", &RiskEngine::set_bought, py::arg("instrument"), py::arg("trading_day"), py::arg("lots"));
}

void bind_risk(py::module_& module) {
    py::class_<RiskEngine> engine(module, "RiskEngine");
    engine.def(py::init<int64_t>(), py::arg("mark_interval_ns") = 1'000'000'000)
        .def("knows", &RiskEngine::knows, py::arg("instrument"))
        .def(
            "on_market", [](RiskEngine& self, py::handle event) { return feed(self, event); }, py::arg("event"))
        .def("last_price", &RiskEngine::last_price, py::arg("instrument"))
        .def("position", &RiskEngine::position, py::arg("strategy"), py::arg("instrument"))
        .def("open_orders", &RiskEngine::open_orders, py::arg("strategy"), py::arg("instrument"))
        .def(
            "open_lots",
            [](const RiskEngine& self, uint32_t strategy, uint32_t instrument, int side) {
                return self.open_lots(strategy, instrument, static_cast<Side>(side));
            },
            py::arg("strategy"), py::arg("instrument"), py::arg("side"))
        .def("trading_day", &RiskEngine::trading_day, py::arg("instrument"))
        .def(
            "price_limits",
            [](const RiskEngine& self, uint32_t instrument) {
                const auto [lowest, highest] = self.price_limits(instrument);
                auto known = [](int64_t ticks) { return ticks == kNoPrice ? std::nullopt : std::optional(ticks); };
                return std::pair(known(lowest), known(highest));
            },
            py::arg("instrument"))
        .def_property_readonly("equity", &RiskEngine::equity)
        .def_property_readonly("tied_up", &RiskEngine::tied_up)
        .def_property_readonly("daily_profit", &RiskEngine::daily_profit);
    bind_risk_state(engine);
    gcg::python::bind_risk_calls(engine);
}

}  // namespace

void bind_trading(py::module_& module) {
    bind_matching(module);
    bind_risk(module);
    bind_account(module);
    bind_held(module);
}
