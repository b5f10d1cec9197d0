// The plan of a run that goes bar by bar, read from Python once.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "fast_program.h"
#include "fast_round.h"
#include "fast_rows.h"

namespace gcg::python::fast {

// Pointers are borrowed here as well.
struct FeedPlan {
    PyObject* object;
    PyObject* attributes;
    Clock* clock;  // of its lines
    std::vector<Line*> lines;
    Line* times;
    std::vector<std::pair<PyObject*, const Line*>> ticks;  // the attributes that _tick_fill() writes; none: it is asked
    PyObject* filters;                                     // null: its next() is asked
    PyObject *stack, *stash;                               // bars that filters have made
    PyObject* notifications;                               // null: get_notifications() is asked
    PyObject* params;                                      // null: do_qcheck() is asked
    Rows* rows;                                            // null: _load(), haslivedata() and LIVE are asked
    std::vector<Line*> values;                             // the lines of a row
    PyObject* live;                                        // its status LIVE
    double from, to;                                       // what it delivers lies between these times
    bool asks_checks;                                      // _check() is its own
    bool asks_live;                                        // haslivedata() is
    bool asks_dates;                                       // num2date() is, or knows a time zone
    bool resampled_only, replaying, clone;
    int got;       // what its next() returned in this round: 1, 0, or -1 for None
    double time;   // of the bar that it has delivered
    bool offered;  // it has one
};

struct Watcher {
    Observer observer;
    std::vector<Line*> lines;
    const Line* clock;  // null: its _next() is asked
    Py_ssize_t least;
};

struct Follower {
    PyObject* object;
    PyObject* attributes;  // null: its _next() is asked, and does all
    std::vector<Line*> lines;
    Line* times;
    std::vector<std::pair<const Line*, const Line*>> datas;  // the first line and the times of each
    std::vector<Py_ssize_t> lengths;                         // of these, at its last bar
    PyObject* periods;                                       // its list `_minperiods`
    std::vector<std::pair<PyObject*, Py_ssize_t>> least;     // what stands there
    Program* program;
    std::vector<Watcher> watchers;
    std::vector<PyObject*> analyzers;
    PyObject* notify;
    bool always_notify;
    bool moved;
};

struct NextPlan {
    Terms terms;        // the account is null where the broker is asked for everything
    PyObject* engine;   // cerebro itself
    PyObject* stores;   // its list
    PyObject* last;     // () -> int: lets the filters deliver what they still have
    PyObject* stand;    // (bool) -> None: shows the positions as of the bar before while feeds have moved on; or null
    PyObject* lowest;   // min()
    PyObject* utc;      // backtrader.num2date()
    PyObject* opening;  // (time) -> whether the run is over: before the broker sees a bar; or null
    PyObject* timing;   // (time) -> None: after the broker has seen it; or null
    PyObject* writing;  // () -> None: after each strategy; or null
    double now;         // of the last bar, or what Backtrader has for it before the first
    std::vector<FeedPlan> feeds;
    std::vector<Follower> followers;
};

bool read_next_plan(PyObject* arguments, NextPlan& plan);  // false with an error set

// What AbstractDataBase.next(datamaster, ticks=False) returns: 1, 0, or -1 for None; -2 with an error set. `master` may
// be null.
int next_of(FeedPlan& feed, PyObject* master, double master_time);
// Go back a bar that cannot be delivered yet, and write what the feed delivers into its tick attributes. False with an
// error set.
bool rewind(FeedPlan& feed);
bool show_ticks(FeedPlan& feed);

// Set how long the feed may wait for a bar, if it may: what was left of its patience at `begin`. False with an error
// set.
bool set_patience(const FeedPlan& feed, bool wait, std::chrono::steady_clock::time_point begin);

PyObject* run_next(PyObject* module, PyObject* arguments);

}  // namespace gcg::python::fast
