// Backtrader's lines during a fast run: where a line stands is kept here, not in its instance dictionary.
//
//   object (a swapped LineBuffer or LineSeries) --table--> Line { array, clock, offset, length offset }
//   index  = clock->position - 1 + offset          (Backtrader's `_idx`: -1 before the first bar)
//   length = clock->position + length_offset       (Backtrader's `lencount`)
//
// All lines of one feed share a clock, so that a bar is one addition; a rewind by user code changes its own line's
// offset only. Everything here needs the GIL.
#pragma once

#include <Python.h>

namespace gcg::python::fast {

struct Clock {
    PyObject_HEAD Py_ssize_t position;
    Py_ssize_t missing;  // a strategy's: bars until its next() is called, as Backtrader's `_minperstatus`
    bool moved;          // a feed's: whether this bar is one of its own, or one that it may have to take back
    bool loading;        // a feed's: it writes its next bar into its lines
};

struct Line {
    PyObject* array;      // owned; an array.array('d') as a rule, but user code may put anything there
    Clock* clock;         // owned
    PyObject* bindings;   // owned list, or null if there are none
    PyObject* first;      // a series: its first line, owned; null for a line
    PyObject* positions;  // a strategy: the broker's positions and its first feed, owned; null for anything else
    PyObject* feed;
    PyObject* adopt;           // a strategy: called with a position of a class that it has not seen, owned, or null
    PyTypeObject* held_class;  // of the position it has seen last; only compared
    PyObject* guard;  // a feed's line: called before the first value that is written into a bar which is there already,
                      // owned, or null
    bool guards_array;  // ... and before user code gets the array, into which it may write
    Py_ssize_t offset, length_offset;
    long stage;  // Backtrader's `_opstage`
    bool plain;  // `line[0]` is not overridden by the user's class

    [[nodiscard]] Py_ssize_t index() const { return clock->position - 1 + offset; }
    [[nodiscard]] Py_ssize_t length() const { return clock->position + length_offset; }
};

// How array.array lays itself out in memory; `check_arrays` compares it with the interpreter's before anything uses it.
struct DoubleArray {
    PyObject_VAR_HEAD double* items;
    Py_ssize_t allocated;
    const void* description;
    PyObject* weak_references;
    Py_ssize_t exports;
};

// The arrays of doubles, or null for anything else.
DoubleArray* as_doubles(PyObject* array);
// Append one value. False with an error set.
bool append(PyObject* array, double value);
// Set an error unless array.array is laid out as above.
bool check_arrays();

// The Line of an object, or null if it has none.
Line* find(PyObject* object);
// The line that a series stands for (its first), or the line itself; null if the object has no Line.
Line* find_line(PyObject* object);
bool attach(PyObject* object, Line* line);  // false: it is in another run already
void forget(PyObject* object);

// The value at `ago` bars from now, with Python's reading of negative positions. False if there is none (no error set).
inline bool read(const Line& line, Py_ssize_t ago, double& value) {
    DoubleArray* doubles = as_doubles(line.array);
    if (!doubles) return false;
    const Py_ssize_t size = Py_SIZE(doubles);
    Py_ssize_t at = line.index() + ago;
    if (at < 0) at += size;
    if (at < 0 || at >= size) return false;
    value = doubles->items[at];
    return true;
}
// The value of now, however the line keeps it. False with an error set.
bool read_now(const Line& line, double& value);
// Call the guard of a line that user code is about to write into, once. False with an error set.
bool warn(Line& line);
// Set a line's value of now, and of what is bound to it. False with an error set.
bool write_now(Line& line, double value);
// Whether `line[0] = value` is what it is for Backtrader's own lines.
bool is_plainly_set(PyObject* line);

extern PyObject* line_root;  // backtrader's LineRoot, once `fast_setup` was called
PyTypeObject* clock_type();

// The numeric and comparing slots that lines and series share; ends with {0, nullptr} by itself.
int add_line_types(PyObject* module);
int add_account_type(PyObject* module);
int add_feed_type(PyObject* module);
int add_rows_type(PyObject* module);
int add_fast_functions(PyObject* module);
extern PyType_Slot operator_slots[];
extern const int operator_count;

bool setup_dates(PyObject* stock_datetime);
// The naive datetime of a number of days, or null without an error if Backtrader has to be asked.
PyObject* moment(double days);
PyObject* line_bars(PyObject* self, PyObject*);  // buflen(): without asking for the array, which may be guarded
PyObject* line_datetime(PyObject* self, PyObject* arguments, PyObject* keywords);
PyObject* run_once(PyObject* module, PyObject* arguments);
PyObject* days_of_times(PyObject* module, PyObject* arguments);

}  // namespace gcg::python::fast
