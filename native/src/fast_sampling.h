// Feeds that are loaded bar by bar, and Backtrader's resampling and replaying of them, on the lines of a fast run.
//
//   Feed     what AbstractDataBase.next(), load(), _check() and so on do to a feed's lines
//   Sampler  what a Resampler or Replayer does to them; its state comes from the Python object and goes back to it
//
// Everything here needs the GIL. Functions that return bool are false with a Python error set.
#pragma once

#include <vector>

#include "fast_dates.h"
#include "fast_lines.h"

namespace gcg::python::fast {

// The lines of a feed in Backtrader's order, which is the order of a `_Bar`, too.
enum Column : int { kClose, kLow, kHigh, kOpen, kVolume, kInterest, kTime, kColumns };

struct Sampler {
    PyObject* object;  // the Resampler or Replayer, owned
    bool replays, to_edge, right_edge, take_late, adjusts, below_days, below_weeks, counts_only;
    int timeframe;  // Backtrader's number
    std::int64_t compression, offset;

    double bar[kColumns];
    std::int64_t count;  // compcount
    bool first_bar;
    // `_nexteos` with `_nextdteos`, `_lasteos` and `_lastdteos`: the end of the session, as a time and as days. They
    // come to be one after the other.
    bool next_end_set, next_days_known, last_end_known, last_days_known;
    std::int64_t next_end, last_end;
    double next_days, last_days;

    [[nodiscard]] bool is_open() const { return bar[kOpen] == bar[kOpen]; }
    bool fetch();  // the state, from the object's attributes
    bool write_back();
};

struct Feed {
    PyObject_HEAD PyObject* data;  // owned, as are the others
    PyObject* stock;               // AbstractDataBase
    PyObject* objects;             // the tuple of its lines
    PyObject* own_load;            // its `_load`, bound
    PyObject* columns;             // the tuple of a clone's source's lines, or null
    PyObject* position;            // the name of the attribute that counts the bars that were loaded, or null
    std::vector<Line*>* lines;
    std::vector<Line*>* source;  // a clone's
    std::vector<Py_buffer>* buffers;
    std::vector<std::pair<PyObject*, Py_ssize_t>>* ticks;  // name of the attribute, and which line it shows
    std::vector<Sampler>* samplers;
    Line *root_length, *root_time;  // of the feed that knows when sessions end
    std::int64_t session_end;       // microseconds since midnight
    Py_ssize_t shown;               // how many of the lines a bar is written into
    bool counts_before;             // the attribute stands at the last bar, not at the next one
    double from, to;

    long end_day;  // what was asked last for the end of a session
    std::int64_t end_time;
    double end_days;
};

bool forward(Feed& feed);
bool backwards(Feed& feed);
void shift(Feed& feed, Py_ssize_t bars);  // `advance()` of the lines, or `rewind()`
bool advance(Feed& feed);
PyObject* load_one(Feed& feed);    // `_load()`: as load_bar
PyObject* load_bar(Feed& feed);    // `load()`: a new reference, or null with an error set
PyObject* filters_of(Feed& feed);  // the rows of `_filters`, a new reference, or null with an error set
bool check_filter(Feed& feed, PyObject* row, PyObject* forced);  // `check(self, _forcedata=forced)`, if it has one
bool time_of_feed(PyObject* data, double& days);

bool value_of(Feed& feed, Py_ssize_t line, Py_ssize_t ago, double& value);
bool put_value(Feed& feed, Py_ssize_t line, Py_ssize_t ago, double value);
bool fill_ticks(Feed& feed);
bool add_to_stack(Feed& feed, const double* bar, Py_ssize_t count);
// num2date; what is out of the ordinary is asked of Backtrader, and as a rule raises.
bool time_of(double days, std::int64_t& us);
// `_getnexteos()` of the feed that knows.
bool session_end_of(Feed& feed, std::int64_t& end, double& days);

// A sampler's `__call__`; a Resampler's `check` where `forced` is given, the time of the feed for which a bar is asked.
// (A Replayer's looks at the clock on the wall.) Returns what it returns, or -1 with an error set.
int sample(Feed& feed, Sampler& sampler, const double* forced = nullptr);

}  // namespace gcg::python::fast
