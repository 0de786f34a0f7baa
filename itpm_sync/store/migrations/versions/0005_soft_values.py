"""Quarantine tells a record from a value that its mapping leaves out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OF_A_RECORD_THAT_COUNTS = """
UPDATE rejected SET soft = :yes WHERE EXISTS (
    SELECT 1 FROM raw_record WHERE raw_record.kinds <> ''
    AND raw_record.id = rejected.connection || ':' || rejected.stream || ':' || rejected.source_id
)
"""


def upgrade() -> None:
    """Nobody noted it so far: what has rows in the model is taken for a value's."""
    op.add_column(
        "rejected", sa.Column("soft", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.get_bind().execute(sa.text(_OF_A_RECORD_THAT_COUNTS), {"yes": True})
