#include <cstddef>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "record_type_table.h"

namespace gcg::python {

// A new record with every field at its default.
static RecordObject* blank(const TypeEntry& entry) {
    RecordObject* self = allocate(*entry.info, entry.type, empty_text(), empty_text(), empty_text());
    if (self) std::memcpy(self->payload, entry.info->defaults, entry.info->bytes);
    return self;
}

// Set the keywords of a vectorcall; drop the record and return null if one cannot be.
static PyObject* with_keywords(const TypeEntry& entry, RecordObject* self, PyObject* const* values, PyObject* names) {
    const Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
    std::size_t hint = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (set_keyword(entry, self, PyTuple_GET_ITEM(names, i), values[i], hint) < 0) {
            Py_DECREF(self);
            return nullptr;
        }
    }
    return reinterpret_cast<PyObject*>(self);
}

PyObject* record_vectorcall(PyObject* type_object, PyObject* const* args, std::size_t nargsf, PyObject* names) {
    auto* type = reinterpret_cast<PyTypeObject*>(type_object);
    const Py_ssize_t positional = PyVectorcall_NARGS(nargsf);
    TypeEntry* entry = entry_of(type);
    if (positional != 0 || !entry) {
        PyErr_Format(PyExc_TypeError, "%s() takes keywords only", type->tp_name);
        return nullptr;
    }
    RecordObject* self = blank(*entry);
    return self ? with_keywords(*entry, self, args, names) : nullptr;
}

PyObject* record_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    // tp_new serves only __reduce__ and direct calls of __new__; the usual way in is the vectorcall above.
    TypeEntry* entry = entry_of(type);
    if (!entry || PyTuple_GET_SIZE(args) != 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes keywords only", type->tp_name);
        return nullptr;
    }
    RecordObject* self = blank(*entry);
    if (!self) return nullptr;
    PyObject *name, *value;
    Py_ssize_t at = 0;
    std::size_t hint = 0;
    while (keywords && PyDict_Next(keywords, &at, &name, &value)) {
        if (set_keyword(*entry, self, name, value, hint) < 0) {
            Py_DECREF(self);
            return nullptr;
        }
    }
    return reinterpret_cast<PyObject*>(self);
}

void record_dealloc(PyObject* object) {
    RecordObject* self = as_record(object);
    PyTypeObject* type = Py_TYPE(object);
    Py_XDECREF(self->symbol);
    Py_XDECREF(self->venue);
    Py_XDECREF(self->source);
    type->tp_free(object);
    Py_DECREF(type);
}

// ---- methods

namespace {

PyObject* record_to_dict(PyObject* object, PyObject*) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    if (!entry) return PyDict_New();
    PyObject* result = PyDict_New();
    if (!result) return nullptr;
    RecordObject* self = as_record(object);
    int failed =
        PyDict_SetItemString(result, "symbol", self->symbol) | PyDict_SetItemString(result, "venue", self->venue);
    for (const FieldSlot& slot : entry->slots) {
        PyObject* value = field_value(slot, self->payload);
        failed |= !value || PyDict_SetItem(result, slot.name, value) < 0;
        Py_XDECREF(value);
        if (failed) {
            Py_DECREF(result);
            return nullptr;
        }
    }
    return result;
}

RecordObject* copy_of(PyObject* object, const TypeEntry& entry) {
    RecordObject* from = as_record(object);
    RecordObject* copy = allocate(*entry.info, Py_TYPE(object), from->symbol, from->venue, empty_text());
    if (copy) std::memcpy(copy->payload, from->payload, entry.info->bytes);
    return copy;
}

PyObject* record_replace(PyObject* object, PyObject* const* values, Py_ssize_t positional, PyObject* names) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    if (!entry || positional != 0) {
        PyErr_SetString(PyExc_TypeError, "replace() takes keywords only");
        return nullptr;
    }
    RecordObject* copy = copy_of(object, *entry);
    return copy ? with_keywords(*entry, copy, values, names) : nullptr;
}

// A stretch of bytes that two kinds of records have in common.
struct Stretch {
    uint32_t from, to, bytes;
};

