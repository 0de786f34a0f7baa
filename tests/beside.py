"""What stands beside the project and is never copied into it: real data, published examples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("ITPM_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def on_real_data(data: Path) -> list[pytest.MarkDecorator]:
    """Marks of tests that run on these data, which only `make real` asks for."""
    return [
        pytest.mark.real,
        pytest.mark.skipif(not data.exists(), reason=f"the real data are not at {data}"),
        pytest.mark.skipif(os.environ.get("ITPM_REAL") != "1", reason="on real data: make real"),
    ]
