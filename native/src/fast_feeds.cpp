// AbstractDataBase.next and load for a feed whose lines are in C. Where the feed does any of it in its own way, it is
// asked.
#include "fast_next.h"

namespace gcg::python::fast {

namespace {

struct FeedNames {
    PyObject* load_bar = PyUnicode_InternFromString("_load");
    PyObject* load = PyUnicode_InternFromString("load");
    PyObject* next = PyUnicode_InternFromString("next");
    PyObject* rewind = PyUnicode_InternFromString("rewind");
    PyObject* fill = PyUnicode_InternFromString("_tick_fill");
    PyObject* ticks = Py_BuildValue("(s)", "ticks");
    PyObject* master_and_ticks = Py_BuildValue("(ss)", "datamaster", "ticks");
    PyObject* patience = PyUnicode_InternFromString("qcheck");
    PyObject* own_patience = PyUnicode_InternFromString("_qcheck");
    PyObject* nothing = PyFloat_FromDouble(0.0);
    PyObject* forced = Py_BuildValue("(s)", "force");
};
const FeedNames& feed_names() {
    static const FeedNames& all = *new FeedNames;
    return all;
}

// The bar that a feed writes into its lines while it loads is a new one.
class Loading {
 public:
    explicit Loading(Clock* clock) : clock_(clock) { clock_->loading = true; }
    ~Loading() { clock_->loading = false; }
    Loading(const Loading&) = delete;
    Loading& operator=(const Loading&) = delete;

 private:
    Clock* clock_;
};

// 1, 0, or -1 for None, as a feed's answer is read; takes it over. -2 with an error set.
int answer(PyObject* given) {
    if (!given) return -2;
    const int found = given == Py_None ? -1 : PyObject_IsTrue(given);
    Py_DECREF(given);
    return found < 0 && given != Py_None ? -2 : found;
}

void go_on(FeedPlan& feed) {
    ++feed.clock->position;
    feed.clock->moved = true;
}
void go_back(FeedPlan& feed) {
    --feed.clock->position;
    feed.clock->moved = false;
}

bool add_room(FeedPlan& feed) {
    go_on(feed);
    for (Line* line : feed.lines)
        if (!append(line->array, kNan)) return false;
    return true;
}

bool drop_room(FeedPlan& feed) {
    go_back(feed);
    for (Line* line : feed.lines) {
        DoubleArray* doubles = as_doubles(line->array);
        if (doubles && doubles->exports == 0 && Py_SIZE(doubles) > 0) {
            Py_SET_SIZE(reinterpret_cast<PyVarObject*>(doubles), Py_SIZE(doubles) - 1);
            continue;
        }
        PyObject* popped = PyObject_CallMethod(line->array, "pop", nullptr);
        Py_XDECREF(popped);
        if (!popped) return false;
    }
    return true;
}

int load(FeedPlan& feed) {
    const Py_ssize_t waiting = PyObject_Size(feed.stack) + PyObject_Size(feed.stash) + PyList_GET_SIZE(feed.filters);
    if (waiting) {
        if (PyErr_Occurred()) return -2;
        return answer(PyObject_CallMethodNoArgs(feed.object, feed_names().load));
    }
    for (;;) {
        if (!add_room(feed)) return -2;
        int loaded = 1;
        if (feed.rows && feed.rows->flowing && feed.rows->waiting()) {
            if (!show_next(*feed.rows, feed.values)) return -2;
        } else {
            loaded = answer(PyObject_CallMethodNoArgs(feed.object, feed_names().load_bar));
        }
        if (loaded == -2) return -2;
        if (loaded < 1) return drop_room(feed) ? loaded : -2;
        double time;
        if (!read_now(*feed.times, time)) return -2;
        if (time < feed.from) {
            if (!drop_room(feed)) return -2;
        } else if (time > feed.to) {
            return drop_room(feed) ? 0 : -2;
        } else {
            return 1;
        }
    }
}

}  // namespace

int next_of(FeedPlan& feed, PyObject* master, double master_time) {
    const Loading loading(feed.clock);
    const FeedNames& all = feed_names();
    if (!feed.filters) {
        PyObject* arguments[] = {feed.object, master ? master : Py_False, Py_False};
        PyObject* keywords = master ? all.master_and_ticks : all.ticks;
        return answer(PyObject_VectorcallMethod(all.next, arguments, 1, keywords));
    }
    const DoubleArray* doubles = as_doubles(feed.lines[0]->array);
    const Py_ssize_t size = doubles ? Py_SIZE(doubles) : PyObject_Size(feed.lines[0]->array);
    if (feed.lines[0]->length() >= size) {
        const int loaded = load(feed);
        if (loaded < 1 || !master) return loaded;
    } else {
        go_on(feed);
    }
    double time;
    if (!master) return 1;
    if (!read_now(*feed.times, time)) return -2;
    if (time > master_time) {
        go_back(feed);
        return 0;
    }
    return 1;
}

bool rewind(FeedPlan& feed) {
    if (!feed.filters) return call(feed.object, feed_names().rewind);
    go_back(feed);
    return true;
}

bool show_ticks(FeedPlan& feed) {
    if (feed.ticks.empty()) {
        PyObject* arguments[] = {feed.object, Py_True};
        PyObject* done = PyObject_VectorcallMethod(feed_names().fill, arguments, 1, feed_names().forced);
        Py_XDECREF(done);
        return done != nullptr;
    }
    for (const auto& [name, line] : feed.ticks) {
        double value;
        if (!read_now(*line, value)) return false;
        if (!put(feed.attributes, name, PyFloat_FromDouble(value))) return false;
    }
    return true;
}

bool set_patience(const FeedPlan& feed, bool wait, std::chrono::steady_clock::time_point begin) {
    const auto lapse = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    if (!feed.params) {
        PyObject* done =
            PyObject_CallMethod(feed.object, "do_qcheck", "Od", wait ? Py_True : Py_False, wait ? lapse() : 0.0);
        Py_XDECREF(done);
        return done != nullptr;
    }
    PyObject* given = wait ? PyObject_GetAttr(feed.params, feed_names().patience) : nullptr;
    if (wait && !given) return false;
    const double patience = given ? PyFloat_AsDouble(given) : 0.0;
    Py_XDECREF(given);
    if (patience == -1.0 && PyErr_Occurred()) return false;
    const double left = patience > 0.0 ? patience - lapse() : 0.0;
    if (left > 0.0) return put(feed.attributes, feed_names().own_patience, PyFloat_FromDouble(left));
    return PyDict_SetItem(feed.attributes, feed_names().own_patience, feed_names().nothing) == 0;
}

}  // namespace gcg::python::fast
