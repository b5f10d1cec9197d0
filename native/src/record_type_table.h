// What the record types share: one entry a type, its fields by name, and the getting and setting of a field.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "record_types.h"

namespace gcg::python {

inline constexpr Py_ssize_t kPayload = offsetof(RecordObject, payload);

struct EnumTable {
    PyObject* members[256] = {};  // owned; null where no member has that value
};

// What a getter needs to know of its field.
struct FieldSlot {
    const FieldInfo* field = nullptr;
    PyObject* name = nullptr;  // interned
    EnumTable* members = nullptr;
};

// The numeric fields by the address of their interned name: two reads instead of the way through the type's attributes,
// which takes longer than reading the record out of the journal.
class NumberTable {
 public:
    void add(const FieldSlot& slot);
    // A new reference, or null (without an error) if `name` is none of them.
    [[nodiscard]] PyObject* value(PyObject* name, const unsigned char* payload) const {
        for (std::size_t at = place(name);; at = (at + 1) % kPlaces) {
            if (places_[at].name == name) return number(places_[at], payload);
            if (!places_[at].name) return nullptr;
        }
    }

 private:
    static constexpr std::size_t kPlaces = 128;  // no record has half as many fields
    struct Place {
        PyObject* name = nullptr;  // borrowed from the slot
        FieldKind kind = FieldKind::F64;
        uint32_t offset = 0;
    };
    static std::size_t place(PyObject* name) { return (reinterpret_cast<std::uintptr_t>(name) >> 4) % kPlaces; }
    static PyObject* number(const Place& place, const unsigned char* payload);

    Place places_[kPlaces];
};

struct TypeEntry {
    NumberTable numbers;
    const RecordInfo* info = nullptr;
    PyTypeObject* type = nullptr;
    std::vector<FieldSlot> slots;      // the fields but for padding
    std::vector<PyMemberDef> members;  // must outlive the type
    std::vector<PyGetSetDef> getsets;
    std::vector<PyType_Slot> type_slots;
    std::string qualified_name;
};

// The entry of a concrete record class, or null.
TypeEntry* entry_of(PyTypeObject* type);
PyObject* record_getattro(PyObject* object, PyObject* name);
// The members of an enumeration, as register_enum() filled them in.
EnumTable& enum_table(const std::string& name);
PyObject* empty_text();  // "" (borrowed)

inline RecordObject* as_record(PyObject* object) {
    return reinterpret_cast<RecordObject*>(object);
}

PyObject* field_value(const FieldSlot& slot, const unsigned char* payload);
// Set one keyword; `hint` is where the last one was found. -1 with an EventError or TypeError set.
int set_keyword(const TypeEntry& entry, RecordObject* self, PyObject* name, PyObject* value, std::size_t& hint);
// A new object; its payload is anything. Null with a Python error set when memory is out.
RecordObject* allocate(const RecordInfo& info, PyTypeObject* type, PyObject* symbol, PyObject* venue, PyObject* source);
// Zero the padding of a record: NumPy leaves anything there, and equal records have equal bytes.
void clear_padding(const RecordInfo& info, unsigned char* payload);

// The slots of the types (record_object.cpp).
PyObject* record_vectorcall(PyObject* type_object, PyObject* const* args, std::size_t nargsf, PyObject* names);
PyObject* record_new(PyTypeObject* type, PyObject* args, PyObject* keywords);
void record_dealloc(PyObject* object);
PyObject* record_repr(PyObject* object);
PyObject* record_compare(PyObject* left, PyObject* right, int operation);
Py_hash_t record_hash(PyObject* object);
int record_buffer(PyObject* object, Py_buffer* view, int flags);
extern PyMethodDef g_methods[];
extern PyMemberDef g_base_members[];
extern PyGetSetDef g_base_getsets[];
PyObject* rebuild_record(PyObject* self, PyObject* args);

}  // namespace gcg::python
