// The module gcg_quant._native: records, bus and readers for Python. No logic here beyond converting arguments,
// releasing the GIL around anything that waits, and translating errors.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bus_object.h"
#include "chan_object.h"
#include "fast_lines.h"
#include "gcg/bus.h"
#include "indicator_bindings.h"
#include "level_book_object.h"
#include "publisher.h"
#include "reader_object.h"
#include "record_types.h"
#include "text_bindings.h"

namespace py = pybind11;
using namespace gcg;
using gcg::python::PageView;
using gcg::python::PyBus;
using gcg::python::PyReader;

__attribute__((weak)) void bind_trading(py::module_& module);
void bind_hft(py::module_& module);
void bind_journal(py::module_& module);
void bind_bars(py::module_& module);

namespace {

void bind_functions(py::module_& module) {
    static PyMethodDef functions[] = {
        {"register_enum", gcg::python::register_enum, METH_VARARGS, nullptr},
        {"record_dtype", gcg::python::record_dtype, METH_O, nullptr},
        {"records_from", gcg::python::records_from, METH_VARARGS, nullptr},
        {"current_cause", gcg::python::get_current_cause, METH_NOARGS, nullptr},
        {"swap_cause", gcg::python::set_current_cause, METH_O, nullptr},
        {nullptr, nullptr, 0, nullptr},
    };
    PyModule_AddFunctions(module.ptr(), functions);
    gcg::python::bind_text(module);
    module.def("register_cold", &gcg::python::register_cold, py::arg("type"), py::arg("lane"), py::arg("decoder"));
    module.def(
        "inspect",
        [](const std::string& folder, bool verify) {
            std::vector<PageReport> reports;
            {
                py::gil_scoped_release release;
                reports = inspect(folder, verify);
            }
            py::list result;
            for (const PageReport& page : reports) {
                py::dict row;
                row["lane"] = static_cast<int>(page.lane);
                row["index"] = page.index;
                row["file"] = page.file;
                row["bytes"] = page.bytes;
                row["used"] = page.used;
                row["first_seq"] = page.first_seq;
                row["frames"] = page.frames;
                row["records"] = page.records;
                row["first_ns"] = page.first_ns;
                row["last_ns"] = page.last_ns;
                row["epoch"] = page.epoch;
                row["damage"] = page.damage;
                row["lost"] = page.lost;
                result.append(row);
            }
            return result;
        },
        py::arg("folder"), py::arg("verify"));
    module.def("record_schema", &gcg::python::record_schema);
}

void bind_bus(py::module_& module) {
    py::class_<PyBus, std::shared_ptr<PyBus>>(module, "Bus")
        .def(py::init(&PyBus::open), py::arg("folder"), py::arg("world"), py::arg("sync"), py::arg("page_bytes"),
             py::arg("owner"), py::arg("create"), py::arg("read_only"))
        .def_property_readonly("folder", [](const PyBus& bus) { return bus.native().folder(); })
        .def_property_readonly("bus_id", [](const PyBus& bus) { return bus.native().id(); })
        .def_property_readonly("world", [](const PyBus& bus) { return static_cast<uint32_t>(bus.native().world()); })
        .def_property_readonly("epoch", [](const PyBus& bus) { return bus.native().epoch(); })
        .def_property_readonly("page_bytes", [](const PyBus& bus) { return bus.native().page_bytes(); })
        .def("epoch_reports", &PyBus::epoch_reports)
        .def("publish_records", &PyBus::publish_records, py::arg("records"), py::arg("cause"), py::arg("flags"),
             py::arg("source"))
        .def("publish_cold", &PyBus::publish_cold, py::arg("lane"), py::arg("type"), py::arg("payload"),
             py::arg("instrument"), py::arg("cause"), py::arg("flags"), py::arg("source"))
        .def("publish_batch", &PyBus::publish_batch, py::arg("record_class"), py::arg("buffer"), py::arg("count"),
             py::arg("cause"), py::arg("flags"), py::arg("source"))
        .def("append_frames", &PyBus::append_frames, py::arg("lane"), py::arg("data"), py::arg("after"),
             py::arg("instruments"), py::arg("sources"), py::arg("types"), py::arg("wanted"), py::arg("mark"))
        .def("head", [](const PyBus& bus, int lane) { return bus.native().head(static_cast<Lane>(lane)); })
        .def("sync",
             [](PyBus& bus) {
                 py::gil_scoped_release release;
                 bus.native().sync();
             })
        .def("wake", [](PyBus& bus) { bus.native().wake(); })
        .def("add_source", [](PyBus& bus, const std::string& name) { return bus.native().add_source(name); })
        .def("source", [](const PyBus& bus, uint16_t number) { return bus.native().source(number); })
        .def("add_instrument", &PyBus::add_instrument, py::arg("symbol"), py::arg("venue"), py::arg("terms"))
        .def("set_instrument_terms", &PyBus::set_instrument_terms, py::arg("number"), py::arg("terms"))
        .def("find_instrument", [](const PyBus& bus, const std::string& symbol,
                                   const std::string& venue) { return bus.native().find_instrument(symbol, venue); })
        .def("instrument", &PyBus::instrument)
        .def("instrument_count", [](const PyBus& bus) { return bus.native().instrument_count(); })
        .def(
            "reader",
            [](std::shared_ptr<PyBus> bus, const std::string& name, bool durable, bool begin) {
                return std::make_unique<PyReader>(bus, name, durable, begin);
            },
            py::arg("name"), py::arg("durable"), py::arg("begin"))
        .def("readers", &PyBus::readers)
        .def("close", &PyBus::close);
}

// As pybind11's documentation shows it for objects that hold Python objects.
void collect_garbage(PyHeapTypeObject* heap_type) {
    PyTypeObject* type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
        Py_VISIT(Py_TYPE(self));
        if (!py::detail::is_holder_constructed(self)) return 0;
        return py::cast<PyReader&>(py::handle(self)).visit_handlers(visit, arg);
    };
    type->tp_clear = [](PyObject* self) {
        if (py::detail::is_holder_constructed(self)) py::cast<PyReader&>(py::handle(self)).close();
        return 0;
    };
}

