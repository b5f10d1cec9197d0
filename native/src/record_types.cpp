#include "record_types.h"

#include <structmember.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace gcg::python {
namespace {

constexpr Py_ssize_t kPayload = offsetof(RecordObject, payload);

struct EnumTable {
    PyObject* members[256] = {};  // owned; null where no member has that value
};

// What a getter needs to know of its field.
struct FieldSlot {
    const FieldInfo* field = nullptr;
    PyObject* name = nullptr;  // interned
    EnumTable* members = nullptr;
};

struct TypeEntry {
    const RecordInfo* info = nullptr;
    PyTypeObject* type = nullptr;
    std::vector<FieldSlot> slots;      // the fields but for padding
    std::vector<PyMemberDef> members;  // must outlive the type
    std::vector<PyGetSetDef> getsets;
    std::vector<PyType_Slot> type_slots;
    std::string qualified_name;
};

constexpr std::size_t kRecordCount = sizeof(kRecords) / sizeof(kRecords[0]);
TypeEntry g_entries[kRecordCount];
TypeEntry* g_by_number[256] = {};
PyTypeObject* g_base = nullptr;
PyObject* g_empty = nullptr;  // ""
PyObject* g_symbol = nullptr;
PyObject* g_venue = nullptr;
PyObject* g_end_ns = nullptr;

std::map<std::string, EnumTable>& enums() {
    static std::map<std::string, EnumTable> tables;
    return tables;
}

RecordObject* as_record(PyObject* object) { return reinterpret_cast<RecordObject*>(object); }

TypeEntry* entry_of(PyTypeObject* type) {
    for (TypeEntry& entry : g_entries)
        if (entry.type == type) return &entry;
    return nullptr;
}

PyObject* field_value(const FieldSlot& slot, const unsigned char* payload) {
    const FieldInfo& field = *slot.field;
    const unsigned char* at = payload + field.offset;
    auto load = [at]<typename T>(T value) {
        std::memcpy(&value, at, sizeof(T));
        return value;
    };
    switch (field.kind) {
        case FieldKind::F64: return PyFloat_FromDouble(load(double{}));
        case FieldKind::I64: return PyLong_FromLongLong(load(int64_t{}));
        case FieldKind::U64: return PyLong_FromUnsignedLongLong(load(uint64_t{}));
        case FieldKind::I32: return PyLong_FromLong(load(int32_t{}));
        case FieldKind::U32: return PyLong_FromUnsignedLong(load(uint32_t{}));
        case FieldKind::U8:
        case FieldKind::PAD: return PyLong_FromLong(*at);
        case FieldKind::ENUM: {
            PyObject* member = slot.members ? slot.members->members[*at] : nullptr;
            return member ? Py_NewRef(member) : PyLong_FromLong(*at);
        }
        case FieldKind::STR: {
            const char* text = reinterpret_cast<const char*>(at);
            return PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(strnlen(text, field.bytes)), "replace");
        }
        case FieldKind::F64A:
        case FieldKind::I32A: {
            PyObject* values = PyTuple_New(field.count);
            if (!values) return nullptr;
            for (uint32_t i = 0; i < field.count; ++i) {
                PyObject* value;
                if (field.kind == FieldKind::F64A) {
                    double number;
                    std::memcpy(&number, at + 8 * i, 8);
                    value = PyFloat_FromDouble(number);
                } else {
                    int32_t number;
                    std::memcpy(&number, at + 4 * i, 4);
                    value = PyLong_FromLong(number);
                }
                if (!value) {
                    Py_DECREF(values);
                    return nullptr;
                }
                PyTuple_SET_ITEM(values, i, value);
            }
            return values;
        }
    }
    Py_RETURN_NONE;
}

PyObject* get_field(PyObject* self, void* closure) {
    return field_value(*static_cast<FieldSlot*>(closure), as_record(self)->payload);
}

// ---- building from keywords

int refuse(const TypeEntry& entry, const FieldInfo& field, const std::string& why) {
    std::string text = std::string(entry.info->name) + "." + field.name + " " + why;
    set_error("EventError", text.c_str());
    return -1;
}

