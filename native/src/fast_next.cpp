// Cerebro._runnext and Strategy._next for one run: the same calls in the same order, without those that do nothing.
#include "fast_next.h"

#include <algorithm>

namespace gcg::python::fast {

namespace {

struct NextNames {
    PyObject* notify_store = PyUnicode_InternFromString("_storenotify");
    PyObject* notify_data = PyUnicode_InternFromString("_datanotify");
    PyObject* notify_broker = PyUnicode_InternFromString("_brokernotify");
    PyObject* quiet = PyUnicode_InternFromString("_quiet");
    PyObject* has_live_data = PyUnicode_InternFromString("haslivedata");
    PyObject* last_status = PyUnicode_InternFromString("_laststatus");
    PyObject* live = PyUnicode_InternFromString("LIVE");
    PyObject* check = PyUnicode_InternFromString("_check");
    PyObject* forced = Py_BuildValue("(s)", "forcedata");
    PyObject* master_time = PyUnicode_InternFromString("_dtmaster");
    PyObject* plain_master_time = PyUnicode_InternFromString("_udtmaster");
    PyObject* missing = PyUnicode_InternFromString("_minperstatus");
    PyObject* ask_missing = PyUnicode_InternFromString("_getminperstatus");
    PyObject* periods = PyUnicode_InternFromString("_minperiods");
    PyObject* lengths = PyUnicode_InternFromString("_dlens");
    PyObject* bar = PyUnicode_InternFromString("_next");
    PyObject* next_analyzers = PyUnicode_InternFromString("_next_analyzers");
};
const NextNames& next_names() {
    static const NextNames& all = *new NextNames;
    return all;
}

class NextRun : Round {
 public:
    explicit NextRun(NextPlan& plan) : Round(plan.terms), plan_(plan), names_(next_names()) {}

    bool all() {
        Turn after;
        do {
            after = round();
        } while (after == Turn::go_on && more_);
        bool fine = after != Turn::failed && (after == Turn::over || say_last());
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        if (ahead_ && plan_.stand) stand(Py_True);  // what is left of the positions is what the broker has seen
        for (const Follower& one : plan_.followers)
            if (one.attributes && one.moved) write_lengths(one);
        if (type)
            PyErr_Restore(type, value, trace);
        else
            fine = fine && !PyErr_Occurred();
        return fine;
    }

 private:
    Turn round() {
        const int wait = patient();
        if (wait < 0) return Turn::failed;
        Turn after = tell_stores();
        if (after == Turn::go_on) after = tell_datas();
        if (after != Turn::go_on) return after;
        const auto begin = std::chrono::steady_clock::now();
        ahead_ = true;
        bool any = false, none = false, last = false;
        for (FeedPlan& feed : plan_.feeds) {
            feed.clock->moved = feed.offered = false;
            if (!set_patience(feed, wait, begin)) return Turn::failed;
            feed.got = next_of(feed, nullptr, 0.0);
            if (feed.got == -2) return Turn::failed;
            any |= feed.got == 1;
            none |= feed.got == -1;
        }
        if (any) {
            if (!deliver()) return Turn::failed;
        } else if (none) {
            for (const FeedPlan& feed : plan_.feeds)
                if (!check(feed, nullptr)) return Turn::failed;
        } else {
            more_ = false;
            PyObject* made = PyObject_CallNoArgs(plan_.last);
            const int found = made ? PyObject_IsTrue(made) : -1;
            Py_XDECREF(made);
            if (found < 0) return Turn::failed;
            if (!found) return Turn::go_on;
            last = true;
        }
        after = tell_datas();
        if (after == Turn::go_on && (any || last)) after = open();
        if (after == Turn::go_on) after = ask_broker();
        if (after != Turn::go_on) return after;
        if (!any && !last) return PyErr_CheckSignals() < 0 ? Turn::failed : Turn::go_on;
        if (plan_.timing && !call(plan_.timing, plan_.now)) return Turn::failed;
        for (Follower& follower : plan_.followers) {
            if (!bar(follower)) return Turn::failed;
            after = turn(is_true(terms_.cerebro, names().event_stop));
            if (after != Turn::go_on) return after;
            if (plan_.writing && !call(plan_.writing)) return Turn::failed;
        }
        busy_ = false;
        return finish();
    }

