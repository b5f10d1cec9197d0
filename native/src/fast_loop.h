// The plan of one fast run, read from Python once: who is called at each bar, and which clocks go on.
#pragma once

#include <vector>

#include "fast_round.h"

namespace gcg::python::fast {

struct Period {
    Py_ssize_t least;  // bars of the data before next() is called
    Clock* clock;
};

struct Strategy {
    PyObject* object;
    Clock* clock;
    std::vector<PyObject*> lines;
    PyObject* time_line;
    std::vector<Period> periods;
    std::vector<Clock*> indicator_clocks;  // one for each data, null if no indicator follows it
    std::vector<Observer> observers;
    std::vector<PyObject*> analyzers;  // those that do something at a bar
    PyObject* notify;                  // () -> None: tells the strategy what its orders and trades have become
    bool always_notify;                // somebody wants cash and value at every bar
    bool tells_missing;                // it kept its class, and what next() is missing is an attribute of its own
};

struct Data {
    Clock* clock;
    PyObject* time_line;
    double next;  // the time of its next bar
};

struct Plan {
    Terms terms;
    std::vector<Data> datas;
    std::vector<Strategy> strategies;
    // What is done beside the bars; null where there is nothing to do.
    PyObject* opening;  // (time) -> whether the run is over: before the broker sees a bar
    PyObject* timing;   // (time) -> None: after the broker has seen it
    PyObject* writing;  // () -> None: after each strategy
};

// The objects of a tuple, and the clock that an object is (null for None). False with an error set.
bool read_objects(PyObject* list, std::vector<PyObject*>& objects);
bool read_clock(PyObject* object, Clock*& clock);
bool read_observer(PyObject* row, Observer& observer);
bool read_plan(PyObject* arguments, Plan& plan);  // false with an error set

}  // namespace gcg::python::fast
