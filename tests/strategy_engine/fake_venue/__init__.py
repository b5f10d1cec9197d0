"""A venue for tests: a process of its own with an order book, a log on disk and faults on demand; and the gateway to it.

It knows nothing of gcg_quant: prices are whole ticks, quantities whole lots, messages JSON lines over loopback.
"""
