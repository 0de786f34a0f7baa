"""Connections whose answers begin in time: the time-out of a socket begins anew with each byte, so
that a status line or headers that come in drops would hold a thread for as long as they like.

`http.client` reads an answer through a file that it makes of the socket. Here that file looks at
the clock before each reading until the headers are complete; the body has limits of its own, in
`client`.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

TIMEOUTS = 10  # in so many time-outs of the socket an answer begins, headers and all


class _Timed(io.RawIOBase):
    """What comes over a socket, until a deadline by the monotonic clock; 0: there is none."""

    def __init__(self, raw: io.RawIOBase, deadline: float) -> None:
        self._raw, self.deadline = raw, deadline

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        if self.deadline and time.monotonic() > self.deadline:
            raise TimeoutError("its headers come in drops, and no end: timed out")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer, of a proxy's CONNECT too, that has its headers in time. Raises TimeoutError."""

    fp: io.BufferedReader

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        patience_s = TIMEOUTS * (sock.gettimeout() or 0)
        self._timed = _Timed(self.fp.detach(), time.monotonic() + patience_s if patience_s else 0)
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        super().begin()
        self._timed.deadline = 0


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    """The adapter of a session for http and https, through an http proxy too."""

    _pools: ClassVar = {"http": _Pool, "https": _SecurePool}

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager
