"""What benchmarks/bus.py measures: one module a part, each yielding rows."""
