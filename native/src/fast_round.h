// What the loop over preloaded bars and the one bar by bar have in common: the broker's part of a bar, analyzers and
// observers, and the end of a bar.
#pragma once

#include <cmath>
#include <vector>

#include "fast_account.h"

namespace gcg::python::fast {

struct Names {
    PyObject* event_stop = PyUnicode_InternFromString("_event_stop");
    PyObject* bars_done = PyUnicode_InternFromString("bars_done");
    PyObject* state = PyUnicode_InternFromString("_state");
    PyObject* running = PyUnicode_InternFromString("running");
    PyObject* stopping = PyUnicode_InternFromString("stopping");
    PyObject* next = PyUnicode_InternFromString("next");
    PyObject* next_start = PyUnicode_InternFromString("nextstart");
    PyObject* before_next = PyUnicode_InternFromString("prenext");
    PyObject* analyzer_next = PyUnicode_InternFromString("_next");
    PyObject* analyzer_start = PyUnicode_InternFromString("_nextstart");
    PyObject* analyzer_before = PyUnicode_InternFromString("_prenext");
    PyObject* clear = PyUnicode_InternFromString("clear");
    PyObject* bought = PyUnicode_InternFromString("curbuylen");
    PyObject* sold = PyUnicode_InternFromString("curselllen");
    PyObject* cash = PyUnicode_InternFromString("cash");
};
const Names& names();

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

// All pointers are borrowed: the plan's tuples, which outlive the run, own them.
struct Terms {
    PyObject* cerebro;  // the attribute dictionaries of cerebro and control
    PyObject* control;
    PyObject* broker;
    Account* account;
    PyObject* deliver;   // () -> None: hands the broker's notifications to their strategies
    PyObject* bar_done;  // () -> None: progress, pausing
    // (within=False) -> None: writes down what is only worked out when asked; True: the broker has failed in its bar.
    PyObject* settle;
    Py_ssize_t report_every;
    std::vector<Clock*> clocks;  // of the feeds
};

inline const double kNan = std::nan("");
constexpr Py_ssize_t kSignalEvery = 1024;

bool call(PyObject* object, PyObject* method);
bool call(PyObject* function);
// `answer`: whether what was returned is true.
bool call(PyObject* function, double number, int* answer = nullptr);
// Whether an attribute is true. 1, 0, or -1 with an error set.
int is_true(PyObject* attributes, PyObject* name);
int is_state(PyObject* control, PyObject* wanted);
// Set an attribute to a value, which is taken over.
bool put(PyObject* attributes, PyObject* name, PyObject* value);
// Set an error unless there is one. Returns false.
bool lost();
bool analyze(const std::vector<PyObject*>& analyzers, Py_ssize_t missing);

enum class Turn { go_on, over, failed };
Turn turn(int answer);

class Round {
 protected:
    explicit Round(Terms& terms);

    // The broker's part of a bar, and its notifications.
    Turn match();
    // What an observer does at a bar, whose lines have gone on to it already.
    bool watch(Observer& observer, PyObject* method);
    Turn finish();

    Terms& terms_;
    Py_ssize_t bars_ = 0;  // a run whose loop was left and entered again goes on counting
    bool busy_ = false;    // orders were told of since the strategies' last bar

 private:
    Turn failed_match();
    bool note_worth(const Observer& observer);
};

}  // namespace gcg::python::fast