int set_text(const TypeEntry& entry, const FieldInfo& field, unsigned char* at, PyObject* value) {
    if (!PyUnicode_Check(value)) return refuse(entry, field, "must be a str");
    Py_ssize_t length;
    const char* text = PyUnicode_AsUTF8AndSize(value, &length);
    if (!text) return -1;
    if (length > static_cast<Py_ssize_t>(field.bytes))
        return refuse(entry, field,
                      "holds at most " + std::to_string(field.bytes) + " bytes of UTF-8, found " +
                          std::to_string(length) + ": '" + text + "'.");
    std::memset(at, 0, field.bytes);
    std::memcpy(at, text, static_cast<std::size_t>(length));
    return 0;
}

int set_array(const TypeEntry& entry, const FieldInfo& field, unsigned char* at, PyObject* value) {
    PyObject* items = PySequence_Fast(value, "expected a sequence of numbers");
    if (!items) return -1;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(items);
    int result = 0;
    if (count > static_cast<Py_ssize_t>(field.count)) {
        result = refuse(entry, field, "holds at most " + std::to_string(field.count) + " levels, found " +
                                          std::to_string(count) + ".");
    }
    for (Py_ssize_t i = 0; result == 0 && i < count; ++i) {
        PyObject* item = PySequence_Fast_GET_ITEM(items, i);
        if (field.kind == FieldKind::F64A) {
            double number = PyFloat_AsDouble(item);
            if (number == -1.0 && PyErr_Occurred()) result = -1;
            std::memcpy(at + 8 * i, &number, 8);
        } else {
            long number = PyLong_AsLong(item);
            if (number == -1 && PyErr_Occurred()) result = -1;
            auto narrow = static_cast<int32_t>(number);
            if (result == 0 && narrow != number) result = refuse(entry, field, "does not fit 32 bits.");
            std::memcpy(at + 4 * i, &narrow, 4);
        }
    }
    Py_DECREF(items);
    return result;
}

int set_enum(const TypeEntry& entry, const FieldSlot& slot, unsigned char* at, PyObject* value) {
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return refuse(entry, *slot.field, std::string("must be a ") + slot.field->enum_name + ".");
    }
    if (number < 0 || number > 255 || (slot.members && !slot.members->members[number]))
        return refuse(entry, *slot.field,
                      "must be a " + std::string(slot.field->enum_name) + ", found " + std::to_string(number) + ".");
    *at = static_cast<unsigned char>(number);
    return 0;
}

template <typename T>
int set_integer(const TypeEntry& entry, const FieldInfo& field, unsigned char* at, PyObject* value) {
    PyObject* index = PyNumber_Index(value);  // accepts NumPy integers, refuses floats
    if (!index) {
        PyErr_Clear();
        return refuse(entry, field, "must be a whole number.");
    }
    T number;
    bool fits = true;
    if constexpr (std::is_same_v<T, uint64_t>) {
        number = PyLong_AsUnsignedLongLong(index);
        fits = !PyErr_Occurred();
    } else {
        long long wide = PyLong_AsLongLong(index);
        fits = !PyErr_Occurred();
        number = static_cast<T>(wide);
        fits = fits && static_cast<long long>(number) == wide;
    }
    Py_DECREF(index);
    if (!fits) {
        PyErr_Clear();
        return refuse(entry, field, "does not fit " + std::to_string(8 * sizeof(T)) + " bits.");
    }
    std::memcpy(at, &number, sizeof(T));
    return 0;
}

int set_field(const TypeEntry& entry, const FieldSlot& slot, unsigned char* payload, PyObject* value) {
    const FieldInfo& field = *slot.field;
    unsigned char* at = payload + field.offset;
    if (value == Py_None) {  // absent: the default
        std::memcpy(at, static_cast<const unsigned char*>(entry.info->defaults) + field.offset, field.bytes);
        return 0;
    }
    switch (field.kind) {
        case FieldKind::F64: {
            double number = PyFloat_AsDouble(value);
            if (number == -1.0 && PyErr_Occurred()) {
                PyErr_Clear();
                return refuse(entry, field, "must be a number.");
            }
            std::memcpy(at, &number, 8);
            return 0;
        }
        case FieldKind::I64: return set_integer<int64_t>(entry, field, at, value);
        case FieldKind::U64: return set_integer<uint64_t>(entry, field, at, value);
        case FieldKind::I32: return set_integer<int32_t>(entry, field, at, value);
        case FieldKind::U32: return set_integer<uint32_t>(entry, field, at, value);
        case FieldKind::U8: return set_integer<uint8_t>(entry, field, at, value);
        case FieldKind::ENUM: return set_enum(entry, slot, at, value);
        case FieldKind::STR: return set_text(entry, field, at, value);
        case FieldKind::F64A:
        case FieldKind::I32A: return set_array(entry, field, at, value);
        case FieldKind::PAD: break;
    }
    return refuse(entry, field, "cannot be set.");
}

