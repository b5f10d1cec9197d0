"""Run by alembic for each migration, on the connection of `sql.migration`, which begins and ends its transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
