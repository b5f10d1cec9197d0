// Kernels whose every element comes from the one before.
#include "gcg/kernels.h"
#include "kernel_range.h"

namespace gcg::kernels {

size_t smooth(Target dst, Operand src, Operand keep, Operand take, Range range) {
    const size_t end = after_first(dst, range, {src, keep, take});
    if (end <= range.start) return range.start;
    double previous = dst.data[range.start - 1];
    if (!keep.data && !take.data) {
        for (size_t i = range.start; i < end; ++i) {
            const double fresh = src.data[i] * take.value;
            const double result = previous * keep.value + fresh;
            if (result != result && (ambiguous(src.data[i], take.value) || ambiguous(previous, keep.value) ||
                                     ambiguous(previous * keep.value, fresh)))
                return i;
            dst.data[i] = previous = result;
        }
        return end;
    }
    for (size_t i = range.start; i < end; ++i) {
        const double share = take.data ? take.data[i] : take.value;
        const double rest = keep.data ? keep.data[i] : keep.value;
        const double old = previous * rest, fresh = src.data[i] * share;
        const double result = old + fresh;
        if (result != result && (ambiguous(src.data[i], share) || ambiguous(previous, rest) || ambiguous(old, fresh)))
            return i;
        dst.data[i] = previous = result;
    }
    return end;
}

size_t accumulate(Target dst, Operand src, Range range) {
    const size_t end = after_first(dst, range, {src});
    if (end <= range.start) return range.start;
    double sum = dst.data[range.start - 1];
    for (size_t i = range.start; i < end; ++i) {
        if (ambiguous(sum, src.data[i])) return i;
        dst.data[i] = sum = sum + src.data[i];
    }
    return end;
}

size_t last_difference(Target dst, Operand a, Operand b, Range range) {
    const size_t end = after_first(dst, range, {a, b});
    if (end <= range.start) return range.start;
    double previous = dst.data[range.start - 1];
    for (size_t i = range.start; i < end; ++i) {
        const double x = a.data ? a.data[i] : a.value, y = b.data ? b.data[i] : b.value;
        if (ambiguous(x, y)) return i;
        const double difference = x - y;
        dst.data[i] = previous = difference != 0.0 ? difference : previous;  // a NaN is no zero
    }
    return end;
}

}  // namespace gcg::kernels
