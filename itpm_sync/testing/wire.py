"""What goes between a connector and its source, seen and spoilt at the client's end.

It works on `requests`, below `itpm_sync.http.HttpClient`, so that a sandbox and a real server are
spoilt alike, and no test waits for a timeout.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

DAMAGES = ("html", "cut", "401", "403", "500")
_PAGE = b"<!DOCTYPE html><html>\n<title>Log in</title>\n</html>"

Send = Callable[[], requests.Response]
Spoil = Callable[[int, requests.PreparedRequest, Send], requests.Response]


class Wire:
    """Counts requests while one of its contexts is open: `asked`, from any thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._spoil: Spoil | None = None
        self._lock = threading.Lock()
        really = HTTPAdapter.send

        def send(adapter: HTTPAdapter, request: Any, *args: Any, **options: Any) -> Any:
            spoil = self._spoil
            if spoil is None:
                return really(adapter, request, *args, **options)
            with self._lock:
                number, self.asked = self.asked, self.asked + 1
            return spoil(number, request, lambda: really(adapter, request, *args, **options))

        monkeypatch.setattr(HTTPAdapter, "send", send)
        monkeypatch.setattr("itpm_sync.http.client._wait", lambda _state: 0.0)

    def watched(self) -> Any:
        """Nothing goes wrong; requests are counted."""
        return self._open(lambda _number, _request, send: send())

    def losing(self, number: int) -> Any:
        """The source acts on the request of that number, and its answer is lost."""

        def spoil(at: int, _request: requests.PreparedRequest, send: Send) -> requests.Response:
            answer = send()
            if at == number:
                answer.close()
                raise requests.exceptions.ReadTimeout("the answer is lost")
            return answer

        return self._open(spoil)

    def spoilt(self, damage: str, first: int = 0) -> Any:
        """Every answer from a number on is damaged; refusals repeat the login that was sent."""

        def spoil(at: int, request: requests.PreparedRequest, send: Send) -> requests.Response:
            return send() if at < first else _damaged(damage, request, send)

        return self._open(spoil)

    @contextmanager
    def _open(self, spoil: Spoil) -> Iterator[None]:
        self.asked, self._spoil = 0, spoil
        try:
            yield
        finally:
            self._spoil = None


def _damaged(damage: str, request: requests.PreparedRequest, send: Send) -> requests.Response:
    if damage == "html":
        return _answer(request, 200, _PAGE, "text/html")
    if damage == "cut":
        answer = send()
        body = answer.raw.read(decode_content=True)
        answer.close()
        return _answer(request, answer.status_code, body[: len(body) // 2])
    said = f"refused: {request.headers.get('Authorization')}"
    return _answer(request, int(damage), orjson.dumps({"message": said, "errorMessages": [said]}))


def _answer(
    request: requests.PreparedRequest, status: int, body: bytes, kind: str = "application/json"
) -> requests.Response:
    made = requests.Response()
    made.status_code, made.url, made.request = status, request.url or "", request
    made.headers = CaseInsensitiveDict({"Content-Type": kind})
    made.raw = urllib3.HTTPResponse(io.BytesIO(body), status=status, preload_content=False)
    return made
