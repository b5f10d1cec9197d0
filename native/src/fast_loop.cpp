// Cerebro._runonce and Strategy._oncepost for one run: the same calls in the same order, without those that do nothing.
#include "fast_loop.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace gcg::python::fast {

namespace {

struct Names {
    PyObject* event_stop = PyUnicode_InternFromString("_event_stop");
    PyObject* bars_done = PyUnicode_InternFromString("bars_done");
    PyObject* state = PyUnicode_InternFromString("_state");
    PyObject* running = PyUnicode_InternFromString("running");
    PyObject* stopping = PyUnicode_InternFromString("stopping");
    PyObject* next = PyUnicode_InternFromString("next");
    PyObject* next_start = PyUnicode_InternFromString("nextstart");
    PyObject* before_next = PyUnicode_InternFromString("prenext");
    PyObject* analyzer_next = PyUnicode_InternFromString("_next");
    PyObject* analyzer_start = PyUnicode_InternFromString("_nextstart");
    PyObject* analyzer_before = PyUnicode_InternFromString("_prenext");
    PyObject* clear = PyUnicode_InternFromString("clear");
    PyObject* bought = PyUnicode_InternFromString("curbuylen");
    PyObject* sold = PyUnicode_InternFromString("curselllen");
    PyObject* cash = PyUnicode_InternFromString("cash");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

const double kNever = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");
constexpr Py_ssize_t kSignalEvery = 1024;

bool call(PyObject* object, PyObject* method) {
    PyObject* done = PyObject_CallMethodNoArgs(object, method);
    Py_XDECREF(done);
    return done != nullptr;
}
bool call(PyObject* function) {
    PyObject* done = PyObject_CallNoArgs(function);
    Py_XDECREF(done);
    return done != nullptr;
}

// Whether an attribute is true. 1, 0, or -1 with an error set.
int is_true(PyObject* attributes, PyObject* name) {
    PyObject* value = PyDict_GetItemWithError(attributes, name);
    if (value) return value == Py_False ? 0 : PyObject_IsTrue(value);
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, name);
    return -1;
}
int is_state(PyObject* control, PyObject* wanted) {
    PyObject* state = PyDict_GetItemWithError(control, names().state);
    if (state) return state == wanted ? 1 : PyObject_RichCompareBool(state, wanted, Py_EQ);
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, names().state);
    return -1;
}

// Set an attribute to a value, which is taken over.
bool set(PyObject* attributes, PyObject* name, PyObject* value) {
    const int failed = value ? PyDict_SetItem(attributes, name, value) : -1;
    Py_XDECREF(value);
    return !failed;
}

enum class Turn { go_on, over, failed };
Turn turn(int answer) {
    return answer < 0 ? Turn::failed : answer ? Turn::over : Turn::go_on;
}

class Run {
 public:
    explicit Run(Plan& plan) : plan_(plan) {}

    bool all() {
        for (;;) {
            const Turn after = bar();
            if (after != Turn::go_on) return after == Turn::over;
        }
    }

 private:
    Turn bar() {
        const double now = next_time();
        if (now == kNever) return Turn::over;
        // Cash that was added counts from this bar's matching on: the value of the bar before has to be known by then.
        const Py_ssize_t added = PyObject_Size(plan_.account->additions);
        if (added < 0 || (added && !refresh(*plan_.account))) return Turn::failed;
        // A run that is being stopped ends behind the feeds and before the broker, so that no order is filled on a bar
        // which no strategy will see; what belongs to the bar before is written down before it is gone.
        const int stopping = is_state(plan_.control, names().stopping);
        if (stopping < 0 || (stopping && !call(plan_.settle))) return Turn::failed;
        for (Data& data : plan_.datas) {
            data.clock->moved = data.next <= now;
            if (data.clock->moved) ++data.clock->position;
        }
        if (stopping) return set(plan_.cerebro, names().event_stop, Py_NewRef(Py_True)) ? Turn::over : Turn::failed;
        Turn after = match();
        if (after != Turn::go_on) return after;
        for (Strategy& strategy : plan_.strategies) {
            if (!oncepost(strategy, now)) return Turn::failed;
            after = turn(is_true(plan_.cerebro, names().event_stop));
            if (after != Turn::go_on) return after;
        }
        return finish();
    }

    // The time of a data's next bar, infinite after its last.
    static double peek(const Data& data) {
        const Line* line = find(data.time_line);
        const DoubleArray* times = line ? as_doubles(line->array) : nullptr;
        double time;
        return times && line->length() < Py_SIZE(times) && read(*line, 1, time) ? time : kNever;
    }
    double next_time() {
        double first = kNever;
        bool any = false;
        for (Data& data : plan_.datas) {
            data.next = peek(data);
            if (!any || data.next < first) first = data.next;
            any = true;
        }
        return first;
    }

    // The broker's part of a bar, and its notifications.
    Turn match() {
        Account& account = *plan_.account;
        const int work = account.steps == 0 ? 1 : has_work(account);
        ++account.steps;
        if (work < 0) return Turn::failed;
        if (work ? !call(plan_.broker, names().next) : !mark(account)) return failed_match();
        const Py_ssize_t told = PyObject_Size(account.notifications);
        if (told < 0 || (told && !call(plan_.deliver))) return Turn::failed;
        busy_ = told > 0;
        return turn(is_true(plan_.cerebro, names().event_stop));
    }

