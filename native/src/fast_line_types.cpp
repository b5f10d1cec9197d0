// FastLine and FastSeries: bases that a class gets for the time of a fast run, beside Backtrader's LineBuffer and
// LineSeries. They have no storage of their own (the class of an object may only be changed to one of the same layout):
// what they know is in the table of Lines.
#include <cmath>
#include <vector>

#include "fast_lines.h"

namespace gcg::python::fast {

namespace {

PyTypeObject* g_clock_type = nullptr;
const double kNan = std::nan("");

// A copy that user code made of a line has no place in the table.
Line* known(PyObject* self) {
    Line* line = find(self);
    if (!line)
        PyErr_SetString(
            PyExc_RuntimeError,
            "A copy of a line was used during a fast run: run this strategy with EventDrivenCerebro(fast=False).");
    return line;
}

// --- a line
// ---------------------------------------------------------------------------------------------------------------------

Py_ssize_t line_length(PyObject* self) {
    const Line* line = known(self);
    return line ? line->length() : -1;
}

PyObject* shifted(const Line& line, PyObject* ago) {
    PyObject* index = PyLong_FromSsize_t(line.index());
    PyObject* position = index ? PyNumber_Add(index, ago) : nullptr;
    Py_XDECREF(index);
    return position;
}

PyObject* line_item(PyObject* self, PyObject* ago) {
    const Line* line = known(self);
    if (!line) return nullptr;
    if (PyLong_CheckExact(ago)) {
        int overflow;
        const long bars = PyLong_AsLongAndOverflow(ago, &overflow);
        double value;
        if (!overflow && read(*line, bars, value)) return PyFloat_FromDouble(value);
    }
    PyObject* position = shifted(*line, ago);  // what is left is Python's business: errors, and arrays that are none
    PyObject* value = position ? PyObject_GetItem(line->array, position) : nullptr;
    Py_XDECREF(position);
    return value;
}

int line_set_item(PyObject* self, PyObject* ago, PyObject* value) {
    Line* line = known(self);
    if (!line) return -1;
    const bool own = line->clock->loading && PyLong_CheckExact(ago) && !PyObject_IsTrue(ago);  // a bar that comes in
    if (!own && !warn(*line)) return -1;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "__delitem__");
        return -1;
    }
    PyObject* position = shifted(*line, ago);
    int failed = position ? PyObject_SetItem(line->array, position, value) : -1;
    Py_XDECREF(position);
    if (line->bindings)
        for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(line->bindings); ++i)
            failed = PyObject_SetItem(PyList_GET_ITEM(line->bindings, i), ago, value);
    return failed;
}

bool parse_whole(PyObject* const* arguments, Py_ssize_t count, PyObject* names, const char* const* wanted,
                 Py_ssize_t* values, Py_ssize_t most, const char* method) {
    if (count > most) {
        PyErr_Format(PyExc_TypeError, "%s() takes from 1 to %zd positional arguments but %zd were given", method,
                     most + 1, count + 1);
        return false;
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
        values[i] = PyNumber_AsSsize_t(arguments[i], PyExc_IndexError);
        if (values[i] == -1 && PyErr_Occurred()) return false;
    }
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
        PyObject* name = PyTuple_GET_ITEM(names, i);
        Py_ssize_t at = 0;
        while (at < most && PyUnicode_CompareWithASCIIString(name, wanted[at]) != 0) ++at;
        if (at == most || at < count) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", method, name);
            return false;
        }
        values[at] = PyNumber_AsSsize_t(arguments[count + i], PyExc_IndexError);
        if (values[at] == -1 && PyErr_Occurred()) return false;
    }
    return true;
}

PyObject* line_get(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
    static const char* const wanted[] = {"ago", "size"};
    Py_ssize_t values[] = {0, 1};
    const Line* line = known(self);
    if (!line || !parse_whole(arguments, count, names, wanted, values, 2, "get")) return nullptr;
    const Py_ssize_t end = line->index() + values[0] + 1;
    return PySequence_GetSlice(line->array, end - values[1], end);
}

