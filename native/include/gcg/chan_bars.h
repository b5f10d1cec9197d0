// The lowest floor of the Chan analyzer: raw bars become merged bars and fractals, and the MACD is summed up.
//
// All in constant time and memory a bar.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gcg/chan_rows.h"

namespace gcg::chan {

struct RawBar {
    int64_t time_ns = 0;
    double high = 0, low = 0, close = 0;
};

// MACD of closes; an average begins with its first value.
class Macd {
 public:
    Macd() = default;
    Macd(int fast, int slow, int signal) : fast_(weight(fast)), slow_(weight(slow)), signal_(weight(signal)) {}
    // DIF - DEA after the next close.
    double add(double close) {
        if (!begun_) {
            begun_ = 1;
            fast_mean_ = slow_mean_ = close;
        } else {
            fast_mean_ = fast_ * close + (1 - fast_) * fast_mean_;
            slow_mean_ = slow_ * close + (1 - slow_) * slow_mean_;
        }
        const double dif = fast_mean_ - slow_mean_;
        dea_ = signal_ * dif + (1 - signal_) * dea_;  // the first DIF is 0, and so is the first DEA
        return dif - dea_;
    }
    template <typename Archive>
    void each(Archive& archive) {
        archive(begun_, fast_mean_, slow_mean_, dea_);
    }

 private:
    static double weight(int bars) { return 2.0 / (bars + 1); }
    double fast_ = 0, slow_ = 0, signal_ = 0;
    uint64_t begun_ = 0;
    double fast_mean_ = 0, slow_mean_ = 0, dea_ = 0;
};

// The two areas of a stretch of bars: above zero, and below.
struct Areas {
    double above = 0, below = 0;
    void add(double histogram) {
        above += std::max(histogram, 0.0);
        below += std::max(-histogram, 0.0);
    }
    [[nodiscard]] double of(bool up) const { return up ? above : below; }
    template <typename Archive>
    void each(Archive& archive) {
        archive(above, below);
    }
};

}  // namespace gcg::chan
