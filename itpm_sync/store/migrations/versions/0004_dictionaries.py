"""Raw bodies are compressed with a dictionary of their stream."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of dictionaries; bodies that are there stay as they are."""
    op.create_table(
        "raw_dictionary",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_raw_dictionary"),
    )