    // The broker has raised in the middle of a bar, and Backtrader knows nothing of this bar but what it came to. What
    // is worked out when asked is written down as the bar before left it.
    Turn failed_match() {
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        for (const Data& data : plan_.datas) data.clock->position -= data.clock->moved;
        PyObject* done = PyObject_CallOneArg(plan_.settle, Py_True);
        if (!done) PyErr_Clear();
        Py_XDECREF(done);
        for (const Data& data : plan_.datas) data.clock->position += data.clock->moved;
        PyErr_Restore(type, value, trace);
        return Turn::failed;
    }

    bool oncepost(Strategy& strategy, double now) {
        for (std::size_t i = 0; i < plan_.datas.size(); ++i)
            if (plan_.datas[i].clock->moved && strategy.indicator_clocks[i]) ++strategy.indicator_clocks[i]->position;
        if (!forward(strategy.lines, strategy.clock)) return false;
        Line* times = find(strategy.time_line);
        if (!times || !write_now(*times, now)) return lost();
        if ((busy_ || strategy.always_notify) && !call(strategy.notify)) return false;
        Py_ssize_t missing = PY_SSIZE_T_MIN;
        for (const Period& period : strategy.periods)
            missing = std::max(missing, period.least - period.clock->position);
        strategy.clock->missing = missing;
        PyObject* method = missing < 0 ? names().next : missing == 0 ? names().next_start : names().before_next;
        if (!call(strategy.object, method) || !analyze(strategy.analyzers, missing)) return false;
        for (Observer& observer : strategy.observers)
            if (!observe(observer, method, missing)) return false;
        return !busy_ || call(strategy.object, names().clear);
    }

    static bool analyze(const std::vector<PyObject*>& analyzers, Py_ssize_t missing) {
        PyObject* method = missing < 0    ? names().analyzer_next
                           : missing == 0 ? names().analyzer_start
                                          : names().analyzer_before;
        for (PyObject* analyzer : analyzers)
            if (!call(analyzer, method)) return false;
        return true;
    }

    bool observe(Observer& observer, PyObject* method, Py_ssize_t missing) {
        if (!analyze(observer.analyzers, missing) || !forward(observer.lines, observer.clock)) return false;
        switch (observer.watch) {
            case Watch::broker:
                return observe_broker(observer);
            case Watch::quiet:
                return !busy_ || call(observer.object, method);
            case Watch::buy_sell:  // at a quiet bar it writes down that nothing was bought or sold, in lines that say
                                   // so already
                if (busy_) {
                    observer.noted = true;
                    return call(observer.object, method);
                }
                return !std::exchange(observer.noted, false) || forget_fills(observer.object);
            case Watch::asks:
                break;
        }
        return call(observer.object, method);
    }

    static bool forget_fills(PyObject* observer) {
        PyObject* zero = PyLong_FromLong(0);
        const bool done = zero && PyObject_SetAttr(observer, names().bought, zero) == 0 &&
                          PyObject_SetAttr(observer, names().sold, zero) == 0;
        Py_XDECREF(zero);
        return done;
    }

    bool observe_broker(const Observer& observer) {
        Account& account = *plan_.account;
        if (!refresh(account)) return false;
        double value = account.worth[kValue];
        if (account.given[kValue]) value = PyFloat_AsDouble(account.given[kValue]);
        PyObject* cash = PyDict_GetItemWithError(account.attributes, names().cash);
        const double now = cash ? PyFloat_AsDouble(cash) : -1.0;
        if (PyErr_Occurred()) return false;
        Line* value_line = find(observer.value_line);
        Line* cash_line = find(observer.cash_line);
        return value_line && cash_line ? write_now(*value_line, value) && write_now(*cash_line, now) : lost();
    }

    static bool forward(const std::vector<PyObject*>& lines, Clock* clock) {
        for (PyObject* object : lines) {
            const Line* line = find(object);
            if (!line) return lost();
            if (!append(line->array, kNan)) return false;
        }
        ++clock->position;
        return true;
    }
    static bool lost() {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "A line left the fast run while it went on.");
        return false;
    }

    Turn finish() {
        ++bars_;
        if (!set(plan_.cerebro, names().bars_done, PyLong_FromSsize_t(bars_))) return Turn::failed;
        const int running = is_state(plan_.control, names().running);
        if (running < 0) return Turn::failed;
        if ((!running || bars_ % plan_.report_every == 0) && !call(plan_.bar_done)) return Turn::failed;
        if (bars_ % kSignalEvery == 0 && PyErr_CheckSignals() < 0) return Turn::failed;
        return Turn::go_on;
    }

    Plan& plan_;
    Py_ssize_t bars_ = 0;
    bool busy_ = false;
};

}  // namespace

PyObject* run_once(PyObject*, PyObject* arguments) {
    Plan plan{};
    if (!read_plan(arguments, plan) || !Run(plan).all()) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
