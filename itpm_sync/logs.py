"""Logging: one line an event, text or JSON, and no secret in either."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from itpm_sync.errors import Stopped, visible, whole
from itpm_sync.http import Redactor

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}


class _Clean(logging.Filter):
    """Redacts the finished message, whatever it was put together from."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor.clean(record.getMessage()), ()
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            record.exc_text, record.exc_info = self._redactor.clean(text), None
        return True


class _NotStopped(logging.Filter):
    """Leaves out what a library logs of being interrupted: the program itself says it in a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], Stopped))


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = visible(record.getMessage().replace("\n", "\n  "))
        text = f"{stamp} {record.levelname.lower()} {text}"
        return f"{text}\n{visible(record.exc_text)}" if record.exc_text else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": whole(record.getMessage()),
        }
        if record.exc_text:
            line["traceback"] = whole(record.exc_text)
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


class _Stderr(logging.StreamHandler[Any]):
    """Standard error as it is when a line is written: progress bars take it over for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr


def configure(verbosity: int, log_format: str, redactor: Redactor) -> None:
    """Logs to standard error: errors (-1), warnings (0), what happens (1), everything (2)."""
    handler = _Stderr()
    handler.addFilter(_NotStopped())
    handler.addFilter(_Clean(redactor))
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    logging.basicConfig(level=_LEVELS.get(verbosity, logging.DEBUG), handlers=[handler], force=True)
    # Their debug output holds whole requests; ours says what matters.
    for noisy in ("urllib3", "requests", "sqlalchemy", "alembic", "PIL", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