    // --- the feeds

    // Whether feeds wait for what is to come. 1, 0, or -1 with an error set.
    int patient() {
        bool live = false;
        for (const FeedPlan& feed : plan_.feeds) {
            if (feed.rows) {
                live = feed.rows->waiting() > 0;
                if (live) break;
                continue;
            }
            if (!feed.asks_live) continue;
            PyObject* has = PyObject_CallMethodNoArgs(feed.object, names_.has_live_data);
            const int found = has ? PyObject_IsTrue(has) : -1;
            Py_XDECREF(has);
            if (found < 0) return -1;
            live = found;
            if (live) break;
        }
        if (!live) return 1;
        std::size_t count = 0, clones = 0;
        for (const FeedPlan& feed : plan_.feeds) {
            clones += feed.clone;
            if (feed.rows && PyDict_GetItemWithError(feed.attributes, names_.last_status) == feed.live) {
                ++count;
                continue;
            }
            PyObject* status = PyObject_GetAttr(feed.object, names_.last_status);
            PyObject* wanted = status ? PyObject_GetAttr(feed.object, names_.live) : nullptr;
            const int same = wanted ? PyObject_RichCompareBool(status, wanted, Py_EQ) : -1;
            Py_XDECREF(status);
            Py_XDECREF(wanted);
            if (same < 0) return -1;
            count += static_cast<std::size_t>(same);
        }
        return !count || count == plan_.feeds.size() - clones;
    }

    bool check(const FeedPlan& feed, PyObject* master) {
        if (!feed.asks_checks && (!feed.filters || PyList_GET_SIZE(feed.filters) == 0)) return true;
        feed.clock->loading = true;
        PyObject* arguments[] = {feed.object, master};
        PyObject* done = PyObject_VectorcallMethod(names_.check, arguments, 1, master ? names_.forced : nullptr);
        feed.clock->loading = false;
        Py_XDECREF(done);
        return done != nullptr;
    }

    static bool offer(FeedPlan& feed) {
        feed.offered = true;
        return read_now(*feed.times, feed.time);
    }

    // Some feed has a bar: the earliest one is the master's, and who has a later one goes back.
    bool deliver() {
        for (FeedPlan& feed : plan_.feeds)
            if (feed.got == 1 && !offer(feed)) return false;
        const bool all_resampled = std::all_of(plan_.feeds.begin(), plan_.feeds.end(),
                                               [](const FeedPlan& feed) { return feed.resampled_only; });
        const FeedPlan* first = nullptr;
        for (const FeedPlan& feed : plan_.feeds)
            if (feed.offered && (all_resampled || !feed.resampled_only) && (!first || feed.time < first->time))
                first = &feed;
        if (!first) {  // raises what Backtrader raises
            PyObject* lowest = PyObject_CallFunction(plan_.lowest, "(())");
            Py_XDECREF(lowest);
            return false;
        }
        const double now = plan_.now = first->time;
        for (const FeedPlan& feed : plan_.feeds) {
            if (!feed.offered || feed.time != now) continue;
            first = &feed;
            break;
        }
        if (!note_master(*first, now)) return false;
        for (FeedPlan& feed : plan_.feeds) {
            if (feed.got == 1) continue;
            if (!check(feed, first->object)) return false;
            const int found = next_of(feed, first->object, now);
            if (found == -2 || (found == 1 && !offer(feed))) return false;
        }
        for (FeedPlan& feed : plan_.feeds) {
            if (!feed.offered) continue;
            if (feed.time > now) {
                if (!rewind(feed)) return false;
                continue;
            }
            feed.clock->moved = true;
            if (!feed.replaying && !show_ticks(feed)) return false;
        }
        return true;
    }

