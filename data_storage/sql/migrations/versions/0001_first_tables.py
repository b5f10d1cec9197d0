"""The first version: the tables as `schema/models.py` made them then. A database is born with it or a later one, never brought to it."""

from __future__ import annotations

revision = "0001"
down_revision = None
