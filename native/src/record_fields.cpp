#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "record_type_table.h"

namespace gcg::python {

// The value of a numeric field, or of one byte of any other.
static PyObject* number(FieldKind kind, const unsigned char* at) {
    const auto load = [at]<typename T>(T value) {
        std::memcpy(&value, at, sizeof value);
        return value;
    };
    switch (kind) {
        case FieldKind::F64:
            return PyFloat_FromDouble(load(double{}));
        case FieldKind::I64:
            return PyLong_FromLongLong(load(int64_t{}));
        case FieldKind::U64:
            return PyLong_FromUnsignedLongLong(load(uint64_t{}));
        case FieldKind::I32:
            return PyLong_FromLong(load(int32_t{}));
        case FieldKind::U32:
            return PyLong_FromUnsignedLong(load(uint32_t{}));
        default:
            return PyLong_FromLong(*at);
    }
}

PyObject* NumberTable::number(const Place& place, const unsigned char* payload) {
    return gcg::python::number(place.kind, payload + place.offset);
}

PyObject* field_value(const FieldSlot& slot, const unsigned char* payload) {
    const FieldInfo& field = *slot.field;
    const unsigned char* at = payload + field.offset;
    switch (field.kind) {
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
                PyObject* value = field.kind == FieldKind::F64A ? number(FieldKind::F64, at + 8 * i)
                                                                : number(FieldKind::I32, at + 4 * i);
                if (!value) {
                    Py_DECREF(values);
                    return nullptr;
                }
                PyTuple_SET_ITEM(values, i, value);
            }
            return values;
        }
        default:
            return number(field.kind, at);
    }
}

void NumberTable::add(const FieldSlot& slot) {
    std::size_t at = place(slot.name);
    while (places_[at].name) at = (at + 1) % kPlaces;
    places_[at] = {slot.name, slot.field->kind, slot.field->offset};
}

// ---- building from keywords

namespace {

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
        result =
            refuse(entry, field,
                   "holds at most " + std::to_string(field.count) + " levels, found " + std::to_string(count) + ".");
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
        case FieldKind::I64:
            return set_integer<int64_t>(entry, field, at, value);
        case FieldKind::U64:
            return set_integer<uint64_t>(entry, field, at, value);
        case FieldKind::I32:
            return set_integer<int32_t>(entry, field, at, value);
        case FieldKind::U32:
            return set_integer<uint32_t>(entry, field, at, value);
        case FieldKind::U8:
            return set_integer<uint8_t>(entry, field, at, value);
        case FieldKind::ENUM:
            return set_enum(entry, slot, at, value);
        case FieldKind::STR:
            return set_text(entry, field, at, value);
        case FieldKind::F64A:
        case FieldKind::I32A:
            return set_array(entry, field, at, value);
        case FieldKind::PAD:
            break;
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

}  // namespace

int set_keyword(const TypeEntry& entry, RecordObject* self, PyObject* name, PyObject* value, std::size_t& hint) {
    static PyObject* const symbol = PyUnicode_InternFromString("symbol");
    static PyObject* const venue = PyUnicode_InternFromString("venue");
    if (name == symbol) return set_name(&self->symbol, value, "symbol");
    if (name == venue) return set_name(&self->venue, value, "venue");
    if (const FieldSlot* slot = find_slot(entry, name, hint)) return set_field(entry, *slot, self->payload, value);
    if (PyUnicode_CompareWithASCIIString(name, "symbol") == 0) return set_name(&self->symbol, value, "symbol");
    if (PyUnicode_CompareWithASCIIString(name, "venue") == 0) return set_name(&self->venue, value, "venue");
    if (entry.info->type == Bar::kType && PyUnicode_CompareWithASCIIString(name, "end_ns") == 0)
        return set_field(entry, entry.slots[0], self->payload, value);
    PyErr_Format(PyExc_TypeError, "%s() has no field %R", entry.info->name, name);
    return -1;
}

void clear_padding(const RecordInfo& info, unsigned char* payload) {
    for (uint32_t i = 0; i < info.field_count; ++i)
        if (info.fields[i].kind == FieldKind::PAD)
            std::memset(payload + info.fields[i].offset, 0, info.fields[i].bytes);
}

}  // namespace gcg::python
