#include "fast_round.h"

#include <utility>

namespace gcg::python::fast {

namespace {

bool forget_fills(PyObject* observer) {
    PyObject* zero = PyLong_FromLong(0);
    const bool done = zero && PyObject_SetAttr(observer, names().bought, zero) == 0 &&
                      PyObject_SetAttr(observer, names().sold, zero) == 0;
    Py_XDECREF(zero);
    return done;
}

}  // namespace

const Names& names() {
    static const Names& all = *new Names;
    return all;
}

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

bool call(PyObject* function, double number, int* answer) {
    PyObject* argument = PyFloat_FromDouble(number);
    PyObject* done = argument ? PyObject_CallOneArg(function, argument) : nullptr;
    Py_XDECREF(argument);
    if (done && answer) *answer = PyObject_IsTrue(done);
    Py_XDECREF(done);
    return done && (!answer || *answer >= 0);
}

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

bool put(PyObject* attributes, PyObject* name, PyObject* value) {
    const int failed = value ? PyDict_SetItem(attributes, name, value) : -1;
    Py_XDECREF(value);
    return !failed;
}

bool lost() {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "A line left the fast run while it went on.");
    return false;
}

Turn turn(int answer) {
    return answer < 0 ? Turn::failed : answer ? Turn::over : Turn::go_on;
}

bool analyze(const std::vector<PyObject*>& analyzers, Py_ssize_t missing) {
    PyObject* method = missing < 0    ? names().analyzer_next
                       : missing == 0 ? names().analyzer_start
                                      : names().analyzer_before;
    for (PyObject* analyzer : analyzers)
        if (!call(analyzer, method)) return false;
    return true;
}

Round::Round(Terms& terms) : terms_(terms) {
    PyObject* done = PyDict_GetItemWithError(terms.cerebro, names().bars_done);
    if (done) bars_ = PyLong_AsSsize_t(done);
}

Turn Round::match() {
    Account& account = *terms_.account;
    const int work = account.steps == 0 ? 1 : has_work(account);
    ++account.steps;
    if (work < 0) return Turn::failed;
    if (work ? !call(terms_.broker, names().next) : !mark(account)) return failed_match();
    const Py_ssize_t told = PyObject_Size(account.notifications);
    if (told < 0 || (told && !call(terms_.deliver))) return Turn::failed;
    busy_ |= told > 0;
    return turn(is_true(terms_.cerebro, names().event_stop));
}

// The broker has raised in the middle of a bar, and Backtrader knows nothing of this bar but what it came to. What
// is worked out when asked is written down as the bar before left it.
Turn Round::failed_match() {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    for (Clock* clock : terms_.clocks) clock->position -= clock->moved;
    PyObject* done = PyObject_CallOneArg(terms_.settle, Py_True);
    if (!done) PyErr_Clear();
    Py_XDECREF(done);
    for (Clock* clock : terms_.clocks) clock->position += clock->moved;
    PyErr_Restore(type, value, trace);
    return Turn::failed;
}

bool Round::watch(Observer& observer, PyObject* method) {
    switch (observer.watch) {
        case Watch::broker:
            return note_worth(observer);
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

bool Round::note_worth(const Observer& observer) {
    Account& account = *terms_.account;
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

Turn Round::finish() {
    ++bars_;
    if (!put(terms_.cerebro, names().bars_done, PyLong_FromSsize_t(bars_))) return Turn::failed;
    const int running = is_state(terms_.control, names().running);
    if (running < 0) return Turn::failed;
    if ((!running || bars_ % terms_.report_every == 0) && !call(terms_.bar_done)) return Turn::failed;
    if (bars_ % kSignalEvery == 0 && PyErr_CheckSignals() < 0) return Turn::failed;
    return Turn::go_on;
}

}  // namespace gcg::python::fast
