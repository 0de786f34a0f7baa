"""The good configuration's folder, and its reader; no connectors but its own are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import itpm_sync.config.loading
from itpm_sync.config import Config, load
from tests.config.config_world import ENVIRON, EXAMPLE, POINTS, Read


@pytest.fixture(autouse=True)
def _only_the_fake_connectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itpm_sync.config.loading, "installed", lambda: POINTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pw.txt").write_text("from-file\n")
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Read:
    def reader(text: str | bytes = EXAMPLE, **options: Any) -> Config:
        path = folder / "itpm.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load(path, **{"environ": ENVIRON, **options})

    return reader
