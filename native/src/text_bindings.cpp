// Reading plain text for Python: read_plain() of gcg_quant._native, described in _native.pyi. No logic here.
#include "text_bindings.h"

#include <pybind11/numpy.h>

#include <string>
#include <string_view>
#include <vector>

#include "gcg/replay_text.h"

namespace py = pybind11;

namespace gcg::python {

namespace {

template <typename Values>
py::bytes bytes_of(const Values& values) {
    return py::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
}

// kinds: a letter a column: n numbers, t text, anything else is passed over.
py::object read(const py::bytes& block, std::size_t begin, const std::string& delimiter, const std::string& kinds) {
    std::string_view text = block;
    if (delimiter.size() != 1 || begin > text.size()) throw py::value_error("one letter divides the cells");
    text.remove_prefix(begin);
    const auto rows = static_cast<py::ssize_t>(count_lines(text));
    std::vector<TextColumn> columns(kinds.size());
    py::list found(kinds.size());
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        columns[i].wanted = kinds[i] == 't';
        found[i] = py::none();
        if (kinds[i] != 'n') continue;
        py::array_t<double> numbers(rows);
        columns[i].numbers = numbers.mutable_data();
        found[i] = numbers;
    }
    bool plain;
    {
        py::gil_scoped_release release;
        plain = read_plain(text, delimiter[0], columns);
    }
    if (!plain) return py::none();
    for (std::size_t i = 0; i < kinds.size(); ++i)
        if (columns[i].wanted)
            found[i] = py::make_tuple(bytes_of(columns[i].offsets), py::bytes(columns[i].bytes),
                                      bytes_of(columns[i].valid), columns[i].empty);
    return py::make_tuple(rows, found);
}

}  // namespace

void bind_text(py::module_& module) {
    module.def("read_plain", &read, py::arg("block"), py::arg("begin"), py::arg("delimiter"), py::arg("kinds"));
}

}  // namespace gcg::python
