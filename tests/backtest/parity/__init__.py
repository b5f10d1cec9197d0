"""Backtrader beside us: set-ups, what a run leaves behind, and what differs. The tests of parity and the benchmarks' checks stand on it."""