int set_name(PyObject** slot, PyObject* value, const char* what) {
    if (!PyUnicode_Check(value)) {
        set_error("EventError", (std::string(what) + " must be a str.").c_str());
        return -1;
    }
    Py_INCREF(value);
    PyUnicode_InternInPlace(&value);
    Py_XSETREF(*slot, value);
    return 0;
}

const FieldSlot* find_slot(const TypeEntry& entry, PyObject* name, std::size_t& hint) {
    const std::size_t count = entry.slots.size();
    for (std::size_t i = 0; i < count; ++i) {  // keywords usually come in field order: go on from the last one
        std::size_t at = hint + i < count ? hint + i : hint + i - count;
        if (entry.slots[at].name == name) {
            hint = at + 1 < count ? at + 1 : 0;
            return &entry.slots[at];
        }
    }
    for (const FieldSlot& slot : entry.slots)
        if (PyUnicode_Compare(slot.name, name) == 0) return &slot;
    return nullptr;
}

int set_keyword(const TypeEntry& entry, RecordObject* self, PyObject* name, PyObject* value, std::size_t& hint) {
    if (name == g_symbol) return set_name(&self->symbol, value, "symbol");
    if (name == g_venue) return set_name(&self->venue, value, "venue");
    if (const FieldSlot* slot = find_slot(entry, name, hint)) return set_field(entry, *slot, self->payload, value);
    if (PyUnicode_CompareWithASCIIString(name, "symbol") == 0) return set_name(&self->symbol, value, "symbol");
    if (PyUnicode_CompareWithASCIIString(name, "venue") == 0) return set_name(&self->venue, value, "venue");
    if (entry.info->type == Bar::kType && PyUnicode_CompareWithASCIIString(name, "end_ns") == 0)
        return set_field(entry, entry.slots[0], self->payload, value);
    PyErr_Format(PyExc_TypeError, "%s() has no field %R", entry.info->name, name);
    return -1;
}

RecordObject* allocate(PyTypeObject* type) {
    auto* self = reinterpret_cast<RecordObject*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    self->symbol = Py_NewRef(g_empty);
    self->venue = Py_NewRef(g_empty);
    self->source = Py_NewRef(g_empty);
    return self;
}

PyObject* record_vectorcall(PyObject* type_object, PyObject* const* args, std::size_t nargsf, PyObject* names) {
    auto* type = reinterpret_cast<PyTypeObject*>(type_object);
    const Py_ssize_t positional = PyVectorcall_NARGS(nargsf);
    TypeEntry* entry = entry_of(type);
    if (positional != 0 || !entry) {
        PyErr_Format(PyExc_TypeError, "%s() takes keywords only", type->tp_name);
        return nullptr;
    }
    RecordObject* self = allocate(type);
    if (!self) return nullptr;
    std::memcpy(self->payload, entry->info->defaults, entry->info->bytes);
    const Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
    std::size_t hint = 0;
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (set_keyword(*entry, self, PyTuple_GET_ITEM(names, i), args[i], hint) < 0) {
            Py_DECREF(self);
            return nullptr;
        }
    }
    return reinterpret_cast<PyObject*>(self);
}

PyObject* record_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    // tp_new serves only __reduce__ and direct calls of __new__; the usual way in is the vectorcall above.
    TypeEntry* entry = entry_of(type);
    if (!entry || PyTuple_GET_SIZE(args) != 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes keywords only", type->tp_name);
        return nullptr;
    }
    RecordObject* self = allocate(type);
    if (!self) return nullptr;
    std::memcpy(self->payload, entry->info->defaults, entry->info->bytes);
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

PyObject* record_to_dict(PyObject* object, PyObject*) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    if (!entry) return PyDict_New();
    PyObject* result = PyDict_New();
    if (!result) return nullptr;
    RecordObject* self = as_record(object);
    int failed = PyDict_SetItem(result, g_symbol, self->symbol) | PyDict_SetItem(result, g_venue, self->venue);
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
    RecordObject* copy = allocate(Py_TYPE(object));
    if (!copy) return nullptr;
    Py_SETREF(copy->symbol, Py_NewRef(from->symbol));
    Py_SETREF(copy->venue, Py_NewRef(from->venue));
    std::memcpy(copy->payload, from->payload, entry.info->bytes);
    return copy;
}