    bool note_master(const FeedPlan& master, double now) {
        PyObject* plain = moment(now);
        if (!plain && PyErr_Occurred()) return false;
        PyObject* local = nullptr;
        if (plain && !master.asks_dates)
            local = Py_NewRef(plain);
        else
            local = PyObject_CallMethod(master.object, "num2date", "d", now);
        if (!plain && local) plain = PyObject_CallFunction(plan_.utc, "d", now);
        if (!local || !plain) {
            Py_XDECREF(local);
            Py_XDECREF(plain);
            return false;
        }
        const bool fine = put(terms_.cerebro, names_.master_time, local);
        return put(terms_.cerebro, names_.plain_master_time, plain) && fine;
    }

    // --- notifications

    Turn tell_stores() {
        const int running = is_state(terms_.control, names().running);
        if (running < 0) return Turn::failed;
        const bool due = !running || PyList_GET_SIZE(plan_.stores) > 0;
        if (due && !call(plan_.engine, names_.notify_store)) return Turn::failed;
        return turn(is_true(terms_.cerebro, names().event_stop));
    }

    Turn tell_datas() {
        PyObject* quiet = PyDict_GetItemWithError(terms_.cerebro, names_.quiet);
        if (!quiet && PyErr_Occurred()) return Turn::failed;
        bool due = quiet && quiet != Py_None;
        for (const FeedPlan& feed : plan_.feeds) {
            const Py_ssize_t waiting = feed.notifications ? PyObject_Size(feed.notifications) : 1;
            if (waiting < 0) return Turn::failed;
            due |= waiting > 0;
        }
        if (due) {
            const bool stands = ahead_ && plan_.stand;
            if (stands && !stand(Py_True)) return Turn::failed;
            if (!call(plan_.engine, names_.notify_data)) return Turn::failed;
            if (stands && !stand(Py_False)) return Turn::failed;
        }
        return turn(is_true(terms_.cerebro, names().event_stop));
    }
    bool stand(PyObject* still) {
        PyObject* done = PyObject_CallOneArg(plan_.stand, still);
        Py_XDECREF(done);
        return done != nullptr;
    }

    bool say_last() {
        const Turn after = tell_datas();
        return after != Turn::failed && (after == Turn::over || tell_stores() != Turn::failed);
    }

    // What user code does at a bar before the broker has seen it.
    Turn open() {
        if (!plan_.opening) return Turn::go_on;
        int over = -1;
        if ((plan_.stand && !stand(Py_True)) || !call(plan_.opening, plan_.now, &over)) return Turn::failed;
        if (plan_.stand && !stand(Py_False)) return Turn::failed;
        return turn(over);
    }

    Turn ask_broker() {
        ahead_ = false;
        if (!terms_.account) {
            if (!call(plan_.engine, names_.notify_broker)) return Turn::failed;
            return turn(is_true(terms_.cerebro, names().event_stop));
        }
        const int stopping = is_state(terms_.control, names().stopping);
        if (stopping < 0) return Turn::failed;
        if (!stopping) return match();
        // What belongs to the bar before is written down: no strategy will see this one.
        for (Clock* clock : terms_.clocks) clock->position -= clock->moved;
        const bool settled = call(terms_.settle);
        for (Clock* clock : terms_.clocks) clock->position += clock->moved;
        if (!settled) return Turn::failed;
        return put(terms_.cerebro, names().event_stop, Py_NewRef(Py_True)) ? Turn::over : Turn::failed;
    }

    // --- strategies

    bool bar(Follower& one) {
        if (!one.attributes) return call(one.object, names_.bar);
        if (!go_on(one) || !run(*one.program)) return false;
        const bool told = busy_ || one.always_notify;
        if (told && !call(one.notify)) return false;
        Py_ssize_t missing;
        if (!count_missing(one, missing)) return false;
        PyObject* method = missing < 0 ? names().next : missing == 0 ? names().next_start : names().before_next;
        if (!call(one.object, method) || !count_missing(one, missing)) return false;
        if (PyObject* own = PyDict_GetItemWithError(one.attributes, names_.next_analyzers)) {
            if (!call_with(own, missing)) return false;
        } else if (PyErr_Occurred() || !analyze(one.analyzers, missing)) {
            return false;
        }
        for (Watcher& watcher : one.watchers)
            if (!observe(watcher, missing)) return false;
        return (!busy_ && terms_.account) || call(one.object, names().clear);
    }

