#include "fast_loop.h"
#include "fast_next.h"

namespace gcg::python::fast {

namespace {

bool refuse(const char* what) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "The plan of a run bar by bar has no good %s.", what);
    return false;
}

PyObject* some(PyObject* object) {
    return object == Py_None ? nullptr : object;
}

bool read_line(PyObject* object, Line*& line) {
    line = find(object);
    return (line && !line->first) || refuse("line");
}
bool read_lines(PyObject* list, std::vector<Line*>& lines) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(list); ++i) {
        lines.push_back(nullptr);
        if (!read_line(PyTuple_GET_ITEM(list, i), lines.back())) return false;
    }
    return !lines.empty() || refuse("line");
}

// (rows, the lines of their values, LIVE)
bool read_waiting(PyObject* given, FeedPlan& feed) {
    PyObject *rows, *lines;
    if (!PyArg_ParseTuple(given, "O!O!O", rows_type(), &rows, &PyTuple_Type, &lines, &feed.live)) return false;
    if (PyTuple_GET_SIZE(lines) != static_cast<Py_ssize_t>(kRowValues)) return refuse("lines of a row");
    bool plain = true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lines); ++i) {
        PyObject* object = PyTuple_GET_ITEM(lines, i);
        Line* line = find(object);
        feed.values.push_back(line);
        plain = plain && line && !line->first && is_plainly_set(object);
    }
    if (plain) feed.rows = reinterpret_cast<Rows*>(rows);
    return true;
}

// (object, attributes, clock, lines, time line, ticks, filters, stack, stash, notifications, params, from, to,
//  waiting, asks checks, asks live, asks dates, resampled only, replaying, clone)
bool read_feed(PyObject* row, FeedPlan& feed) {
    PyObject *clock, *lines, *times, *ticks, *filters, *notifications, *params, *waiting;
    int checks, live, dates, resampled, replaying, clone;
    if (!PyArg_ParseTuple(row, "OO!OO!OO!OOOOOOddpppppp", &feed.object, &PyDict_Type, &feed.attributes, &clock,
                          &PyTuple_Type, &lines, &times, &PyTuple_Type, &ticks, &filters, &feed.stack, &feed.stash,
                          &notifications, &params, &waiting, &feed.from, &feed.to, &checks, &live, &dates, &resampled,
                          &replaying, &clone))
        return false;
    feed.filters = some(filters);
    feed.notifications = some(notifications);
    feed.params = some(params);
    feed.asks_checks = checks != 0;
    feed.asks_live = live != 0;
    feed.asks_dates = dates != 0;
    feed.resampled_only = resampled != 0;
    feed.replaying = replaying != 0;
    feed.clone = clone != 0;
    if (waiting != Py_None && !read_waiting(waiting, feed)) return false;
    if (feed.filters && !PyList_Check(feed.filters)) return refuse("list of filters");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(ticks); ++i) {
        PyObject *name, *object;
        Line* line;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(ticks, i), "OO", &name, &object) || !read_line(object, line))
            return false;
        feed.ticks.emplace_back(name, line);
    }
    return read_clock(clock, feed.clock) && feed.clock && read_lines(lines, feed.lines) && read_line(times, feed.times);
}

// (observer row, clock line, least): see read_observer; a clock of None: its _next() is asked
bool read_watcher(PyObject* row, Watcher& watcher) {
    PyObject *observer, *clock;
    if (!PyArg_ParseTuple(row, "OOn", &observer, &clock, &watcher.least) || !read_observer(observer, watcher.observer))
        return false;
    if (clock == Py_None) return true;
    watcher.clock = find_line(clock);
    if (!watcher.clock) return refuse("clock of an observer");
    for (PyObject* object : watcher.observer.lines) {
        watcher.lines.push_back(nullptr);
        if (!read_line(object, watcher.lines.back())) return false;
    }
    return !watcher.lines.empty() || refuse("observer");
}

