"""Logins that no header, text or log gives away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import requests
from requests.auth import AuthBase

from itpm_sync.errors import ConnectionFailed

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class Redactor:
    """Replaces secrets, also in their base64, URL-quoted and JSON forms, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Adds a secret; texts under four characters would blank out ordinary words."""
        if len(secret) < 4:
            return
        raw = secret.encode(errors="surrogateescape")
        forms = {
            secret, quote(raw), quote(raw, safe=""), quote_plus(raw),
            json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        }  # fmt: skip
        self._forms = tuple(sorted({*self._forms, *forms}, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """`text` without any known secret."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text


class BasicAuth(AuthBase):
    """`Authorization: Basic`; its repr shows no secret.

    Raises ConnectionFailed for what no login can be (RFC 7617: no control characters).
    """

    def __init__(self, user: str, password: str) -> None:
        if _CONTROLS.search(user + password):
            raise ConnectionFailed(
                "user, password or token holds a line break or another control character",
                advice="store the bare word, on one line",
            )
        token = base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()
        self._header, self.secrets = f"Basic {token}", (password, token)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return "BasicAuth(***)"


class TokenAuth(AuthBase):
    """`<header>: <scheme> <token>`: Bearer by default.

    Raises ConnectionFailed for a token that no header can carry.
    """

    def __init__(
        self, token: str, *, scheme: str = "Bearer", header: str = "Authorization"
    ) -> None:
        if not (token.isascii() and token.isprintable()):
            raise ConnectionFailed(
                "the token holds a line break or a character that no HTTP header can carry",
                advice="store the bare token, on one line",
            )
        self._header, self._value = header, f"{scheme} {token.strip()}".strip()
        self.secrets = (token.strip(),)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._value
        return request

    def __repr__(self) -> str:
        return "TokenAuth(***)"
