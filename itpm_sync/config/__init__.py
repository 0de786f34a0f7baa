"""YAML → frozen settings; every problem with file:line:column and a suggestion.

`load` reads the whole file, resolves references (`${env:NAME}`, `${file:PATH}`, `${cmd:COMMAND}`)
and validates everything before it raises one ConfigError with all problems, so that an
administrator mends a file in one go. A secret in plain YAML is a warning, never an error.
"""

from itpm_sync.config.document import Document, in_order, read_yaml
from itpm_sync.config.gates import default_criteria, gate_criteria
from itpm_sync.config.loading import Config, Connection, Examined, examine, json_schema, load
from itpm_sync.config.settings import (
    RULE_WORDS,
    AllocationRule,
    Capacity,
    ConnectionCore,
    Criterion,
    DuplicateDecision,
    Duplicates,
    Gates,
    Job,
    Monitoring,
    Override,
    PersonSettings,
    PlanFileOptions,
    Privacy,
    Project,
    PublishTarget,
    Reports,
    Root,
    Safety,
    Thresholds,
    Waiver,
    WorkingCalendar,
)

__all__ = [
    "RULE_WORDS",
    "AllocationRule",
    "Capacity",
    "Config",
    "Connection",
    "ConnectionCore",
    "Criterion",
    "Document",
    "DuplicateDecision",
    "Duplicates",
    "Examined",
    "Gates",
    "Job",
    "Monitoring",
    "Override",
    "PersonSettings",
    "PlanFileOptions",
    "Privacy",
    "Project",
    "PublishTarget",
    "Reports",
    "Root",
    "Safety",
    "Thresholds",
    "Waiver",
    "WorkingCalendar",
    "default_criteria",
    "examine",
    "gate_criteria",
    "in_order",
    "json_schema",
    "load",
    "read_yaml",
]
