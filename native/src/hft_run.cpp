#include "hft_run.h"

#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "record_type_table.h"

namespace py = pybind11;

namespace gcg::python::hft {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);   // for signals
constexpr auto kTellEvery = std::chrono::milliseconds(100);  // progress
constexpr const char* kRecords[] = {nullptr, "on_tick", "on_depth", "on_delta", "on_trade", "on_bar"};
constexpr const char* kBatches[] = {nullptr, "on_ticks", "on_depths", "on_deltas", "on_trades", "on_bars"};
constexpr std::size_t kTypes = std::size(kRecords);

RecordPrefix& prefix(PyObject* record) {
    return *reinterpret_cast<RecordPrefix*>(as_record(record)->payload);
}

Callback callback_of(PyObject* callbacks, const char* name) {
    PyObject* found = PyDict_GetItemString(callbacks, name);  // borrowed
    if (!found) return {};
    if (PyMethod_Check(found)) return {Py_NewRef(PyMethod_GET_FUNCTION(found)), Py_NewRef(PyMethod_GET_SELF(found))};
    return {Py_NewRef(found), nullptr};
}

}  // namespace

void Callback::call(PyObject* argument) const {
    PyObject* arguments[] = {nullptr, self ? self : argument,
                             argument};  // room for a bound self, as the protocol wants
    const std::size_t count = (self ? 2 : 1) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    PyObject* result = PyObject_Vectorcall(function, arguments + 1, count, nullptr);
    if (!result) throw py::error_already_set();
    Py_DECREF(result);
}

// ---- a strategy

PyStrategy::PyStrategy(Run& run, std::string name, PyObject* callbacks) : run_(run), name_(std::move(name)) {
    for (std::size_t type = 1; type < kTypes; ++type) {
        records_[type] = callback_of(callbacks, kRecords[type]);
        batches_[type] = callback_of(callbacks, kBatches[type]);
        if (records_[type]) singles |= 1u << type;
        if (batches_[type]) batches |= 1u << type;
    }
    orders_ = callback_of(callbacks, "on_order");
    fills_ = callback_of(callbacks, "on_fill");
    timers_ = callback_of(callbacks, "on_timer");
    hears_orders = static_cast<bool>(orders_);
    hears_fills = static_cast<bool>(fills_);
}

void PyStrategy::call(const Callback& callback, const char* name, int64_t event_ns, PyObject* argument) {
    try {
        callback.call(argument);
    } catch (...) {
        if (!run_.failed_callback.empty()) throw;  // the run ends with the first
        run_.failed_strategy = name_;
        run_.failed_callback = name;
        run_.failed_ns = event_ns;
        throw;
    }
}

void PyStrategy::on_record(const Rows& rows, uint32_t row) {
    if (!records_[rows.type]) return;  // bars are told to whom they were made for
    run_.gil.hold();
    const RecordInfo& info = *record_info(rows.type);
    call(records_[rows.type], kRecords[rows.type], rows.event_ns(row), run_.lend(info, rows.at(row), rows.instrument));
}

void PyStrategy::on_batch(const Rows& rows) {
    run_.gil.hold();
    call(batches_[rows.type], kBatches[rows.type], rows.event_ns(rows.count - 1), run_.view(rows).ptr());
}

void PyStrategy::on_order(const OrderEvent& event) {
    run_.gil.hold();
    call(orders_, "on_order", event.event_ns,
         run_.record(*record_info(OrderEvent::kType), &event, event.instrument).ptr());
}

void PyStrategy::on_fill(const Fill& fill) {
    run_.gil.hold();
    call(fills_, "on_fill", fill.event_ns, run_.record(*record_info(Fill::kType), &fill, fill.instrument).ptr());
}

void PyStrategy::on_timer(const std::string& name) {
    if (!timers_) return;
    run_.gil.hold();
    call(timers_, "on_timer", run_.engine.now_ns(), py::str(name).ptr());
}

int PyStrategy::visit(visitproc visit, void* arg) const {
    for (std::size_t type = 1; type < kTypes; ++type) {
        for (const Callback& one : {records_[type], batches_[type]}) {
            Py_VISIT(one.function);
            Py_VISIT(one.self);
        }
    }
    for (const Callback& one : {orders_, fills_, timers_}) {
        Py_VISIT(one.function);
        Py_VISIT(one.self);
    }
    return 0;
}

void PyStrategy::clear() {
    auto drop = [](Callback& one) {
        Py_CLEAR(one.function);
        Py_CLEAR(one.self);
    };
    for (std::size_t type = 1; type < kTypes; ++type) drop(records_[type]), drop(batches_[type]);
    drop(orders_), drop(fills_), drop(timers_);
}

// ---- the run

