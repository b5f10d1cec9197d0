// Where a kernel's range ends.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "gcg/kernels.h"

namespace gcg::kernels {

// The end of the range for lines of these lengths; not before its start.
inline size_t shortest(Target dst, Range range, std::initializer_list<Operand> operands) {
    size_t end = std::min(range.end, dst.size);
    for (const Operand& one : operands) end = std::min(end, one.size);
    return std::max(end, range.start);
}

// The same for kernels that begin with the element before; without one there is nothing to do.
inline size_t after_first(Target dst, Range range, std::initializer_list<Operand> operands) {
    return range.start ? shortest(dst, range, operands) : 0;
}

}  // namespace gcg::kernels
