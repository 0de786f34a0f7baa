"""`${env:NAME}`, `${file:PATH}` and `${cmd:COMMAND}` within the texts of a configuration."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from itpm_sync.config.document import KeyPath
from itpm_sync.errors import Problem

_COMMAND_TIMEOUT_S = 30
UNRESOLVED = "https://unresolved.invalid"  # good as a word, as a secret and as an address
_REFERENCE = re.compile(r"\$\{(?:(\w+):)?([^}]*)\}")


class References:
    """Replaces `${env:…}`, `${file:…}` and `${cmd:…}` in every text of a document."""

    def __init__(self, base_dir: Path, environ: Mapping[str, str], *, resolve: bool) -> None:
        self._base_dir, self._environ, self._resolve = base_dir, environ, resolve
        self.secrets: set[str] = set()
        self.problems: list[Problem] = []
        self.used: set[KeyPath] = set()
        self.given: set[str] = set()  # what references stand for, and the texts with it

    def replace(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {k: self.replace(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.replace(v, (*path, i)) for i, v in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        self.used.add(path)
        if "${" in _REFERENCE.sub("", value):
            self.problems.append(Problem(path, "a reference that does not end", "add the `}`"))
        text = _REFERENCE.sub(lambda m: self._one(m, path), value)
        self.given.add(text)
        return text

    def _one(self, match: re.Match[str], path: KeyPath) -> str:
        source, name = match[1], match[2]
        readers = {"env": self._env, "file": self._file, "cmd": self._cmd}
        if source not in readers:
            hint = "use ${env:NAME}, ${file:PATH} or ${cmd:COMMAND}"
            self.problems.append(Problem(path, f"unknown reference {match[0]}", hint))
            return ""
        if not self._resolve and path[:1] == ("connections",):
            return UNRESOLVED
        try:
            text = readers[source](name)
        except _Unresolved as error:
            self.problems.append(Problem(path, str(error), error.hint))
            return ""
        self.given.add(text)
        return text

    def _env(self, name: str) -> str:
        if name not in self._environ:
            raise _Unresolved(
                f"the environment variable {name} is not set",
                "export it (for cron, whose environment is almost empty, in its environment "
                "file), or use ${file:…}",
            )
        return self._environ[name]

    def _file(self, name: str) -> str:
        path = Path(name)
        try:
            path = self._base_dir / path.expanduser()
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except RuntimeError:
            raise _Unresolved(
                f"cannot read the secret file {path}: nobody knows whose home that is",
                "write the whole path",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise _Unresolved(
                f"cannot read the secret file {path}: {reason}", "check its path and owner"
            ) from None
        self.secrets.add(text)
        return text

    def _cmd(self, command: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603 — the administrator's own command, without a shell
                shlex.split(command), capture_output=True, text=True, check=False,
                timeout=_COMMAND_TIMEOUT_S, stdin=subprocess.DEVNULL, cwd=self._base_dir,
            )  # fmt: skip
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise _Unresolved(
                f"the command of ${{cmd:…}} did not run: {reason}", "run it by hand"
            ) from None
        if done.returncode:
            raise _Unresolved(
                f"the command of ${{cmd:…}} ended with {done.returncode}", "run it by hand"
            )
        text = done.stdout.rstrip("\r\n")
        self.secrets.add(text)
        return text


class _Unresolved(Exception):
    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)