void bind_reader(py::module_& module) {
    py::class_<PageView>(module, "PageView", py::buffer_protocol()).def_buffer([](PageView& view) {
        return py::buffer_info(const_cast<std::byte*>(view.data), 1, py::format_descriptor<uint8_t>::format(), 1,
                               {static_cast<py::ssize_t>(view.bytes)}, {py::ssize_t{1}}, true);
    });
    py::class_<PyReader>(module, "Reader", py::custom_type_setup(collect_garbage))
        .def("add_rule", &PyReader::add_rule, py::arg("types"), py::arg("symbols"), py::arg("sources"),
             py::arg("backfill"))
        .def("clear_rules", &PyReader::clear_rules)
        .def("wait_policy", &PyReader::wait_policy, py::arg("policy"), py::arg("sleep_s"))
        .def("read", &PyReader::read, py::arg("timeout_s"))
        .def("read_many", &PyReader::read_many, py::arg("limit"), py::arg("timeout_s"), py::arg("within_s"))
        .def("read_latest", &PyReader::read_latest, py::arg("limit"), py::arg("timeout_s"))
        .def("wait", &PyReader::wait, py::arg("timeout_s"))
        .def("set_routes", &PyReader::set_routes, py::arg("routes"))
        .def("dispatch", &PyReader::dispatch, py::arg("limit"), py::arg("timeout_s"), py::arg("failed"),
             py::arg("coroutine"))
        .def("flush", &PyReader::flush, py::arg("failed"), py::arg("coroutine"))
        .def_property_readonly("pending", &PyReader::pending)
        .def("statistics", &PyReader::statistics)
        .def("read_tables", &PyReader::read_tables, py::arg("limit"), py::arg("timeout_s"))
        .def("read_run", &PyReader::read_run, py::arg("type"), py::arg("limit"))
        .def("read_views", &PyReader::read_views, py::arg("type"), py::arg("limit"))
        .def("read_frames", &PyReader::read_frames, py::arg("limit"), py::arg("limit_bytes"), py::arg("timeout_s"),
             py::arg("bridged"))
        .def("find_bridged", &PyReader::find_bridged, py::arg("lane"), py::arg("from_seq"), py::arg("suffix"))
        .def("count", &PyReader::count, py::arg("limit"))
        .def("cursor", &PyReader::cursor)
        .def("seek", &PyReader::seek, py::arg("bus_id"), py::arg("epoch"), py::arg("next_seq"))
        .def("seek_begin", &PyReader::seek_begin)
        .def("seek_end", &PyReader::seek_end)
        .def("seek_seq", &PyReader::seek_seq, py::arg("lane"), py::arg("seq"))
        .def("seek_time", &PyReader::seek_time, py::arg("time_ns"))
        .def("lag", &PyReader::lag, py::arg("lane"))
        .def_property_readonly("unknown", &PyReader::unknown)
        .def("commit", &PyReader::commit)
        .def("close", &PyReader::close);
    module.attr("HANDLER_BOUNDS_NS") = py::tuple(py::cast(gcg::python::kHandlerBoundsNs));
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    module.doc() = "The C++ core of gcg_quant: the journal, the records, risk and matching.";
    module.attr("__version__") = GCG_VERSION;
    py::register_local_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const JournalError& error) {
            gcg::python::set_journal_error(error);
        }
    });
    if (gcg::python::add_record_types(module.ptr()) < 0 || gcg::python::add_publisher_type(module.ptr()) < 0 ||
        gcg::python::fast::add_fast_functions(module.ptr()) < 0 || gcg::python::add_kernels(module.ptr()) < 0 ||
        gcg::python::add_chan_analyzer(module.ptr()) < 0 || gcg::python::add_level_book(module.ptr()) < 0)
        throw py::error_already_set();
    bind_functions(module);
    bind_bus(module);
    bind_reader(module);
    if (bind_trading) bind_trading(module);
    bind_hft(module);
    bind_journal(module);
    bind_bars(module);
}
