// The calls of RiskEngine that an order makes on its way: bound by hand, since pybind11 takes longer over them than
// they do themselves.
#pragma once

#include <pybind11/pybind11.h>

#include "gcg/risk.h"

namespace gcg::python {

void bind_risk_calls(pybind11::class_<RiskEngine>& engine);

}  // namespace gcg::python
