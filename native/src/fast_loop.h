// The plan of one fast run, read from Python once: who is called at each bar, and which clocks go on.
#pragma once

#include <vector>

#include "fast_account.h"

namespace gcg::python::fast {

// What an observer's next() does at a bar on which nothing happened to its strategy's orders.
enum class Watch : int { asks, broker, quiet, buy_sell };

struct Observer {
    PyObject* object;
    Clock* clock;
    Watch watch;
    std::vector<PyObject*> lines;      // all of its lines
    PyObject *value_line, *cash_line;  // of a Broker observer
    std::vector<PyObject*> analyzers;
    bool noted;  // a buy_sell: the next quiet bar has something to forget
};

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
};

struct Data {
    Clock* clock;
    PyObject* time_line;
    double next;  // the time of its next bar
};

// All pointers are borrowed: the plan's tuples, which outlive the run, own them.
struct Plan {
    PyObject* cerebro;  // the attribute dictionaries of cerebro and control
    PyObject* control;
    PyObject* broker;
    Account* account;
    PyObject* deliver;   // () -> None: hands the broker's notifications to their strategies
    PyObject* bar_done;  // () -> None: progress, pausing
    // (within=False) -> None: writes down what is only worked out when asked; True: the broker has failed in its bar.
    PyObject* settle;
    Py_ssize_t report_every;
    std::vector<Data> datas;
    std::vector<Strategy> strategies;
};

bool read_plan(PyObject* arguments, Plan& plan);  // false with an error set

}  // namespace gcg::python::fast
