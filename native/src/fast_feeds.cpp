// AbstractDataBase.next and load for a feed whose lines are in C. Where the feed does any of it in its own way, it is
// asked.
#include "fast_next.h"

namespace gcg::python::fast {

namespace {

struct FeedNames {
    PyObject* load_bar = PyUnicode_InternFromString("_load");
    PyObject* row = PyUnicode_InternFromString("_idx");
    PyObject* load = PyUnicode_InternFromString("load");
    PyObject* next = PyUnicode_InternFromString("next");
    PyObject* rewind = PyUnicode_InternFromString("rewind");
    PyObject* fill = PyUnicode_InternFromString("_tick_fill");
    PyObject* ticks = Py_BuildValue("(s)", "ticks");
    PyObject* master_and_ticks = Py_BuildValue("(ss)", "datamaster", "ticks");
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

// PandasData._load, or what else the feed has: 1, 0, or -1 for None; -2 with an error set.
int load_bar(FeedPlan& feed) {
    PyObject* last = feed.columns.empty() ? nullptr : PyDict_GetItemWithError(feed.attributes, feed_names().row);
    const Py_ssize_t row = last && PyLong_CheckExact(last) ? PyLong_AsSsize_t(last) + 1 : -1;
    if (PyErr_Occurred()) return -2;
    if (row < 0 || row >= feed.columns[0].size())
        return answer(PyObject_CallMethodNoArgs(feed.object, feed_names().load_bar));
    if (!put(feed.attributes, feed_names().row, PyLong_FromSsize_t(row))) return -2;
    for (std::size_t i = 0; i < feed.lines.size(); ++i)
        if (!write_now(*feed.lines[i], feed.columns[i][row])) return -2;
    return 1;
}

int load(FeedPlan& feed) {
    const Py_ssize_t waiting = PyObject_Size(feed.stack) + PyObject_Size(feed.stash) + PyList_GET_SIZE(feed.filters);
    if (waiting) {
        if (PyErr_Occurred()) return -2;
        return answer(PyObject_CallMethodNoArgs(feed.object, feed_names().load));
    }
    for (;;) {
        if (!add_room(feed)) return -2;
        const int loaded = load_bar(feed);
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

}  // namespace gcg::python::fast
