"""The first schema.

Written as words so that it can be read: `name:type`, `!` part of the primary key, `+` not null,
`=` empty text by default. Frozen: later changes are migrations of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES: dict[str, Any] = {
    "text": sa.Text(),
    "int": sa.BigInteger(),
    "seq": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "bool": sa.Boolean(),
    "date": sa.Date(),
    "moment": sa.DateTime(timezone=True),
    "bytes": sa.LargeBinary(),
}

_ENGINE = {
    "checkpoint": (
        "connection:text! stream:text! scope:text! partition:text! at:moment+ swept_at:moment "
        "detail:text+"
    ),
    "completeness": (
        "run:text! connection:text! stream:text! scope:text! source_count:int exact:bool+ "
        "stored:int+ census_count:int as_of:moment complete:bool+ note:text+= recorded:moment+"
    ),
    "connection_state": "connection:text! variables:text+ fingerprint:text+= updated:moment+",
    "finding_state": "key:text! first_seen:date+ last_seen:date+",
    "meta": "name:text! value:text+",
    "outbox": (
        "id:text! connection:text+ project:text+ address:text+ field:text+ mark:text+ "
        "state:text+ written:text standing:text pending:text remote_id:text attempts:int+ "
        "message:text+= updated_at:moment"
    ),
    "plan_baseline": (
        "project:text! version:int! on:date+ author:text+= approval:text+= "
        "change_request:text+= created:moment+"
    ),
    "raw_record": (
        "id:text! connection:text+ stream:text+ source_id:text+ scope:text+= updated_at:moment "
        "seen_at:moment+ run:text+ absent:text absent_since:moment merged_into:text "
        "hash:bytes+ fingerprint:text+ kinds:text+ url:text body:bytes+"
    ),
    "record_version": (
        "seq:seq! kind:text+ id:text+ state_from:moment+ seen_at:moment+ replaced_at:moment+ "
        "run:text+ data:text+"
    ),
    "rejected": (
        "connection:text! stream:text! source_id:text! place:text! field:text! message:text+= "
        "run:text+ first_seen:moment+"
    ),
    "run": (
        "id:text! job:text+= started:moment+ finished:moment state:text+ counts:text+ "
        "message:text+="
    ),
    "sighting": "id:text! connection:text+ stream:text+ source_id:text+ scope:text+",
    "snapshot": "seq:seq! data_date:date+ created:moment+ run:text+ hash:bytes+ body:bytes+",
    "plan_baseline_line": "project:text! version:int! position:int! section:text+ data:text+",
}

_INDEXES = {
    "completeness": ("connection", "recorded"),
    "raw_record": ("connection", "stream", "scope", "absent"),
    "record_version": ("id", "kind", "state_from"),
    "run": ("started",),
    "sighting": ("connection", "stream"),
    "snapshot": ("data_date", "seq"),
}

_COMMON = (
    "id:text! connection:text+ stream:text+ source_id:text+ url:text raw_id:text+ gone:text "
    "gone_since:moment state_from:moment+ seen_at:moment+ project_key:text+= work_package:text+= "
    "updated_at:moment attributes:text+ "
)

_KINDS = {
    "project": (
        "code:text+ name:text+ stage:text+ manager:text+ sponsor:text+ currency:text+ "
        "planned_start:date planned_finish:date actual_finish:date planned_cost:text "
        "planned_cost_currency:text actual_cost:text actual_cost_currency:text "
        "declared_rating:text+"
    ),
    "team": "name:text+ discipline:text+",
    "person": "name:text+ email:text+ team:text+ role:text+ active:bool+ skills:text+",
    "rate": "of:text+ per_hour:text+ per_hour_currency:text+ valid_from:date valid_to:date",
    "fx_rate": "currency:text+ base:text+ rate:text+ on:date+",
    "work_package": (
        "code:text+ name:text+ parent:text+ team:text+ planned_start:date planned_finish:date "
        "actual_start:date actual_finish:date budget:text budget_currency:text "
        "planned_effort_s:int method:text+ percent_complete:text depends_on:text+"
    ),
    "baseline": "version:int+ author:text+ on:date+ approval:text+ change_request:text+",
    "work_item": (
        "key:text+ title:text+ type:text+ source_type:text+ status:text+ source_status:text+ "
        "resolution:text+ priority:text+ points:text estimate_s:int spent_s:int "
        "remaining_s:int assignee:text+ reporter:text+ parent:text+ epic:text+ "
        "components:text+ labels:text+ versions:text+ sprints:text+ links:text+ "
        "created_at:moment resolved_at:moment due:date"
    ),
    "field_change": (
        "item:text+ at:moment+ author:text+ field_name:text+ before:text+ after:text+"
    ),
    "help_desk_item": (
        "key:text+ title:text+ type:text+ status:text+ source_status:text+ priority:text+ "
        "queue:text+ category:text+ requester:text+ assignee:text+ spent_s:int "
        "created_at:moment started_at:moment resolved_at:moment sla:text+ "
        "response_due_at:moment resolve_due_at:moment response_breached:bool "
        "resolve_breached:bool reopened:int links:text+"
    ),
    "time_entry": (
        "item:text+ person:text+ role:text+ team:text+ on:date+ started_at:moment "
        "duration_s:int+ note:text+"
    ),
    "contract": (
        "number:text+ title:text+ vendor:text+ ceiling:text ceiling_currency:text start:date "
        "end:date notice_days:int renewal:text+ status:text+ owner:text+"
    ),
    "order_line": (
        "order:text+ line:text+ description:text+ vendor:text+ contract:text+ ordered_on:date "
        "quantity:text+ amount:text+ amount_currency:text+ status:text+"
    ),
    "receipt": "order:text+ line:text+ quantity:text+ received_on:date+",
    "invoice_line": (
        "invoice:text+ line:text+ credit_note:bool+ description:text+ vendor:text+ order:text+ "
        "order_line:text+ contract:text+ invoiced_on:date+ due:date quantity:text amount:text+ "
        "amount_currency:text+ tax:text tax_currency:text paid_on:date"
    ),
    "payment": "invoice:text+ vendor:text+ amount:text+ amount_currency:text+ paid_on:date+",
    "milestone": "code:text+ name:text+ planned:date actual:date weight:text",
    "sprint": "name:text+ state:text+ start:moment finish:moment",
    "risk": (
        "code:text+ title:text+ probability:text impact:text impact_currency:text status:text+ "
        "owner:text+ response:text+ due:date"
    ),
    "change_request": (
        "number:text+ title:text+ status:text+ approved_by:text+ approved_on:date amount:text "
        "amount_currency:text"
    ),
    "gate": "stage:text+ approved_by:text+ approved_on:date",
}

# ids are looked up, never scanned in order of arrival: the row stands in the key's own tree
_WITHOUT_ROWID = frozenset({"sighting", *_KINDS})


def upgrade() -> None:
    """Creates every table."""
    for name, words in _ENGINE.items():
        _create(name, words)
    for name, columns in _INDEXES.items():
        op.create_index(f"ix_{name}_{'_'.join(columns)}", name, list(columns))
    for name, words in _KINDS.items():
        _create(name, _COMMON + words)
        op.create_index(f"ix_{name}_raw_id", name, ["raw_id"])


def _create(name: str, words: str) -> None:
    columns = [_column(word) for word in words.split()]
    keys = [column.name for column in columns if column.primary_key]
    constraints: list[Any] = [sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}")]
    if name == "plan_baseline_line":
        constraints.append(
            sa.ForeignKeyConstraint(
                ["project", "version"],
                ["plan_baseline.project", "plan_baseline.version"],
                name="fk_plan_baseline_line_plan_baseline",
            )
        )
    op.create_table(name, *columns, *constraints, sqlite_with_rowid=name not in _WITHOUT_ROWID)


def _column(word: str) -> sa.Column[Any]:
    name, _, rest = word.partition(":")
    type_ = _TYPES[rest.rstrip("!+=")]
    return sa.Column(
        name,
        type_,
        primary_key="!" in rest,
        nullable="!" not in rest and "+" not in rest,
        server_default="" if "=" in rest else None,
    )
