"""A good configuration to be spoilt, with connectors of its own, and what reading it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import AfterValidator, Field, SecretStr

from itpm_sync.config import Config
from itpm_sync.connector import ConnectorInfo, ConnectorSettings
from itpm_sync.errors import ConfigError

EXAMPLE = """\
version: 1
title: Office
timezone: Europe/Zurich
store: sqlite:///var/itpm.db
connections:
  desk:
    connector: fake
    url: https://desk.example
    token: ${env:DESK_TOKEN}
    login:
      password: ${file:pw.txt}
  plan:
    connector: silent
    url: https://plan.example
    token: ${cmd:PYTHON -c 'print("from-cmd")'}
    max_connections: 2
projects:
  - code: NET
    name: Network refresh
    start: 2024-01-08
    publish:
      - {connection: desk, address: NET-1, fields: [comment]}
allocation:
  - when: {component: [Switches, Cabling], version: 1.10}
    project: NET
    work_package: "007"
thresholds:
  index_green: 0.96
jobs:
  weekly: [pull, reconcile, report, publish]
  nightly:
    steps: [pull]
    connections: [desk]
    expect_every_h: 24
""".replace("PYTHON", sys.executable)
ENVIRON = {"DESK_TOKEN": "from-env"}
Read = Callable[..., Config]


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError("expected an https:// address")
    return url


class Login(ConnectorSettings):
    user: str = "bot"
    password: SecretStr = SecretStr("")


class FakeSettings(ConnectorSettings):
    url: Annotated[str, AfterValidator(_https)]
    token: SecretStr
    login: Login = Login()
    queues: tuple[str, ...] = ()
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    page_size: int = 50


class Fake:
    Settings: ClassVar[type[ConnectorSettings]] = FakeSettings
    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        "fake", "Fake", "-", "-", ("comment", "field"), publishes_one=("field",)
    )


class Silent(Fake):
    info: ClassVar[ConnectorInfo] = ConnectorInfo("silent", "Silent", "-", "-")


POINTS = {
    name: EntryPoint(name, f"{__name__}:{cls}", "itpm_sync.connectors")
    for name, cls in (("fake", "Fake"), ("silent", "Silent"), ("broken", "Absent"))
}


def problems(read: Read, text: str | bytes, **options: Any) -> list[str]:
    """Each problem as `line:column: message — hint`."""
    with pytest.raises(ConfigError) as failure:
        read(text, **options)
    return [str(p).split("itpm.yaml:", 1)[1] for p in failure.value.problems]


def changed(old: str, new: str) -> str:
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)
