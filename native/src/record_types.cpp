#include <cstddef>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "record_type_table.h"

namespace gcg::python {
namespace {

constexpr std::size_t kRecordCount = sizeof(kRecords) / sizeof(kRecords[0]);
TypeEntry g_entries[kRecordCount];
TypeEntry* g_by_number[256] = {};
PyTypeObject* g_base = nullptr;
PyObject* g_empty = nullptr;  // ""

PyObject* get_field(PyObject* self, void* closure) {
    return field_value(*static_cast<FieldSlot*>(closure), as_record(self)->payload);
}

int member_type(FieldKind kind) {
    switch (kind) {
        case FieldKind::F64:
            return T_DOUBLE;
        case FieldKind::I64:
            return T_LONGLONG;
        case FieldKind::U64:
            return T_ULONGLONG;
        case FieldKind::I32:
            return T_INT;
        case FieldKind::U32:
            return T_UINT;
        case FieldKind::U8:
            return T_UBYTE;
        default:
            return -1;
    }
}

int make_base(PyObject* module) {
    static PyType_Slot slots[] = {
        {Py_tp_members, g_base_members},
        {Py_tp_getset, g_base_getsets},
        {Py_tp_methods, g_methods},
        {Py_tp_dealloc, reinterpret_cast<void*>(record_dealloc)},
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
        if (field.enum_name) slot.members = &enum_table(field.enum_name);
        entry.slots.push_back(slot);
    }
    for (FieldSlot& slot : entry.slots) {
        int type = member_type(slot.field->kind);
        if (type >= 0) entry.numbers.add(slot);
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
        {Py_tp_getattro, reinterpret_cast<void*>(record_getattro)},
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
        case FieldKind::F64:
            return "<f8";
        case FieldKind::I64:
            return "<i8";
        case FieldKind::U64:
            return "<u8";
        case FieldKind::I32:
            return "<i4";
        case FieldKind::U32:
            return "<u4";
        case FieldKind::ENUM:
        case FieldKind::U8:
            return "u1";
        case FieldKind::STR:
            std::snprintf(text, bytes, "S%u", field.bytes);
            return text;
        case FieldKind::F64A:
            return "<f8";
        case FieldKind::I32A:
            return "<i4";
        case FieldKind::PAD:
            return nullptr;
    }
    return nullptr;
}

PyMethodDef g_rebuild = {"_rebuild_record", rebuild_record, METH_VARARGS, "Rebuild a pickled record."};

}  // namespace

PyObject* empty_text() {
    return g_empty;
}

// Names in code are interned, so that the field's own name object is met; any other is found the usual way.
PyObject* record_getattro(PyObject* object, PyObject* name) {
    const RecordObject* self = as_record(object);
    PyObject* value = g_by_number[self->info->type]->numbers.value(name, self->payload);
    return value || PyErr_Occurred() ? value : PyObject_GenericGetAttr(object, name);
}

TypeEntry* entry_of(PyTypeObject* type) {
    for (TypeEntry& entry : g_entries)
        if (entry.type == type) return &entry;
    return nullptr;
}

EnumTable& enum_table(const std::string& name) {
    static std::map<std::string, EnumTable> tables;
    return tables[name];
}

void set_error(const char* class_name, const char* message) {
    PyObject* module = PyImport_ImportModule("gcg_quant.errors");
    if (!module) return;
    PyObject* type = PyObject_GetAttrString(module, class_name);
    Py_DECREF(module);
    if (!type) return;
    PyErr_SetString(type, message);
    Py_DECREF(type);
}

PyTypeObject* record_base() {
    return g_base;
}

// Without tp_alloc's zeroing: every member is set here, and the payload by the caller.
RecordObject* allocate(const RecordInfo& info, PyTypeObject* type, PyObject* symbol, PyObject* venue,
                       PyObject* source) {
    auto* self = static_cast<RecordObject*>(PyObject_Malloc(static_cast<std::size_t>(type->tp_basicsize)));
    if (!self) {
        PyErr_NoMemory();
        return nullptr;
    }
    PyObject_Init(reinterpret_cast<PyObject*>(self), type);
    self->id = 0;
    self->time_ns = 0;
    self->cause = 0;
    self->symbol = Py_NewRef(symbol);
    self->venue = Py_NewRef(venue);
    self->source = Py_NewRef(source);
    self->info = &info;
    self->numbered_by = 0;
    self->number = 0;
    self->flags = 0;
    return self;
}

PyTypeObject* record_type(uint16_t type) {
    return type < 256 && g_by_number[type] ? g_by_number[type]->type : nullptr;
}

const RecordInfo* info_of(PyTypeObject* type) {
    TypeEntry* entry = entry_of(type);
    return entry ? entry->info : nullptr;
}

PyObject* make_record(const RecordInfo& info, const void* payload, uint32_t bytes, PyObject* symbol, PyObject* venue,
                      PyObject* source) {
    RecordObject* self = allocate(info, g_by_number[info.type]->type, symbol, venue, source);
    if (self) widen(info, payload, bytes, self->payload);
    return reinterpret_cast<PyObject*>(self);
}

int add_record_types(PyObject* module) {
    g_empty = PyUnicode_InternFromString("");
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
    EnumTable& table = enum_table(name);
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
            if (!record) {
                Py_CLEAR(list);
                break;
            }
            clear_padding(*info, as_record(record)->payload);
            PyList_SET_ITEM(list, i, record);
        }
        Py_DECREF(symbol);
        Py_DECREF(venue);
    }
    PyBuffer_Release(&rows);
    return list;
}

}  // namespace gcg::python
