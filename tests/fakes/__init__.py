"""Venues for tests: processes that speak Binance's and OKX's wire on loopback, and a TCP proxy that breaks connections on demand.

They know nothing of gcg_quant. `tests/` is on the path of whoever imports them (tests/fakes/conftest.py shows how).
"""