// Append a value many times at once, where Backtrader does it one by one.
bool append_many(PyObject* array, PyObject* value, Py_ssize_t count) {
    if (count == 1 && PyFloat_CheckExact(value)) return append(array, PyFloat_AS_DOUBLE(value));
    if (count <= 0) return true;
    PyObject* one = PySequence_GetSlice(array, 0, 0);
    PyObject* done = one ? PyObject_CallMethod(one, "append", "O", value) : nullptr;
    PyObject* many = done ? PySequence_Repeat(one, count) : nullptr;
    PyObject* joined = many ? PySequence_InPlaceConcat(array, many) : nullptr;
    const bool fine = joined != nullptr;
    Py_XDECREF(joined);
    Py_XDECREF(many);
    Py_XDECREF(done);
    Py_XDECREF(one);
    return fine;
}

PyObject* line_forward(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* wanted[] = {"value", "size", nullptr};
    PyObject* value = nullptr;
    Py_ssize_t size = 1;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|On", const_cast<char**>(wanted), &value, &size))
        return nullptr;
    Line* line = known(self);
    if (!line) return nullptr;
    line->offset += size;
    line->length_offset += size;
    PyObject* filler = value ? Py_NewRef(value) : PyFloat_FromDouble(kNan);
    const bool fine = filler && append_many(line->array, filler, size);
    Py_XDECREF(filler);
    if (!fine) return nullptr;
    Py_RETURN_NONE;
}

// set(value, ago=0)
PyObject* line_set(PyObject* self, PyObject* arguments, PyObject* keywords) {
    static const char* wanted[] = {"value", "ago", nullptr};
    PyObject *value, *ago = nullptr;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O", const_cast<char**>(wanted), &value, &ago))
        return nullptr;
    PyObject* bars = ago ? Py_NewRef(ago) : PyLong_FromLong(0);
    const int failed = bars ? line_set_item(self, bars, value) : -1;
    Py_XDECREF(bars);
    if (failed) return nullptr;
    Py_RETURN_NONE;
}

PyObject* line_home(PyObject* self, PyObject*) {
    Line* line = known(self);
    if (!line) return nullptr;
    line->offset = line->length_offset = -line->clock->position;
    Py_RETURN_NONE;
}

PyObject* move(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names, int sign,
               const char* method) {
    static const char* const wanted[] = {"size"};
    Py_ssize_t size = 1;
    Line* line = known(self);
    if (!line || !parse_whole(arguments, count, names, wanted, &size, 1, method)) return nullptr;
    line->offset += sign * size;
    line->length_offset += sign * size;
    Py_RETURN_NONE;
}
PyObject* line_advance(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
    return move(self, arguments, count, names, 1, "advance");
}
PyObject* line_rewind(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
    return move(self, arguments, count, names, -1, "rewind");
}

PyObject* get_index(PyObject* self, void*) {
    const Line* line = known(self);
    return line ? PyLong_FromSsize_t(line->index()) : nullptr;
}
PyObject* get_length(PyObject* self, void*) {
    const Line* line = known(self);
    return line ? PyLong_FromSsize_t(line->length()) : nullptr;
}
PyObject* get_array(PyObject* self, void*) {
    Line* line = known(self);
    if (!line || (line->guards_array && !line->clock->loading && !warn(*line))) return nullptr;
    return Py_NewRef(line->array);
}
PyObject* get_stage(PyObject* self, void*) {
    const Line* line = known(self);
    return line ? PyLong_FromLong(line->stage) : nullptr;
}

