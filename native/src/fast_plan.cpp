#include "fast_loop.h"

namespace gcg::python::fast {

namespace {

bool fail(const char* what) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "The plan of a fast run has no good %s.", what);
    return false;
}

// (object, clock, lines, time line, periods, indicator clocks, observers, analyzers, notify, always notify)
bool read_strategy(PyObject* row, Strategy& strategy, const std::vector<Data>& datas) {
    PyObject *clock, *lines, *periods, *indicators, *observers, *analyzers;
    int always;
    if (!PyArg_ParseTuple(row, "OOOOO!O!O!OOp", &strategy.object, &clock, &lines, &strategy.time_line, &PyTuple_Type,
                          &periods, &PyTuple_Type, &indicators, &PyTuple_Type, &observers, &analyzers, &strategy.notify,
                          &always))
        return false;
    strategy.always_notify = always != 0;
    strategy.tells_missing = !find(strategy.object);
    if (!read_clock(clock, strategy.clock) || !strategy.clock || !read_objects(lines, strategy.lines) ||
        !read_objects(analyzers, strategy.analyzers))
        return fail("strategy");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(periods); ++i) {
        Period period{0, nullptr};
        PyObject* data_clock;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(periods, i), "nO", &period.least, &data_clock) ||
            !read_clock(data_clock, period.clock) || !period.clock)
            return fail("period");
        strategy.periods.push_back(period);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(indicators); ++i) {
        Clock* one = nullptr;
        if (!read_clock(PyTuple_GET_ITEM(indicators, i), one)) return false;
        strategy.indicator_clocks.push_back(one);
    }
    if (strategy.indicator_clocks.size() != datas.size() || strategy.periods.empty()) return fail("row of clocks");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(observers); ++i) {
        strategy.observers.push_back({});
        if (!read_observer(PyTuple_GET_ITEM(observers, i), strategy.observers.back())) return fail("observer");
    }
    return true;
}

}  // namespace

bool read_clock(PyObject* object, Clock*& clock) {
    if (object == Py_None) return true;
    if (Py_TYPE(object) != clock_type()) return fail("clock");
    clock = reinterpret_cast<Clock*>(object);
    return true;
}

bool read_objects(PyObject* list, std::vector<PyObject*>& objects) {
    if (!PyTuple_Check(list)) return fail("tuple");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(list); ++i) objects.push_back(PyTuple_GET_ITEM(list, i));
    return true;
}

// (object, clock, watch, lines, value line, cash line, analyzers)
bool read_observer(PyObject* row, Observer& observer) {
    PyObject *clock, *lines, *analyzers;
    int watch;
    if (!PyArg_ParseTuple(row, "OOiOOOO", &observer.object, &clock, &watch, &lines, &observer.value_line,
                          &observer.cash_line, &analyzers))
        return false;
    observer.watch = static_cast<Watch>(watch);
    observer.noted = true;
    return read_clock(clock, observer.clock) && observer.clock && read_objects(lines, observer.lines) &&
           read_objects(analyzers, observer.analyzers);
}

// (cerebro, control, broker, account, deliver, bar_done, settle, report_every, datas, strategies, beside)
bool read_plan(PyObject* arguments, Plan& plan) {
    PyObject *account, *datas, *strategies;
    if (!PyArg_ParseTuple(arguments, "O!O!OO!OOOnO!O!(OOO)", &PyDict_Type, &plan.terms.cerebro, &PyDict_Type,
                          &plan.terms.control, &plan.terms.broker, account_type(), &account, &plan.terms.deliver,
                          &plan.terms.bar_done, &plan.terms.settle, &plan.terms.report_every, &PyTuple_Type, &datas,
                          &PyTuple_Type, &strategies, &plan.opening, &plan.timing, &plan.writing))
        return false;
    for (PyObject** one : {&plan.opening, &plan.timing, &plan.writing})
        if (*one == Py_None) *one = nullptr;
    plan.terms.account = reinterpret_cast<Account*>(account);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(datas); ++i) {
        Data data{nullptr, nullptr, 0.0};
        PyObject* clock;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(datas, i), "OO", &clock, &data.time_line) ||
            !read_clock(clock, data.clock) || !data.clock)
            return fail("data");
        plan.datas.push_back(data);
        plan.terms.clocks.push_back(data.clock);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(strategies); ++i) {
        plan.strategies.push_back({});
        if (!read_strategy(PyTuple_GET_ITEM(strategies, i), plan.strategies.back(), plan.datas)) return false;
    }
    if (plan.datas.empty() || plan.strategies.empty() || plan.terms.report_every < 1)
        return fail("data, strategy or report");
    return true;
}

}  // namespace gcg::python::fast
