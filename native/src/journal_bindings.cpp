// The tools on a journal for Python: prune(), copy() and survey().
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "gcg/copy.h"
#include "gcg/prune.h"
#include "gcg/survey.h"

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
            for (const auto& [name, lane, seq] : floors) options.floors.push_back({name, static_cast<Lane>(lane), seq});
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

void bind_copy(py::module_& module) {
    module.def(
        "copy",
        [](const std::string& source, const std::string& target, int64_t from_ns, int64_t to_ns, uint32_t world) {
            CopyReport report;
            {
                py::gil_scoped_release release;
                report = copy_bus(source, target, {from_ns, to_ns, static_cast<World>(world)});
            }
            py::list lanes, holes;
            for (const CopiedLane& lane : report.lanes)
                lanes.append(
                    py::make_tuple(lane.frames, lane.records, lane.bytes, lane.lost, lane.first_seq, lane.end_seq));
            for (const CopyHole& hole : report.holes)
                holes.append(py::make_tuple(static_cast<int>(hole.lane), hole.place, hole.seq, hole.records));
            return py::make_tuple(lanes, holes, report.repairs);
        },
        py::arg("source"), py::arg("target"), py::arg("from_ns"), py::arg("to_ns"), py::arg("world"));
}

void bind_survey(py::module_& module) {
    module.def(
        "survey",
        [](const std::string& folder, int64_t since_ns) {
            std::vector<LaneSurvey> lanes;
            {
                py::gil_scoped_release release;
                lanes = survey(folder, since_ns);
            }
            py::list result;
            for (const LaneSurvey& lane : lanes) {
                py::list epochs;
                for (const EpochBegin& begin : lane.epochs)
                    epochs.append(py::make_tuple(begin.epoch, begin.first_seq, begin.first_ns));
                py::dict row;
                row["lane"] = static_cast<int>(lane.lane);
                row["pages"] = lane.pages;
                row["file_bytes"] = lane.file_bytes;
                row["used_bytes"] = lane.used_bytes;
                row["first_seq"] = lane.first_seq;
                row["end_seq"] = lane.end_seq;
                row["first_ns"] = lane.first_ns;
                row["last_ns"] = lane.last_ns;
                row["recent"] = lane.recent;
                row["recent_bytes"] = lane.recent_bytes;
                row["epochs"] = epochs;
                row["damage"] = lane.damage;
                result.append(row);
            }
            return result;
        },
        py::arg("folder"), py::arg("since_ns"));
}

}  // namespace

void bind_journal(py::module_& module) {
    bind_prune(module);
    bind_copy(module);
    bind_survey(module);
}
