// Kernels of indicators that Backtrader computes bar by bar, from what they remember of the bar before.
#include <algorithm>
#include <cmath>

#include "gcg/kernels.h"
#include "kernel_range.h"

namespace gcg::kernels {

namespace {

template <typename... Values>
bool finite(Values... values) {
    return (std::isfinite(values) && ...);
}

}  // namespace

size_t parabolic(Target dst, Operand high, Operand low, Range range, double step, double most, Trend trends[2]) {
    const size_t end = after_first(dst, range, {high, low});
    for (size_t i = range.start; i < end; ++i) {
        const double hi = high.data[i], lo = low.data[i], last_hi = high.data[i - 1], last_lo = low.data[i - 1];
        Trend now = trends[i % 2];
        if (!finite(hi, lo, last_hi, last_lo, now.stop, now.extreme, now.factor)) return i;
        if (now.up ? now.stop >= lo : now.stop <= hi) {  // touched: it turns
            now.up = !now.up;
            now.stop = now.extreme;
            now.extreme = now.up ? hi : lo;
            now.factor = step;
        }
        dst.data[i] = now.stop;
        if (now.up ? hi > now.extreme : lo < now.extreme) {
            now.extreme = now.up ? hi : lo;
            const double faster = now.factor + step;
            now.factor = most < faster ? most : faster;
        }
        now.stop = now.stop + now.factor * (now.extreme - now.stop);
        if (now.up) {  // never inside the last two bars
            if (now.stop > lo || now.stop > last_lo) now.stop = last_lo < lo ? last_lo : lo;
        } else if (now.stop < hi || now.stop < last_hi) {
            now.stop = last_hi > hi ? last_hi : hi;
        }
        trends[(i + 1) % 2] = now;
    }
    return std::max(end, range.start);
}

size_t laguerre(Target dst, Operand src, Range range, double gamma, bool strength, double stages[4]) {
    const size_t end = after_first(dst, range, {src});
    for (size_t i = range.start; i < end; ++i) {
        const double* old = stages;
        if (!finite(src.data[i], old[0], old[1], old[2], old[3])) return i;
        double now[4];
        now[0] = (1.0 - gamma) * src.data[i] + gamma * old[0];
        for (int k = 1; k < 4; ++k) now[k] = -gamma * now[k - 1] + old[k - 1] + gamma * old[k];
        if (!finite(now[0], now[1], now[2], now[3])) return i;
        if (strength) {
            double up = 0.0, down = 0.0;
            for (int k = 1; k < 4; ++k) (now[k - 1] >= now[k] ? up : down) += std::fabs(now[k - 1] - now[k]);
            const double all = up + down;
            dst.data[i] = all == 0.0 ? 1.0 : up / all;
        } else {
            dst.data[i] = (now[0] + 2.0 * now[1] + 2.0 * now[2] + now[3]) / 6.0;
        }
        std::copy(now, now + 4, stages);
    }
    return std::max(end, range.start);
}

size_t zero_lag(Target dst, Operand src, Operand average, Range range, double take, double keep,
                const std::vector<double>& gains) {
    const size_t end = after_first(dst, range, {src, average});
    for (size_t i = range.start; i < end; ++i) {
        const double price = src.data[i], mean = average.data[i], before = dst.data[i - 1];
        if (!finite(price, mean, before)) return i;
        double best = mean, least = 0x1p63;  // sys.maxsize, beside which no other double lies
        for (const double gain : gains) {
            const double corrected = take * (mean + gain * (price - before)) + keep * before;
            const double error = std::fabs(price - corrected);
            if (error < least) {
                least = error;
                best = corrected;
            }
        }
        dst.data[i] = best;
    }
    return std::max(end, range.start);
}

}  // namespace gcg::kernels