bool whole(PyObject* value, Py_ssize_t& number) {
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "a line needs this attribute");
        return false;
    }
    number = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    return number != -1 || !PyErr_Occurred();
}
int set_index(PyObject* self, PyObject* value, void*) {
    Line* line = known(self);
    Py_ssize_t number;
    if (!line || !whole(value, number)) return -1;
    line->offset = number + 1 - line->clock->position;
    return 0;
}
int set_length(PyObject* self, PyObject* value, void*) {
    Line* line = known(self);
    Py_ssize_t number;
    if (!line || !whole(value, number)) return -1;
    line->length_offset = number - line->clock->position;
    return 0;
}
int set_stage(PyObject* self, PyObject* value, void*) {
    Line* line = known(self);
    Py_ssize_t number;
    if (!line || !whole(value, number)) return -1;
    line->stage = number;
    return 0;
}
int set_array(PyObject* self, PyObject* value, void*) {
    Line* line = known(self);
    if (!line) return -1;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "a line needs an array");
        return -1;
    }
    if (!warn(*line)) return -1;
    Py_SETREF(line->array, Py_NewRef(value));
    return 0;
}

// --- a series
// -------------------------------------------------------------------------------------------------------------------

Py_ssize_t series_length(PyObject* self) {
    const Line* series = known(self);
    if (!series) return -1;
    const Line* first = find(series->first);
    return first ? first->length() : PyObject_Size(series->first);
}

PyObject* series_item(PyObject* self, PyObject* ago) {
    const Line* series = known(self);
    if (!series) return nullptr;
    const Line* first = find(series->first);
    return first && first->plain ? line_item(series->first, ago) : PyObject_GetItem(series->first, ago);
}

// A strategy's position in its first feed; the broker makes an empty one for who asks first.
PyObject* get_held(PyObject* self, void*) {
    Line* strategy = known(self);
    if (!strategy) return nullptr;
    if (!strategy->positions) {
        PyErr_SetString(PyExc_AttributeError, "position");
        return nullptr;
    }
    PyObject* found = PyDict_GetItemWithError(strategy->positions, strategy->feed);
    if (found && Py_TYPE(found) == strategy->held_class) return Py_NewRef(found);
    if (PyErr_Occurred()) return nullptr;
    found = PyObject_GetItem(strategy->positions, strategy->feed);
    PyObject* done = found ? PyObject_CallFunctionObjArgs(strategy->adopt, strategy->feed, found, nullptr) : nullptr;
    if (!done) {
        Py_XDECREF(found);
        return nullptr;
    }
    Py_DECREF(done);
    strategy->held_class = Py_TYPE(found);
    return found;
}

// Whether a position holds anything.
int is_held(PyObject* self) {
    static PyObject* const name = PyUnicode_InternFromString("size");
    PyObject* size = PyObject_GetAttr(self, name);
    const int answer = size ? PyObject_IsTrue(size) : -1;
    Py_XDECREF(size);
    return answer;
}

// --- clocks
// ---------------------------------------------------------------------------------------------------------------------

PyObject* new_clock(PyTypeObject* type, PyObject*, PyObject*) {
    return type->tp_alloc(type, 0);
}
PyObject* get_position(PyObject* self, void*) {
    return PyLong_FromSsize_t(reinterpret_cast<Clock*>(self)->position);
}
PyObject* get_missing(PyObject* self, void*) {
    return PyLong_FromSsize_t(reinterpret_cast<Clock*>(self)->missing);
}
template <bool Clock::* Flag>
PyObject* get_flag(PyObject* self, void*) {
    return PyBool_FromLong(reinterpret_cast<Clock*>(self)->*Flag);
}
void free_clock(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

template <class Function>
PyCFunction function(Function* pointer) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(pointer));
}