// The fields that both have, by name, kind and size; when and where a record happened is its own.
std::vector<Stretch> common_fields(const RecordInfo& from, const RecordInfo& to) {
    std::vector<Stretch> found;
    for (uint32_t i = 0; i < to.field_count; ++i) {
        const FieldInfo& field = to.fields[i];
        if (field.offset < sizeof(RecordPrefix) || field.kind == FieldKind::PAD) continue;
        for (uint32_t j = 0; j < from.field_count; ++j) {
            const FieldInfo& other = from.fields[j];
            if (std::strcmp(field.name, other.name) != 0 || field.kind != other.kind || field.bytes != other.bytes)
                continue;
            const bool goes_on = !found.empty() && found.back().from + found.back().bytes == other.offset &&
                                 found.back().to + found.back().bytes == field.offset;
            if (goes_on)
                found.back().bytes += field.bytes;
            else
                found.push_back({other.offset, field.offset, field.bytes});
        }
    }
    return found;
}

PyObject* record_recast(PyObject* object, PyObject* const* values, Py_ssize_t positional, PyObject* names) {
    TypeEntry* target =
        positional == 1 && PyType_Check(values[0]) ? entry_of(reinterpret_cast<PyTypeObject*>(values[0])) : nullptr;
    if (!target) {
        PyErr_SetString(PyExc_TypeError, "recast() takes a record class, and keywords");
        return nullptr;
    }
    RecordObject* from = as_record(object);
    // The interpreter's lock guards it; there are few pairs, and each is worked out once.
    static std::map<std::pair<const RecordInfo*, const RecordInfo*>, std::vector<Stretch>> plans;
    const auto [plan, is_new] = plans.try_emplace({from->info, target->info});
    if (is_new) plan->second = common_fields(*from->info, *target->info);
    RecordObject* made = allocate(*target->info, target->type, from->symbol, from->venue, empty_text());
    if (!made) return nullptr;
    std::memcpy(made->payload, target->info->defaults, target->info->bytes);
    for (const Stretch& one : plan->second) std::memcpy(made->payload + one.to, from->payload + one.from, one.bytes);
    return with_keywords(*target, made, values + 1, names);
}

PyObject* record_reduce(PyObject* object, PyObject*) {
    RecordObject* self = as_record(object);
    TypeEntry* entry = entry_of(Py_TYPE(object));
    PyObject* module = PyImport_ImportModule("gcg_quant._native");
    if (!module) return nullptr;
    PyObject* rebuild = PyObject_GetAttrString(module, "_rebuild_record");
    Py_DECREF(module);
    if (!rebuild) return nullptr;
    return Py_BuildValue("N(iOOOKLKIy#)", rebuild, static_cast<int>(entry->info->type), self->symbol, self->venue,
                         self->source, static_cast<unsigned long long>(self->id), static_cast<long long>(self->time_ns),
                         static_cast<unsigned long long>(self->cause), self->flags,
                         reinterpret_cast<const char*>(self->payload), static_cast<Py_ssize_t>(entry->info->bytes));
}

// Two records are equal when their type, symbol, venue and every byte are; `instrument` numbers belong to a bus and do
// not count.
bool same_record(const RecordObject* a, const RecordObject* b, uint32_t bytes) {
    constexpr std::size_t kNumber = offsetof(RecordPrefix, instrument);
    return PyUnicode_Compare(a->symbol, b->symbol) == 0 && PyUnicode_Compare(a->venue, b->venue) == 0 &&
           std::memcmp(a->payload, b->payload, kNumber) == 0 &&
           std::memcmp(a->payload + kNumber + 4, b->payload + kNumber + 4, bytes - kNumber - 4) == 0;
}

PyObject* get_seq(PyObject* self, void*) {
    return PyLong_FromUnsignedLongLong(as_record(self)->id & ((uint64_t{1} << 60) - 1));
}

}  // namespace

