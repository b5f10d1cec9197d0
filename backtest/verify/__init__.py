"""A replay is the run: the strategies of a recorded session are given what they were given, and must do what they did."""

from .difference import EventPlace, ReplayDifference
from .verification import ReplayVerdict, Verification, verify

__all__ = ["EventPlace", "ReplayDifference", "ReplayVerdict", "Verification", "verify"]
