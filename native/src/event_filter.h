// What a reader or a subscription wants: types, symbols, sources.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "bus_object.h"

namespace gcg::python {

inline constexpr std::size_t kTypes = 256;

// One record out of the journal, still as it lies on its page.
struct Taken {
    const RecordInfo* info = nullptr;  // null for a cold event
    const std::byte* payload = nullptr;
    uint32_t bytes = 0;
    uint32_t instrument = 0;
    uint64_t id = 0;
    int64_t time_ns = 0;
    uint64_t cause = 0;
    uint16_t type = 0;
    uint16_t source = 0;
    uint16_t flags = 0;
};

class EventFilter {
 public:
    using Names = std::optional<std::vector<std::string>>;  // nullopt: all

    // No `types`: all types. `symbols` are "SYMBOL", "SYMBOL@VENUE" or the same with *, ? or [.
    EventFilter(const std::vector<int>& types, const Names& symbols, const Names& sources, bool backfill);

    [[nodiscard]] const std::bitset<kTypes>& types() const { return types_; }
    // Whether an event passes; its type is not looked at.
    [[nodiscard]] bool passes(PyBus& bus, const Taken& event) {
        return (backfill_ || (event.flags & 1) == 0) && passes_source(bus, event.source) &&
               passes_instrument(bus, event.instrument);
    }

 private:
    enum class Verdict : int8_t { undecided, in, out };
    [[nodiscard]] bool passes_source(PyBus& bus, uint16_t source) {
        if (all_sources_) return true;
        const Verdict verdict = source < source_verdicts_.size() ? source_verdicts_[source] : Verdict::undecided;
        return verdict == Verdict::undecided ? decide_source(bus, source) : verdict == Verdict::in;
    }
    // An event without an instrument concerns everybody.
    [[nodiscard]] bool passes_instrument(PyBus& bus, uint32_t instrument) {
        if (all_symbols_ || instrument == 0) return true;
        const Verdict verdict = instrument < verdicts_.size() ? verdicts_[instrument] : Verdict::undecided;
        return verdict == Verdict::undecided ? decide_instrument(bus, instrument) : verdict == Verdict::in;
    }
    bool decide_source(PyBus& bus, uint16_t source);
    bool decide_instrument(PyBus& bus, uint32_t instrument);

    std::bitset<kTypes> types_;
    bool all_symbols_, all_sources_, backfill_;
    std::unordered_set<std::string> symbols_;
    std::vector<std::string> patterns_;
    std::unordered_set<std::string> sources_;
    std::vector<Verdict> verdicts_;  // by instrument number
    std::vector<Verdict> source_verdicts_;
};

}  // namespace gcg::python
