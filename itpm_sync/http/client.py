"""Requests to one outside system: sending, judging, trying again."""

from __future__ import annotations

import email.utils
import io
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson
import requests
import tenacity
import urllib3.exceptions
from requests.auth import AuthBase

from itpm_sync.errors import (
    ConnectionFailed,
    NotFound,
    PreconditionFailed,
    RequestRejected,
    RetryableError,
    Stopped,
)
from itpm_sync.http.adapter import Adapter
from itpm_sync.http.answer import Answer, retry_after_s, vendor_reason
from itpm_sync.http.budget import MAX_PATIENCE_S, RateBudget, until_stopped
from itpm_sync.http.credentials import Redactor
from itpm_sync.http.origin import checked_base, is_absolute, joined, origin_of, parsed_url, place

log = logging.getLogger(__name__)

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
MAX_BODY_BYTES = 512 * 1024 * 1024
_PART_BYTES = 2**18
_DROPS_TIMEOUTS = 10  # for so many time-outs a body may come as slowly as it likes
_DROPS_BYTES_PER_S = 1000  # and from then on no slower than this, on average since its beginning
LONG_PAUSE_S = 60.0  # from here on somebody who waits should know for what
_MAX_REDIRECTS = 5
_SAME_TIME_S = 60.0  # a `Date` header has seconds and has travelled: less is no skew


