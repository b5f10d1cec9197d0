// An instrument's terms as Python has them, for whatever keeps an account.
#pragma once

#include <pybind11/pybind11.h>

#include "gcg/account.h"

namespace gcg::python {

// The terms of a dict: the fields of Instrument by name, `tick_ratio` and `lot_ratio` (numerator, denominator) and
// `margined`. Throws KeyError for what is missing, OverflowError for a fraction that does not fit 64 bits.
AccountTerms account_terms(const pybind11::dict& terms, uint32_t currency);

}  // namespace gcg::python