PyMethodDef g_line_methods[] = {
    {"datetime", function(line_datetime), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"get", function(line_get), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"forward", function(line_forward), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"set", function(line_set), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"home", function(line_home), METH_NOARGS, nullptr},
    {"buflen", function(line_bars), METH_NOARGS, nullptr},
    {"advance", function(line_advance), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"rewind", function(line_rewind), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef g_line_attributes[] = {
    {"_idx", get_index, set_index, nullptr, nullptr},       {"idx", get_index, set_index, nullptr, nullptr},
    {"lencount", get_length, set_length, nullptr, nullptr}, {"array", get_array, set_array, nullptr, nullptr},
    {"_opstage", get_stage, set_stage, nullptr, nullptr},   {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyGetSetDef g_series_attributes[] = {
    {"_opstage", get_stage, set_stage, nullptr, nullptr},
    {"position", get_held, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyGetSetDef g_clock_attributes[] = {
    {"position", get_position, nullptr, "how many bars have passed", nullptr},
    {"missing", get_missing, nullptr, "a strategy's bars until next() is called, 0 or less from then on", nullptr},
    {"moved", get_flag<&Clock::moved>, nullptr, "whether the present bar is one of the feed's own", nullptr},
    {"loading", get_flag<&Clock::loading>, nullptr, "whether the feed is about to bring its next bar", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyTypeObject* add_type(PyObject* module, const char* name, const char* full_name, int bytes,
                       std::vector<PyType_Slot> slots) {
    slots.push_back({0, nullptr});
    PyType_Spec spec = {full_name, bytes, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots.data()};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return nullptr;
    const int failed = PyModule_AddObjectRef(module, name, type);
    Py_DECREF(type);
    return failed ? nullptr : reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

bool is_plainly_set(PyObject* line) {
    const PyMappingMethods* mapping = Py_TYPE(line)->tp_as_mapping;
    return mapping && mapping->mp_ass_subscript == line_set_item;
}

PyTypeObject* clock_type() {
    return g_clock_type;
}

int add_line_types(PyObject* module) {
    const std::vector<PyType_Slot> shared(operator_slots, operator_slots + operator_count);
    std::vector<PyType_Slot> line = shared;
    line.insert(line.end(), {{Py_mp_length, reinterpret_cast<void*>(line_length)},
                             {Py_sq_length, reinterpret_cast<void*>(line_length)},
                             {Py_mp_subscript, reinterpret_cast<void*>(line_item)},
                             {Py_mp_ass_subscript, reinterpret_cast<void*>(line_set_item)},
                             {Py_tp_methods, g_line_methods},
                             {Py_tp_getset, g_line_attributes},
                             {Py_tp_doc, const_cast<char*>("What a Backtrader line is during a fast run.")}});
    std::vector<PyType_Slot> series = shared;
    series.insert(series.end(),
                  {{Py_mp_length, reinterpret_cast<void*>(series_length)},
                   {Py_sq_length, reinterpret_cast<void*>(series_length)},
                   {Py_mp_subscript, reinterpret_cast<void*>(series_item)},
                   {Py_tp_getset, g_series_attributes},
                   {Py_tp_doc, const_cast<char*>("What a Backtrader line series is during a fast run.")}});
    if (!add_type(module, "FastLine", "gcg_quant._native.FastLine", sizeof(PyObject), std::move(line))) return -1;
    if (!add_type(module, "FastSeries", "gcg_quant._native.FastSeries", sizeof(PyObject), std::move(series))) return -1;
    if (!add_type(module, "FastPosition", "gcg_quant._native.FastPosition", sizeof(PyObject),
                  {{Py_nb_bool, reinterpret_cast<void*>(is_held)},
                   {Py_tp_doc, const_cast<char*>("What a Backtrader position is during a fast run.")}}))
        return -1;
    g_clock_type =
        add_type(module, "FastClock", "gcg_quant._native.FastClock", sizeof(Clock),
                 {{Py_tp_new, reinterpret_cast<void*>(new_clock)},
                  {Py_tp_dealloc, reinterpret_cast<void*>(free_clock)},
                  {Py_tp_getset, g_clock_attributes},
                  {Py_tp_doc, const_cast<char*>("How many bars a feed, a strategy or an observer has seen.")}});
    return g_clock_type ? 0 : -1;
}

}  // namespace gcg::python::fast
