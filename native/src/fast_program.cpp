#include "fast_program.h"

#include <cmath>
#include <new>

namespace gcg::python::fast {

namespace {

PyTypeObject* g_program_type = nullptr;
const double kNan = std::nan("");

struct Names {
    PyObject* bar = PyUnicode_InternFromString("_next");
    PyObject* next = PyUnicode_InternFromString("next");
    PyObject* next_start = PyUnicode_InternFromString("nextstart");
    PyObject* before_next = PyUnicode_InternFromString("prenext");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

bool call(PyObject* object, PyObject* method) {
    PyObject* done = PyObject_CallMethodNoArgs(object, method);
    Py_XDECREF(done);
    return done != nullptr;
}

bool run(Node& node);

bool run_all(std::vector<Node>& nodes, PyObject* list) {
    for (Node& node : nodes)
        if (!run(node)) return false;
    if (!list) return true;
    for (auto i = static_cast<Py_ssize_t>(nodes.size()); i < PyList_GET_SIZE(list); ++i) {
        PyObject* added = Py_NewRef(PyList_GET_ITEM(list, i));
        const bool fine = call(added, names().bar);
        Py_DECREF(added);
        if (!fine) return false;
    }
    return true;
}

bool run(Node& node) {
    if (node.opaque) return call(node.object, names().bar);
    const Py_ssize_t length = node.clock_line ? node.clock_line->length() : PyObject_Size(node.clock);
    if (length < 0 && PyErr_Occurred()) return false;
    const Py_ssize_t own = node.lines[0]->length();
    if ((node.action ? length > own : length != own) && !forward(node.lines)) return false;
    if (!run_all(node.children, node.child_list)) return false;
    Part part = node.before;
    PyObject* method = names().before_next;
    if (length > node.least) {
        part = node.later;
        method = names().next;
    } else if (length == node.least) {
        part = node.first;
        method = names().next_start;
    } else if (!length && !node.action) {
        return true;
    }
    if (part == Part::nothing) return true;
    double value;
    if (part == Part::computes && compute(*node.operation, *node.lines[0], value))
        return write_now(*node.lines[0], value);
    return !PyErr_Occurred() && call(node.object, method);
}

// --- made from rows
// -------------------------------------------------------------------------------------------------------------------

bool fail(const char* what) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "The program of a fast run has no good %s.", what);
    return false;
}

// (formula, code, sources, span, x, y, weights, watched)
bool read_operation(PyObject* row, Operation& made) {
    PyObject *sources, *weights, *watched;
    int formula;
    if (!PyArg_ParseTuple(row, "iiO!nddO!O!", &formula, &made.code, &PyTuple_Type, &sources, &made.span, &made.x,
                          &made.y, &PyTuple_Type, &weights, &PyTuple_Type, &watched))
        return false;
    made.formula = static_cast<Formula>(formula);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sources); ++i) {
        PyObject* one = PyTuple_GET_ITEM(sources, i);
        if (PyFloat_CheckExact(one))
            made.sources.push_back({nullptr, PyFloat_AS_DOUBLE(one)});
        else if (const Line* line = find(one); line && !line->first)
            made.sources.push_back({line, 0.0});
        else
            return fail("operand");
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(weights); ++i)
        made.weights.push_back(PyFloat_AsDouble(PyTuple_GET_ITEM(weights, i)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watched); ++i) {
        Watched one{};
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(watched, i), "O!OO", &PyDict_Type, &one.attributes, &one.name,
                              &one.value))
            return false;
        made.watched.push_back(one);
    }
    if (made.formula == Formula::sum) made.sliding = std::make_unique<kernels::SlidingSum>(made.span);
    return !PyErr_Occurred();
}

bool read_nodes(PyObject* rows, std::vector<Node>& nodes);

// (object,) of what is asked, else
// (object, action, clock, plain clock, lines, least, children, list, before, first, later, operation)
bool read_node(PyObject* row, Node& node) {
    if (!PyTuple_Check(row)) return fail("row");
    if (PyTuple_GET_SIZE(row) == 1) {
        node.object = PyTuple_GET_ITEM(row, 0);
        node.opaque = true;
        return true;
    }
    PyObject *lines, *children, *list, *operation;
    int action, plain, before, first, later;
    if (!PyArg_ParseTuple(row, "OpOpO!nO!OiiiO", &node.object, &action, &node.clock, &plain, &PyTuple_Type, &lines,
                          &node.least, &PyTuple_Type, &children, &list, &before, &first, &later, &operation))
        return false;
    node.action = action != 0;
    node.clock_line = plain ? find_line(node.clock) : nullptr;
    node.child_list = PyList_Check(list) ? list : nullptr;
    node.before = static_cast<Part>(before);
    node.first = static_cast<Part>(first);
    node.later = static_cast<Part>(later);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lines); ++i) {
        Line* line = find(PyTuple_GET_ITEM(lines, i));
        if (!line || line->first) return fail("line");
        node.lines.push_back(line);
    }
    if (node.lines.empty()) return fail("line");
    if (operation != Py_None) {
        node.operation = std::make_unique<Operation>();
        if (!read_operation(operation, *node.operation)) return false;
    }
    return read_nodes(children, node.children);
}

bool read_nodes(PyObject* rows, std::vector<Node>& nodes) {
    nodes.reserve(static_cast<std::size_t>(PyTuple_GET_SIZE(rows)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rows); ++i) {
        nodes.emplace_back();
        if (!read_node(PyTuple_GET_ITEM(rows, i), nodes.back())) return false;
    }
    return true;
}

Program& self_of(PyObject* self) {
    return *reinterpret_cast<Program*>(self);
}

// FastProgram(rows, list)
PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject*) {
    PyObject *rows, *list;
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyTuple_Type, &rows, &PyList_Type, &list)) return nullptr;
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    self_of(self).rows = Py_NewRef(rows);
    self_of(self).list = Py_NewRef(list);
    self_of(self).nodes = new std::vector<Node>;
    if (read_nodes(rows, *self_of(self).nodes)) return self;
    Py_DECREF(self);
    return nullptr;
}

PyObject* run_program(PyObject* self, PyObject*) {
    if (!run(self_of(self))) return nullptr;
    Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self_of(self).rows);
    Py_VISIT(self_of(self).list);
    return 0;
}
int clear(PyObject* self) {
    if (self_of(self).nodes) self_of(self).nodes->clear();
    Py_CLEAR(self_of(self).rows);
    Py_CLEAR(self_of(self).list);
    return 0;
}
void dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    clear(self);
    delete self_of(self).nodes;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

}  // namespace

bool forward(const std::vector<Line*>& lines) {
    for (Line* line : lines) {
        ++line->offset;
        ++line->length_offset;
        if (!append(line->array, kNan)) return false;
    }
    return true;
}

bool run(Program& program) {
    return run_all(*program.nodes, program.list);
}

PyTypeObject* program_type() {
    return g_program_type;
}

int add_program_type(PyObject* module) {
    static PyMethodDef methods[] = {
        {"run", run_program, METH_NOARGS, nullptr},
        {nullptr, nullptr, 0, nullptr},
    };
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(create)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(clear)},
        {Py_tp_methods, methods},
        {Py_tp_doc, const_cast<char*>("The indicators of a strategy, done bar by bar.")},
        {0, nullptr},
    };
    PyType_Spec spec = {"gcg_quant._native.FastProgram", sizeof(Program), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                        slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    const int failed = PyModule_AddObjectRef(module, "FastProgram", type);
    Py_DECREF(type);
    g_program_type = reinterpret_cast<PyTypeObject*>(type);
    return failed;
}

}  // namespace gcg::python::fast
