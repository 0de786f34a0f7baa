"""Files that tell a dead cron from a healthy one: a status file (JSON) and a metrics file.

Both are replaced atomically, also after a run that failed, so that a monitor which finds an old
`finished` knows that nothing has run. The metrics are in Prometheus' text format, for its node
exporter's textfile collector.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import orjson

from itpm_sync.errors import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionHealth:
    """How a connection fared: `ok`, `quarantine`, `partial`, `failed`, `safety_stop`."""

    state: str
    message: str
    as_of: datetime | None
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a run leaves behind for a monitor. Times are aware UTC."""

    job: str
    state: str  # ok, quarantine, partial, failed, safety_stop, interrupted
    exit_code: int
    started: datetime
    finished: datetime
    last_success: datetime | None
    connections: Mapping[str, ConnectionHealth] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)  # by severity
    ratings: Mapping[str, str] = field(default_factory=dict)  # by project
    published: Mapping[str, int] = field(default_factory=dict)  # by action
    message: str = ""


def status_json(health: Health) -> bytes:
    """The status file's content."""
    links = {n: replace(c, message=whole(c.message)) for n, c in health.connections.items()}
    told = replace(health, message=whole(health.message), connections=links)
    return orjson.dumps(asdict(told), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"


def metrics_text(health: Health) -> bytes:
    """The metrics file's content, in Prometheus' text format."""
    lines: list[str] = []
    for name, text, samples in _metrics(health):
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value:.15g}" for labels, value in samples]
    return ("\n".join(lines) + "\n").encode()


Samples = Sequence[tuple[Mapping[str, str], float]]


def _metrics(health: Health) -> Iterator[tuple[str, str, Samples]]:
    def each(values: Mapping[str, float]) -> Samples:
        return [({"connection": name}, value) for name, value in values.items()]

    def job(value: float) -> Samples:
        return [({"job": health.job}, value)]

    links = health.connections
    finished, success = health.finished.timestamp(), health.last_success
    yield "itpm_sync_run_finished_timestamp_seconds", "End of the last run.", job(finished)
    if success:
        name = "itpm_sync_run_success_timestamp_seconds"
        yield name, "End of the last run that did all.", job(success.timestamp())
    yield "itpm_sync_run_exit_code", "Exit code of the last run.", job(health.exit_code)
    seconds = (health.finished - health.started).total_seconds()
    yield "itpm_sync_run_duration_seconds", "Wall time of the last run.", job(seconds)
    up = each({n: float(c.state in {"ok", "quarantine"}) for n, c in links.items()})
    yield "itpm_sync_connection_up", "1 if the connection was pulled completely.", up
    records = each({n: c.records for n, c in links.items()})
    yield "itpm_sync_connection_records", "Records stored.", records
    as_of = each({n: c.as_of.timestamp() for n, c in links.items() if c.as_of})
    yield "itpm_sync_source_as_of_timestamp_seconds", "Data as of.", as_of
    findings = [({"severity": s}, n) for s, n in health.findings.items()]
    yield "itpm_sync_findings", "Open findings.", findings
    published = [({"action": a}, n) for a, n in health.published.items()]
    yield "itpm_sync_published", "Targets of the last publication.", published


def _labels(labels: Mapping[str, str]) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{k}="{escaped(v)}"' for k, v in labels.items()) + "}"


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a file atomically: a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
