#include "event_filter.h"

#include <fnmatch.h>

namespace gcg::python {

namespace {

bool is_pattern(const std::string& text) {
    return text.find_first_of("*?[") != std::string::npos;
}

std::string text_of(PyObject* text) {
    return py::cast<std::string>(py::handle(text));
}

}  // namespace

EventFilter::EventFilter(const std::vector<int>& types, const Names& symbols, const Names& sources, bool backfill)
    : all_symbols_(!symbols.has_value()), all_sources_(!sources.has_value()), backfill_(backfill) {
    if (types.empty()) types_.set();
    for (const int type : types) {
        if (type <= 0 || type >= static_cast<int>(kTypes)) throw py::value_error("an event type is 1..255");
        types_.set(static_cast<std::size_t>(type));
    }
    if (symbols) {
        for (const std::string& text : *symbols) {
            if (is_pattern(text)) {
                patterns_.push_back(text);
            } else {
                symbols_.insert(text);
            }
        }
    }
    if (sources) sources_.insert(sources->begin(), sources->end());
}

bool EventFilter::decide_source(PyBus& bus, uint16_t source) {
    if (source >= source_verdicts_.size()) source_verdicts_.resize(source + 16u, Verdict::undecided);
    const bool in = sources_.contains(text_of(bus.source_of(source)));
    source_verdicts_[source] = in ? Verdict::in : Verdict::out;
    return in;
}

bool EventFilter::decide_instrument(PyBus& bus, uint32_t instrument) {
    if (instrument >= verdicts_.size()) verdicts_.resize(instrument + 16u, Verdict::undecided);
    const PyBus::Name& name = bus.name(instrument);
    const std::string symbol = text_of(name.symbol);
    const std::string full = symbol + "@" + text_of(name.venue);
    bool in = symbols_.contains(symbol) || symbols_.contains(full);
    for (const std::string& pattern : patterns_)
        in = in || fnmatch(pattern.c_str(), symbol.c_str(), 0) == 0 || fnmatch(pattern.c_str(), full.c_str(), 0) == 0;
    verdicts_[instrument] = in ? Verdict::in : Verdict::out;
    return in;
}

}  // namespace gcg::python
