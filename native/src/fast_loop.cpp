// Cerebro._runonce and Strategy._oncepost for one run: the same calls in the same order, without those that do nothing.
#include "fast_loop.h"

#include <algorithm>
#include <limits>

namespace gcg::python::fast {

namespace {

const double kNever = std::numeric_limits<double>::infinity();

class Run : Round {
 public:
    explicit Run(Plan& plan) : Round(plan.terms), plan_(plan) {}

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
        const Py_ssize_t added = PyObject_Size(terms_.account->additions);
        if (added < 0 || (added && !refresh(*terms_.account))) return Turn::failed;
        // A run that is being stopped ends behind the feeds and before the broker, so that no order is filled on a bar
        // which no strategy will see; what belongs to the bar before is written down before it is gone.
        const int stopping = is_state(terms_.control, names().stopping);
        if (stopping < 0 || (stopping && !call(terms_.settle))) return Turn::failed;
        for (Data& data : plan_.datas) {
            data.clock->moved = data.next <= now;
            if (data.clock->moved) ++data.clock->position;
        }
        if (stopping) return put(terms_.cerebro, names().event_stop, Py_NewRef(Py_True)) ? Turn::over : Turn::failed;
        Turn after = open(now);
        if (after == Turn::go_on) after = match();
        if (after != Turn::go_on) return after;
        if (plan_.timing && !call(plan_.timing, now)) return Turn::failed;
        for (Strategy& strategy : plan_.strategies) {
            if (!oncepost(strategy, now)) return Turn::failed;
            after = turn(is_true(terms_.cerebro, names().event_stop));
            if (after != Turn::go_on) return after;
            if (plan_.writing && !call(plan_.writing)) return Turn::failed;
        }
        busy_ = false;
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

    // What user code does at a bar before the broker has seen it. If it stops the run, the broker does not see it.
    Turn open(double now) {
        if (!plan_.opening) return Turn::go_on;
        int over = -1;
        if (!call(plan_.opening, now, &over)) return Turn::failed;
        if (over) return Turn::over;
        const int stopping = is_state(terms_.control, names().stopping);
        if (stopping <= 0) return turn(stopping);
        return put(terms_.cerebro, names().event_stop, Py_NewRef(Py_True)) ? Turn::over : Turn::failed;
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
        if (strategy.tells_missing && !tell_missing(strategy.object, missing)) return false;
        PyObject* method = missing < 0 ? names().next : missing == 0 ? names().next_start : names().before_next;
        if (!call(strategy.object, method) || !analyze(strategy.analyzers, missing)) return false;
        for (Observer& observer : strategy.observers)
            if (!observe(observer, method, missing)) return false;
        return !busy_ || call(strategy.object, names().clear);
    }

    static bool tell_missing(PyObject* strategy, Py_ssize_t missing) {
        static PyObject* const name = PyUnicode_InternFromString("_minperstatus");
        PyObject* value = PyLong_FromSsize_t(missing);
        const bool done = value && PyObject_SetAttr(strategy, name, value) == 0;
        Py_XDECREF(value);
        return done;
    }

    bool observe(Observer& observer, PyObject* method, Py_ssize_t missing) {
        return analyze(observer.analyzers, missing) && forward(observer.lines, observer.clock) &&
               watch(observer, method);
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

    Plan& plan_;
};

}  // namespace

PyObject* run_once(PyObject*, PyObject* arguments) {
    Plan plan{};
    if (!read_plan(arguments, plan) || !Run(plan).all()) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
