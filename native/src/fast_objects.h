// References to Python objects that let go of themselves, and Python's own arithmetic on them: whatever numbers a user
// calculates with, the operations are the interpreter's.
#pragma once

#include <Python.h>

#include <utility>

namespace gcg::python::fast {

struct PythonError {};  // thrown where Python's error is set already

class Ref {
 public:
    Ref() = default;
    explicit Ref(PyObject* owned) : object_(owned) {
        if (!owned) throw PythonError{};
    }
    Ref(const Ref& other) : object_(Py_XNewRef(other.object_)) {}
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() { Py_XDECREF(object_); }
    [[nodiscard]] static Ref to(PyObject* borrowed) { return Ref(Py_XNewRef(borrowed)); }
    [[nodiscard]] PyObject* get() const { return object_; }
    [[nodiscard]] PyObject* release() { return std::exchange(object_, nullptr); }
    [[nodiscard]] bool is(PyObject* other) const { return object_ == other; }

 private:
    PyObject* object_ = nullptr;
};

inline void check(int failed) {
    if (failed < 0) throw PythonError{};
}
inline Ref number(double value) {
    return Ref(PyFloat_FromDouble(value));
}
inline Ref whole(Py_ssize_t value) {
    return Ref(PyLong_FromSsize_t(value));
}
inline Ref operator+(const Ref& a, const Ref& b) {
    return Ref(PyNumber_Add(a.get(), b.get()));
}
inline Ref operator-(const Ref& a, const Ref& b) {
    return Ref(PyNumber_Subtract(a.get(), b.get()));
}
inline Ref operator*(const Ref& a, const Ref& b) {
    return Ref(PyNumber_Multiply(a.get(), b.get()));
}
inline Ref operator/(const Ref& a, const Ref& b) {
    return Ref(PyNumber_TrueDivide(a.get(), b.get()));
}
inline Ref operator-(const Ref& a) {
    return Ref(PyNumber_Negative(a.get()));
}
inline Ref absolute(const Ref& a) {
    return Ref(PyNumber_Absolute(a.get()));
}
inline bool truth(PyObject* object) {
    const int answer = PyObject_IsTrue(object);
    check(answer);
    return answer;
}
inline bool truth(const Ref& a) {
    return truth(a.get());
}
inline bool compare(const Ref& a, const Ref& b, int operation) {
    return truth(Ref(PyObject_RichCompare(a.get(), b.get(), operation)));
}

inline Ref get(PyObject* object, PyObject* name) {
    return Ref(PyObject_GetAttr(object, name));
}
inline void set(PyObject* object, PyObject* name, PyObject* value) {
    check(PyObject_SetAttr(object, name, value));
}
inline void set(PyObject* object, PyObject* name, const Ref& value) {
    set(object, name, value.get());
}
inline Ref invoke(PyObject* object, PyObject* method) {
    return Ref(PyObject_CallMethodNoArgs(object, method));
}
inline Ref invoke(PyObject* object, PyObject* method, PyObject* argument) {
    return Ref(PyObject_CallMethodOneArg(object, method, argument));
}
inline Ref item(const Ref& container, PyObject* key) {
    return Ref(PyObject_GetItem(container.get(), key));
}
// What `object.__new__(type)` returns.
inline Ref blank(PyObject* type) {
    static PyObject* const nothing = PyTuple_New(0);
    return Ref(PyBaseObject_Type.tp_new(reinterpret_cast<PyTypeObject*>(type), nothing, nullptr));
}
// An object's attribute dictionary.
inline Ref attributes_of(PyObject* object) {
    return Ref(PyObject_GenericGetDict(object, nullptr));
}
// The entry of a dictionary, borrowed; a KeyError if there is none.
inline PyObject* entry(PyObject* dict, PyObject* name) {
    PyObject* found = PyDict_GetItemWithError(dict, name);
    if (found) return found;
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
    throw PythonError{};
}

}  // namespace gcg::python::fast
