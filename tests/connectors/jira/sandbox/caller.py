"""Who calls a sandbox in tests: as the vendor's API is called, without a connector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from connectors.jira.sandbox import JiraSandbox


def logged_in(sandbox: JiraSandbox) -> requests.Session:
    """A session with the sandbox's login, as its flavour takes it."""
    session = requests.Session()
    if sandbox.cloud:
        session.auth = (sandbox.email, sandbox.token)
    else:
        session.headers["Authorization"] = f"Bearer {sandbox.token}"
    return session


class Caller:
    """Plain requests with the sandbox's login."""

    def __init__(self, sandbox: JiraSandbox) -> None:
        self.sandbox = sandbox
        self.api = f"{sandbox.url}/rest/api/{3 if sandbox.cloud else 2}"
        self.session = logged_in(sandbox)

    def raw(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        method = "GET" if body is None else "POST"
        more = {} if body is None else {"json": body}
        return self.session.request(method, self.api + path, timeout=5, **more, **kwargs)

    def __call__(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        answer = self.raw(path, body, **kwargs)
        assert answer.ok, answer.text
        return answer.json()

    def ids(self, jql: str, **more: Any) -> list[list[str]]:
        """The pages of a Cloud search."""
        pages, body = [], {"jql": jql, **more}
        while True:
            found = self("/search/jql", body)
            pages.append([issue["id"] for issue in found["issues"]])
            if "nextPageToken" not in found:
                assert found["isLast"] is True
                return pages
            body["nextPageToken"] = found["nextPageToken"]


@contextmanager
def running(sandbox: JiraSandbox) -> Iterator[Caller]:
    sandbox.start()
    try:
        yield Caller(sandbox)
    finally:
        sandbox.stop()
