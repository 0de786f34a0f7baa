"""Migrations of the store's schema, run by Alembic inside one transaction of ours."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def known() -> frozenset[str]:
    """Every version that this program can start from."""
    script = ScriptDirectory.from_config(configuration())
    return frozenset(revision.revision for revision in script.walk_revisions())


def upgrade(connection: sa.Connection) -> None:
    """Brings the schema to the newest version; the caller commits, or nothing has happened."""
    command.upgrade(configuration(connection), "head")
