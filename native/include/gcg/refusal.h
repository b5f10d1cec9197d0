// Why an order is refused: all reasons of the risk check with their sentences, as paper's verdicts say them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gcg/risk.h"

namespace gcg {

class Refusal {
 public:
    void add(uint64_t reason, std::string sentence) { findings_.push_back({reason, kNaN, kNaN, std::move(sentence)}); }
    void add(const RiskResult& result, const std::string& symbol);

    [[nodiscard]] bool empty() const { return findings_.empty(); }
    [[nodiscard]] uint64_t reasons() const;  // bits of RiskReason
    // The sentences in the order of the reasons' bits; where they do not fit into 160 bytes, names and numbers alone.
    [[nodiscard]] std::string words() const;

 private:
    struct Finding {
        uint64_t reason;
        double value, limit;
        std::string sentence;
    };
    std::vector<Finding> findings_;
};

}  // namespace gcg