PyObject* rebuild_record(PyObject*, PyObject* args) {
    int number;
    PyObject *symbol, *venue, *source;
    unsigned long long id, cause;
    long long time_ns;
    unsigned int flags;
    const char* payload;
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(args, "iUUUKLKIy#", &number, &symbol, &venue, &source, &id, &time_ns, &cause, &flags,
                          &payload, &bytes))
        return nullptr;
    const RecordInfo* info = number > 0 && number < 256 ? record_info(static_cast<uint16_t>(number)) : nullptr;
    if (!info) {
        PyErr_Format(PyExc_ValueError, "no record has type %d", number);
        return nullptr;
    }
    Py_INCREF(symbol);
    PyUnicode_InternInPlace(&symbol);
    Py_INCREF(venue);
    PyUnicode_InternInPlace(&venue);
    PyObject* object = make_record(*info, payload, static_cast<uint32_t>(bytes), symbol, venue, source);
    Py_DECREF(symbol);
    Py_DECREF(venue);
    if (!object) return nullptr;
    RecordObject* record = as_record(object);
    record->id = id;
    record->time_ns = time_ns;
    record->cause = cause;
    record->flags = flags;
    return object;
}

PyObject* record_repr(PyObject* object) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    RecordObject* self = as_record(object);
    PyObject* text = PyUnicode_FromFormat("%s(symbol=%R, venue=%R", entry->info->name, self->symbol, self->venue);
    const auto* defaults = static_cast<const unsigned char*>(entry->info->defaults);
    for (const FieldSlot& slot : entry->slots) {
        if (!text) return nullptr;
        const FieldInfo& field = *slot.field;
        if (std::memcmp(self->payload + field.offset, defaults + field.offset, field.bytes) == 0) continue;
        PyObject* value = field_value(slot, self->payload);
        if (!value) {
            Py_DECREF(text);
            return nullptr;
        }
        PyObject* part = PyUnicode_FromFormat(", %s=%R", field.name, value);
        Py_DECREF(value);
        PyUnicode_AppendAndDel(&text, part);
    }
    if (text) PyUnicode_AppendAndDel(&text, PyUnicode_FromString(")"));
    return text;
}

PyObject* record_compare(PyObject* left, PyObject* right, int operation) {
    if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(left) != Py_TYPE(right)) Py_RETURN_NOTIMPLEMENTED;
    TypeEntry* entry = entry_of(Py_TYPE(left));
    if (!entry) Py_RETURN_NOTIMPLEMENTED;
    bool equal = same_record(as_record(left), as_record(right), entry->info->bytes);
    return PyBool_FromLong(operation == Py_EQ ? equal : !equal);
}

Py_hash_t record_hash(PyObject* object) {
    RecordObject* self = as_record(object);
    RecordPrefix prefix;
    std::memcpy(&prefix, self->payload, sizeof(prefix));
    auto hash = static_cast<Py_hash_t>(prefix.event_ns * 1000003 ^ prefix.ordinal);
    hash ^= PyObject_Hash(self->symbol);
    return hash == -1 ? -2 : hash;
}

int record_buffer(PyObject* object, Py_buffer* view, int flags) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    return PyBuffer_FillInfo(view, object, as_record(object)->payload, entry->info->bytes, 1, flags);
}

PyMethodDef g_methods[] = {
    {"to_dict", record_to_dict, METH_NOARGS, "Return {field: value} with symbol and venue."},
    {"replace", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(record_replace)),
     METH_FASTCALL | METH_KEYWORDS, "Return a copy with these fields changed and no id."},
    {"recast", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(record_recast)),
     METH_FASTCALL | METH_KEYWORDS,
     "Return a record of another class with the symbol, venue and all fields that both have (but event_ns, recv_ns and "
     "ordinal), and these fields changed."},
    {"__reduce__", record_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef g_base_members[] = {
    {"id", T_ULONGLONG, offsetof(RecordObject, id), READONLY, "lane and seq in one number; 0 before publishing"},
    {"time_ns", T_LONGLONG, offsetof(RecordObject, time_ns), READONLY, "when it was published, ns since the epoch"},
    {"cause", T_ULONGLONG, offsetof(RecordObject, cause), READONLY, "the id of the event that led to it, or 0"},
    {"flags", T_UINT, offsetof(RecordObject, flags), READONLY, "EventFlag bits"},
    {"symbol", T_OBJECT_EX, offsetof(RecordObject, symbol), READONLY, nullptr},
    {"venue", T_OBJECT_EX, offsetof(RecordObject, venue), READONLY, nullptr},
    {"source", T_OBJECT_EX, offsetof(RecordObject, source), READONLY, "who published it"},
    {nullptr, 0, 0, 0, nullptr},
};
PyGetSetDef g_base_getsets[] = {
    {"seq", get_seq, nullptr, "the number within its lane", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace gcg::python
