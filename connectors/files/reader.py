"""A CSV or Excel file → its header and its rows, with the row numbers that a person sees.

The csv module and openpyxl, not pandas: a quarantined cell must be named by file, row and column,
and read exactly as it stands; pandas guesses types per chunk, turns whole numbers with a gap into
floats, renames repeated headers and knows no row's position in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from connectors.files.excel import open_excel
from connectors.files.table import Layout, OpenTable, shown_name
from connectors.files.text import open_csv
from itpm_sync.errors import ConnectionFailed, RetryableError

_OLE = b"\xd0\xcf\x11\xe0"  # compound file: .xls, or a workbook with a password
_CUT = ("truncated data", "unexpected end of data")  # the reasons that codecs give
_ZIP = b"PK\x03\x04"


@contextmanager
def open_table(path: Path, layout: Layout) -> Iterator[OpenTable]:
    """Opens a file by its content, not its suffix, and finds its header.

    Raises ConnectionFailed where the file as a whole cannot be used, RetryableError where it
    changes while it is read or the disk fails.
    """
    with ExitStack() as stack:
        try:
            before = path.stat()
            yield _open(path, layout, stack)
            after = path.stat()
        except FileNotFoundError as error:
            raise ConnectionFailed(f"{shown_name(path)} is gone", advice="put it back") from error
        except PermissionError as error:
            raise ConnectionFailed(
                f"{shown_name(path)} may not be read",
                advice="give the account of the job the right to read it",
            ) from error
        except UnicodeDecodeError as error:
            if error.reason in _CUT:
                raise ConnectionFailed(
                    f"{shown_name(path)}: the file seems cut off: it ends within a character of "
                    f"{error.encoding}",
                    advice="export or upload the whole file again",
                ) from error
            raise ConnectionFailed(
                f"{shown_name(path)} is not text in {error.encoding}",
                advice="declare the encoding with which the file was saved",
            ) from error
        except OSError as error:
            raise RetryableError(f"{shown_name(path)}: {error.strerror or error}") from error
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise RetryableError(f"{shown_name(path)} changed while it was read; read it again")


def _open(path: Path, layout: Layout, stack: ExitStack) -> OpenTable:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise ConnectionFailed(f"{shown_name(path)} is empty", advice="export it again")
    if head.startswith(_OLE):
        raise ConnectionFailed(
            f"{shown_name(path)} is an old Excel file (.xls) or protected by a password",
            advice="save it as .xlsx without a password",
        )
    if head.startswith(_ZIP):
        return open_excel(path, layout, stack)
    return open_csv(path, layout, head, stack)
