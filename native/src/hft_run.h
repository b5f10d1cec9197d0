// The tick engine for Python: what its run, its strategies and their desks share.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gcg/tick_engine.h"

namespace gcg::python::hft {

// The interpreter's lock, taken for callbacks and kept while one follows the other closely: giving it back and taking
// it again costs more than most callbacks.
class Gil {
 public:
    void hold() {
        called_ = true;
        if (state_) PyEval_RestoreThread(std::exchange(state_, nullptr));
        away_ = false;
    }
    void release() {
        if (state_) return;
        away_ = true;
        state_ = PyEval_SaveThread();
    }
    // For whoever holds the lock: whether the run goes on without it.
    [[nodiscard]] bool away() const { return away_; }
    [[nodiscard]] bool held() const { return state_ == nullptr; }
    // Whether a callback was made since the last question.
    [[nodiscard]] bool was_called() { return std::exchange(called_, false); }

 private:
    PyThreadState* state_ = nullptr;
    bool called_ = false;
    bool away_ = false;  // only touched under the lock
};

// A callback as (function, self), so that a bound method is called without an object in between.
struct Callback {
    PyObject* function = nullptr;  // owned
    PyObject* self = nullptr;      // owned; null: a plain callable
    [[nodiscard]] explicit operator bool() const { return function != nullptr; }
    // Throws pybind11's error_already_set.
    void call(PyObject* argument) const;
};

// An instrument's names as every record of it shows them.
struct Names {
    PyObject* symbol;  // interned, owned
    PyObject* venue;
};

class Run;

class PyStrategy final : public TickStrategy {
 public:
    PyStrategy(Run& run, std::string name, PyObject* callbacks);  // {name: callable}; throws error_already_set
    ~PyStrategy() override { clear(); }
    PyStrategy(const PyStrategy&) = delete;
    PyStrategy& operator=(const PyStrategy&) = delete;

    void on_record(const Rows& rows, uint32_t row) override;
    void on_batch(const Rows& rows) override;
    void on_order(const OrderEvent& event) override;
    void on_fill(const Fill& fill) override;
    void on_timer(const std::string& name) override;

    int visit(visitproc visit, void* arg) const;
    void clear();

 private:
    void call(const Callback& callback, const char* name, int64_t event_ns, PyObject* argument);

    Run& run_;
    std::string name_;
    Callback records_[8], batches_[8], orders_, fills_, timers_;
};

// One engine with all that Python lends it.
class Run {
 public:
    explicit Run(TickEngineOptions options) : engine(std::move(options)) {}
    ~Run() { clear(); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    uint64_t go(uint64_t most, PyObject* progress);  // with the GIL; throws error_already_set
    pybind11::object record(const RecordInfo& info, const void* payload, uint32_t number) const;
    PyObject* lend(const RecordInfo& info, const void* payload, uint32_t number);
    [[nodiscard]] pybind11::array view(const Rows& rows) const;
    [[nodiscard]] uint32_t number(PyObject* symbol) const;  // 0, with an error set, if it has none
    int visit(visitproc visit, void* arg) const;
    void clear();

    TickEngine engine;
    Gil gil;
    std::vector<Names> names;          // by number - 1
    PyObject* numbers = PyDict_New();  // {symbol: number}, {symbol@venue: number}
    PyObject* unknown = nullptr;       // what to raise for a symbol that is none: unknown(symbol), owned
    std::vector<std::unique_ptr<PyStrategy>> strategies;
    // Where a callback failed: strategy, callback, event time.
    std::string failed_strategy, failed_callback;
    int64_t failed_ns = 0;

 private:
    bool look(PyObject* progress);
    void tell(PyObject* progress) const;
    bool going_ = false;      // a thread is in go()
    PyObject* lent_[8] = {};  // by type: the record of the last callback
    std::chrono::steady_clock::time_point looked_, told_;
};

// Give TickEngine the methods that tell what came of a run.
void bind_results(pybind11::class_<Run>& engine);
// Add the type TickDesk to the module: what a strategy trades through. 0, or -1 with an error set.
int add_desk_type(PyObject* module);
// A desk of a strategy; `owner` is the object that keeps the run alive.
PyObject* make_desk(PyObject* owner, Run& run, uint32_t strategy);

}  // namespace gcg::python::hft