// (object,) of a strategy that is asked for all of its bar, else
// (object, attributes, lines, time line, datas, periods, program, watchers, analyzers, notify, always notify)
bool read_follower(PyObject* row, Follower& one) {
    if (PyTuple_Check(row) && PyTuple_GET_SIZE(row) == 1) {
        one.object = PyTuple_GET_ITEM(row, 0);
        return true;
    }
    PyObject *lines, *times, *datas, *program, *watchers, *analyzers;
    int always;
    if (!PyArg_ParseTuple(row, "OO!O!OO!O!O!O!OOp", &one.object, &PyDict_Type, &one.attributes, &PyTuple_Type, &lines,
                          &times, &PyTuple_Type, &datas, &PyList_Type, &one.periods, program_type(), &program,
                          &PyTuple_Type, &watchers, &analyzers, &one.notify, &always))
        return false;
    one.program = reinterpret_cast<Program*>(program);
    one.always_notify = always != 0;
    if (!read_lines(lines, one.lines) || !read_line(times, one.times) || !read_objects(analyzers, one.analyzers))
        return false;
    // (first line, time line, length at the start)
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(datas); ++i) {
        PyObject *first, *moments;
        Line *first_line, *moment_line;
        Py_ssize_t length;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(datas, i), "OOn", &first, &moments, &length) ||
            !read_line(first, first_line) || !read_line(moments, moment_line))
            return false;
        one.datas.emplace_back(first_line, moment_line);
        one.lengths.push_back(length);
    }
    if (PyList_GET_SIZE(one.periods) != static_cast<Py_ssize_t>(one.datas.size())) return refuse("list of periods");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(one.periods); ++i) {
        PyObject* period = PyList_GET_ITEM(one.periods, i);
        if (!PyLong_CheckExact(period)) return refuse("period");
        one.least.emplace_back(period, PyLong_AsSsize_t(period));
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watchers); ++i) {
        one.watchers.push_back({});
        if (!read_watcher(PyTuple_GET_ITEM(watchers, i), one.watchers.back())) return refuse("observer");
    }
    return !PyErr_Occurred();
}

}  // namespace

// (cerebro, its attributes, control, broker, account, deliver, bar_done, settle, report_every, stores, last, stand,
//  lowest, utc, feeds, strategies, (opening, timing, writing), now)
bool read_next_plan(PyObject* arguments, NextPlan& plan) {
    PyObject *account, *stand, *feeds, *followers;
    Terms& terms = plan.terms;
    if (!PyArg_ParseTuple(arguments, "OO!O!OOOOOnO!OOOOO!O!(OOO)d", &plan.engine, &PyDict_Type, &terms.cerebro,
                          &PyDict_Type, &terms.control, &terms.broker, &account, &terms.deliver, &terms.bar_done,
                          &terms.settle, &terms.report_every, &PyList_Type, &plan.stores, &plan.last, &stand,
                          &plan.lowest, &plan.utc, &PyTuple_Type, &feeds, &PyTuple_Type, &followers, &plan.opening,
                          &plan.timing, &plan.writing, &plan.now))
        return false;
    if (account != Py_None && Py_TYPE(account) != account_type()) return refuse("account");
    terms.account = reinterpret_cast<Account*>(some(account));
    plan.stand = some(stand);
    for (PyObject** one : {&plan.opening, &plan.timing, &plan.writing}) *one = some(*one);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(feeds); ++i) {
        plan.feeds.push_back({});
        if (!read_feed(PyTuple_GET_ITEM(feeds, i), plan.feeds.back())) return refuse("feed");
        terms.clocks.push_back(plan.feeds.back().clock);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(followers); ++i) {
        plan.followers.push_back({});
        if (!read_follower(PyTuple_GET_ITEM(followers, i), plan.followers.back())) return refuse("strategy");
    }
    if (plan.feeds.empty() || plan.followers.empty() || terms.report_every < 1)
        return refuse("feed, strategy or report");
    return true;
}

}  // namespace gcg::python::fast
