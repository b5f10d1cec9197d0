#include "publisher.h"

#include <structmember.h>

#include "bus_object.h"

namespace gcg::python {

namespace {

struct PublisherObject {
    PyObject_HEAD PyObject* native;  // the Bus; null before attach()
    PyBus* bus;
    PyObject* sources;  // dict: a publisher's name -> its number
    PyObject* default_source;
    PyObject* weak_references;
};

PublisherObject* as_publisher(PyObject* object) {
    return reinterpret_cast<PublisherObject*>(object);
}

// Interned names of keywords and methods.
struct Names {
    PyObject* cause = PyUnicode_InternFromString("cause");
    PyObject* backfill = PyUnicode_InternFromString("backfill");
    PyObject* source = PyUnicode_InternFromString("source");
    PyObject* source_number = PyUnicode_InternFromString("source_number");
    PyObject* publish_cold = PyUnicode_InternFromString("_publish_cold");
};
const Names& names() {
    static const Names& all = *new Names;
    return all;
}

bool is_name(PyObject* name, PyObject* wanted) {
    return name == wanted || PyUnicode_Compare(name, wanted) == 0;
}

struct Arguments {
    PyObject* event = nullptr;
    uint64_t cause = 0;
    uint32_t flags = 0;
    uint16_t source = 0;
};

// The number of a source's name, asked of Python when it is new. -1 with an error set.
long source_number(PublisherObject* self, PyObject* name) {
    PyObject* number = PyDict_GetItemWithError(self->sources, name);  // borrowed
    if (number) return PyLong_AsLong(number);
    if (PyErr_Occurred()) return -1;
    PyObject* found = PyObject_CallMethodOneArg(reinterpret_cast<PyObject*>(self), names().source_number, name);
    if (!found) return -1;
    const long value = PyLong_AsLong(found);
    Py_DECREF(found);
    return value;
}

bool set_keyword(PublisherObject* self, PyObject* name, PyObject* value, Arguments& arguments, PyObject*& source) {
    if (is_name(name, names().cause)) {
        if (value == Py_None) return true;
        arguments.cause = PyLong_AsUnsignedLongLong(value);
        return arguments.cause != static_cast<uint64_t>(-1) || !PyErr_Occurred();
    }
    if (is_name(name, names().backfill)) {
        const int yes = PyObject_IsTrue(value);
        if (yes > 0) arguments.flags |= 1;
        return yes >= 0;
    }
    if (is_name(name, names().source)) {
        if (value != Py_None) source = value;
        return true;
    }
    PyErr_Format(PyExc_TypeError, "%s.publish() has no parameter %R", Py_TYPE(self)->tp_name, name);
    return false;
}

bool parse(PublisherObject* self, PyObject* const* values, Py_ssize_t count, PyObject* keywords, Arguments& arguments) {
    if (count != 1) {
        PyErr_SetString(PyExc_TypeError, "publish() takes one event, and keywords: cause, backfill, source");
        return false;
    }
    arguments.event = values[0];
    arguments.cause = handled_cause;
    PyObject* source = self->default_source;
    const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t at = 0; at < named; ++at)
        if (!set_keyword(self, PyTuple_GET_ITEM(keywords, at), values[count + at], arguments, source)) return false;
    const long number = PyLong_Check(source) ? PyLong_AsLong(source) : source_number(self, source);
    arguments.source = static_cast<uint16_t>(number);
    return number >= 0 || !PyErr_Occurred();
}

PyObject* publish(PyObject* object, PyObject* const* values, Py_ssize_t count, PyObject* keywords) {
    PublisherObject* self = as_publisher(object);
    if (!self->bus) {
        PyErr_SetString(PyExc_RuntimeError, "the publisher is not attached to a bus");
        return nullptr;
    }
    Arguments arguments;
    if (!parse(self, values, count, keywords, arguments)) return nullptr;
    try {
        if (is_record(arguments.event))
            return PyLong_FromUnsignedLongLong(
                self->bus->publish_record(arguments.event, arguments.cause, arguments.flags, arguments.source));
        const auto cause = py::int_(arguments.cause);
        const auto flags = py::int_(arguments.flags);
        const auto source = py::int_(arguments.source);
        PyObject* all[] = {object, arguments.event, cause.ptr(), flags.ptr(), source.ptr()};
        return PyObject_VectorcallMethod(names().publish_cold, all, 5, nullptr);
    } catch (const JournalError& error) {
        set_journal_error(error);
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

PyObject* attach(PyObject* object, PyObject* values) {
    PublisherObject* self = as_publisher(object);
    PyObject *native, *sources, *source;
    if (!PyArg_ParseTuple(values, "OO!O!", &native, &PyDict_Type, &sources, &PyLong_Type, &source)) return nullptr;
    try {
        self->bus = py::cast<PyBus*>(py::handle(native));
    } catch (const py::cast_error&) {
        PyErr_SetString(PyExc_TypeError, "attach() takes a Bus");
        return nullptr;
    }
    Py_XSETREF(self->native, Py_NewRef(native));
    Py_XSETREF(self->sources, Py_NewRef(sources));
    Py_XSETREF(self->default_source, Py_NewRef(source));
    Py_RETURN_NONE;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    PublisherObject* self = as_publisher(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->native);
    Py_VISIT(self->sources);
    return 0;
}

int clear(PyObject* object) {
    PublisherObject* self = as_publisher(object);
    self->bus = nullptr;
    Py_CLEAR(self->native);
    Py_CLEAR(self->sources);
    Py_CLEAR(self->default_source);
    return 0;
}

void dealloc(PyObject* object) {
    PyTypeObject* type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (as_publisher(object)->weak_references) PyObject_ClearWeakRefs(object);
    clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef g_publisher_methods[] = {
    {"publish", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(publish)), METH_FASTCALL | METH_KEYWORDS,
     "publish($self, event, /, *, cause=None, backfill=False, source=None)\n--\n\n"
     "Append one event to its lane and return its id.\n\n"
     "Args:\n"
     "    event: a hot record or a cold event.\n"
     "    cause: the id of the event that led to it; None means the event this thread is handling.\n"
     "    backfill: mark it as filled-in history, which subscriptions skip unless they ask.\n"
     "    source: who publishes, if not the bus's own `source`.\n\n"
     "Raises:\n"
     "    EventError: not an event. JournalFullError, JournalBusyError: nothing was written."},
    {"_attach", attach, METH_VARARGS, "Publish to this Bus; {source name: number}; the number of the usual source."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef g_publisher_members[] = {
    {"native", T_OBJECT_EX, offsetof(PublisherObject, native), READONLY, "the Bus behind it"},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PublisherObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

int add_publisher_type(PyObject* module) {
    static PyType_Slot slots[] = {
        {Py_tp_methods, g_publisher_methods},
        {Py_tp_members, g_publisher_members},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(clear)},
        {Py_tp_doc, const_cast<char*>("Publishes to a bus; the base of EventBus.")},
        {0, nullptr},
    };
    static PyType_Spec spec = {"gcg_quant._native.Publisher", sizeof(PublisherObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    const int failed = PyModule_AddObjectRef(module, "Publisher", type);
    Py_DECREF(type);
    return failed;
}

PyObject* get_current_cause(PyObject*, PyObject*) {
    return PyLong_FromUnsignedLongLong(handled_cause);
}

PyObject* set_current_cause(PyObject*, PyObject* id) {
    const uint64_t cause = PyLong_AsUnsignedLongLong(id);
    if (cause == static_cast<uint64_t>(-1) && PyErr_Occurred()) return nullptr;
    return PyLong_FromUnsignedLongLong(swap_cause(cause));
}

}  // namespace gcg::python
