"""What a connection of type `jira` is configured with, and the HTTP client made from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from itpm_sync.connector import ConnectorSettings, Context
from itpm_sync.http import BasicAuth, HttpClient, TokenAuth

ProjectKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=255)]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class JiraAuth(ConnectorSettings):
    """Cloud: email and API token. Data Center: a personal access token, or user and password."""

    email: str | None = None
    token: SecretStr | None = None
    user: str | None = None
    password: SecretStr | None = None


class JiraSettings(ConnectorSettings):
    """What a `connections:` entry of type `jira` holds."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+[^\s?#]*$")]
    flavor: Literal["cloud", "datacenter"]
    auth: JiraAuth
    projects: Annotated[tuple[ProjectKey, ...], Field(min_length=1)]
    fields: Mapping[FieldName, str] = {}
    worklogs: bool = True
    changelog: bool = True
    sprints: Literal["auto"] | bool = "auto"
    verify: bool | Path = True

    @field_validator("projects")
    @classmethod
    def _each_once(cls, projects: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({p for p in projects if projects.count(p) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed more than once")
        return projects

    @model_validator(mode="after")
    def _auth_fits(self) -> JiraSettings:
        given = {n for n in ("email", "token", "user", "password") if getattr(self.auth, n)}
        allowed: tuple[set[str], ...] = ({"email", "token"},)
        if self.flavor == "datacenter":
            allowed = ({"token"}, {"user", "password"})
        if given not in allowed:
            wanted = " or ".join("{" + ", ".join(sorted(a)) + "}" for a in allowed)
            found = ", ".join(sorted(given)) or "nothing"
            raise ValueError(f"auth: flavor {self.flavor} needs {wanted}, found {found}")
        return self


def http_client(settings: JiraSettings, context: Context) -> HttpClient:
    """A client for the site. Raises ConnectionFailed if there is no such CA bundle."""
    auth, token, password = settings.auth, settings.auth.token, settings.auth.password
    given = settings.verify
    verify = given if isinstance(given, bool) else str(context.base_dir / given)
    login: BasicAuth | TokenAuth
    if auth.email and token:
        login = BasicAuth(auth.email, token.get_secret_value())
    elif token:
        login = TokenAuth(token.get_secret_value())
    else:
        login = BasicAuth(auth.user or "", password.get_secret_value() if password else "")
    return HttpClient(
        settings.url, auth=login, connections=context.connections, timeout_s=context.timeout_s,
        attempts=context.attempts, verify=verify, user_agent=context.user_agent,
        stop=context.stop,
    )  # fmt: skip
