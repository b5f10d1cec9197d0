// The tick engine for Python.
#include "../hft_desk.cpp"
#include "../hft_engine.cpp"
#include "../hft_results.cpp"
#include "../hft_run.cpp"
