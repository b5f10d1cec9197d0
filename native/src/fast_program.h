// The indicators of a strategy as a program that is run once a bar: what LineIterator._next and LineActions._next do,
// in their order, on lines in C. What is not known is asked in Python.
#pragma once

#include <memory>
#include <vector>

#include "fast_lines.h"
#include "gcg/kernels.h"

namespace gcg::python::fast {

// An operand: a line, or a number in its place.
struct Source {
    const Line* line;  // null: a number
    double value;
};

// An attribute that a formula was made from; where it has become another one, next() is asked.
struct Watched {
    PyObject *attributes, *name, *value;  // borrowed from the program's rows
};

enum class Formula : int {
    binary,
    unary,
    delay,
    divide_or,
    divide_zero,
    choose,
    order,
    many,
    sum,
    weighted,
    window,
    smooth,
    accumulate,
    difference,
};

// What an indicator's next() computes, as a kernel does.
struct Operation {
    Formula formula;
    int code;  // of a Binary, Unary, Many or Window kernel
    std::vector<Source> sources;
    Py_ssize_t span;  // bars: a window's length, or how long ago
    double x, y;
    std::vector<double> weights;
    std::vector<Watched> watched;
    std::unique_ptr<kernels::SlidingSum> sliding;
    std::vector<double> room;
};

// Compute the value of now of the line `own`. False (no error set) if only next() itself gets it right.
bool compute(Operation& operation, const Line& own, double& result);

enum class Part : int { nothing, asks, computes };  // who does an indicator's part of a bar

struct Node {
    PyObject* object;  // borrowed from the program's rows, like all others
    bool opaque;       // its _next() is called, and does the rest
    bool action;       // a LineActions: it follows its clock forward only
    PyObject* clock;
    const Line* clock_line;  // null: ask its len()
    std::vector<Line*> lines;
    Py_ssize_t least;
    std::vector<Node> children;
    PyObject* child_list;  // an indicator that makes others while it runs appends them here
    Part before, first, later;
    std::unique_ptr<Operation> operation;
};

struct Program {
    PyObject_HEAD PyObject* rows;
    std::vector<Node>* nodes;
    PyObject* list;
};

PyTypeObject* program_type();
// Do one bar of all indicators. False with an error set.
bool run(Program& program);
int add_program_type(PyObject* module);

// Append a value to each line and let it stand there, as LineBuffer.forward does. False with an error set.
bool forward(const std::vector<Line*>& lines);

}  // namespace gcg::python::fast
