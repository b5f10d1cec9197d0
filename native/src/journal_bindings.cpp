// The tools on a journal for Python: prune().
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "gcg/prune.h"

namespace py = pybind11;
using namespace gcg;

namespace {

py::dict to_dict(const PruneReport& report) {
    py::list removed, held, silent;
    for (const PrunedPage& page : report.removed)
        removed.append(py::make_tuple(static_cast<int>(page.lane), page.index, page.bytes, page.first_seq, page.end_seq,
                                      page.first_ns, page.last_ns));
    for (const PruneHold& hold : report.held)
        held.append(py::make_tuple(hold.name, static_cast<int>(hold.lane), hold.seq, hold.pages, hold.bytes));
    for (const SilentReader& reader : report.silent) silent.append(py::make_tuple(reader.name, reader.updated_ns));
    py::dict result;
    result["removed"] = removed;
    result["held"] = held;
    result["silent"] = silent;
    result["bytes_before"] = report.bytes_before;
    result["bytes_after"] = report.bytes_after;
    return result;
}

void bind_prune(py::module_& module) {
    module.def(
        "prune",
        [](const std::string& folder, int64_t before_ns, uint64_t keep_bytes,
           const std::vector<std::tuple<std::string, int, uint64_t>>& floors, int64_t silence_ns, bool dry_run) {
            PruneOptions options{before_ns, keep_bytes, {}, silence_ns, dry_run};
            for (const auto& [name, lane, seq] : floors)
                options.floors.push_back({name, static_cast<Lane>(lane), seq});
            PruneReport report;
            {
                py::gil_scoped_release release;
                report = prune(folder, options);
            }
            return to_dict(report);
        },
        py::arg("folder"), py::arg("before_ns"), py::arg("keep_bytes"), py::arg("floors"), py::arg("silence_ns"),
        py::arg("dry_run"));
}

}  // namespace

void bind_journal(py::module_& module) {
    bind_prune(module);
}
