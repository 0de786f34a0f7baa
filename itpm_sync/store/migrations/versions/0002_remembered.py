"""What a connector remembers, which streams a connection has, and proofs found by scope.

A run no longer reads every stream: what was proved of a stream last may stand some runs back, so
the latest proof of each scope is looked up, where before one moment held for a whole connection.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with a default, so that rows of before stay as they are, and one index."""
    for name in ("memory", "streams"):
        op.add_column(
            "connection_state",
            sa.Column(name, sa.Text(), nullable=False, server_default="{}"),
        )
    op.add_column("connection_state", sa.Column("remembered_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_completeness_connection_stream_scope_recorded",
        "completeness",
        ["connection", "stream", "scope", "recorded"],
    )
    op.drop_index("ix_completeness_connection_recorded", "completeness")
