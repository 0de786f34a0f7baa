"""Alembic's entry: migrates on the connection, and in the transaction, of the store."""

from __future__ import annotations

from alembic import context

from itpm_sync.store.schema import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    transactional_ddl=True,  # SQLite's too: the store begins its transactions itself
)
context.run_migrations()
