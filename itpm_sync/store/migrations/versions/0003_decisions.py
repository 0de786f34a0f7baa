"""Since when a finding stands, without a gap; approvals and attestations of stage gates.

A finding's row becomes a span; it ended on the first data date that was reconciled without it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From the newest state of each finding to its spans; new: records of gates."""
    op.create_table(
        "finding_span",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("since", sa.Date(), primary_key=True),
        sa.Column("resolved", sa.Date()),
    )
    op.execute(
        "INSERT INTO finding_span (key, since, resolved) SELECT key, first_seen, "
        "(SELECT min(data_date) FROM snapshot WHERE data_date > last_seen) FROM finding_state"
    )
    op.drop_table("finding_state")
    texts = ("author", "note", "despite", "owner")
    op.create_table(
        "gate_record",
        sa.Column("seq", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("project", "act", "subject")),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("recorded", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False, server_default="") for name in texts),
        sa.Column("failing", sa.Text(), nullable=False),
    )
    op.create_index("ix_gate_record_project_seq", "gate_record", ["project", "seq"])