    static bool call_with(PyObject* function, Py_ssize_t number) {
        PyObject* held = Py_NewRef(function);  // it may delete itself
        PyObject* done = PyObject_CallFunction(held, "n", number);
        Py_DECREF(held);
        Py_XDECREF(done);
        return done != nullptr;
    }

    // Strategy._clk_update
    bool go_on(Follower& one) {
        bool longer = false, any = false;
        double newest = 0.0;
        for (std::size_t i = 0; i < one.datas.size(); ++i) {
            const auto& [first, times] = one.datas[i];
            const Py_ssize_t length = first->length();
            longer |= length > one.lengths[i];
            one.lengths[i] = length;
            double time;
            if (!length) continue;
            if (!read_now(*times, time)) return false;
            if (!any || time > newest) newest = time;
            any = true;
        }
        one.moved = true;
        if (longer && !forward(one.lines)) return false;
        if (any) return write_now(*one.times, newest);
        PyErr_SetString(PyExc_ValueError, "A strategy was called before any of its feeds had a bar.");
        return false;
    }

    // Strategy._getminperstatus
    bool count_missing(Follower& one, Py_ssize_t& missing) {
        PyObject* periods = PyDict_GetItemWithError(one.attributes, names_.periods);
        bool known = periods == one.periods && PyList_GET_SIZE(periods) == static_cast<Py_ssize_t>(one.least.size());
        missing = PY_SSIZE_T_MIN;
        for (std::size_t i = 0; known && i < one.least.size(); ++i) {
            known = PyList_GET_ITEM(periods, static_cast<Py_ssize_t>(i)) == one.least[i].first;
            missing = std::max(missing, one.least[i].second - one.datas[i].first->length());
        }
        if (known) return put(one.attributes, names_.missing, PyLong_FromSsize_t(missing));
        if (PyErr_Occurred()) return false;
        PyObject* found = PyObject_CallMethodNoArgs(one.object, names_.ask_missing);
        const double status = found ? PyFloat_AsDouble(found) : -1.0;
        Py_XDECREF(found);
        missing = status < 0 ? -1 : status > 0 ? 1 : 0;
        return !PyErr_Occurred();
    }

    bool observe(Watcher& watcher, Py_ssize_t missing) {
        Observer& observer = watcher.observer;
        if (!analyze(observer.analyzers, missing)) return false;
        if (!watcher.clock) return call(observer.object, names_.bar);
        const Py_ssize_t length = watcher.clock->length();
        const bool moved = length != watcher.lines[0]->length();
        if (moved && !forward(watcher.lines)) return false;
        if (!length) return true;
        PyObject* method = length > watcher.least    ? names().next
                           : length == watcher.least ? names().next_start
                                                     : names().before_next;
        // Where its lines have not gone on, it adds to what it wrote down before.
        return moved ? watch(observer, method) : call(observer.object, method);
    }

    bool write_lengths(const Follower& one) {
        PyObject* list = PyList_New(0);
        bool fine = list != nullptr;
        for (std::size_t i = 0; fine && i < one.lengths.size(); ++i) {
            PyObject* length = PyLong_FromSsize_t(one.lengths[i]);
            fine = length && PyList_Append(list, length) == 0;
            Py_XDECREF(length);
        }
        return fine ? put(one.attributes, names_.lengths, list) : (Py_XDECREF(list), false);
    }

    NextPlan& plan_;
    const NextNames& names_;
    bool more_ = true;
    bool ahead_ = false;  // the feeds have gone on, and the broker has not
};

}  // namespace

PyObject* run_next(PyObject*, PyObject* arguments) {
    NextPlan plan{};
    if (!read_next_plan(arguments, plan) || !NextRun(plan).all()) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace gcg::python::fast
