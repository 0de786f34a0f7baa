"""The `jira` package on our HTTP client. Importing it is slow, and a run with nothing new needs
none of it: so whoever needs it imports this module when it does.
"""

from __future__ import annotations

import io
from typing import Any

import requests
from jira import JIRA
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from itpm_sync.http import HttpClient


class _Transport(BaseAdapter):
    """Lets a `requests` session send through our client."""

    def __init__(self, http: HttpClient) -> None:
        super().__init__()
        self._http = http

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Raises what our client raises: never an answer with an error status."""
        answer, _parsed = self._http.request(request.method or "GET", request.url or "", parse=True)
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
        response.raw = io.BytesIO(answer.body)
        response.url, response.request = answer.url, request
        return response

    def close(self) -> None:
        """Nothing to close: the client belongs to the connector."""


def metadata_client(http: HttpClient, version: str) -> JIRA:
    """A client that asks for nothing when it is made. Thread-safe as far as it is used here."""

    class Metadata(JIRA):
        def __init__(self) -> None:
            super().__init__(
                http.base_url, options={"rest_api_version": version}, get_server_info=False,
                max_retries=0, logging=False,
            )  # fmt: skip
            self._session.trust_env = False  # no second set of credentials from a .netrc
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, _Transport(http))

    return Metadata()
