// Matching, accounts, risk and bars for Python.
#include "../account_bindings.cpp"
#include "../bar_maker_bindings.cpp"
#include "../risk_calls.cpp"
#include "../trading_bindings.cpp"