// A fresh record: a copy that may be kept.
py::object Run::record(const RecordInfo& info, const void* payload, uint32_t number) const {
    const Names& own = names[number - 1];
    PyObject* object = make_record(info, payload, info.bytes, own.symbol, own.venue, empty_text());
    if (!object) throw py::error_already_set();
    prefix(object).instrument = number;
    return py::reinterpret_steal<py::object>(object);
}

// A record for one callback (borrowed): the last one again, unless somebody has kept it.
PyObject* Run::lend(const RecordInfo& info, const void* payload, uint32_t number) {
    PyObject*& lent = lent_[info.type];
    if (!lent || Py_REFCNT(lent) != 1) {
        PyObject* fresh = record(info, payload, number).release().ptr();
        Py_XDECREF(lent);
        return lent = fresh;
    }
    RecordObject* object = as_record(lent);
    const Names& own = names[number - 1];
    if (object->symbol != own.symbol || object->venue != own.venue) {
        Py_SETREF(object->symbol, Py_NewRef(own.symbol));
        Py_SETREF(object->venue, Py_NewRef(own.venue));
    }
    object->numbered_by = 0;
    std::memcpy(object->payload, payload, info.bytes);
    prefix(lent).instrument = number;
    return lent;
}

// Rows as a structured array on the memory where they lie; it keeps that memory alive and cannot be written to.
py::array Run::view(const Rows& rows) const {
    auto* keep = new std::shared_ptr<const void>(engine.keep());
    const py::capsule owner(keep, [](void* pointer) { delete static_cast<std::shared_ptr<const void>*>(pointer); });
    const auto dtype = py::reinterpret_borrow<py::dtype>(
        py::handle(reinterpret_cast<PyObject*>(record_type(rows.type))).attr("dtype").ptr());
    py::array array(dtype, {static_cast<py::ssize_t>(rows.count)}, {static_cast<py::ssize_t>(rows.stride)}, rows.first,
                    owner);
    py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    return array;
}

uint32_t Run::number(PyObject* symbol) const {
    PyObject* found = numbers ? PyDict_GetItemWithError(numbers, symbol) : nullptr;  // borrowed
    if (found) return static_cast<uint32_t>(PyLong_AsUnsignedLong(found));
    if (PyErr_Occurred()) return 0;
    if (!unknown) {
        PyErr_SetObject(PyExc_KeyError, symbol);
    } else if (PyObject* error = PyObject_CallOneArg(unknown, symbol)) {
        PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
        Py_DECREF(error);
    }
    return 0;
}

// Every few thousand events: let other threads run, see whether Ctrl-C was pressed, tell the progress.
bool Run::look(PyObject* progress) {
    const auto now = std::chrono::steady_clock::now();
    if (!gil.was_called()) gil.release();
    if (now - looked_ < kLookEvery) return false;
    looked_ = now;
    const bool was_held = gil.held();
    gil.hold();
    if (PyErr_CheckSignals() < 0) throw py::error_already_set();
    if (progress != Py_None && now - told_ >= kTellEvery) {
        told_ = now;
        tell(progress);
    }
    gil.release();
    if (was_held) gil.hold();
    (void)gil.was_called();
    return false;
}

void Run::tell(PyObject* progress) const {
    PyObject* result =
        PyObject_CallFunction(progress, "KKL", static_cast<unsigned long long>(engine.done()),
                              static_cast<unsigned long long>(engine.total()), static_cast<long long>(engine.now_ns()));
    if (!result) throw py::error_already_set();
    Py_DECREF(result);
}

uint64_t Run::go(uint64_t most, PyObject* progress) {
    // Before the lock is given back: it is the running call that takes it again.
    if (std::exchange(going_, true))
        throw std::logic_error("The engine is running: neither a callback nor a thread can run it.");
    struct Gone {
        bool& going;
        ~Gone() { going = false; }
    } const gone{going_};
    looked_ = told_ = std::chrono::steady_clock::now();
    failed_strategy.clear();
    failed_callback.clear();
    struct Back {  // whatever happens, the caller has the lock
        Gil& gil;
        ~Back() { gil.hold(); }
    } const back{gil};
    gil.release();
    const uint64_t handled = engine.run(most, [&] { return look(progress); });
    gil.hold();
    if (progress != Py_None) tell(progress);
    return handled;
}

int Run::visit(visitproc visit, void* arg) const {
    Py_VISIT(numbers);
    Py_VISIT(unknown);
    for (const auto& strategy : strategies)
        if (const int result = strategy->visit(visit, arg)) return result;
    return 0;
}

void Run::clear() {
    for (const auto& strategy : strategies) strategy->clear();
    for (Names& own : names) {
        Py_CLEAR(own.symbol);
        Py_CLEAR(own.venue);
    }
    for (PyObject*& lent : lent_) Py_CLEAR(lent);
    Py_CLEAR(numbers);
    Py_CLEAR(unknown);
}

}  // namespace gcg::python::hft
