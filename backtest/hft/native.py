"""The native engine as this folder uses it: native/include/gcg/tick_engine.h, described in gcg_quant/_native.pyi."""

from gcg_quant._native import Sessions, TickDesk, TickEngine

__all__ = ["Sessions", "TickDesk", "TickEngine"]