class HttpClient:
    """Requests to one outside system. Thread-safe; `close` when done.

    Once `stop` is set nothing more is sent, and whoever waits gets Stopped.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase | None = None,
        secrets: Iterable[str] = (),
        connections: int = 8,
        timeout_s: float = 60.0,
        attempts: int = 5,
        verify: bool | str = True,
        user_agent: str = "itpm-sync",
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.base_url = checked_base(base_url)
        self.origin = origin_of(self.base_url)
        if isinstance(verify, str):
            _check_bundle(Path(verify))
        self.attempts = attempts
        self._clock = clock
        self._stop = stop or threading.Event()
        self._sleep = sleep or until_stopped(self._stop)
        self.budget = RateBudget(clock=clock, sleep=self._sleep)
        self.redactor = Redactor((*secrets, *getattr(auth, "secrets", ())))
        self.clock_skew_s: float | None = None  # source's clock minus ours, from its Date header
        self.first_answer_at: datetime | None = None  # by the source's clock, its Date header
        self._timeout = (min(timeout_s, 10.0), timeout_s)
        self._auth = auth
        self._session = requests.Session()
        # Proxies and certificates that the environment names are the same for all of an origin;
        # `requests` would look for them at each request, for 1 ms, and for a login in ~/.netrc.
        found = self._session.merge_environment_settings(self.base_url, {}, None, verify, None)
        self._session.trust_env = False
        self._session.proxies = dict(found["proxies"])
        self._verify = found["verify"]
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = Adapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __repr__(self) -> str:
        return f"HttpClient({self.origin})"

    def in_its_time(self, moment: datetime) -> datetime:
        """A moment of our clock, not later than the source's clock showed it: what changed since
        then bears no earlier stamp, also at a source whose clock is slow.
        """
        skew = self.clock_skew_s or 0.0
        return moment + timedelta(seconds=skew) if skew < -_SAME_TIME_S else moment

    def close(self) -> None:
        """Closes all pooled connections."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET, parsed. `path` is relative to the base URL or a next-page link."""
        return self.json("GET", path, params=params)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The parsed answer of `request`; broken JSON is retried like a lost answer."""
        return self.request(method, path, parse=True, **options)[1]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        allow: tuple[int, ...] = (),
        parse: bool = False,
    ) -> tuple[Answer, Any]:
        """Sends with retries; returns the answer and, with `parse`, its JSON.

        `idempotent` overrides what the method says about repeating. Statuses in `allow` are
        returned instead of raised. Raises ConnectionFailed (also when attempts are used up),
        RequestRejected, NotFound, PreconditionFailed, and RetryableError when the outcome of a
        request that must not be repeated is unknown.
        """
        url = self.resolve(path)
        repeat = method in SAFE_TO_REPEAT if idempotent is None else idempotent

        def once() -> tuple[Answer, Any]:
            answer = self._send(method, url, params, body, headers, repeat=repeat)
            self._judge(answer, method, allow)
            expected = answer.body or (method == "GET" and answer.status == 200)
            return answer, (answer.json() if parse and expected else None)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: _repeatable(e, repeat=repeat)),
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=_wait,
            sleep=self._sleep,
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(once)
        except RetryableError as error:
            if not repeat and not isinstance(error, _Refused):
                raise
            raise ConnectionFailed(
                f"{error}; gave up after {self.attempts} attempts",
                advice="try again; if it lasts, look at the system or the network between",
            ) from None

    def resolve(self, path: str) -> str:
        """An absolute URL within our origin. Raises ConnectionFailed for any other host."""
        try:
            url = urljoin(self.base_url, path.lstrip("/") if not is_absolute(path) else path)
        except ValueError:
            url = ""
        if origin_of(url) != self.origin or parsed_url(url).auth:
            raise ConnectionFailed(
                f"{self.origin} pointed to another host ({origin_of(url)}); not followed",
                advice="if the system has moved, correct `url`; else tell its administrator",
            )
        return url

    # ---- one attempt ----------------------------------------------------------------------------

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        body: Any,
        headers: Mapping[str, str] | None,
        *,
        repeat: bool,
    ) -> Answer:
        data = None if body is None else orjson.dumps(body)
        sent = dict(headers or {})
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        for _ in range(_MAX_REDIRECTS):
            self.budget.wait_turn()
            if self._stop.is_set():
                raise Stopped
            answer = self._attempt(method, url, params, data, sent)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            if not repeat or (method != "GET" and answer.status not in (307, 308)):
                raise ConnectionFailed(
                    f"{method} {self._shown(url)} was redirected to {self._shown(target)}",
                    advice="set `url` to the address that the system answers at itself",
                )
            url, params = self.resolve(joined(url, target)), None
        raise ConnectionFailed(f"{self._shown(url)} redirects in a circle", advice="check `url`")

    def _attempt(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            with self._session.request(
                method, url, params=params, data=data, headers=headers, auth=self._auth,
                timeout=self._timeout, verify=self._verify, allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                content = self._content(response.raw)
                self._note_clock(response.headers.get("Date"))
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            if isinstance(_innermost(error), ssl.SSLCertVerificationError):
                raise ConnectionFailed(
                    f"{self.origin}: the TLS certificate was not accepted: {self._reason(error)}",
                    advice="set `verify` to the CA bundle of your organisation",
                ) from None
            by = "the proxy of the environment: " if _of_proxy(error) else ""
            what = f"{method} {self._shown(url)}: {by}{self._reason(error)}"
            raise RetryableError(what) from None
        if len(content) > MAX_BODY_BYTES:
            raise ConnectionFailed(
                f"{self._shown(url)} answered more than {MAX_BODY_BYTES // 2**20} MiB",
                advice="ask for smaller pages",
            )
        return Answer(response.status_code, response.headers, content, url)

    def _content(self, raw: Any) -> bytes:
        """The unpacked body, or a little more than we take. Raises TimeoutError where it comes in
        drops: the time-out of a socket begins anew with each.

        Ten time-outs are for a source that sends blanks while it computes. What was read counts
        only when still more comes, so that nobody throws a complete answer away.
        """
        body = io.BytesIO()  # a list of parts would leave holes in the heap: 30 MB of eight threads
        size, began, late_s = 0, self._clock(), 0.0
        while size <= MAX_BODY_BYTES and (part := raw.read1(_PART_BYTES, decode_content=True)):
            if late_s:
                raise TimeoutError(f"only {size:,} bytes came in {late_s:.0f} s, and no end")
            size += body.write(part)
            took_s = self._clock() - began
            if took_s > _DROPS_TIMEOUTS * self._timeout[1] and size < took_s * _DROPS_BYTES_PER_S:
                late_s = took_s
        return body.getvalue()

    def _judge(self, answer: Answer, method: str, allow: tuple[int, ...]) -> None:
        status = answer.status
        if status < 300 or status in allow:
            self.budget.accepted()
            return
        what = f"{method} {self._shown(answer.url)}: {status}"
        reason = self.redactor.clean(vendor_reason(answer.body))
        what = f"{what} ({reason})" if reason else what
        pause = retry_after_s(answer.headers)
        if status == 429 or (status == 503 and pause is not None):
            pause = 1.0 if pause is None else pause
            self.budget.refused(pause)
            if pause > MAX_PATIENCE_S:
                raise ConnectionFailed(
                    f"{what}: the source asks for a pause of {pause:.0f} s",
                    advice="the next run continues where this one stopped",
                )
            if status == 429:
                raise _Refused(what, retry_after_s=pause)
            raise RetryableError(what, retry_after_s=pause)
        if status == 401:
            raise ConnectionFailed(
                f"{self.origin} refused the login (401)",
                advice="check user and token, and that the token has not expired",
            )
        if status in (404, 410):
            raise NotFound(what)
        if status in (409, 412):
            raise PreconditionFailed(what)
        if status >= 500 or status == 408:
            raise RetryableError(what)
        advice = "the account lacks a permission" if status == 403 else ""
        raise RequestRejected(what, status=status, advice=advice)

    def _note_clock(self, stamp: str | None) -> None:
        if stamp:
            try:
                there = email.utils.parsedate_to_datetime(stamp)
            except (ValueError, OverflowError):
                return
            if there.tzinfo is not None:
                self.clock_skew_s = (there - datetime.now(UTC)).total_seconds()
                self.first_answer_at = self.first_answer_at or there.astimezone(UTC)

    def _reason(self, error: BaseException) -> str:
        """The innermost reason, for a person: `connection refused`, `timed out`."""
        seen = _innermost(error)
        text = getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
        return " ".join(self.redactor.clean(text).split())[:200]

    def _shown(self, url: str) -> str:
        return self.redactor.clean(place(url))

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait = state.next_action.sleep if state.next_action else 0.0
        # Cron mails what is written: an attempt that is soon made again is nobody's business yet.
        level = logging.INFO if wait < LONG_PAUSE_S else logging.WARNING
        log.log(level, "%s; attempt %d again in %.1f s", error, state.attempt_number + 1, wait)


class _Refused(RetryableError):
    """The source did not act: safe to repeat whatever the method."""


def _repeatable(error: BaseException, *, repeat: bool) -> bool:
    return isinstance(error, _Refused) or (repeat and isinstance(error, RetryableError))


def _wait(state: tenacity.RetryCallState) -> float:
    """The source's own wish, else 0.5 s doubling to 30 s, with up to a quarter of jitter."""
    error = state.outcome.exception() if state.outcome else None
    wish = error.retry_after_s if isinstance(error, RetryableError) else None
    base = wish if wish is not None else min(0.5 * 2 ** (state.attempt_number - 1), 30.0)
    return float(base * (1 + random.random() / 4))  # noqa: S311 — jitter, not a secret


def _check_bundle(path: Path) -> None:
    """Raises ConnectionFailed for a CA bundle that is not there or holds no certificate."""
    if not path.exists():
        advice = "correct `verify`; its path starts from the folder of the configuration"
        raise ConnectionFailed(f"no CA bundle {path.name} is there", advice=advice)
    try:
        if path.is_file():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # of which SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConnectionFailed(
            f"the CA bundle {path.name} cannot be read: {reason}",
            advice="give `verify` a file of certificates in PEM form",
        ) from None


def _of_proxy(error: BaseException) -> bool:
    return isinstance(error, requests.exceptions.ProxyError)


def _innermost(error: BaseException) -> BaseException:
    seen = error
    while isinstance(inner := _inner(seen), BaseException):
        seen = inner
    return seen


def _inner(error: BaseException) -> object:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    nested = next((a for a in error.args if isinstance(a, BaseException)), None)
    return nested or error.__cause__
