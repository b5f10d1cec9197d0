// The hot records as Python types: one C type a record, immutable, a copy of a few hundred bytes with no lifetime rule.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <cstdint>

#include "gcg/records.h"

namespace gcg::python {

// One event as Python sees it. `payload` is the record; the fields above it come from the frame's header.
struct RecordObject {
    PyObject_HEAD uint64_t id;
    int64_t time_ns;
    uint64_t cause;
    PyObject* symbol;  // interned str, never null
    PyObject* venue;   // interned str, never null
    PyObject* source;  // str, never null
    const RecordInfo* info;
    uint64_t numbered_by;  // the bus that has looked up `number`, by PyBus::serial(); 0: none
    uint32_t number;       // the instrument's there
    uint32_t flags;
    unsigned char payload[1];
};

// Every payload begins with these (GCG_PREFIX).
struct RecordPrefix {
    int64_t event_ns;
    int64_t recv_ns;
    uint32_t instrument;
    uint32_t ordinal;
};

// Make the types and add them to the module. Returns 0, or -1 with a Python error set.
int add_record_types(PyObject* module);

// The abstract base of all record types (borrowed).
PyTypeObject* record_base();
// The Python type of a record, or null (borrowed).
PyTypeObject* record_type(uint16_t type);
// The description behind a record type, or null if `type` is no concrete record class.
const RecordInfo* info_of(PyTypeObject* type);
// Whether an object is a record.
inline bool is_record(PyObject* object) {
    return Py_TYPE(object)->tp_base == record_base();
}

// A fresh object for a frame's record; widened to today's size. Null with a Python error set when memory is out.
PyObject* make_record(const RecordInfo& info, const void* payload, uint32_t bytes, PyObject* symbol, PyObject* venue,
                      PyObject* source);

// Set a Python exception of gcg_quant.errors by its class name.
void set_error(const char* class_name, const char* message);

// register_enum(name, {value: member}) and record_dtype(type): functions of the module, documented in _native.pyi.
PyObject* register_enum(PyObject* self, PyObject* args);
PyObject* record_dtype(PyObject* self, PyObject* type);
// records_from(type, buffer of rows, symbol, venue) -> list of records.
PyObject* records_from(PyObject* self, PyObject* args);

}  // namespace gcg::python