PyObject* record_replace(PyObject* object, PyObject* args, PyObject* keywords) {
    TypeEntry* entry = entry_of(Py_TYPE(object));
    if (!entry || PyTuple_GET_SIZE(args) != 0) {
        PyErr_SetString(PyExc_TypeError, "replace() takes keywords only");
        return nullptr;
    }
    RecordObject* copy = copy_of(object, *entry);
    if (!copy) return nullptr;
    PyObject *name, *value;
    Py_ssize_t at = 0;
    std::size_t hint = 0;
    while (keywords && PyDict_Next(keywords, &at, &name, &value)) {
        if (set_keyword(*entry, copy, name, value, hint) < 0) {
            Py_DECREF(copy);
            return nullptr;
        }
    }
    return reinterpret_cast<PyObject*>(copy);
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

PyObject* rebuild_record(PyObject*, PyObject* args) {
    int number;
    PyObject *symbol, *venue, *source;
    unsigned long long id, cause;
    long long time_ns;
    unsigned int flags;
    const char* payload;
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(args, "iUUUKLKIy#", &number, &symbol, &venue, &source, &id, &time_ns, &cause, &flags, &payload,
                          &bytes))
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

// Two records are equal when their type, symbol, venue and every byte are; `instrument` numbers belong to a bus and do
// not count.
bool same_record(const RecordObject* a, const RecordObject* b, uint32_t bytes) {
    constexpr std::size_t kNumber = offsetof(RecordPrefix, instrument);
    return PyUnicode_Compare(a->symbol, b->symbol) == 0 && PyUnicode_Compare(a->venue, b->venue) == 0 &&
           std::memcmp(a->payload, b->payload, kNumber) == 0 &&
           std::memcmp(a->payload + kNumber + 4, b->payload + kNumber + 4, bytes - kNumber - 4) == 0;
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

PyObject* get_seq(PyObject* self, void*) {
    return PyLong_FromUnsignedLongLong(as_record(self)->id & ((uint64_t{1} << 60) - 1));
}

PyMethodDef g_methods[] = {
    {"to_dict", record_to_dict, METH_NOARGS, "Return {field: value} with symbol and venue."},
    {"replace", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(record_replace)),
     METH_VARARGS | METH_KEYWORDS, "Return a copy with these fields changed and no id."},
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

int member_type(FieldKind kind) {
    switch (kind) {
        case FieldKind::F64: return T_DOUBLE;
        case FieldKind::I64: return T_LONGLONG;
        case FieldKind::U64: return T_ULONGLONG;
        case FieldKind::I32: return T_INT;
        case FieldKind::U32: return T_UINT;
        case FieldKind::U8: return T_UBYTE;
        default: return -1;
    }
}

int make_base(PyObject* module) {
    static PyType_Slot slots[] = {
        {Py_tp_members, g_base_members}, {Py_tp_getset, g_base_getsets},
        {Py_tp_methods, g_methods},      {Py_tp_dealloc, reinterpret_cast<void*>(record_dealloc)},
        {Py_tp_doc, const_cast<char*>("The base of all hot records; not made by itself.")},
        {0, nullptr},
    };
    static PyType_Spec spec = {"gcg_quant._native.Record", static_cast<int>(kPayload), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return -1;
    g_base = reinterpret_cast<PyTypeObject*>(type);
    return PyModule_AddObjectRef(module, "Record", type);
}

void describe_fields(TypeEntry& entry) {
    entry.slots.reserve(entry.info->field_count);
    for (uint32_t i = 0; i < entry.info->field_count; ++i) {
        const FieldInfo& field = entry.info->fields[i];
        if (field.kind == FieldKind::PAD) continue;
        FieldSlot slot;
        slot.field = &field;
        slot.name = PyUnicode_InternFromString(field.name);
        if (field.enum_name) slot.members = &enums()[field.enum_name];
        entry.slots.push_back(slot);
    }
    for (FieldSlot& slot : entry.slots) {
        int type = member_type(slot.field->kind);
        if (type >= 0)
            entry.members.push_back({slot.field->name, type, kPayload + slot.field->offset, READONLY, nullptr});
        else
            entry.getsets.push_back({slot.field->name, get_field, nullptr, nullptr, &slot});
    }
    if (entry.info->type == Bar::kType) entry.members.push_back({"end_ns", T_LONGLONG, kPayload, READONLY, nullptr});
    entry.members.push_back({nullptr, 0, 0, 0, nullptr});
    entry.getsets.push_back({nullptr, nullptr, nullptr, nullptr, nullptr});
}

int make_type(PyObject* module, TypeEntry& entry) {
    describe_fields(entry);
    entry.qualified_name = std::string("gcg_quant._native.") + entry.info->name;
    entry.type_slots = {
        {Py_tp_members, entry.members.data()},
        {Py_tp_getset, entry.getsets.data()},
        {Py_tp_new, reinterpret_cast<void*>(record_new)},
        {Py_tp_dealloc, reinterpret_cast<void*>(record_dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(record_repr)},
        {Py_tp_richcompare, reinterpret_cast<void*>(record_compare)},
        {Py_tp_hash, reinterpret_cast<void*>(record_hash)},
        {Py_bf_getbuffer, reinterpret_cast<void*>(record_buffer)},
        {0, nullptr},
    };
    PyType_Spec spec = {entry.qualified_name.c_str(), static_cast<int>(kPayload + entry.info->bytes), 0,
                        Py_TPFLAGS_DEFAULT, entry.type_slots.data()};
    PyObject* bases = PyTuple_Pack(1, g_base);
    PyObject* type = bases ? PyType_FromSpecWithBases(&spec, bases) : nullptr;
    Py_XDECREF(bases);
    if (!type) return -1;
    entry.type = reinterpret_cast<PyTypeObject*>(type);
    entry.type->tp_vectorcall = record_vectorcall;
    g_by_number[entry.info->type] = &entry;
    PyObject* number = PyLong_FromLong(entry.info->type);
    PyObject* lane = PyLong_FromLong(1);
    int failed = !number || !lane || PyObject_SetAttrString(type, "TYPE", number) < 0 ||
                 PyObject_SetAttrString(type, "LANE", lane) < 0;
    Py_XDECREF(number);
    Py_XDECREF(lane);
    return failed ? -1 : PyModule_AddObjectRef(module, entry.info->name, type);
}

const char* dtype_code(const FieldInfo& field, char* text, std::size_t bytes) {
    switch (field.kind) {
        case FieldKind::F64: return "<f8";
        case FieldKind::I64: return "<i8";
        case FieldKind::U64: return "<u8";
        case FieldKind::I32: return "<i4";
        case FieldKind::U32: return "<u4";
        case FieldKind::ENUM:
        case FieldKind::U8: return "u1";
        case FieldKind::STR: std::snprintf(text, bytes, "S%u", field.bytes); return text;
        case FieldKind::F64A: return "<f8";
        case FieldKind::I32A: return "<i4";
        case FieldKind::PAD: return nullptr;
    }
    return nullptr;
}

PyMethodDef g_rebuild = {"_rebuild_record", rebuild_record, METH_VARARGS, "Rebuild a pickled record."};

}  // namespace

void set_error(const char* class_name, const char* message) {
    PyObject* module = PyImport_ImportModule("gcg_quant.errors");
    if (!module) return;
    PyObject* type = PyObject_GetAttrString(module, class_name);
    Py_DECREF(module);
    if (!type) return;
    PyErr_SetString(type, message);
    Py_DECREF(type);
}

PyTypeObject* record_base() { return g_base; }

PyTypeObject* record_type(uint16_t type) {
    return type < 256 && g_by_number[type] ? g_by_number[type]->type : nullptr;
}

const RecordInfo* info_of(PyTypeObject* type) {
    TypeEntry* entry = entry_of(type);
    return entry ? entry->info : nullptr;
}

PyObject* make_record(const RecordInfo& info, const void* payload, uint32_t bytes, PyObject* symbol, PyObject* venue,
                      PyObject* source) {
    PyTypeObject* type = g_by_number[info.type]->type;
    auto* self = reinterpret_cast<RecordObject*>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    self->symbol = Py_NewRef(symbol);
    self->venue = Py_NewRef(venue);
    self->source = Py_NewRef(source);
    widen(info, payload, bytes, self->payload);
    return reinterpret_cast<PyObject*>(self);
}

int add_record_types(PyObject* module) {
    g_empty = PyUnicode_InternFromString("");
    g_symbol = PyUnicode_InternFromString("symbol");
    g_venue = PyUnicode_InternFromString("venue");
    g_end_ns = PyUnicode_InternFromString("end_ns");
    if (make_base(module) < 0) return -1;
    for (std::size_t i = 0; i < kRecordCount; ++i) {
        g_entries[i].info = &kRecords[i];
        if (make_type(module, g_entries[i]) < 0) return -1;
    }
    PyObject* rebuild = PyCFunction_New(&g_rebuild, module);
    if (!rebuild) return -1;
    int result = PyModule_AddObjectRef(module, "_rebuild_record", rebuild);
    Py_DECREF(rebuild);
    return result;
}

PyObject* register_enum(PyObject*, PyObject* args) {
    const char* name;
    PyObject* members;
    if (!PyArg_ParseTuple(args, "sO!", &name, &PyDict_Type, &members)) return nullptr;
    EnumTable& table = enums()[name];
    PyObject *value, *member;
    Py_ssize_t at = 0;
    while (PyDict_Next(members, &at, &value, &member)) {
        long number = PyLong_AsLong(value);
        if (number == -1 && PyErr_Occurred()) return nullptr;
        if (number < 0 || number > 255) {
            PyErr_Format(PyExc_ValueError, "%s: an enumeration's value must be 0..255, found %ld", name, number);
            return nullptr;
        }
        Py_XSETREF(table.members[number], Py_NewRef(member));
    }
    Py_RETURN_NONE;
}

PyObject* record_dtype(PyObject*, PyObject* type) {
    const RecordInfo* info = PyType_Check(type) ? info_of(reinterpret_cast<PyTypeObject*>(type)) : nullptr;
    if (!info) {
        PyErr_SetString(PyExc_TypeError, "record_dtype() takes a record class");
        return nullptr;
    }
    PyObject* names = PyList_New(0);
    PyObject* formats = PyList_New(0);
    PyObject* offsets = PyList_New(0);
    for (uint32_t i = 0; i < info->field_count; ++i) {
        const FieldInfo& field = info->fields[i];
        char text[16];
        const char* code = dtype_code(field, text, sizeof(text));
        if (!code) continue;
        const bool array = field.kind == FieldKind::F64A || field.kind == FieldKind::I32A;
        PyObject* name = PyUnicode_FromString(field.name);
        PyObject* format = array ? Py_BuildValue("(s(I))", code, field.count) : PyUnicode_FromString(code);
        PyObject* offset = PyLong_FromUnsignedLong(field.offset);
        PyList_Append(names, name);
        PyList_Append(formats, format);
        PyList_Append(offsets, offset);
        Py_XDECREF(name);
        Py_XDECREF(format);
        Py_XDECREF(offset);
    }
    return Py_BuildValue("{s:N,s:N,s:N,s:I}", "names", names, "formats", formats, "offsets", offsets, "itemsize",
                         info->bytes);
}

PyObject* records_from(PyObject*, PyObject* args) {
    PyObject *type, *symbol, *venue;
    Py_buffer rows;
    if (!PyArg_ParseTuple(args, "O!y*UU", &PyType_Type, &type, &rows, &symbol, &venue)) return nullptr;
    const RecordInfo* info = info_of(reinterpret_cast<PyTypeObject*>(type));
    PyObject* list = nullptr;
    if (!info || rows.len % info->bytes != 0) {
        PyErr_SetString(PyExc_TypeError, "records_from() takes a record class and whole rows of its dtype");
    } else {
        Py_INCREF(symbol);
        PyUnicode_InternInPlace(&symbol);
        Py_INCREF(venue);
        PyUnicode_InternInPlace(&venue);
        const Py_ssize_t count = rows.len / info->bytes;
        list = PyList_New(count);
        for (Py_ssize_t i = 0; list && i < count; ++i) {
            PyObject* record = make_record(*info, static_cast<const char*>(rows.buf) + i * info->bytes, info->bytes,
                                           symbol, venue, g_empty);
            if (!record) Py_CLEAR(list);
            else PyList_SET_ITEM(list, i, record);
        }
        Py_DECREF(symbol);
        Py_DECREF(venue);
    }
    PyBuffer_Release(&rows);
    return list;
}

}  // namespace gcg::python
